// SPDX-License-Identifier: Apache-2.0
//
// Valgrind's CPU has a CPUID of its own and no IRETQ, and continues at the faulting instruction
// whatever a signal handler says. Tests that depend on these are skipped there.
#pragma once

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace kmapbench {

inline bool OnValgrind() {
#ifdef RUNNING_ON_VALGRIND
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

}  // namespace kmapbench
