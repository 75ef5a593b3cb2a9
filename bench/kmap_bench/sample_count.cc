// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/sample_count.h"

#include <algorithm>
#include <cmath>

#include "kmap_bench/ops_chooser.h"

namespace kmapbench {

namespace {

// A sample consists of its two windows, those of the empty loop, and the add chain before and after
// them. All of that takes about this many times kSampleSeconds.
constexpr double kSpanOfSample = 4;

uint32_t SamplesIn(double seconds) {
  const double samples = std::ceil(seconds / (kSpanOfSample * kSampleSeconds));
  return static_cast<uint32_t>(std::clamp(samples, 1.0, double{kMaxKeptSamples}));
}

}  // namespace

SampleCount DefaultSampleCount(Clock clock) {
  return clock == Clock::kIcount ? SampleCount{63, 1} : SampleCount{400, 10};
}

SampleCount ChooseSampleCount(const Options& options, const GBenchFlags& flags) {
  SampleCount count = DefaultSampleCount(options.origin.clock);
  if (flags.min_seconds > 0) count.samples = SamplesIn(flags.min_seconds);
  if (flags.repetitions) count.repetitions = flags.repetitions;
  if (options.samples) count.samples = options.samples;
  if (options.repetitions) count.repetitions = options.repetitions;
  return count;
}

SampleCount SampleCountOf(const BenchCase& bench_case, const Options& options, SampleCount chosen) {
  if (bench_case.skipped) chosen.repetitions = 1;
  if (bench_case.few_samples && !options.samples) {
    chosen.samples = std::min(bench_case.few_samples, chosen.samples);
  }
  return chosen;
}

}  // namespace kmapbench
