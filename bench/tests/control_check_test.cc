// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/control_check.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace kmapbench {
namespace {

// A control of 13 adds that takes 26 core cycles the first few times that it is measured, and 13
// from then on.
BenchCase Disturbed(int times, int& measured) {
  BenchCase control;
  control.measure = [times, &measured](uint32_t ops, uint32_t samples, CounterGroup&) {
    const uint64_t cycles = measured++ < times ? 26 : 13;
    Sample sample{};
    sample.case_n = cycles * ops;
    sample.case_2n = 2 * cycles * ops;
    sample.chain = 1.0;
    Record record;
    record.name = "control/adds13";
    record.ops = ops;
    record.known = Known{13, 13};
    record.samples.assign(samples, sample);
    return record;
  };
  return control;
}

TEST(MeasureControl, WhatPassesIsNoProblem) {
  int measured = 0;
  const Record record = MeasureControl(Disturbed(2, measured), Clock::kTsc, 10, 5);
  EXPECT_EQ(ControlProblem(record, Clock::kTsc), "");
  EXPECT_EQ(measured, 3);
}

TEST(MeasureControl, WhatStaysIsOne) {
  int measured = 0;
  const Record record = MeasureControl(Disturbed(1000, measured), Clock::kTsc, 10, 5);
  EXPECT_NE(ControlProblem(record, Clock::kTsc), "");
  EXPECT_EQ(measured, 5);
}

TEST(MeasureControl, ACountIsMeasuredOnce) {
  int measured = 0;
  const Record record = MeasureControl(Disturbed(1, measured), Clock::kIcount, 10, 5);
  EXPECT_NE(ControlProblem(record, Clock::kIcount), "");
  EXPECT_EQ(measured, 1);
}

// A control that cannot be measured the first few times.
BenchCase Busy(int times, int& measured) {
  BenchCase control = Disturbed(0, measured);
  control.measure = [times, &measured, measure = control.measure](uint32_t ops, uint32_t samples,
                                                                  CounterGroup& counters) {
    if (measured >= times) return measure(ops, samples, counters);
    ++measured;
    throw std::runtime_error("busy");
  };
  return control;
}

TEST(MeasureControl, AFailureThatPassesIsNoProblem) {
  int measured = 0;
  const Record record = MeasureControl(Busy(4, measured), Clock::kTsc, 10, 5);
  EXPECT_EQ(ControlProblem(record, Clock::kTsc), "");
  EXPECT_EQ(measured, 5);
}

TEST(MeasureControl, AFailureThatStaysIsOne) {
  int measured = 0;
  EXPECT_THROW(MeasureControl(Busy(1000, measured), Clock::kTsc, 10, 5), std::runtime_error);
  EXPECT_EQ(measured, 5);
}

}  // namespace
}  // namespace kmapbench
