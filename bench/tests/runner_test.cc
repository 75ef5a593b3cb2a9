// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/runner.h"

#include <benchmark/benchmark.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/scratch_folder.h"

namespace kmapbench {
namespace {

constexpr uint64_t kOps = 10;
constexpr SampleCount kCount{4, 3};

// A case of 5 ticks an operation. Measuring it throws at these calls, the first of which is 0.
BenchCase FailingAt(const std::set<int>& calls, int& measured) {
  BenchCase failing;
  failing.name = "kernel/failing";
  failing.clock_hz = [] { return 1e9; };
  failing.measure = [calls, &measured](uint32_t, uint32_t samples, CounterGroup&) {
    const int call = measured++;
    if (calls.contains(call)) throw std::runtime_error("busy at call " + std::to_string(call));
    Sample sample{};
    sample.case_n = 5 * kOps;
    sample.case_2n = 5 * kOps * 2;
    Record record;
    record.name = "kernel/failing";
    record.ops = kOps;
    record.samples.assign(samples, sample);
    return record;
  };
  return failing;
}

class Silent : public benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

struct Ran {
  std::vector<nlohmann::json> records;  // without those of controls
  bool failed;
};

// Runs one case alone, as kmap_bench does.
Ran RunAlone(const BenchCase& bench_case) {
  const ScratchFolder folder;
  const std::string path = folder.File("records");
  Options options;
  options.kernel_cases = options.user_models = false;
  RecordWriter writer(path);
  const CaseRegistry registry(options);
  ControlCheck controls(options, registry, 1, writer);
  RunContext context{options,           std::chrono::duration<double>(0),    writer, controls,
                     CounterOpener({}), GBenchReporter(options.origin.clock)};
  benchmark::ClearRegisteredBenchmarks();
  CaseRunner runner(bench_case, kCount, context);
  runner.Register(false);
  Silent silent;
  benchmark::RunSpecifiedBenchmarks(&silent);
  Ran ran{{}, context.failed};
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json record = nlohmann::json::parse(line);
    if (!record.contains("known")) ran.records.push_back(record);
  }
  return ran;
}

class FailedRepetition : public testing::TestWithParam<std::set<int>> {};

TEST_P(FailedRepetition, FlagsTheRecordOfTheOthers) {
  int measured = 0;
  const Ran ran = RunAlone(FailingAt(GetParam(), measured));
  ASSERT_EQ(ran.records.size(), 1);
  const nlohmann::json& record = ran.records[0];
  EXPECT_EQ(record["case"], "kernel/failing");
  EXPECT_EQ(record["status"], "flagged");
  EXPECT_EQ(record["reason"], "busy at call " + std::to_string(*GetParam().rbegin()));
  const size_t good = kCount.repetitions - GetParam().size();
  EXPECT_EQ(record["samples"].size(), good * 2 * kCount.samples);
  EXPECT_EQ(record["ops"], good > 0 ? kOps : 0);
  EXPECT_EQ(record["cost"].is_null(), good == 0);
  EXPECT_TRUE(ran.failed);
  EXPECT_EQ(measured, 3);
}

INSTANTIATE_TEST_SUITE_P(Runner, FailedRepetition,
                         testing::Values(std::set{0}, std::set{1}, std::set{2}, std::set{0, 2},
                                         std::set{0, 1, 2}));

TEST(Runner, WithoutAFailureTheRecordIsGood) {
  int measured = 0;
  const Ran ran = RunAlone(FailingAt({}, measured));
  ASSERT_EQ(ran.records.size(), 1);
  EXPECT_EQ(ran.records[0].value("reason", "").find("busy"), std::string::npos);
  EXPECT_EQ(ran.records[0]["samples"].size(), 2 * kCount.samples * kCount.repetitions);
  EXPECT_EQ(ran.records[0]["cost"], 5);
  EXPECT_FALSE(ran.failed);
}

TEST(Runner, ProtectionThatFailsWhileEventsAreCountedFailsTheRecord) {
  int measured = 0;
  BenchCase bench_case = FailingAt({}, measured);
  bench_case.count_windows = [](uint32_t ops) {
    CountedWindows counted;
    counted.event = "cycles";
    counted.ops = ops;
    counted.unavailable = "the open page faulted";
    counted.oracle = Oracle::kFailed;
    return std::vector{counted};
  };
  const Ran ran = RunAlone(bench_case);
  ASSERT_EQ(ran.records.size(), 1);
  EXPECT_EQ(ran.records[0]["oracle"], "failed");
  EXPECT_EQ(ran.records[0]["status"], "flagged");
  EXPECT_EQ(ran.records[0]["reason"], "while cycles were counted: the open page faulted");
  EXPECT_TRUE(ran.records[0]["cost"].is_null());
  EXPECT_TRUE(ran.failed);
}

}  // namespace
}  // namespace kmapbench
