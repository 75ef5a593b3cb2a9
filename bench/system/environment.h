// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace kmapbench {

// Describes what this process runs on: kernel, command line, .config, CPU and its settings, memory,
// persistent memory, clock, and the commit from which kmap_bench was built. What this kernel does
// not tell is null. root is put before every path that is read ("" for this machine).
nlohmann::ordered_json Environment(const std::string& root = "");

// The name of the hypervisor in CPUID; empty if there is none.
std::string HypervisorName();

// The name of QEMU's emulator TCG.
inline constexpr const char* kTcg = "TCGTCGTCGTCG";

// Returns the value of the first line `key : value` in the text of /proc/cpuinfo or a similar file;
// empty if there is none.
std::string CpuinfoField(const std::string& cpuinfo, const std::string& key);

}  // namespace kmapbench
