// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>

#include "tests/on_valgrind.h"
#include "user/map_path.h"
#include "user/protection.h"
#include "user/register_write.h"

namespace kmapbench::user {
namespace {

constexpr char kNoHandler[] = "valgrind goes on at the faulting instruction";

TEST(TryAccess, TellsAnOpenPageFromOneThatNobodyMayTouch) {
  if (OnValgrind()) GTEST_SKIP() << kNoHandler;
  auto* const page = static_cast<std::byte*>(
      mmap(nullptr, kPageBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_EQ(TryAccess(page, Access::kRead), Fault::kNone);
  EXPECT_EQ(TryAccess(page, Access::kWrite), Fault::kOther);
  ASSERT_EQ(mprotect(page, kPageBytes, PROT_NONE), 0);
  EXPECT_EQ(TryAccess(page, Access::kRead), Fault::kOther);
  munmap(page, kPageBytes);
}

TEST(CheckProtection, FailsOfAPageWithoutAKey) {
  const AddressSpace address_space({.pages = Pages::kProtected});
  const Finding finding = CheckProtection(
      address_space.data(), [] {}, [] {});
  EXPECT_EQ(finding.oracle, Oracle::kFailed);
  EXPECT_EQ(finding.reason, "the page was not closed before the map");
}

// These tests need PKU. lab/tests/test_user_models.py runs them in a guest that has it.
class KeyedPage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ProtectionSkipReason().empty()) GTEST_SKIP() << ProtectionSkipReason();
    address_space_.emplace(AddressSpacePlan{.pages = Pages::kProtected, .keyed = true});
    Enter(&task_);
    WritePkru(kPkrsClosed);
    page = &address_space_->descriptors()[0];
  }
  Task task_{};
  std::optional<AddressSpace> address_space_;
  static PageDescriptor* page;
};
PageDescriptor* KeyedPage::page = nullptr;

template <class Design, class Register>
Finding CheckPath(std::byte* data) {
  using OnPath = Path<Design, KeyOn, Register>;
  return CheckProtection(
      data, [] { OnPath::Map(reinterpret_cast<PageDescriptor*>(descriptors_base)); },
      [] { OnPath::Unmap(reinterpret_cast<void*>(data_base)); });
}

TEST_F(KeyedPage, IsProtectedByBothForms) {
  EXPECT_EQ((CheckPath<AsPublished, Wrpkru>(address_space_->data()).reason), "");
  EXPECT_EQ((CheckPath<Slim, Wrpkru>(address_space_->data()).reason), "");
}

TEST_F(KeyedPage, FaultsWhereThePathDoesNotWrite) {
  EXPECT_EQ((CheckPath<AsPublished, NoWrite>(address_space_->data()).reason),
            "the open page faulted");
}

TEST_F(KeyedPage, IsSeenToStayOpen) {
  EXPECT_EQ((CheckPath<ClosingAtSwitch, Wrpkru>(address_space_->data()).reason),
            "the page was not closed after the unmap");
}

}  // namespace
}  // namespace kmapbench::user
