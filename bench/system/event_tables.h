// SPDX-License-Identifier: Apache-2.0
//
// Which events are counted unasked on a CPU: a data file for each microarchitecture
// (bench/system/events/*.json), and what any PMU has where there is none.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kmapbench {

struct CpuIdentity {
  std::string vendor;  // CPUID leaf 0
  unsigned family = 0;
  unsigned model = 0;
};

// Of the CPU that runs this.
CpuIdentity ThisCpu();

struct EventTable {
  std::string cpus;  // for people
  std::string pmu;   // whose table of libpfm4 the names are of
  std::vector<std::string> events;
  std::string vendor;
  unsigned family = 0;
  std::vector<std::pair<unsigned, unsigned>> models;  // first and last of each range

  bool Covers(const CpuIdentity& cpu) const;
};

// All data files, which are part of the program.
const std::vector<EventTable>& EventTables();

// The table that covers a CPU; null where none does.
const EventTable* EventTableOf(const CpuIdentity& cpu);

// Instructions and cycles of the kernel and of user space apart, what the CPU's table adds, and
// software events.
std::vector<std::string> DefaultCounters(const CpuIdentity& cpu = ThisCpu());

}  // namespace kmapbench
