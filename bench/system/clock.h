// SPDX-License-Identifier: Apache-2.0
//
// The time stamp counter, read so that nothing measured leaks past the reading, and
// the add chain, which tells how long a core cycle is at this moment.
#pragma once

#include <cstdint>

namespace kmapbench {

inline uint64_t ClockBegin() {
  uint32_t low, high;
  asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t{high} << 32) | low;
}

inline uint64_t ClockEnd() {
  uint32_t low, high;
  asm volatile("rdtscp; lfence" : "=a"(low), "=d"(high) : : "ecx", "memory");
  return (uint64_t{high} << 32) | low;
}

// Whether RDTSCP can be executed. CPUID does not say: some hypervisors hide it there and let it
// run.
bool HasRdtscp();

// Ticks an add of a chain of them, each waiting for the one before.
double ChainSlope();

// Smallest step the counter was seen to make, in ticks: some machines advance it in steps
// of tens of ticks, and a sample has to be long against that.
uint64_t ClockStep();

// Ticks a second, measured against CLOCK_MONOTONIC_RAW over a few milliseconds.
double ClockHz();

}  // namespace kmapbench
