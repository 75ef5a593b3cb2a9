// SPDX-License-Identifier: Apache-2.0
//
// Marks a window of this program for the lab's observer (bench/observer), which counts from outside
// the guest what runs in it: NOPs that nobody else emits, as those of the module (sample.c), with
// numbers of their own. Everywhere else they do nothing.
#pragma once

namespace kmapbench {

template <int kNumber>
inline void Mark() {
  asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, %c0, 0x62, 0x6d, 0x6b" : : "i"(kNumber) : "memory");
}

// Once, well before the first window: until then the observer looks for nothing else.
inline void MarkPresent() { Mark<4>(); }

inline void MarkWindowBegin() { Mark<5>(); }
inline void MarkWindowEnd() { Mark<6>(); }

}  // namespace kmapbench
