// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "record/record.h"
#include "system/counters.h"

namespace kmapbench {

// A case that kmap_bench can measure, and how: the same for user models, kernel cases and entry
// cases.
struct BenchCase {
  // Where it is timed: in the module or in this program. The controls of that side are measured
  // before its first case.
  enum class Side { kKernel, kUser };

  std::string name;
  Side side = Side::kUser;
  // Ticks per second of its clock. A function, because measuring it takes milliseconds.
  std::function<double()> clock_hz;
  // Returns a record of `samples` samples of `ops` operations; with ops 0 the number is chosen.
  // The counters count while samples are taken. Throws std::system_error and std::runtime_error.
  std::function<Record(uint32_t ops, uint32_t samples, CounterGroup& counters)> measure;
  // The windows of `ops` operations again, counted by each perf event that is of use; null: none.
  std::function<std::vector<CountedWindows>(uint32_t ops)> count_windows = nullptr;
  bool skipped = false;      // known not to run here: one repetition is enough to say why
  bool counted = true;       // false where switching counters would be part of each operation
  uint32_t few_samples = 0;  // this many are enough if the user names no number; 0: as usual
};

// Adds to a record of the case what perf events count in its windows, if they are counted and there
// are samples. Protection has to hold in these windows, too: the record has the worst oracle.
inline void AddCountedWindows(const BenchCase& bench_case, Record& record) {
  if (record.samples.empty() || !bench_case.count_windows) return;
  record.counted_windows = bench_case.count_windows(record.ops);
  for (const CountedWindows& counted : record.counted_windows) {
    record.oracle = std::max(record.oracle, counted.oracle);
    if (counted.oracle != Oracle::kFailed) continue;
    record.status = Status::kFlagged;
    record.reason = "while " + counted.event + " were counted: " + counted.unavailable;
  }
}

}  // namespace kmapbench
