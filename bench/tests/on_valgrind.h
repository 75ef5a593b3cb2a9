// SPDX-License-Identifier: Apache-2.0
//
// What valgrind's CPU is not: it has a CPUID of its own, no IRETQ, and goes on at the faulting
// instruction whatever a signal handler says. Tests of these ask here, and skip.
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
