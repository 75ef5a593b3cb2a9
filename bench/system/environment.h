// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace kmapbench {

// What this process runs on: kernel, command line, .config, CPU and how it is set, memory, pmem,
// clock, and the commit that kmap_bench was built from. Null is what this kernel does not tell.
// root is prefixed to every path read ("" for this machine).
nlohmann::ordered_json Environment(const std::string& root = "");

// What the hypervisor that this runs under calls itself in CPUID; empty where there is none.
std::string HypervisorName();

// QEMU's emulator, without a hypervisor's help.
inline constexpr const char* kTcg = "TCGTCGTCGTCG";

// The value of the first `key : value` line of /proc/cpuinfo; empty where there is none.
std::string CpuinfoField(const std::string& cpuinfo, const std::string& key);

}  // namespace kmapbench
