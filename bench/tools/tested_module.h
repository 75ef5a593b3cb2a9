// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kmapbench.h"
#include "module_client/dax_page.h"
#include "tools/abi_tests.h"

namespace kmapbench {

// The module that is tested: its open device, its cases, and calls of it.
class TestedModule {
 public:
  static constexpr uint32_t kSamples = 3;  // of a valid run

  // Reads INFO and all CASEs. Throws std::runtime_error if the module cannot be tested at all.
  TestedModule(std::string path, int fd, std::optional<DaxMapping> file,
               std::optional<DaxMapping> device);

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }
  const kmapbench_info& info() const { return info_; }
  const std::vector<kmapbench_case_desc>& cases() const { return cases_; }
  // Filled by a valid run.
  std::array<kmapbench_sample, kSamples>& samples() { return samples_; }

  // An ioctl of the device: 0, or the errno with which it failed.
  int Call(unsigned long command, void* argument) const;

  // A valid run of a case, by default of the first one (the empty loop).
  kmapbench_run ValidRun(uint32_t index = 0);

  // What RUN returns for a valid run after `change(run)`.
  template <typename Change>
  int CallChanged(Change change) {
    kmapbench_run run = ValidRun();
    change(run);
    return Call(KMAPBENCH_IOC_RUN, &run);
  }

  // Address in the page that a case maps; 0 if it maps none of the caller, or none was given.
  uint64_t UserPage(const kmapbench_case_desc& c) const;

 private:
  std::string path_;
  int fd_;
  std::optional<DaxMapping> dax_file_;
  std::optional<DaxMapping> dax_device_;
  kmapbench_info info_{};
  std::vector<kmapbench_case_desc> cases_;
  std::array<kmapbench_sample, kSamples> samples_{};
};

// Whether a case can be measured with an interrupt policy.
bool Allows(const kmapbench_case_desc& c, uint32_t policy);

// Whether a case maps a page of the caller.
bool MapsUserPage(const kmapbench_case_desc& c);

// Address of an object, as the ABI has it.
uint64_t AddressOf(const void* pointer);

Result Ok();
Result NotOk(std::string reason);
// Ok if failure is empty.
Result OkUnless(std::string failure);

// The name of an errno; "success" for 0.
std::string ErrorName(int error);
// Empty if a call ended with the expected errno (0: success), else what it ended with.
std::string Expect(const std::string& what, int error, int expected);
// The first failure that is not empty; empty if all are.
std::string FirstFailure(const std::vector<std::string>& failures);

}  // namespace kmapbench
