// SPDX-License-Identifier: Apache-2.0
//
// Which events are counted by default on a CPU: those of the data file for its microarchitecture
// (bench/system/events/*.json), and those that every PMU has.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kmapbench {

struct CpuIdentity {
  std::string vendor;  // as in CPUID leaf 0
  unsigned family = 0;
  unsigned model = 0;
};

// The CPU that runs this.
CpuIdentity ThisCpu();

struct EventTable {
  std::string cpus;  // names of the CPUs, for readers
  std::string pmu;   // libpfm4's table that has the events
  std::vector<std::string> events;
  std::string vendor;
  unsigned family = 0;
  std::vector<std::pair<unsigned, unsigned>> models;  // first and last of each range

  // Whether the table is for that CPU.
  bool Covers(const CpuIdentity& cpu) const;
};

// The tables of all data files, which are compiled in.
const std::vector<EventTable>& EventTables();

// The table for a CPU; null if there is none.
const EventTable* EventTableOf(const CpuIdentity& cpu);

// Names of the events: instructions and cycles, of the kernel and of user space apart; those of the
// CPU's table; and software events.
std::vector<std::string> DefaultCounters(const CpuIdentity& cpu = ThisCpu());

}  // namespace kmapbench
