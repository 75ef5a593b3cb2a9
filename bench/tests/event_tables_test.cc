// SPDX-License-Identifier: Apache-2.0
#include "system/event_tables.h"

#include <gtest/gtest.h>
#include <perfmon/perf_event.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "system/counters.h"
#include "tests/on_valgrind.h"

namespace kmapbench {
namespace {

// libpfm4 also encodes events of PMUs that this machine lacks, so all names are checked on any
// machine.
TEST(EventTables, EachNameIsAnEventOfItsPmu) {
  ASSERT_FALSE(EventTables().empty());
  for (const EventTable& table : EventTables()) {
    const CpuIdentity cpu{table.vendor, table.family, table.models.at(0).first};
    EXPECT_FALSE(table.events.empty()) << table.cpus;
    std::set<std::tuple<uint64_t, bool, bool>> events;
    for (const std::string& name : table.events) {
      EXPECT_TRUE(name.starts_with(table.pmu + "::")) << name;
      perf_event_attr attr{};
      EXPECT_EQ(Encode(name, attr, cpu), "") << name;
      EXPECT_EQ(attr.type, PERF_TYPE_RAW) << name;
      EXPECT_EQ(attr.exclude_user, name.ends_with(":k")) << name;
      EXPECT_EQ(attr.exclude_kernel, name.ends_with(":u")) << name;
      EXPECT_TRUE(events.insert({attr.config, name.ends_with(":k"), name.ends_with(":u")}).second)
          << name << " is there twice";
    }
  }
}

// A group that does not fit into the PMU counts nothing. Intel CPUs have a fixed counter for
// instructions, one for cycles, and eight general ones; AMD CPUs have six. The watchdog takes one.
TEST(EventTables, AGroupFitsThePmuBesideTheWatchdog) {
  for (const EventTable& table : EventTables()) {
    const size_t hardware = 4 + table.events.size();
    const size_t counters = table.vendor == "GenuineIntel" ? 2 + 8 : 6;
    EXPECT_LE(hardware + 1, counters) << table.cpus;
  }
}

TEST(EventTables, NoCpuHasTwo) {
  for (const EventTable& table : EventTables()) {
    for (const auto& [first, last] : table.models) {
      EXPECT_LE(first, last);
      for (unsigned model = first; model <= last; ++model) {
        EXPECT_EQ(EventTableOf({table.vendor, table.family, model}), &table) << table.cpus;
      }
    }
  }
}

TEST(EventTableOf, GoesByVendorFamilyAndModel) {
  const auto pmu = [](const CpuIdentity& cpu) {
    const EventTable* table = EventTableOf(cpu);
    return table ? table->pmu : "";
  };
  EXPECT_EQ(pmu({"GenuineIntel", 6, 143}), "spr");
  EXPECT_EQ(pmu({"GenuineIntel", 6, 207}), "spr");                // Emerald Rapids
  EXPECT_EQ(pmu({"GenuineIntel", 6, 173}), "spr");                // Granite Rapids
  EXPECT_EQ(pmu({"GenuineIntel", 6, 151}), "");                   // Alder Lake: none in libpfm4
  EXPECT_EQ(pmu({"AuthenticAMD", 25, 17}), "amd64_fam19h_zen4");  // Genoa
  EXPECT_EQ(pmu({"AuthenticAMD", 25, 1}), "amd64_fam19h_zen3");   // Milan
  EXPECT_EQ(pmu({"AuthenticAMD", 26, 2}), "");                    // Zen 5: none in libpfm4
  EXPECT_EQ(pmu({"GenuineIntel", 15, 143}), "");
  EXPECT_EQ(pmu({"AuthenticAMD", 6, 143}), "");
}

TEST(DefaultCounters, AddTheTableOfTheCpu) {
  const auto any = DefaultCounters({"", 0, 0});
  const auto spr = DefaultCounters({"GenuineIntel", 6, 143});
  EXPECT_EQ(any.front(), "instructions:k");
  EXPECT_EQ(spr.size(), any.size() + EventTableOf({"GenuineIntel", 6, 143})->events.size());
  EXPECT_EQ(spr.back(), any.back());
}

// Compares with what the kernel read from the same CPUID leaf.
TEST(ThisCpu, IsWhatTheKernelSays) {
  if (OnValgrind()) GTEST_SKIP() << "valgrind has a CPUID of its own";
  std::ifstream info("/proc/cpuinfo");
  std::map<std::string, std::string> first;
  for (std::string line; std::getline(info, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    first[line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1)] =
        line.substr(std::min(colon + 2, line.size()));
  }
  EXPECT_EQ(ThisCpu().vendor, first["vendor_id"]);
  EXPECT_EQ(std::to_string(ThisCpu().family), first["cpu family"]);
  EXPECT_EQ(std::to_string(ThisCpu().model), first["model"]);
}

}  // namespace
}  // namespace kmapbench
