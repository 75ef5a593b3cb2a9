// SPDX-License-Identifier: Apache-2.0
#include "system/counters.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <perfmon/perf_event.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

namespace kmapbench {
namespace {

// Replaces the kernel: fails or counts as the test says.
struct FakeKernel {
  std::map<std::pair<uint32_t, uint64_t>, int> open_errors;  // by type and config
  int control_error = 0;
  int read_error = 0;
  std::vector<uint64_t> group;  // what a read of the group gives

  std::vector<int> leaders{};             // of each event that was opened
  std::vector<bool> disabled{};           // whether it waited
  std::vector<unsigned long> controls{};  // what the group was told

  PerfCalls Calls() {
    return {
        [this](perf_event_attr* attr, int leader) {
          const auto error = open_errors.find({attr->type, attr->config});
          if (error != open_errors.end()) {
            errno = error->second;
            return -1;
          }
          leaders.push_back(leader);
          disabled.push_back(attr->disabled);
          return open("/dev/null", O_RDONLY | O_CLOEXEC);
        },
        [this](int, unsigned long request) {
          controls.push_back(request);
          errno = control_error;
          return control_error ? -1 : 0;
        },
        [this](int, void* data, size_t bytes) -> ssize_t {
          if (read_error) {
            errno = read_error;
            return -1;
          }
          const size_t given = std::min(bytes, group.size() * sizeof(uint64_t));
          if (given) std::memcpy(data, group.data(), given);
          return static_cast<ssize_t>(given);
        },
    };
  }
};

using Key = std::pair<uint32_t, uint64_t>;
constexpr Key kInstructions = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS};
const std::vector<std::string> kPair = {"instructions:k", "page-faults"};

std::vector<CounterValue> Counted(FakeKernel& kernel, const std::vector<std::string>& names) {
  CounterGroup group(names, kernel.Calls());
  { const Counting counting(&group); }
  return group.Read();
}

TEST(CounterGroup, IsOneGroupThatWaitsForItsLeader) {
  FakeKernel kernel{.open_errors = {}, .group = {2, 100, 100, 7, 9}};
  const auto values = Counted(kernel, kPair);
  ASSERT_EQ(kernel.leaders.size(), 2u);
  EXPECT_EQ(kernel.leaders[0], -1);
  EXPECT_GE(kernel.leaders[1], 0);
  EXPECT_EQ(kernel.disabled, (std::vector<bool>{true, false}));
  EXPECT_EQ(kernel.controls,
            (std::vector<unsigned long>{PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE}));
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].name, "instructions:k");
  EXPECT_EQ(values[0].value, 7u);
  EXPECT_EQ(values[1].value, 9u);
  EXPECT_EQ(values[1].unavailable, "");
}

TEST(CounterGroup, ARefusedEventSaysWhyAndTheOthersCount) {
  using Why = std::pair<CounterState, std::string>;
  const std::map<int, Why> kReasons = {
      {ENOENT, {CounterState::kNoPmu, "no PMU"}},
      {ENODEV, {CounterState::kNoPmu, "no PMU"}},
      {EOPNOTSUPP, {CounterState::kNoPmu, "no PMU"}},
      {ENOSYS, {CounterState::kNoPmu, "no perf events"}},
      {EACCES, {CounterState::kNotAllowed, "kernel.perf_event_paranoid"}},
      {EPERM, {CounterState::kNotAllowed, "kernel.perf_event_paranoid"}},
      {EINVAL, {CounterState::kRefused, "beside the others"}},
      {EBUSY, {CounterState::kRefused, "taken by somebody else"}},
      {EMFILE, {CounterState::kRefused, "Too many open files"}},
  };
  for (const auto& [error, why] : kReasons) {
    const auto& [state, reason] = why;
    FakeKernel kernel{.open_errors = {{kInstructions, error}}, .group = {1, 100, 100, 9}};
    const auto values = Counted(kernel, kPair);
    EXPECT_NE(values[0].unavailable.find(reason), std::string::npos)
        << std::strerror(error) << ": " << values[0].unavailable;
    EXPECT_EQ(values[0].state, state) << std::strerror(error);
    EXPECT_EQ(values[1].state, CounterState::kCounted);
    // the next one leads, and its value is its own
    EXPECT_EQ(kernel.leaders, (std::vector<int>{-1}));
    EXPECT_EQ(kernel.disabled, (std::vector<bool>{true}));
    EXPECT_EQ(values[1].unavailable, "");
    EXPECT_EQ(values[1].value, 9u);
  }
}

TEST(CounterGroup, ARefusedEventInTheMiddleMovesNoValue) {
  FakeKernel kernel{.open_errors = {{kInstructions, ENOENT}}, .group = {2, 100, 100, 5, 6}};
  const auto values = Counted(kernel, {"task-clock", "instructions:k", "page-faults"});
  EXPECT_EQ(values[0].value, 5u);
  EXPECT_NE(values[1].unavailable, "");
  EXPECT_EQ(values[2].value, 6u);
}

TEST(CounterGroup, ASharedPmuIsSeenAndNothingIsScaled) {
  FakeKernel kernel{.open_errors = {}, .group = {2, 100, 25, 7, 9}};
  const auto values = Counted(kernel, kPair);
  EXPECT_EQ(values[0].value, 7u);
  EXPECT_EQ(values[0].enabled_ns, 100u);
  EXPECT_EQ(values[0].running_ns, 25u);
  EXPECT_EQ(values[0].state, CounterState::kMultiplexed);
}

TEST(CounterGroup, WhatNeverRanIsNoZero) {
  FakeKernel kernel{.open_errors = {}, .group = {2, 100, 0, 0, 0}};
  for (const CounterValue& value : Counted(kernel, kPair)) {
    EXPECT_NE(value.unavailable.find("never counted"), std::string::npos);
    EXPECT_EQ(value.state, CounterState::kFailed);
  }
}

TEST(CounterGroup, AFailureLaterIsTheReason) {
  FakeKernel read_fails{.open_errors = {}, .read_error = EIO, .group = {}};
  EXPECT_NE(Counted(read_fails, kPair)[0].unavailable.find("cannot be read"), std::string::npos);
  FakeKernel start_fails{.open_errors = {}, .control_error = EIO, .group = {2, 1, 1, 0, 0}};
  EXPECT_NE(Counted(start_fails, kPair)[1].unavailable.find("cannot be started"),
            std::string::npos);
  FakeKernel reads_short{.open_errors = {}, .group = {}};
  EXPECT_NE(Counted(reads_short, kPair)[0].unavailable.find("no values"), std::string::npos);
  FakeKernel reads_less{.open_errors = {}, .group = {1, 100, 100, 7, 9}};
  EXPECT_NE(Counted(reads_less, kPair)[0].unavailable.find("no values"), std::string::npos);
}

TEST(CounterGroup, WhatWasNeverStartedIsNoZero) {
  FakeKernel kernel{.open_errors = {}, .group = {2, 0, 0, 0, 0}};
  const CounterGroup group(kPair, kernel.Calls());
  EXPECT_EQ(group.Read()[0].unavailable, "was never started");
}

TEST(CounterGroup, ANameThatNobodyKnowsIsUnavailable) {
  FakeKernel kernel{.open_errors = {}, .group = {1, 100, 100, 7}};
  const auto values = Counted(kernel, {"no-such-event", "page-faults"});
  EXPECT_NE(values[0].unavailable.find("libpfm4 does not know it"), std::string::npos);
  EXPECT_EQ(values[0].state, CounterState::kUnknown);
  EXPECT_EQ(values[1].value, 7u);
}

TEST(CounterGroup, AnEventOfAnotherCpuIsNotOpened) {
  perf_event_attr attr;
  EXPECT_EQ(Encode("spr::MEM_LOAD_RETIRED:L1_MISS:k", attr, {"GenuineIntel", 6, 143}), "");
  EXPECT_NE(Encode("spr::MEM_LOAD_RETIRED:L1_MISS:k", attr, {"AuthenticAMD", 25, 17}), "");
}

TEST(CounterGroup, OfSeveralThreadsAddsUp) {
  FakeKernel kernel{.open_errors = {}, .group = {2, 100, 100, 7, 9}};
  CounterGroup group(kPair, kernel.Calls());
  for (const uint64_t running : {100, 50}) {
    kernel.group[2] = running;
    CounterGroup one = group.OfThisThread();
    { const Counting counting(&one); }
    group.Add(one);
  }
  const auto values = group.Read();
  EXPECT_EQ(values[0].name, "instructions:k");
  EXPECT_EQ(values[0].value, 14u);
  EXPECT_EQ(values[1].value, 18u);
  EXPECT_EQ(values[0].enabled_ns, 200u);
  EXPECT_EQ(values[0].running_ns, 150u);
  EXPECT_EQ(values[0].state, CounterState::kMultiplexed);
}

TEST(CounterGroup, OneThreadWithoutAValueLeavesTheSumWithoutOne) {
  FakeKernel kernel{.open_errors = {}, .group = {2, 100, 100, 7, 9}};
  for (const bool fails_first : {true, false}) {
    CounterGroup group(kPair, kernel.Calls());
    for (const bool fails : {fails_first, !fails_first}) {
      kernel.read_error = fails ? EIO : 0;
      CounterGroup one = group.OfThisThread();
      { const Counting counting(&one); }
      group.Add(one);
    }
    EXPECT_EQ(group.Read()[0].state, CounterState::kFailed);
    EXPECT_NE(group.Read()[0].unavailable.find("cannot be read"), std::string::npos);
  }
}

TEST(CounterGroup, WithoutAnyEventThereIsNothingToCount) {
  FakeKernel kernel{.open_errors = {}, .group = {}};
  EXPECT_TRUE(Counted(kernel, {}).empty());
  EXPECT_TRUE(kernel.controls.empty());
}

// Touches pages for the first time, so that each of them faults.
void TouchPages(size_t count) {
  const size_t bytes = count * 4096;
  auto* const pages = static_cast<volatile char*>(
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  madvise(const_cast<char*>(pages), bytes, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < bytes; i += 4096) pages[i] = 1;
  munmap(const_cast<char*>(pages), bytes);
}

// The same code with the real kernel. Software events need no PMU, and no privilege if only user
// space is counted.
TEST(CounterGroup, SoftwareEventsCountWhatHappensBetweenStartAndStop) {
  CounterGroup group({"page-faults:u", "task-clock:u"});
  if (group.Read()[0].unavailable != "was never started") {
    GTEST_SKIP() << group.Read()[0].unavailable;
  }
  constexpr size_t kOutside = 10'000;  // a sanitizer touches pages of its own, too
  TouchPages(kOutside);                // before
  {
    const Counting counting(&group);
    TouchPages(200);
  }
  TouchPages(kOutside);  // between
  {
    const Counting counting(&group);
    TouchPages(100);
  }
  TouchPages(kOutside);  // after
  const auto values = group.Read();
  ASSERT_EQ(values[0].unavailable, "");
  EXPECT_GE(values[0].value, 300u);
  EXPECT_LT(values[0].value, kOutside);
  EXPECT_GT(values[1].value, 0u);
  EXPECT_EQ(values[0].enabled_ns, values[0].running_ns);
  EXPECT_GT(values[0].running_ns, 0u);
}

TEST(SplitCounters, SplitsAtCommas) {
  EXPECT_EQ(SplitCounters("cycles:k,page-faults"),
            (std::vector<std::string>{"cycles:k", "page-faults"}));
  EXPECT_TRUE(SplitCounters("").empty());
}

// What the real kernel answers for a software event that exists, for an event that only root may
// count, and for a hardware event without a PMU. It depends on the machine which of the last two
// can be seen.
TEST(CounterGroup, TheKernelsOwnAnswersHaveTheirStates) {
  CounterGroup group({"task-clock:u", "page-faults:k", "cycles:u"});
  { const Counting counting(&group); }
  const auto values = group.Read();
  EXPECT_EQ(values[0].state, CounterState::kCounted) << values[0].unavailable;
  int paranoid = 0;
  std::ifstream("/proc/sys/kernel/perf_event_paranoid") >> paranoid;
  constexpr int kUserOnly = 2;
  const bool allowed = geteuid() == 0 || paranoid < kUserOnly;
  EXPECT_EQ(values[1].state, allowed ? CounterState::kCounted : CounterState::kNotAllowed)
      << values[1].unavailable;
  const bool has_pmu = std::filesystem::exists("/sys/bus/event_source/devices/cpu") ||
                       std::filesystem::exists("/sys/bus/event_source/devices/cpu_core");
  if (has_pmu) return;
  EXPECT_EQ(values[2].state, CounterState::kNoPmu) << values[2].unavailable;
}

TEST(ToJson, ACounterIsAValueOrAReason) {
  const CounterValue multiplexed{"cycles:k", CounterState::kMultiplexed, 5, 10, 8, ""};
  const CounterValue absent{"cycles:u", CounterState::kNoPmu, 0, 0, 0, "no PMU"};
  EXPECT_EQ(ToJson({multiplexed, absent}).dump(),
            R"({"cycles:k":{"state":"multiplexed","value":5,"enabled":10,"running":8},)"
            R"("cycles:u":{"state":"no_pmu","unavailable":"no PMU"}})");
  EXPECT_EQ(ToJson(std::vector<CounterValue>{}).dump(), "{}");
}

}  // namespace
}  // namespace kmapbench
