// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "entry/exec_sampler.h"
#include "kmap_bench/bench_case.h"
#include "kmap_bench/ops_chooser.h"
#include "kmap_bench/options.h"
#include "module_client/dax_page.h"
#include "module_client/device.h"
#include "user/model.h"

namespace kmapbench {

// The cases that can be measured with the given options, and what they need: the module's device
// and the DAX pages. The cases refer to their registry, which has to outlive them.
class CaseRegistry {
 public:
  // Kernel cases are there only if the module's device is. Throws std::system_error and
  // std::runtime_error if the device or a DAX page cannot be used.
  explicit CaseRegistry(const Options& options);
  CaseRegistry(const CaseRegistry&) = delete;
  CaseRegistry& operator=(const CaseRegistry&) = delete;

  // In the order in which they are measured: user models, kernel cases, entry cases.
  const std::vector<BenchCase>& cases() const { return cases_; }

  // Cases whose length is known, which show whether the measuring on that side is right.
  const std::vector<BenchCase>& controls(BenchCase::Side side) const {
    return side == BenchCase::Side::kKernel ? kernel_controls_ : user_controls_;
  }

 private:
  void AddUserModels();
  void AddKernelCases();
  void AddEntryCases();
  BenchCase FromModel(const user::Model& model) const;
  BenchCase FromKernelCase(const KernelCase& kernel_case) const;
  BenchCase FromEntryCase(const entry::EntryCase& entry_case) const;

  std::function<std::vector<CountedWindows>(uint32_t ops)> WindowCounting(
      const KernelCase& kernel_case, std::optional<IrqPolicy> policy) const;
  Record SkippedByPolicy(const KernelCase& kernel_case) const;
  uint64_t UserPage(DevicePage page) const;

  Options options_;
  OpsChooser ops_chooser_;
  std::optional<Device> device_;
  std::optional<DaxMapping> dax_file_;
  std::optional<DaxMapping> dax_device_;
  std::vector<BenchCase> cases_;
  std::vector<BenchCase> kernel_controls_;
  std::vector<BenchCase> user_controls_;
};

}  // namespace kmapbench
