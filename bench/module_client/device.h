// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "record/record.h"
#include "system/counters.h"

namespace kmapbench {

// Which page of the caller a case maps.
enum class DevicePage { kNone, kOfDaxFile, kTailOfHugePage };

// A case as the module describes it.
struct KernelCase {
  uint32_t index;
  std::string name;
  std::string what;
  bool in_default_set;         // measured without --kmapbench_cases=all
  bool stand_in;               // another register in place of IA32_PKRS
  bool switches;               // threads: open counters would be part of its cost
  bool nmis;                   // a PMU in use would be part of its cost
  bool varies;                 // operations may differ in cost
  std::optional<Known> known;  // length, if it is a control
  DevicePage page;
  uint32_t irq_policies;  // bit 1 << p: allows policy p
};

// Returns the policy to measure with: the one asked for, or the quietest that is allowed (bits as
// in KernelCase::irq_policies). None if the one asked for is not allowed.
std::optional<IrqPolicy> ChoosePolicy(uint32_t allowed, std::optional<IrqPolicy> asked);

// Returns why ChoosePolicy() returned none.
std::string PolicySkipReason(uint32_t allowed, std::optional<IrqPolicy> asked);

// One run of a case.
struct Request {
  uint32_t ops;  // operations per sample
  uint32_t samples;
  IrqPolicy irqs;
  uint64_t user_page = 0;  // address in the page that the case maps; 0: none
};

// The kernel module, by its device /dev/kmapbench. All calls throw std::system_error if the kernel
// refuses them.
class Device {
 public:
  // Opens the device. The message of std::system_error says what is missing. Throws
  // std::runtime_error if the module has another version of the ABI.
  explicit Device(const std::string& path);

  // All cases, in the module's order.
  std::vector<KernelCase> Cases() const;
  // TSC ticks per second, as the kernel measured them.
  double clock_hz() const { return clock_hz_; }

  // Measures a case as Run() does, with core cycles and then with instructions in place of ticks,
  // as the CPU's PMU counts them. Counts that the module does not give have the reason instead.
  std::vector<CountedWindows> CountWindows(const KernelCase& kernel_case,
                                           const Request& request) const;

  // Measures a case: ops and 2 * ops operations, samples times. The record has the samples that the
  // module took: none if the case is skipped, fewer than asked for if it is flagged. The counters,
  // if there are any, count during the call into the module. Throws std::runtime_error if the
  // module says that it took more samples than asked for.
  Record Run(const KernelCase& kernel_case, const Request& request,
             CounterGroup* counters = nullptr) const;

 private:
  UniqueFd fd_;
  uint32_t case_count_ = 0;
  uint32_t features_ = 0;
  double clock_hz_ = 0;
};

}  // namespace kmapbench
