// SPDX-License-Identifier: Apache-2.0
//
// The time stamp counter (TSC), read so that nothing that is measured leaks past the reading, and
// the add chain, which shows how long a core cycle is at this moment.
#pragma once

#include <cstdint>

namespace kmapbench {

// The TSC before a window: what comes before it has completed, and what comes after it has not
// begun.
inline uint64_t ClockBegin() {
  uint32_t low, high;
  asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t{high} << 32) | low;
}

// The TSC after a window: what comes before it has completed. Needs RDTSCP.
inline uint64_t ClockEnd() {
  uint32_t low, high;
  asm volatile("rdtscp; lfence" : "=a"(low), "=d"(high) : : "ecx", "memory");
  return (uint64_t{high} << 32) | low;
}

// Whether RDTSCP can be executed. It is tried, because some hypervisors hide it in CPUID but let it
// run.
bool HasRdtscp();

// Measures TSC ticks per add, in a chain of adds each of which depends on the one before.
double ChainSlope();

// Measures the smallest step of the TSC, in ticks. Some machines advance it in steps of tens of
// ticks, and a sample has to be long against that.
uint64_t ClockStep();

// Measures TSC ticks per second, against CLOCK_MONOTONIC_RAW over 20 ms.
double ClockHz();

}  // namespace kmapbench
