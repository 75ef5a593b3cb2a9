// SPDX-License-Identifier: Apache-2.0
#include "user_model.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <set>

namespace kmapbench {
namespace {

TEST(UserModels, HaveNamesOfTheirOwnBelowUser) {
  std::set<std::string> names;
  for (const UserModel& model : UserModels()) {
    EXPECT_EQ(model.name.rfind("user/", 0), 0u) << model.name;
    EXPECT_TRUE(names.insert(model.name).second) << model.name;
  }
  EXPECT_EQ(UserModels().front().name, "user/empty");
}

TEST(SampleUserModel, TimesEverythingBesideTheChain) {
  for (const UserModel& model : UserModels()) {
    if (!model.skip_reason.empty()) continue;
    const Sample sample = SampleUserModel(model, UserOps(model, 10'000));
    EXPECT_GT(sample.empty_n, 0u) << model.name;
    EXPECT_GT(sample.empty_2n, 0u) << model.name;
    EXPECT_GT(sample.case_n, 0u) << model.name;
    EXPECT_GT(sample.case_2n, 0u) << model.name;
  }
}

TEST(PinnedToCpu, LeavesOneCpuAndPutsTheOthersBack) {
  cpu_set_t before, during, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  {
    const PinnedToCpu pinned;
    ASSERT_EQ(sched_getaffinity(0, sizeof(during), &during), 0);
  }
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_EQ(CPU_COUNT(&during), 1);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

}  // namespace
}  // namespace kmapbench
