// SPDX-License-Identifier: Apache-2.0
#include "record/counted_windows.h"

#include <gtest/gtest.h>

#include <limits>

namespace kmapbench {
namespace {

constexpr uint64_t kOps = 100;
constexpr uint64_t kFixed = 40;  // what reading the event adds to each window

// A sample of an operation that is counted as `operation`, in a loop of 2.
Sample SampleOf(uint64_t operation, double chain) {
  const auto window = [](uint64_t each, uint64_t times) { return kFixed + times * kOps * each; };
  return {window(2, 1),
          window(2, 2),
          window(2 + operation, 1),
          window(2 + operation, 2),
          chain,
          Lengths{window(2 + operation, 1), window(2 + operation, 2)}};
}

CountedWindows Counted(const std::string& event, uint64_t operation, double chain = 1) {
  return {event, kOps, {3, SampleOf(operation, chain)}, ""};
}

// A record of a case that takes this many ticks an operation, two of them a core cycle.
Record Timed(uint64_t ticks) {
  Record record;
  record.name = "kernel/kmap_local/dram";
  record.ops = kOps;
  record.samples = {3, SampleOf(ticks, 2)};
  return record;
}

TEST(CountingProblem, NoneWhereClockAndPmuAgree) {
  EXPECT_EQ(CountingProblem(Counted("cycles", 100), Timed(200)), "");
  EXPECT_EQ(CountingProblem(Counted("cycles", 110), Timed(200)), "");
  EXPECT_EQ(CountingProblem(Counted("cycles", 3), Timed(0)), "");
}

TEST(CountingProblem, OtherCyclesThanByTheClock) {
  EXPECT_EQ(CountingProblem(Counted("cycles", 111), Timed(200)),
            "an operation takes 111.0 cycles by the PMU and 100.0 by the clock");
  EXPECT_NE(CountingProblem(Counted("cycles", 89), Timed(200)), "");
  EXPECT_NE(CountingProblem(Counted("cycles", 4), Timed(0)), "");
}

TEST(CountingProblem, OperationsThatDifferMayTakeOtherCycles) {
  Record varies = Timed(200);
  varies.varies = true;
  EXPECT_EQ(CountingProblem(Counted("cycles", 150), varies), "");
  Record round = Timed(200);
  round.pages = 64;
  EXPECT_EQ(CountingProblem(Counted("cycles", 150), round), "");
}

TEST(CountingProblem, AnAddThatIsNotCountedAsOne) {
  EXPECT_EQ(CountingProblem(Counted("instructions", 5, 1.02), Timed(10)),
            "an add of the chain is counted as 1.020 instructions");
  EXPECT_NE(CountingProblem(Counted("instructions", 5, 0), Timed(10)), "");
  EXPECT_NE(CountingProblem(Counted("cycles", 5, 1.11), Timed(10)), "");
  EXPECT_EQ(CountingProblem(Counted("cycles", 5, 1.09), Timed(10)), "");
  EXPECT_NE(
      CountingProblem(Counted("cycles", 5, std::numeric_limits<double>::quiet_NaN()), Timed(10)),
      "");
}

TEST(CountingProblem, AControlOfAnotherLength) {
  Record control = Timed(30);
  control.known = Known{15, 13};
  EXPECT_EQ(CountingProblem(Counted("instructions", 15), control), "");
  EXPECT_EQ(CountingProblem(Counted("instructions", 16), control),
            "an operation is counted as 16.00 instructions, and has 15");
}

TEST(CountedWindowsToJson, HasCostsAndTheCountsTheyComeFrom) {
  Record record = Timed(10);
  record.counted_windows = {Counted("cycles", 5), Counted("instructions", 7)};
  const nlohmann::ordered_json json = ToJson(record, {});
  const nlohmann::ordered_json& instructions = json["counted_windows"]["instructions"];
  EXPECT_EQ(instructions["cost"], 7);
  EXPECT_EQ(instructions["cost_shifted"], 7);
  EXPECT_EQ(instructions["empty"], 2);
  EXPECT_EQ(instructions["chain"], 1);
  EXPECT_EQ(instructions["ops"], kOps);
  EXPECT_EQ(instructions["samples"].size(), 6);
  EXPECT_EQ(instructions["samples"][0], kFixed + kOps * 9);
  EXPECT_EQ(instructions["empty_samples"][1], kFixed + 2 * kOps * 2);
  EXPECT_FALSE(instructions.contains("problem"));
  EXPECT_EQ(json["counted_windows"]["cycles"]["cost"], 5);
}

TEST(CountedWindowsToJson, SaysWhyThereIsNone) {
  Record record = Timed(10);
  record.counted_windows = {{"cycles", kOps, {}, "no PMU here counts cycles"},
                            Counted("instructions", 7, 0.5)};
  const nlohmann::ordered_json json = ToJson(record, {})["counted_windows"];
  EXPECT_EQ(json["cycles"].dump(), R"({"unavailable":"no PMU here counts cycles"})");
  EXPECT_EQ(json["instructions"]["problem"],
            "an add of the chain is counted as 0.500 instructions");
}

TEST(CountedWindowsToJson, OfARecordThatWasNotCountedThereIsNothing) {
  EXPECT_FALSE(ToJson(Timed(10), {}).contains("counted_windows"));
}

}  // namespace
}  // namespace kmapbench
