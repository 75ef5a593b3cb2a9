// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <time.h>

#include <algorithm>
#include <limits>

namespace kmapbench {

uint64_t ClockStep() {
  uint64_t step = std::numeric_limits<uint64_t>::max();
  uint64_t last = ClockBegin();
  for (int i = 0; i < 10000; ++i) {
    const uint64_t now = ClockBegin();
    if (now != last) step = std::min(step, now - last);
    last = now;
  }
  return step;
}

namespace {

uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

double ClockHz() {
  constexpr uint64_t kSpanNs = 20'000'000;
  const uint64_t start_ns = MonotonicNs();
  const uint64_t start = ClockBegin();
  uint64_t now_ns = start_ns;
  while (now_ns - start_ns < kSpanNs) now_ns = MonotonicNs();
  return static_cast<double>(ClockBegin() - start) * 1e9 / static_cast<double>(now_ns - start_ns);
}

}  // namespace kmapbench
