// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "module_client/device.h"
#include "record/record.h"

namespace kmapbench {

// How long the longer window of a sample (2n operations) should be: long against the clock's step,
// short against the time between two interrupts, and well below the module's limit.
inline constexpr double kSampleSeconds = 5e-6;

// Chooses how many operations a sample has.
class OpsChooser {
 public:
  explicit OpsChooser(Clock clock) : clock_(clock) {}

  // Ticks per second. With an emulator's clock one tick is one instruction and counts as 1 ns: the
  // TSC frequency that a kernel states is measured, and differs from boot to boot.
  double UserHz() const;
  double DeviceHz(const Device& device) const;

  // Ticks that 2n operations should take, by a clock of clock_hz ticks per second.
  uint64_t TargetTicks(double clock_hz) const;

  // Operations per sample of a kernel case that is going to be run as in request, whose ops and
  // samples are not read. Runs the case a few times. Throws std::system_error.
  uint32_t OfKernelCase(const Device& device, const KernelCase& kernel_case,
                        const Request& request) const;

 private:
  Clock clock_;
};

// Scales the number of operations of a short record so that the longest window takes target_ticks,
// but all windows of a sample together no more than limit_ticks. The result is at least that of the
// record, and at most 4096. A record without samples keeps its number.
uint32_t ScaleOps(const Record& probe, double target_ticks, double limit_ticks);

}  // namespace kmapbench
