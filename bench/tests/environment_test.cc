// SPDX-License-Identifier: Apache-2.0
#include "environment.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

namespace kmapbench {
namespace {

constexpr char kCpuinfo[] =
    "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A CPU: fast\nmodel\t\t: 143\n"
    "flags\t\t: fpu\n\nprocessor\t: 1\nvendor_id\t: Other\n";

TEST(CpuinfoField, TakesTheWholeKeyOfTheFirstProcessor) {
  EXPECT_EQ(CpuinfoField(kCpuinfo, "vendor_id"), "GenuineIntel");
  EXPECT_EQ(CpuinfoField(kCpuinfo, "model"), "143");
  EXPECT_EQ(CpuinfoField(kCpuinfo, "model name"), "A CPU: fast");
}

TEST(CpuinfoField, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(CpuinfoField(kCpuinfo, "microcode"), "");
  EXPECT_EQ(CpuinfoField("", "model"), "");
}

TEST(Environment, NamesTheRunningKernel) {
  utsname name{};
  ASSERT_EQ(uname(&name), 0);
  const auto environment = Environment();
  EXPECT_EQ(environment["kernel"]["release"].get<std::string>(), name.release);
  EXPECT_FALSE(environment["kernel"]["cmdline"].get<std::string>().empty());
}

TEST(Environment, NamesTheCommitItWasBuiltFrom) {
  const auto commit = Environment()["kmapbench"]["commit"].get<std::string>();
  EXPECT_TRUE(commit.size() == 40 || commit == "unknown") << commit;
}

}  // namespace
}  // namespace kmapbench
