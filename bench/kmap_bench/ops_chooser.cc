// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/ops_chooser.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "kmapbench.h"
#include "system/clock.h"

namespace kmapbench {

namespace {

// The emulator's clock has no noise: 2n operations of about this many instructions are enough.
constexpr uint64_t kIcountSampleTicks = 20'000;
constexpr double kIcountHz = 1e9;
constexpr uint64_t kMinClockSteps = 300;
// A sample may take this share of the longest time that the module keeps interrupts off.
constexpr double kMaxSectionShare = 0.6;
constexpr double kMaxOps = 4096;
constexpr uint32_t kProbeSamples = 3;

double HostClockHz() {
  static const double hz = ClockHz();
  return hz;
}

uint64_t OperationTicks(const Sample& sample) {
  const Lengths shifted = sample.shifted.value_or(Lengths{});
  return sample.empty_n + sample.empty_2n + sample.case_n + sample.case_2n + shifted.n +
         shifted.twice;
}

// A short record. The module refuses a number of operations that may take too long (E2BIG).
Record Probe(const Device& device, const KernelCase& kernel_case, Request request) {
  request.samples = kProbeSamples;
  for (const uint32_t ops : {16, 4}) {
    try {
      request.ops = ops;
      return device.Run(kernel_case, request);
    } catch (const std::system_error& error) {
      if (error.code().value() != E2BIG) throw;
    }
  }
  request.ops = 1;
  return device.Run(kernel_case, request);
}

}  // namespace

double OpsChooser::UserHz() const { return clock_ == Clock::kIcount ? kIcountHz : HostClockHz(); }

double OpsChooser::DeviceHz(const Device& device) const {
  return clock_ == Clock::kIcount ? kIcountHz : device.clock_hz();
}

uint64_t OpsChooser::TargetTicks(double clock_hz) const {
  if (clock_ == Clock::kIcount) return kIcountSampleTicks;
  return std::max(static_cast<uint64_t>(kSampleSeconds * clock_hz), kMinClockSteps * ClockStep());
}

uint32_t OpsChooser::OfKernelCase(const Device& device, const KernelCase& kernel_case,
                                  const Request& request) const {
  const Record probe = Probe(device, kernel_case, request);
  const double hz = DeviceHz(device);
  return ScaleOps(probe, static_cast<double>(TargetTicks(hz)),
                  kMaxSectionShare * KMAPBENCH_MAX_IRQS_OFF_NS * 1e-9 * hz);
}

uint32_t ScaleOps(const Record& probe, double target_ticks, double limit_ticks) {
  if (probe.samples.empty()) return probe.ops;
  // The add chain of a sample takes the same time for any number of operations, so it is left out.
  double longest = 1, section = 1;
  for (const Sample& sample : probe.samples) {
    longest = std::max(longest, static_cast<double>(sample.case_2n));
    section = std::max(section, static_cast<double>(OperationTicks(sample)));
  }
  const double scale = std::min(target_ticks / longest, limit_ticks / section);
  return static_cast<uint32_t>(
      std::clamp(scale * probe.ops, static_cast<double>(probe.ops), kMaxOps));
}

}  // namespace kmapbench
