// SPDX-License-Identifier: Apache-2.0
#include "system/event_tables.h"

#include <cpuid.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "event_files.h"

namespace kmapbench {

CpuIdentity ThisCpu() {
  CpuIdentity cpu;
  std::array<uint32_t, 3> name{};
  uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(0, &eax, &name[0], &name[2], &name[1])) return cpu;
  cpu.vendor.assign(reinterpret_cast<const char*>(name.data()), sizeof(name));
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return cpu;
  // SDM vol. 2, CPUID: only family 15 has an extended family, only 6 and 15 have an extended model.
  constexpr unsigned kExtended = 15, kModelExtended = 6;
  cpu.family = eax >> 8 & 0xf;
  cpu.model = eax >> 4 & 0xf;
  if (cpu.family == kModelExtended || cpu.family == kExtended) cpu.model |= eax >> 12 & 0xf0;
  if (cpu.family == kExtended) cpu.family += eax >> 20 & 0xff;
  return cpu;
}

bool EventTable::Covers(const CpuIdentity& cpu) const {
  return cpu.vendor == vendor && cpu.family == family &&
         std::any_of(models.begin(), models.end(), [&cpu](const auto& range) {
           return range.first <= cpu.model && cpu.model <= range.second;
         });
}

const std::vector<EventTable>& EventTables() {
  static const std::vector<EventTable> tables = [] {
    std::vector<EventTable> read;
    for (const char* file : kEventFiles) {
      const auto json = nlohmann::json::parse(file);
      read.push_back({json.at("cpus"), json.at("pmu"), json.at("events"), json.at("vendor"),
                      json.at("family"), json.at("models")});
    }
    return read;
  }();
  return tables;
}

const EventTable* EventTableOf(const CpuIdentity& cpu) {
  for (const EventTable& table : EventTables()) {
    if (table.Covers(cpu)) return &table;
  }
  return nullptr;
}

std::vector<std::string> DefaultCounters(const CpuIdentity& cpu) {
  std::vector<std::string> names = {"instructions:k", "instructions:u", "cycles:k", "cycles:u"};
  if (const EventTable* table = EventTableOf(cpu)) {
    names.insert(names.end(), table->events.begin(), table->events.end());
  }
  names.insert(names.end(), {"task-clock", "page-faults", "context-switches", "cpu-migrations"});
  return names;
}

}  // namespace kmapbench
