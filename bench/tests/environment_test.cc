// SPDX-License-Identifier: Apache-2.0
#include "system/environment.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/scratch_folder.h"

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

// A made-up machine, in a folder that takes the place of /.
class Machine {
 public:
  void Has(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_.path() / name).parent_path());
    std::ofstream(root_.path() / name) << text << "\n";
  }
  nlohmann::ordered_json Environment() const { return kmapbench::Environment(root_.path()); }

 private:
  ScratchFolder root_;
};

TEST(Environment, SaysHowTheMachineIsSet) {
  Machine machine;
  machine.Has("proc/cpuinfo", "flags\t\t: fpu pku pks fred");
  machine.Has("proc/meminfo", "MemTotal:     1000 kB\nMemFree: 5 kB");
  machine.Has("proc/sys/kernel/hostname", "spr");
  machine.Has("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  machine.Has("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance");
  machine.Has("sys/devices/system/cpu/intel_pstate/no_turbo", "1");
  machine.Has("sys/devices/system/cpu/smt/control", "off");
  machine.Has("sys/devices/system/cpu/isolated", "1-3");
  machine.Has("sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected");
  machine.Has("sys/devices/system/node/node0/cpulist", "0-3");
  machine.Has("sys/bus/nd/devices/namespace0.0/size", "67108864");
  machine.Has("sys/bus/nd/devices/namespace0.0/mode", "memory");
  machine.Has("sys/bus/nd/devices/namespace0.1/size", "0");
  const auto found = machine.Environment();
  EXPECT_EQ(found["cpu"]["cr4_pks"], true);
  EXPECT_EQ(found["cpu"]["fred"], true);
  EXPECT_EQ(found["cpu"]["governors"], nlohmann::ordered_json({"performance", "powersave"}));
  EXPECT_EQ(found["cpu"]["no_turbo"], "1");
  EXPECT_EQ(found["cpu"]["smt"], "off");
  EXPECT_EQ(found["cpu"]["isolated"], "1-3");
  EXPECT_EQ(found["vulnerabilities"].dump(), R"({"meltdown":"Not affected"})");
  EXPECT_EQ(found["memory"]["total"], "16 MiB");
  EXPECT_EQ(found["memory"]["nodes"].dump(), R"({"node0":"0-3"})");
  EXPECT_EQ(found["pmem"].dump(),
            R"({"namespace0.0":{"mode":"memory","bytes":"67108864","node":null}})");
  EXPECT_EQ(found["identity"]["host_name"], "spr");
}

TEST(Environment, KnowsMemoryAgainInAnotherBoot) {
  Machine machine;
  for (const char* kib : {"469340", "469336"}) {
    machine.Has("proc/meminfo", "MemTotal: " + std::string(kib) + " kB");
    EXPECT_EQ(machine.Environment()["memory"]["total"], "464 MiB");
  }
}

TEST(Environment, SaysNullWhereTheKernelDoesNotTell) {
  const auto found = Machine().Environment();
  for (const char* name : {"no_turbo", "boost", "smt", "isolated"}) {
    EXPECT_TRUE(found["cpu"][name].is_null()) << name;
  }
  EXPECT_EQ(found["cpu"]["cr4_pks"], false);
  EXPECT_FALSE(found["cpu"].contains("fred"));
  EXPECT_TRUE(found["identity"]["serial"].is_null());
  EXPECT_TRUE(found["vulnerabilities"].empty() && found["pmem"].empty());
}

TEST(Environment, NamesTheCommitItWasBuiltFrom) {
  const auto commit = Environment()["kmapbench"]["commit"].get<std::string>();
  EXPECT_TRUE(commit.size() == 40 || commit == "unknown") << commit;
}

}  // namespace
}  // namespace kmapbench
