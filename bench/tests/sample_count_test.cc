// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/sample_count.h"

#include <gtest/gtest.h>

namespace kmapbench {
namespace {

TEST(ChooseSampleCount, OwnOptionsWinOverGoogleBenchmarks) {
  Options options;
  GBenchFlags flags;
  flags.repetitions = 2;
  flags.min_seconds = 20e-6 * 50;  // of samples that take 20 us
  EXPECT_EQ(ChooseSampleCount(options, flags).samples, 50u);
  EXPECT_EQ(ChooseSampleCount(options, flags).repetitions, 2u);
  options.samples = 5;
  options.repetitions = 6;
  EXPECT_EQ(ChooseSampleCount(options, flags).samples, 5u);
  EXPECT_EQ(ChooseSampleCount(options, flags).repetitions, 6u);
}

TEST(ChooseSampleCount, KeepsNoMoreSamplesThanARecordDoes) {
  GBenchFlags flags;
  flags.min_seconds = 3600;
  EXPECT_EQ(ChooseSampleCount({}, flags).samples, kMaxKeptSamples);
}

TEST(ChooseSampleCount, AnExactClockNeedsFewer) {
  Options time, icount;
  icount.origin.clock = Clock::kIcount;
  EXPECT_LT(ChooseSampleCount(icount, {}).samples, ChooseSampleCount(time, {}).samples);
  EXPECT_EQ(ChooseSampleCount(icount, {}).repetitions, 1u);
}

TEST(SampleCountOf, ASkippedCaseIsTriedOnce) {
  BenchCase skipped;
  skipped.skipped = true;
  EXPECT_EQ(SampleCountOf(skipped, {}, {400, 10}).repetitions, 1u);
  EXPECT_EQ(SampleCountOf({}, {}, {400, 10}).repetitions, 10u);
}

TEST(SampleCountOf, ASlowCaseTakesFewUnlessTheUserSaysHowMany) {
  BenchCase slow;
  slow.few_samples = 15;
  EXPECT_EQ(SampleCountOf(slow, {}, {400, 10}).samples, 15u);
  EXPECT_EQ(SampleCountOf(slow, {}, {7, 10}).samples, 7u);
  Options options;
  options.samples = 400;
  EXPECT_EQ(SampleCountOf(slow, options, {400, 10}).samples, 400u);
}

}  // namespace
}  // namespace kmapbench
