// SPDX-License-Identifier: Apache-2.0
//
// Tests what each design of the path writes, with a register that records it.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "user/map_path.h"

namespace kmapbench::user {

namespace {

thread_local std::vector<uint32_t> written;

struct Recorded {
  static void Write(uint32_t value) { written.push_back(value); }
};

template <class Design, class Key = KeyOn>
using PathOf = Path<Design, Key, Recorded>;

AddressSpacePlan PlanOf(Pages pages, size_t count = 4) {
  AddressSpacePlan plan;
  plan.pages = pages;
  plan.count = count;
  return plan;
}

class Designs : public ::testing::Test {
 protected:
  Designs() {
    Enter(&task_);
    written.clear();
  }
  Task task_{};
};

const std::vector<uint32_t> kOpenAndClosed = {kPkrsOpen, kPkrsClosed};

// Maps and unmaps a page. Returns the address where it was mapped.
template <class OnPath>
void* Pair(const AddressSpace& address_space, size_t page = 0) {
  void* const address = OnPath::Map(&address_space.descriptors()[page]);
  OnPath::Unmap(address);
  return address;
}

// That the current task is in.
template <class Design>
uint32_t Brackets() {
  return Design::Count::Count();
}

template <>
uint32_t Brackets<Slim>() {
  return current->pks;
}

template <>
uint32_t Brackets<SlimWithHoles>() {
  return current->pks;
}

template <class Design>
void ExpectTheFiveStates(const std::vector<uint32_t>& outermost) {
  Task task;
  {
    const AddressSpace memory(PlanOf(Pages::kMemory));
    Enter(&task);
    EXPECT_EQ((Pair<PathOf<Design, KeyOff>>(memory, 3)), memory.data() + 3 * kPageBytes);
    EXPECT_EQ((Pair<PathOf<Design>>(memory, 2)), memory.data() + 2 * kPageBytes);
  }
  {
    const AddressSpace device(PlanOf(Pages::kDevice));
    EXPECT_EQ((Pair<PathOf<Design>>(device, 1)), device.data() + kPageBytes);
  }
  EXPECT_TRUE(written.empty());

  const AddressSpace closed(PlanOf(Pages::kProtected));
  Enter(&task);
  EXPECT_EQ((Pair<PathOf<Design>>(closed, 2)), closed.data() + 2 * kPageBytes);
  EXPECT_EQ(written, outermost);

  written.clear();
  Enter(&task);
  void* const outer = PathOf<Design>::Map(&closed.descriptors()[0]);
  written.clear();
  Pair<PathOf<Design>>(closed, 1);
  EXPECT_TRUE(written.empty());  // nested
  PathOf<Design>::Unmap(outer);
  EXPECT_EQ(Brackets<Design>(), 0u);

  written.clear();
  Pair<PathOf<Design, KeyOff>>(closed);
  EXPECT_TRUE(written.empty());
}

TEST_F(Designs, WriteOnceASideOfAnOutermostPairAndNeverElse) {
  ExpectTheFiveStates<AsPublished>(kOpenAndClosed);
  ExpectTheFiveStates<AskingKeyFirst>(kOpenAndClosed);
  ExpectTheFiveStates<Inlined>(kOpenAndClosed);
  ExpectTheFiveStates<CountingByCpu>(kOpenAndClosed);
  ExpectTheFiveStates<WritingAlways>(kOpenAndClosed);
  ExpectTheFiveStates<Slim>(kOpenAndClosed);
  ExpectTheFiveStates<SlimWithHoles>(kOpenAndClosed);
}

TEST_F(Designs, ThatCloseAtASwitchOpenOnceUntilThen) {
  using OnPath = PathOf<ClosingAtSwitch>;
  ExpectTheFiveStates<ClosingAtSwitch>({kPkrsOpen});
  const AddressSpace closed(PlanOf(Pages::kProtected));
  Enter(&task_);
  written.clear();
  Pair<OnPath>(closed);
  Pair<OnPath>(closed);
  EXPECT_EQ(written, (std::vector<uint32_t>{kPkrsOpen}));
  OnPath::Switch();
  EXPECT_EQ(written, kOpenAndClosed);
  OnPath::Switch();  // nothing left to close
  EXPECT_EQ(written, kOpenAndClosed);
}

TEST_F(Designs, SkipAWriteOfWhatTheRegisterHasUnlessTheyWriteAlways) {
  const AddressSpace closed(PlanOf(Pages::kProtected, 1));
  cpu.pkrs_cache = kPkrsOpen;  // as another task left it
  PathOf<AsPublished>::Map(&closed.descriptors()[0]);
  EXPECT_TRUE(written.empty());
  Enter(&task_);
  cpu.pkrs_cache = kPkrsOpen;
  PathOf<WritingAlways>::Map(&closed.descriptors()[0]);
  EXPECT_EQ(written, (std::vector<uint32_t>{kPkrsOpen}));
}

TEST_F(Designs, OfASpanWithHolesTakeNoPageOfMemoryForAProtectedOne) {
  AddressSpacePlan plan = PlanOf(Pages::kShared, 4);
  plan.protected_percent = 50;
  const AddressSpace mixed(plan);
  std::vector<uint32_t> expected;
  for (const PageDescriptor& page : mixed.descriptors()) {
    if (!ByPage::IsProtected(&page)) continue;
    expected.insert(expected.end(), kOpenAndClosed.begin(), kOpenAndClosed.end());
  }
  for (size_t page = 0; page < plan.count; ++page) Pair<PathOf<SlimWithHoles>>(mixed, page);
  EXPECT_EQ(written, expected);
  EXPECT_EQ(expected.size(), 4u);
}

TEST_F(Designs, ByAddressEndNothingThatHasNotBegun) {
  const AddressSpace closed(PlanOf(Pages::kProtected, 2));
  PathOf<Slim>::Unmap(closed.data());
  PathOf<Slim>::Unmap(nullptr);
  EXPECT_TRUE(written.empty());
  Pair<PathOf<Slim>>(closed);
  EXPECT_EQ(written, kOpenAndClosed);
}

TEST_F(Designs, TheSlimOneJudgesATailPageByItsHead) {
  const AddressSpace closed(PlanOf(Pages::kProtected, 2));
  PageDescriptor& head = closed.descriptors()[0];
  PageDescriptor& tail = closed.descriptors()[1];
  tail.pagemap_or_head = reinterpret_cast<uintptr_t>(&head) | 1;
  Pair<PathOf<SlimWithHoles>>(closed, 1);
  EXPECT_EQ(written, kOpenAndClosed);
}

TEST_F(Designs, CountByTaskOrByCpu) {
  const AddressSpace closed(PlanOf(Pages::kProtected, 1));
  PathOf<AsPublished>::Map(&closed.descriptors()[0]);
  EXPECT_EQ(task_.count, 1u);
  EXPECT_EQ(cpu.count, 0u);
  Enter(&task_);
  PathOf<CountingByCpu>::Map(&closed.descriptors()[0]);
  EXPECT_EQ(task_.count, 0u);
  EXPECT_EQ(cpu.count, 1u);
}

TEST_F(Designs, LeavePreemptionAsItWas) {
  const AddressSpace closed(PlanOf(Pages::kProtected, 1));
  const uint32_t before = cpu.preempt_count;
  Pair<PathOf<AsPublished>>(closed);
  EXPECT_EQ(cpu.preempt_count, before);
}

// A page that one thread has open is closed for all others.
TEST_F(Designs, KeepThreadsApart) {
  const AddressSpace closed(PlanOf(Pages::kProtected, 1));
  void* const outer = PathOf<AsPublished>::Map(&closed.descriptors()[0]);
  std::vector<std::vector<uint32_t>> of_threads(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : of_threads) {
      threads.emplace_back([&mine, &closed] {
        Task task;
        Enter(&task);
        for (int i = 0; i < 1000; ++i) Pair<PathOf<AsPublished>>(closed);
        mine = written;
        EXPECT_EQ(task.count, 0u);
        EXPECT_EQ(task.pkrs, kPkrsClosed);
      });
    }
  }
  for (const auto& mine : of_threads) EXPECT_EQ(mine.size(), 2000u);
  EXPECT_EQ(written, (std::vector<uint32_t>{kPkrsOpen}));
  EXPECT_EQ(task_.count, 1u);
  PathOf<AsPublished>::Unmap(outer);
}

TEST(AddressSpace, MixesAsManyProtectedPagesAsAskedFor) {
  for (const unsigned percent : {0u, 1u, 10u, 50u, 100u}) {
    AddressSpacePlan plan = PlanOf(Pages::kShared, 1000);
    plan.protected_percent = percent;
    const AddressSpace address_space(plan);
    size_t found = 0;
    for (const PageDescriptor& page : address_space.descriptors())
      found += ByPage::IsProtected(&page);
    EXPECT_EQ(found, 10 * percent);
  }
}

TEST(SkipReason, NamesAWorkingSetLargerThanMemory) {
  AddressSpacePlan plan;
  EXPECT_EQ(SkipReason(plan), "");
  plan.data_bytes = size_t{1} << 50;
  EXPECT_NE(SkipReason(plan).find("more than half"), std::string::npos);
}

}  // namespace
}  // namespace kmapbench::user
