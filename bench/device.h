// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record.h"
#include "unique_fd.h"

namespace kmapbench {

struct KernelCase {
  uint32_t index;
  std::string name;
  std::string what;
  bool everyday;  // measured without being asked for by name
};

// /dev/kmapbench: the kernel module seen from user space. Calls throw std::system_error, with
// a message that says what to do about it.
class Device {
 public:
  explicit Device(const std::string& path);

  std::vector<KernelCase> Cases() const;
  double clock_hz() const { return clock_hz_; }

  // Measures a case: ops operations and twice that, samples times. The record has samples
  // unless its status is skipped.
  Record Run(const KernelCase& kernel_case, uint32_t ops, uint32_t samples) const;

 private:
  UniqueFd fd_;
  uint32_t case_count_ = 0;
  double clock_hz_ = 0;
};

}  // namespace kmapbench
