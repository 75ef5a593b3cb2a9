// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/ops_chooser.h"

#include <gtest/gtest.h>

namespace kmapbench {
namespace {

constexpr double kNoLimit = 1e12;

// A record of 16 operations with two samples; the longer one takes case_2n ticks for 2n operations.
Record Probe(uint64_t case_2n) {
  Record record;
  record.ops = 16;
  Sample sample;
  sample.case_2n = case_2n / 2;
  record.samples.push_back(sample);
  sample.case_2n = case_2n;
  record.samples.push_back(sample);
  return record;
}

TEST(ScaleOps, MakesTheLongestWindowAsLongAsTheTarget) {
  EXPECT_EQ(ScaleOps(Probe(1000), 10'000, kNoLimit), 160u);
}

TEST(ScaleOps, KeepsAllWindowsTogetherBelowTheLimit) {
  Record probe = Probe(1000);
  EXPECT_EQ(ScaleOps(probe, 10'000, 5000), 80u);
  Sample& longest = probe.samples.back();
  longest.empty_n = longest.empty_2n = longest.case_n = 100;
  longest.shifted = Lengths{200, 500};
  EXPECT_EQ(ScaleOps(probe, 10'000, 5000), 40u);  // 2000 ticks in all
}

TEST(ScaleOps, NeverGoesBelowTheProbeOrAbove4096) {
  EXPECT_EQ(ScaleOps(Probe(1'000'000), 10'000, kNoLimit), 16u);
  EXPECT_EQ(ScaleOps(Probe(1), 1e9, kNoLimit), 4096u);
}

TEST(ScaleOps, KeepsTheNumberOfAProbeWithoutSamples) {
  Record skipped;
  skipped.ops = 4;
  EXPECT_EQ(ScaleOps(skipped, 10'000, kNoLimit), 4u);
}

TEST(TargetTicks, AreTheEmulatorsInstructionsWhateverTheClock) {
  const OpsChooser chooser(Clock::kIcount);
  EXPECT_EQ(chooser.TargetTicks(1e9), chooser.TargetTicks(3e9));
  EXPECT_EQ(chooser.UserHz(), 1e9);
}

TEST(TargetTicks, AreFiveMicrosecondsOfAFastClock) {
  EXPECT_EQ(OpsChooser(Clock::kTsc).TargetTicks(1e12), 5'000'000u);
}

}  // namespace
}  // namespace kmapbench
