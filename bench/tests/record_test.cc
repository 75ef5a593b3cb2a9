// SPDX-License-Identifier: Apache-2.0
#include "record/record.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kmapbench {
namespace {

// A sample of ops and 2 * ops operations, which take `cost` ticks more than an empty loop of
// `empty` ticks per operation. Each window takes `fixed` ticks in addition.
Sample Linear(uint64_t ops, uint64_t cost, uint64_t empty, uint64_t fixed,
              std::optional<double> chain = std::nullopt) {
  return {fixed + ops * empty,
          fixed + 2 * ops * empty,
          fixed + ops * (empty + cost),
          fixed + 2 * ops * (empty + cost),
          chain,
          std::nullopt};
}

Record Measured(std::vector<Sample> samples, uint32_t ops) {
  Record record;
  record.name = "kernel/kmap_local/dram";
  record.ops = ops;
  record.samples = std::move(samples);
  return record;
}

TEST(Median, OddCountIsTheMiddle) { EXPECT_EQ(Median({9, 1, 5}), 5); }

TEST(Median, EvenCountIsTheMeanOfTheMiddleTwo) { EXPECT_EQ(Median({4, 1, 100, 2}), 3); }

TEST(Median, OfNothingIsNotANumber) { EXPECT_TRUE(std::isnan(Median({}))); }

TEST(CostOf, IsTheSlopeWithoutTheLoopAndWithoutTheFixedPart) {
  const Cost cost = CostOf({Linear(100, 5, 2, 37)}, 100);
  EXPECT_EQ(cost.cost, 5);
  EXPECT_EQ(cost.empty, 2);
}

TEST(CostOf, TakesTheMedianOverSamplesNotTheMean) {
  const Cost cost = CostOf({Linear(10, 5, 2, 0), Linear(10, 5, 2, 0), Linear(10, 500, 2, 0)}, 10);
  EXPECT_EQ(cost.cost, 5);
}

TEST(CostOf, MayBeNegativeWhereTheCaseIsFasterThanTheLoop) {
  Sample sample = Linear(10, 0, 4, 0);
  sample.case_2n -= 20;
  sample.case_n -= 10;
  EXPECT_EQ(CostOf({sample}, 10).cost, -1);
}

TEST(CostOf, DividesByTheChainOfTheSameSample) {
  const Cost cost = CostOf({Linear(10, 6, 0, 0, 0.5), Linear(10, 12, 0, 0, 1.0)}, 10);
  ASSERT_TRUE(cost.core_cycles);
  EXPECT_EQ(*cost.core_cycles, 12);
  EXPECT_EQ(*cost.chain, 0.75);
}

TEST(CostOf, HasNoCoreCyclesWhereAChainIsMissing) {
  const Cost cost = CostOf({Linear(10, 6, 0, 0, 0.5), Linear(10, 6, 0, 0)}, 10);
  EXPECT_FALSE(cost.core_cycles);
  EXPECT_FALSE(cost.chain);
}

TEST(CostOf, IsExactOnlyWhereEverySampleAgrees) {
  EXPECT_TRUE(CostOf({Linear(10, 5, 2, 7), Linear(10, 5, 2, 7)}, 10).exact);
  // same slope, but different samples
  EXPECT_FALSE(CostOf({Linear(10, 5, 2, 7), Linear(10, 5, 2, 8)}, 10).exact);
  EXPECT_FALSE(CostOf({}, 10).exact);
  for (uint64_t Sample::*ticks :
       {&Sample::empty_n, &Sample::empty_2n, &Sample::case_n, &Sample::case_2n}) {
    Sample other = Linear(10, 5, 2, 7);
    other.*ticks += 1;
    EXPECT_FALSE(CostOf({Linear(10, 5, 2, 7), other}, 10).exact);
  }
}

Sample Shifted(Sample sample, Lengths shifted) {
  sample.shifted = shifted;
  return sample;
}

TEST(CostOf, HasTheCostAtTheOtherAlignment) {
  const Cost cost = CostOf({Shifted(Linear(10, 5, 2, 7), {107, 207})}, 10);
  EXPECT_EQ(cost.cost, 5);
  ASSERT_TRUE(cost.shifted);
  EXPECT_EQ(*cost.shifted, 8);
}

TEST(CostOf, HasNoneWhereASampleLacksTheOtherAlignment) {
  const Sample plain = Linear(10, 5, 2, 7);
  EXPECT_FALSE(CostOf({Shifted(plain, {107, 207}), plain}, 10).shifted);
  EXPECT_FALSE(CostOf({}, 10).shifted);
}

TEST(CostOf, IsExactOnlyWhereTheOtherAlignmentAgreesToo) {
  const Sample sample = Linear(10, 5, 2, 7);
  EXPECT_TRUE(CostOf({Shifted(sample, {80, 150}), Shifted(sample, {80, 150})}, 10).exact);
  EXPECT_FALSE(CostOf({Shifted(sample, {80, 150}), Shifted(sample, {81, 150})}, 10).exact);
  EXPECT_FALSE(CostOf({Shifted(sample, {80, 150}), Shifted(sample, {80, 151})}, 10).exact);
}

TEST(MergeRepetition, KeepsTheWorstAndSumsTheCounts) {
  Record record;
  Record first = Measured({Linear(10, 5, 2, 0)}, 10);
  first.rejected = {{"interrupt", 2}, {"nmi", 0}};
  first.overhead = Overhead{1, 10, 8, 1000, 990};
  Record second = Measured({Linear(10, 6, 2, 0)}, 10);
  second.status = Status::kFlagged;
  second.reason = "fewer samples than asked for";
  second.oracle = Oracle::kFailed;
  second.rejected = {{"interrupt", 3}, {"nmi", 1}};
  second.overhead = Overhead{1, 20, 16, 1000, 980};
  MergeRepetition(record, first);
  MergeRepetition(record, second);
  MergeRepetition(record, first);
  EXPECT_EQ(record.samples.size(), 3u);
  EXPECT_EQ(record.status, Status::kFlagged);
  EXPECT_EQ(record.reason, "fewer samples than asked for");
  EXPECT_EQ(record.oracle, Oracle::kFailed);
  EXPECT_EQ(record.rejected, (std::map<std::string, uint64_t>{{"interrupt", 7}, {"nmi", 1}}));
  ASSERT_TRUE(record.overhead);
  EXPECT_EQ(record.overhead->samples, 3u);
  EXPECT_EQ(record.overhead->section_ticks, 40u);
  EXPECT_EQ(record.overhead->window_ticks, 32u);
  EXPECT_EQ(record.overhead->call_ticks, 3000u);
  EXPECT_EQ(record.overhead->run_ticks, 2960u);
}

TEST(ToJson, SaysWhatMeasuringTookBesideTheFigures) {
  Record record = Measured({Linear(10, 5, 2, 0), Linear(10, 5, 2, 0)}, 10);
  EXPECT_FALSE(ToJson(record, Origin{}).contains("overhead"));
  record.overhead = Overhead{2, 500, 400, 2000, 1999};
  const auto json = ToJson(record, Origin{});
  EXPECT_EQ(json["overhead"]["sample"].get<double>(), 50);
  EXPECT_EQ(json["overhead"]["ioctl_share"].get<double>(), 0.0005);
}

TEST(ToJson, SaysWhatThreadsDoEachAndTogether) {
  Record record = Measured({Linear(10, 6, 4, 0), Linear(10, 16, 4, 0)}, 10);
  EXPECT_FALSE(ToJson(record, Origin{}).contains("operations_per_1000"));
  record.threads = {{0, {record.samples[0]}}, {3, {record.samples[1]}}};
  const auto json = ToJson(record, Origin{});
  EXPECT_EQ(json["threads"][0]["cost"], 6);
  EXPECT_EQ(json["threads"][1]["cost"], 16);
  EXPECT_EQ(json["threads"][1]["cpu"], 3);
  // One takes 10 ticks per operation, the other 20, including their loops.
  EXPECT_EQ(json["operations_per_1000"], 150);
}

TEST(ToJson, SaysHowAKernelCaseWasMeasured) {
  Record record = Measured({Shifted(Linear(10, 5, 2, 1), {71, 141})}, 10);
  for (const char* key : {"irqs", "pages", "stand_in"}) {
    EXPECT_FALSE(ToJson(record, Origin{}).contains(key)) << key;
  }
  record.irqs = IrqPolicy::kPreemptOff;
  record.pages = 64;
  record.stand_in = true;
  record.rejected = {{"interrupt", 0}, {"migration", 2}};
  const auto json = ToJson(record, Origin{});
  EXPECT_EQ(json["irqs"].get<std::string>(), "preempt_off");
  EXPECT_EQ(json["pages"].get<int>(), 64);
  EXPECT_TRUE(json["stand_in"].get<bool>());
  EXPECT_EQ(json["rejected"].dump(), R"({"interrupt":0,"migration":2})");
  EXPECT_EQ(json["shifted_samples"].dump(), "[71,141]");
  EXPECT_EQ(json["cost_shifted"].get<double>(), 5);
}

TEST(ToJson, HasNoCostAtTheOtherAlignmentWhereThereIsNoneOrNoneToTrust) {
  Record record = Measured({Linear(10, 5, 2, 1)}, 10);
  EXPECT_TRUE(ToJson(record, Origin{})["cost_shifted"].is_null());
  EXPECT_EQ(ToJson(record, Origin{})["shifted_samples"].dump(), "[]");
  record.samples.front().shifted = Lengths{71, 141};
  record.oracle = Oracle::kFailed;
  EXPECT_TRUE(ToJson(record, Origin{})["cost_shifted"].is_null());
}

TEST(ToJson, FlagsARecordWhoseDoubleIsNotTwice) {
  Sample sample = Linear(100, 50, 2, 10);
  sample.case_2n += 1200;  // 10200 -> 11400 net of empty: a tenth too long
  const auto json = ToJson(Measured({sample}, 100), Origin{});
  EXPECT_EQ(json["status"].get<std::string>(), "flagged");
  EXPECT_NE(json["reason"].get<std::string>().find("not linear"), std::string::npos);
}

TEST(ToJson, DoesNotFlagWithinFivePercent) {
  Sample sample = Linear(100, 50, 2, 10);
  sample.case_2n += 400;  // 4 %
  EXPECT_EQ(ToJson(Measured({sample}, 100), Origin{})["status"].get<std::string>(), "ok");
}

TEST(ToJson, FlagsAnInstructionClockByWhichAnAddIsNotOne) {
  Origin origin;
  origin.clock = Clock::kIcount;
  const Record right = Measured({Linear(10, 5, 2, 0, 1.0)}, 10);
  EXPECT_EQ(ToJson(right, origin)["status"].get<std::string>(), "ok");
  const Record wrong = Measured({Linear(10, 5, 2, 0, 8.0)}, 10);
  EXPECT_EQ(ToJson(wrong, origin)["status"].get<std::string>(), "flagged");
  EXPECT_NE(ToJson(wrong, origin)["reason"].get<std::string>().find("does not count instructions"),
            std::string::npos);
  // for a clock of time it is the ratio of its frequency to the core's, and no mistake
  origin.clock = Clock::kTsc;
  EXPECT_EQ(ToJson(wrong, origin)["status"].get<std::string>(), "ok");
}

TEST(ToJson, GivesNoCostWhereTheOracleFailed) {
  Record record = Measured({Linear(10, 5, 2, 0)}, 10);
  record.oracle = Oracle::kFailed;
  record.status = Status::kFlagged;
  record.reason = "the page was not closed before the map";
  const auto json = ToJson(record, Origin{});
  EXPECT_TRUE(json["cost"].is_null());
  EXPECT_EQ(json["oracle"].get<std::string>(), "failed");
  EXPECT_EQ(json["status"].get<std::string>(), "flagged");
  EXPECT_EQ(json["reason"].get<std::string>(), "the page was not closed before the map");
  EXPECT_EQ(json["samples"].size(), 2u);  // what was timed stays checkable
}

TEST(ToJson, SkippedSaysWhyAndHasNoFigure) {
  Record record;
  record.name = "msr/wrpkrs/toggle";
  record.status = Status::kSkipped;
  record.reason = "this CPU has no PKS";
  const auto json = ToJson(record, Origin{});
  EXPECT_EQ(json["status"].get<std::string>(), "skipped");
  EXPECT_EQ(json["reason"].get<std::string>(), "this CPU has no PKS");
  EXPECT_TRUE(json["cost"].is_null());
  EXPECT_TRUE(json["empty"].is_null());
  EXPECT_TRUE(json["samples"].empty());
}

TEST(ToJson, TimeIsNeverExact) {
  Origin origin;
  const Record record = Measured({Linear(10, 5, 2, 0)}, 10);
  origin.clock = Clock::kTsc;
  EXPECT_FALSE(ToJson(record, origin)["exact"].get<bool>());
  origin.clock = Clock::kIcount;
  EXPECT_TRUE(ToJson(record, origin)["exact"].get<bool>());
}

TEST(ToJson, KeepsSamplesAsOneArrayInOrder) {
  const auto json = ToJson(Measured({Linear(10, 5, 2, 1), Linear(10, 6, 2, 1)}, 10), Origin{});
  EXPECT_EQ(json["samples"].dump(), "[71,141,81,161]");
  EXPECT_EQ(json["empty_samples"].dump(), "[21,41,21,41]");
}

TEST(ToJson, KeepsHistogramsOfMoreSamplesThanItKeeps) {
  std::vector<Sample> samples(kMaxKeptSamples, Linear(100, 5, 2, 0));
  EXPECT_EQ(ToJson(Measured(samples, 100), Origin{})["samples"].size(), 2u * kMaxKeptSamples);
  EXPECT_FALSE(ToJson(Measured(samples, 100), Origin{}).contains("histogram"));

  samples.push_back(Linear(100, 6, 2, 0));
  const auto json = ToJson(Measured(samples, 100), Origin{});
  for (const char* key : {"samples", "empty_samples", "shifted_samples"}) {
    EXPECT_FALSE(json.contains(key)) << key;
  }
  const auto& histogram = json["histogram"];
  EXPECT_EQ(histogram["case_n"].dump(), R"({"count":4097,"sum":2868000,"min":700,"max":800,)"
                                        R"("buckets":[[700,703,4096],[800,803,1]]})");
  EXPECT_EQ(histogram["case_2n"]["max"].get<int>(), 1600);
  EXPECT_EQ(histogram["empty_n"]["sum"].get<int>(), 200 * 4097);
  EXPECT_EQ(histogram["empty_2n"]["min"].get<int>(), 400);
  EXPECT_FALSE(histogram.contains("shifted_n"));
  // from the samples, not from the buckets
  EXPECT_EQ(json["cost"].get<double>(), 5);
  EXPECT_FALSE(json["exact"].get<bool>());
}

TEST(ToJson, HistogramsOfTheOtherAlignmentWhereThereIsOne) {
  Origin origin;
  origin.clock = Clock::kIcount;
  const Sample sample = Shifted(Linear(100, 5, 2, 0), {800, 1500});
  const auto json = ToJson(Measured(std::vector<Sample>(kMaxKeptSamples + 1, sample), 100), origin);
  EXPECT_EQ(json["histogram"]["shifted_n"]["min"].get<int>(), 800);
  EXPECT_EQ(json["histogram"]["shifted_2n"]["max"].get<int>(), 1500);
  EXPECT_TRUE(json["exact"].get<bool>());
}

// A control of 13 dependent adds and 2 other instructions.
Record Control(uint64_t cost, uint64_t empty, std::optional<double> chain = std::nullopt) {
  Record record = Measured({Linear(10, cost, empty, 37, chain)}, 10);
  record.name = "control/adds13_call";
  record.known = Known{15, 13};
  return record;
}

TEST(ControlProblem, NoneWhereTheLengthIsTheKnownOne) {
  EXPECT_EQ(ControlProblem(Control(15, 2), Clock::kIcount), "");
}

TEST(ControlProblem, OneInstructionIsOne) {
  for (const uint64_t cost : {14, 16}) {
    EXPECT_NE(ControlProblem(Control(cost, 2), Clock::kIcount), "") << cost;
  }
}

TEST(ControlProblem, AnotherLoopIsOne) {
  for (const uint64_t empty : {1, 3}) {
    EXPECT_NE(ControlProblem(Control(15, empty), Clock::kIcount), "") << empty;
  }
}

TEST(ControlProblem, ALoopThatIsKnownToBeLongerIsNone) {
  Record record = Control(15, 3);
  record.known->loop = 3;
  EXPECT_EQ(ControlProblem(record, Clock::kIcount), "");
  record = Control(15, 2);
  record.known->loop = 3;
  EXPECT_NE(ControlProblem(record, Clock::kIcount), "");
}

TEST(ControlProblem, OfTimeAddsTakeAboutACycleEach) {
  EXPECT_EQ(ControlProblem(Control(13, 2, 1.0), Clock::kTsc), "");
  EXPECT_EQ(ControlProblem(Control(16, 2, 1.0), Clock::kTsc), "");
  EXPECT_NE(ControlProblem(Control(17, 2, 1.0), Clock::kTsc), "");
  EXPECT_NE(ControlProblem(Control(9, 2, 1.0), Clock::kTsc), "");
}

TEST(ControlProblem, OneThatWasNotMeasuredIsOne) {
  Record record = Control(15, 2);
  record.samples.clear();
  record.reason = "no memory";
  EXPECT_EQ(ControlProblem(record, Clock::kIcount),
            "control/adds13_call was not measured: no memory");
}

TEST(ToJson, AStraightLineWithPartsIsFlagged) {
  Sample sample = Linear(10, 5, 2, 0);
  sample.case_2n += 1;
  const Origin icount{"stock", 1, 1, Clock::kIcount};
  Record record = Measured({sample}, 10);
  EXPECT_EQ(ToJson(record, icount)["status"], "flagged");
  record.varies = true;
  EXPECT_EQ(ToJson(record, icount)["status"], "ok");
}

TEST(ToJson, OnlyAControlSaysWhatIsKnown) {
  EXPECT_EQ(ToJson(Control(15, 2), {})["known"], 15);
  EXPECT_EQ(ToJson(Control(15, 2), {})["known_adds"], 13);
  EXPECT_FALSE(ToJson(Measured({}, 10), {}).contains("known"));
}

}  // namespace
}  // namespace kmapbench
