// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "kmapbench.h"

namespace kmapbench {

namespace {

[[noreturn]] void Throw(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

void Call(int fd, unsigned long request, void* arg, const std::string& what) {
  if (ioctl(fd, request, arg) != 0) Throw(errno, what);
}

Status ToStatus(uint32_t status) {
  switch (status) {
    case KMAPBENCH_OK:
      return Status::kOk;
    case KMAPBENCH_SKIPPED:
      return Status::kSkipped;
    default:
      return Status::kFlagged;
  }
}

Oracle ToOracle(uint32_t oracle) {
  switch (oracle) {
    case KMAPBENCH_ORACLE_NONE:
      return Oracle::kNone;
    case KMAPBENCH_ORACLE_HELD:
      return Oracle::kHeld;
    default:
      return Oracle::kFailed;
  }
}

}  // namespace

Device::Device(const std::string& path) : fd_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  if (!fd_.ok()) {
    if (errno == ENOENT) Throw(errno, path + " (is kmapbench.ko loaded?)");
    if (errno == EACCES || errno == EPERM) Throw(errno, path + " (kernel cases need root)");
    Throw(errno, path);
  }
  kmapbench_info info{};
  Call(fd_.get(), KMAPBENCH_IOC_INFO, &info, path);
  if (info.abi != KMAPBENCH_ABI) {
    throw std::runtime_error(path + ": the loaded module speaks ABI " + std::to_string(info.abi) +
                             ", this program " + std::to_string(KMAPBENCH_ABI) +
                             ": build and load the module again");
  }
  case_count_ = info.case_count;
  clock_hz_ = info.tsc_khz * 1e3;
}

std::vector<KernelCase> Device::Cases() const {
  std::vector<KernelCase> cases;
  for (uint32_t i = 0; i < case_count_; ++i) {
    kmapbench_case_desc desc{};
    desc.index = i;
    Call(fd_.get(), KMAPBENCH_IOC_CASE, &desc, "case " + std::to_string(i));
    cases.push_back({i, desc.name, desc.what, (desc.flags & KMAPBENCH_CASE_DEFAULT) != 0});
  }
  return cases;
}

Record Device::Run(const KernelCase& kernel_case, uint32_t ops, uint32_t samples) const {
  std::vector<kmapbench_sample> ticks(samples);
  kmapbench_run run{};
  run.index = kernel_case.index;
  run.ops = ops;
  run.samples = samples;
  run.irq_policy = KMAPBENCH_IRQS_OFF;
  run.buffer = reinterpret_cast<uint64_t>(ticks.data());
  Call(fd_.get(), KMAPBENCH_IOC_RUN, &run, kernel_case.name);

  Record record;
  record.name = kernel_case.name;
  record.status = ToStatus(run.status);
  record.reason = run.reason;
  record.oracle = ToOracle(run.oracle);
  record.ops = ops;
  if (run.oracle_error_code != 0) record.oracle_error_code = run.oracle_error_code;
  // A flagged case is one the module timed, or one it refused to: the samples tell.
  const bool timed = record.status != Status::kSkipped && ticks.front().case_n != 0;
  if (timed) {
    record.first_window = run.first_window;
    for (const kmapbench_sample& t : ticks) {
      const double chain = static_cast<double>(t.chain_2n) - static_cast<double>(t.chain_n);
      record.samples.push_back(
          {t.empty_n, t.empty_2n, t.case_n, t.case_2n, chain / KMAPBENCH_CHAIN_ADDS});
    }
  }
  return record;
}

}  // namespace kmapbench
