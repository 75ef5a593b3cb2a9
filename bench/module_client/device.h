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

// The page of user space that a case maps, where it maps one.
enum class DevicePage { kNone, kOfDaxFile, kTailOfHugePage };

struct KernelCase {
  uint32_t index;
  std::string name;
  std::string what;
  bool everyday;               // measured without being asked for by name
  bool stand_in;               // another register in place of IA32_PKRS
  bool switches;               // threads: counters of this one would be part of its cost
  bool varies;                 // an operation need not take what the last one took
  std::optional<Known> known;  // of a control
  DevicePage page;
  uint32_t irq_policies;  // bit 1 << p: takes policy p
};

// The policy to measure with: the one asked for, else the quietest that the case takes; none
// where the case does not take it.
std::optional<IrqPolicy> ChoosePolicy(uint32_t allowed, std::optional<IrqPolicy> asked);

// Why ChoosePolicy found none.
std::string PolicyRefusal(uint32_t allowed, std::optional<IrqPolicy> asked);

// One RUN.
struct Request {
  uint32_t ops;
  uint32_t samples;
  IrqPolicy irqs;
  uint64_t user_page = 0;  // address in the page that the case maps; 0: none
};

// /dev/kmapbench: the kernel module seen from user space. Calls throw std::system_error, with
// a message that says what to do about it.
class Device {
 public:
  explicit Device(const std::string& path);

  std::vector<KernelCase> Cases() const;
  double clock_hz() const { return clock_hz_; }

  // Measures a case: ops operations and twice that, samples times. The record has the samples
  // that the module took: none where it is skipped, fewer than asked for where it is flagged.
  // counters, where there are any, count during the call into the module.
  Record Run(const KernelCase& kernel_case, const Request& request,
             CounterGroup* counters = nullptr) const;

 private:
  UniqueFd fd_;
  uint32_t case_count_ = 0;
  uint32_t features_ = 0;
  double clock_hz_ = 0;
};

}  // namespace kmapbench
