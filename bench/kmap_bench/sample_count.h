// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kmap_bench/bench_case.h"
#include "kmap_bench/options.h"
#include "record/record.h"

namespace kmapbench {

struct SampleCount {
  uint32_t samples;  // per repetition
  uint32_t repetitions;
};

// What is taken if the user names no numbers: few by a clock that counts instructions exactly, many
// by a clock that measures time.
SampleCount DefaultSampleCount(Clock clock);

// What the options ask for. kmap_bench's own options win over Google Benchmark's, and a
// --benchmark_min_time is converted to a number of samples, at most kMaxKeptSamples.
SampleCount ChooseSampleCount(const Options& options, const GBenchFlags& flags);

// The count for one case, given what ChooseSampleCount() returned: a skipped case is tried once,
// and a slow one takes few samples unless options.samples says how many.
SampleCount SampleCountOf(const BenchCase& bench_case, const Options& options, SampleCount chosen);

}  // namespace kmapbench
