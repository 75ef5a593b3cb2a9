// SPDX-License-Identifier: Apache-2.0
//
// Marks windows of this program for the lab's observer (bench/observer), which counts from outside
// the guest what runs in them. The marks are NOPs that nobody else emits. They are like those of
// the module (kernel-bench-module/sample.c), but have other numbers. Elsewhere they do nothing.
#pragma once

namespace kmapbench {

template <int kNumber>
inline void Mark() {
  asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, %c0, 0x62, 0x6d, 0x6b" : : "i"(kNumber) : "memory");
}

// Says that there are going to be windows. To be called once, at least a millisecond before the
// first one: the observer looks for nothing else until then.
inline void MarkPresent() { Mark<4>(); }

inline void MarkWindowBegin() { Mark<5>(); }
inline void MarkWindowEnd() { Mark<6>(); }

}  // namespace kmapbench
