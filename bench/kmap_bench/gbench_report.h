// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include "kmap_bench/bench_case.h"
#include "record/record.h"

namespace kmapbench {

// Gives results to Google Benchmark, for its tables and files. An iteration is a sample, and its
// time is the slope, in seconds per operation. The slope includes the empty loop, whose share is
// the counter "empty".
class GBenchReporter {
 public:
  explicit GBenchReporter(Clock clock) : clock_(clock) {}

  // Reports one repetition. part: its record; so_far: the record of all repetitions up to it.
  //
  // A failed repetition still gets as many iterations as the others, and all after it fail, too:
  // Google Benchmark 1.7.1 takes iterations and statistics of all from the first repetition.
  void Report(benchmark::State& state, const BenchCase& bench_case, const Record& part,
              const Record& so_far) const;

  // Reports that a repetition ended with this error.
  static void ReportError(benchmark::State& state, const char* error);

 private:
  std::string Label(const Record& part) const;

  Clock clock_;
};

}  // namespace kmapbench
