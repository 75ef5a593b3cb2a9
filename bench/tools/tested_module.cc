// SPDX-License-Identifier: Apache-2.0
#include "tools/tested_module.h"

#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace kmapbench {

TestedModule::TestedModule(std::string path, int fd, std::optional<DaxMapping> file,
                           std::optional<DaxMapping> device)
    : path_(std::move(path)), fd_(fd), dax_file_(std::move(file)), dax_device_(std::move(device)) {
  const auto fail = [this](const std::string& problem) {
    throw std::runtime_error(path_ + ": " + problem);
  };
  const int error = Call(KMAPBENCH_IOC_INFO, &info_);
  if (error != 0) fail(ErrorName(error));
  if (info_.abi != KMAPBENCH_ABI) {
    fail("the loaded module speaks ABI " + std::to_string(info_.abi) + ", this program " +
         std::to_string(KMAPBENCH_ABI));
  }
  for (uint32_t i = 0; i < info_.case_count; ++i) {
    kmapbench_case_desc desc{};
    desc.index = i;
    const int case_error = Call(KMAPBENCH_IOC_CASE, &desc);
    if (case_error != 0) fail("case " + std::to_string(i) + ": " + ErrorName(case_error));
    cases_.push_back(desc);
  }
  if (cases_.empty()) fail("the module has no case");
}

int TestedModule::Call(unsigned long command, void* argument) const {
  return ioctl(fd_, command, argument) == 0 ? 0 : errno;
}

kmapbench_run TestedModule::ValidRun(uint32_t index) {
  kmapbench_run run{};
  run.index = index;
  run.ops = 16;
  run.samples = kSamples;
  while (run.irq_policy + 1 < KMAPBENCH_IRQ_POLICIES && !Allows(cases_[index], run.irq_policy)) {
    ++run.irq_policy;
  }
  run.buffer = AddressOf(samples_.data());
  return run;
}

uint64_t TestedModule::UserPage(const kmapbench_case_desc& c) const {
  if (c.flags & KMAPBENCH_CASE_DEVMAP_PAGE && dax_file_) return dax_file_->first_page();
  if (c.flags & KMAPBENCH_CASE_DEVMAP_TAIL && dax_device_) return dax_device_->second_page();
  return 0;
}

bool Allows(const kmapbench_case_desc& c, uint32_t policy) {
  return (c.irq_policies & 1u << policy) != 0;
}

bool MapsUserPage(const kmapbench_case_desc& c) {
  return (c.flags & (KMAPBENCH_CASE_DEVMAP_PAGE | KMAPBENCH_CASE_DEVMAP_TAIL)) != 0;
}

uint64_t AddressOf(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

Result Ok() { return {Result::kOk, ""}; }

Result NotOk(std::string reason) { return {Result::kNotOk, std::move(reason)}; }

Result OkUnless(std::string failure) { return failure.empty() ? Ok() : NotOk(std::move(failure)); }

std::string ErrorName(int error) { return error == 0 ? "success" : std::strerror(error); }

std::string Expect(const std::string& what, int error, int expected) {
  if (error == expected) return "";
  return what + ": " + ErrorName(error) + ", not " + ErrorName(expected);
}

std::string FirstFailure(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) {
    if (!failure.empty()) return failure;
  }
  return "";
}

}  // namespace kmapbench
