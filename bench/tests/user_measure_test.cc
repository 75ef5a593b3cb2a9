// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <perfmon/perf_event.h>
#include <sched.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <set>

#include "tests/on_valgrind.h"
#include "user/measure.h"
#include "user/sampling.h"

namespace kmapbench::user {

// Otherwise gtest prints all bytes of it, including padding.
void PrintTo(const Model& model, std::ostream* out) { *out << model.name; }

namespace {

constexpr unsigned kCpus = 2;
// Well within the range that the chain of adds can imitate, even on a noisy machine.
constexpr double kWriteCycles = 1000;

Model Named(const std::string& name) {
  const std::vector<Model> models = Models(kCpus);
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&name](const Model& model) { return model.name == name; });
  EXPECT_NE(found, models.end()) << name;
  return *found;
}

Record Measured(const Model& model, uint32_t ops = 8, uint32_t samples = 3) {
  CounterGroup none({});
  return Measure(model, {ops, samples, 10'000, kWriteCycles}, none);
}

TEST(Models, HaveNamesOfTheirOwnBelowUser) {
  std::set<std::string> names;
  for (const Model& model : Models(kCpus)) {
    EXPECT_TRUE(model.name.starts_with("user/")) << model.name;
    EXPECT_TRUE(names.insert(model.name).second) << model.name;
  }
  EXPECT_EQ(Models(kCpus).front().name, "user/empty");
}

TEST(Models, HaveAsManyThreadsAsThereAreCpus) {
  const auto most = [](unsigned cpus) {
    unsigned threads = 0;
    for (const Model& model : Models(cpus)) threads = std::max(threads, model.threads);
    return threads;
  };
  EXPECT_EQ(most(1), 1u);
  EXPECT_EQ(most(6), 6u);
}

// A working set in memory takes seconds to fill, and runs the same code as a smaller one.
bool IsLarge(const Model& model) {
  return model.name.find("/memory") != std::string::npos ||
         model.name.find("/llc") != std::string::npos;
}

class EachModel : public ::testing::TestWithParam<Model> {};

TEST_P(EachModel, IsTimedInAllItsWindows) {
  if (OnValgrind() && GetParam().name.ends_with("/serialising")) {
    GTEST_SKIP() << "valgrind has no IRETQ";
  }
  const Record record = Measured(GetParam());
  if (record.status == Status::kSkipped) GTEST_SKIP() << record.reason;
  EXPECT_EQ(record.status, Status::kOk) << record.reason;
  EXPECT_EQ(record.samples.size(), 3u * GetParam().threads);
  for (const Sample& sample : record.samples) {
    EXPECT_GT(sample.empty_n, 0u);
    EXPECT_GT(sample.empty_2n, 0u);
    EXPECT_GT(sample.case_n, 0u);
    EXPECT_GT(sample.case_2n, 0u);
    EXPECT_TRUE(sample.chain);
  }
}

std::vector<Model> Small() {
  std::vector<Model> models;
  for (const Model& model : Models(static_cast<unsigned>(AllowedCpus().size()))) {
    if (!IsLarge(model)) models.push_back(model);
  }
  return models;
}

INSTANTIATE_TEST_SUITE_P(User, EachModel, ::testing::ValuesIn(Small()), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
});

// What a body finds: the addresses of its stack and task, and the number of open mappings.
struct Seen {
  uintptr_t stack;
  uintptr_t task;
  uint32_t count;
};
std::vector<Seen> seen;

[[gnu::noinline]] void Look(BodyContext*, uint64_t) {
  seen.push_back({reinterpret_cast<uintptr_t>(__builtin_frame_address(0)),
                  reinterpret_cast<uintptr_t>(current), current->count});
}

TEST(Samples, FindStackAndTaskAtEachLineOfAPage) {
  Model model = Named("user/kmap_local/dram");
  model.body = Look;
  const AddressSpace address_space(model.address_space);
  Sampler sampler(model, address_space);
  seen.clear();
  constexpr size_t kLines = kPageBytes / kLineBytes;
  for (size_t i = 0; i < kLines; ++i) sampler.Take(8);
  std::set<uintptr_t> stacks, tasks;
  for (const Seen& sample : seen) {
    stacks.insert(sample.stack % kPageBytes / kLineBytes);
    tasks.insert(sample.task % kPageBytes / kLineBytes);
  }
  EXPECT_EQ(stacks.size(), kLines);
  EXPECT_EQ(tasks.size(), kLines);
}

TEST(Samples, HoldTheMappingsThatTheModelHolds) {
  for (const auto& [name, held] : {std::pair("user/kmap_local/protected/nowrite", 0u),
                                   std::pair("user/kmap_local/protected_nested", 1u),
                                   std::pair("user/kmap_local/protected_nested/depth4", 3u)}) {
    Model model = Named(name);
    model.body = Look;
    const AddressSpace address_space(model.address_space);
    seen.clear();
    Sampler sampler(model, address_space);
    sampler.Take(8);
    ASSERT_EQ(seen.size(), 2u);  // n and 2n
    EXPECT_EQ(seen.front().count, held) << name;
    EXPECT_EQ(current->count, 0u) << name;
  }
}

TEST(Measure, SaysOfEachThreadWhereItRan) {
  const std::vector<int> cpus = AllowedCpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU";
  const Record record = Measured(Named("user/kmap_local/protected/threads2/nowrite"));
  ASSERT_EQ(record.threads.size(), 2u);
  EXPECT_EQ(record.threads[0].cpu, cpus[0]);
  EXPECT_EQ(record.threads[1].cpu, cpus[1]);
  EXPECT_EQ(record.threads[0].samples.size(), 3u);
}

TEST(Measure, CountsInAllThreads) {
  if (AllowedCpus().size() < 2) GTEST_SKIP() << "one CPU";
  const PerfCalls seven_a_group = {
      [](perf_event_attr*, int) { return open("/dev/null", O_RDONLY | O_CLOEXEC); },
      [](int, unsigned long) { return 0; },
      [](int, void* data, size_t) -> ssize_t {
        constexpr uint64_t kGroup[] = {1, 100, 100, 7};
        std::memcpy(data, kGroup, sizeof(kGroup));
        return sizeof(kGroup);
      },
  };
  for (const auto& [name, count] : {std::pair("user/kmap_local/protected/nowrite", 7u),
                                    std::pair("user/kmap_local/protected/threads2/nowrite", 14u)}) {
    CounterGroup counters({"task-clock:u"}, seven_a_group);
    Measure(Named(name), {8, 3, 10'000, kWriteCycles}, counters);
    EXPECT_EQ(counters.Read().front().value, count) << counters.Read().front().unavailable;
  }
}

TEST(Measure, SaysWhatAWriteIsAssumedToTake) {
  EXPECT_EQ(Measured(Named("user/kmap_local/protected/delay")).assumed_write_cycles, kWriteCycles);
  EXPECT_FALSE(Measured(Named("user/kmap_local/protected/nowrite")).assumed_write_cycles);
}

TEST(Measure, SaysHowManyPagesItWentRound) {
  EXPECT_EQ(Measured(Named("user/kmap_local/share10/nowrite")).pages, 1024u);
  EXPECT_EQ(Measured(Named("user/kmap_local/dram")).pages, 0u);
}

TEST(Measure, SkipsAWorkingSetThatDoesNotFit) {
  Model model = Named("user/kmap_local/dram/latency/l1");
  model.address_space.data_bytes = size_t{1} << 50;
  const Record record = Measured(model);
  EXPECT_EQ(record.status, Status::kSkipped);
  EXPECT_NE(record.reason, "");
}

TEST(PinnedToCpu, LeavesOneCpuAndPutsTheOthersBack) {
  cpu_set_t before, during, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  {
    const PinnedToCpu pinned(AllowedCpus().back());
    ASSERT_EQ(sched_getaffinity(0, sizeof(during), &during), 0);
  }
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_EQ(CPU_COUNT(&during), 1);
  EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(AllowedCpus().back()), &during));
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

}  // namespace
}  // namespace kmapbench::user
