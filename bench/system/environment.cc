// SPDX-License-Identifier: Apache-2.0
#include "system/environment.h"

#include <cpuid.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

#include "system/clock.h"
#include "version.h"

namespace kmapbench {

namespace {

using nlohmann::ordered_json;

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// The content of a file in procfs or sysfs; null if it cannot be read.
ordered_json Value(const std::string& path) {
  const auto text = ReadFile(path);
  return text ? ordered_json(Trimmed(*text)) : ordered_json(nullptr);
}

// Entries of a folder whose names begin with prefix, sorted; none if there is no folder.
std::vector<std::filesystem::path> Entries(const std::string& folder, const std::string& prefix) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().rfind(prefix, 0) == 0) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// By sha256sum, which both coreutils and busybox have. Our paths contain nothing to be quoted.
std::optional<std::string> Sha256(const std::string& path) {
  const auto close_pipe = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close_pipe)> pipe(
      popen(("sha256sum '" + path + "' 2>/dev/null").c_str(), "r"), close_pipe);
  if (!pipe) return std::nullopt;
  std::array<char, 65> hex{};
  if (fread(hex.data(), 1, 64, pipe.get()) != 64) return std::nullopt;
  return std::string(hex.data(), 64);
}

ordered_json Kernel(const std::string& root) {
  utsname name{};
  uname(&name);
  ordered_json kernel;
  kernel["release"] = name.release;
  kernel["version"] = name.version;
  kernel["machine"] = name.machine;
  kernel["cmdline"] = Trimmed(ReadFile(root + "/proc/cmdline").value_or(""));
  for (const std::string& path : {root + "/boot/config-" + name.release,
                                  root + "/lib/modules/" + name.release + "/build/.config"}) {
    if (const auto hash = Sha256(path)) {
      kernel["config_sha256"] = *hash;
      kernel["config_file"] = path;
      return kernel;
    }
  }
  kernel["config_sha256"] = nullptr;
  kernel["config_file"] = nullptr;
  return kernel;
}

ordered_json Cpu(const std::string& root) {
  const std::string cpuinfo = ReadFile(root + "/proc/cpuinfo").value_or("");
  ordered_json cpu;
  for (const char* key :
       {"vendor_id", "model name", "cpu family", "model", "stepping", "microcode"}) {
    cpu[key] = CpuinfoField(cpuinfo, key);
  }
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    cpu["cpuid_7_0"] = {{"eax", eax}, {"ebx", ebx}, {"ecx", ecx}, {"edx", edx}};
    cpu["pks"] = (ecx & (1u << 31)) != 0;
    cpu["pku"] = (ecx & (1u << 3)) != 0;
  }
  unsigned leaf1_ecx = 0;
  if (__get_cpuid(1, &eax, &ebx, &leaf1_ecx, &edx))
    cpu["hypervisor"] = (leaf1_ecx & (1u << 31)) != 0;
  // Only the kernel can read CR4. One that sets a bit shows the flag.
  std::istringstream words(CpuinfoField(cpuinfo, "flags"));
  const std::set<std::string> flags(std::istream_iterator<std::string>(words), {});
  cpu["cr4_pks"] = flags.contains("pks");
  if (flags.contains("fred")) cpu["fred"] = true;
  const std::string sysfs = root + "/sys/devices/system/cpu";
  std::set<std::string> governors;
  for (const auto& folder : Entries(sysfs, "cpu")) {
    const ordered_json governor = Value((folder / "cpufreq/scaling_governor").string());
    if (governor.is_string()) governors.insert(governor.get<std::string>());
  }
  cpu["governors"] = governors;
  cpu["no_turbo"] = Value(sysfs + "/intel_pstate/no_turbo");
  cpu["boost"] = Value(sysfs + "/cpufreq/boost");
  cpu["smt"] = Value(sysfs + "/smt/control");
  cpu["online"] = Value(sysfs + "/online");
  cpu["isolated"] = Value(sysfs + "/isolated");
  cpu["nohz_full"] = Value(sysfs + "/nohz_full");
  return cpu;
}

ordered_json Vulnerabilities(const std::string& root) {
  ordered_json found = ordered_json::object();
  for (const auto& file : Entries(root + "/sys/devices/system/cpu/vulnerabilities", "")) {
    found[file.filename().string()] = Value(file.string());
  }
  return found;
}

// Rounded up to 16 MiB, because the total differs by a few pages from boot to boot.
std::string MemTotal(const std::string& meminfo) {
  constexpr uint64_t kStepMib = 16;
  const std::string found = CpuinfoField(meminfo, "MemTotal");
  if (found.empty()) return "";
  const uint64_t steps = std::strtoull(found.c_str(), nullptr, 10) / (kStepMib << 10) + 1;
  return std::to_string(steps * kStepMib) + " MiB";
}

ordered_json Memory(const std::string& root) {
  ordered_json memory;
  memory["total"] = MemTotal(ReadFile(root + "/proc/meminfo").value_or(""));
  memory["huge_pages"] = Value(root + "/sys/kernel/mm/transparent_hugepage/enabled");
  memory["nodes"] = ordered_json::object();
  for (const auto& node : Entries(root + "/sys/devices/system/node", "node")) {
    memory["nodes"][node.filename().string()] = Value((node / "cpulist").string());
  }
  return memory;
}

// Namespaces of persistent memory. Those of size 0, one per region, do not exist yet.
ordered_json Pmem(const std::string& root) {
  ordered_json found = ordered_json::object();
  for (const auto& folder : Entries(root + "/sys/bus/nd/devices", "namespace")) {
    const ordered_json size = Value((folder / "size").string());
    if (size.is_null() || size == "0") continue;
    found[folder.filename().string()] = {{"mode", Value((folder / "mode").string())},
                                         {"bytes", size},
                                         {"node", Value((folder / "numa_node").string())}};
  }
  return found;
}

// Which machine it is: --anonymize leaves this out.
ordered_json Identity(const std::string& root) {
  return {{"host_name", Value(root + "/proc/sys/kernel/hostname")},
          {"product", Value(root + "/sys/class/dmi/id/product_name")},
          {"serial", Value(root + "/sys/class/dmi/id/product_serial")}};
}

}  // namespace

std::string CpuinfoField(const std::string& cpuinfo, const std::string& key) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
    if (end == std::string::npos || line.substr(0, end + 1) != key) continue;
    const size_t value = line.find_first_not_of(' ', colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

std::string HypervisorName() {
  constexpr unsigned kHypervisorBit = 1u << 31;
  constexpr unsigned kHypervisorLeaf = 0x40000000;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & kHypervisorBit)) return "";
  __cpuid(kHypervisorLeaf, eax, ebx, ecx, edx);
  std::string name;
  for (const unsigned word : {ebx, ecx, edx}) {
    name.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return name.substr(0, name.find('\0'));
}

ordered_json Environment(const std::string& root) {
  ordered_json environment;
  environment["format"] = 1;
  environment["kernel"] = Kernel(root);
  environment["cpu"] = Cpu(root);
  environment["vulnerabilities"] = Vulnerabilities(root);
  environment["memory"] = Memory(root);
  environment["pmem"] = Pmem(root);
  environment["identity"] = Identity(root);
  environment["clock"] = {
      {"clocksource", Trimmed(ReadFile(root + "/sys/devices/system/clocksource/"
                                              "clocksource0/current_clocksource")
                                  .value_or(""))},
      {"tsc_step_ticks", ClockStep()},
      {"tsc_hz", ClockHz()}};
  environment["kmapbench"] = {{"commit", KMAPBENCH_COMMIT},
                              {"dirty", KMAPBENCH_DIRTY},
                              {"compiler", KMAPBENCH_COMPILER},
                              {"build_type", KMAPBENCH_BUILD_TYPE}};
  return environment;
}

}  // namespace kmapbench
