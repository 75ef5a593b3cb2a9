// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/registry.h"

#include <filesystem>

#include "entry/entry_cases.h"
#include "user/measure.h"
#include "user/sampling.h"

namespace kmapbench {

CaseRegistry::CaseRegistry(const Options& options)
    : options_(options), ops_chooser_(options.origin.clock) {
  for (const user::Model& control : user::Controls()) user_controls_.push_back(FromModel(control));
  if (options_.user_models) AddUserModels();
  if (!options_.kernel_cases) return;
  if (std::filesystem::exists(options_.device)) AddKernelCases();
  AddEntryCases();
}

void CaseRegistry::AddUserModels() {
  const auto cpus = static_cast<unsigned>(user::AllowedCpus().size());
  for (const user::Model& model : user::Models(cpus)) {
    if (model.in_default_set || options_.all_cases) cases_.push_back(FromModel(model));
  }
}

void CaseRegistry::AddKernelCases() {
  device_.emplace(options_.device);
  if (!options_.dax_file.empty()) dax_file_ = DaxMapping::OfFile(options_.dax_file);
  if (!options_.dax_device.empty()) dax_device_ = DaxMapping::OfDevice(options_.dax_device);
  for (const KernelCase& kernel_case : device_->Cases()) {
    if (kernel_case.known) {
      kernel_controls_.push_back(FromKernelCase(kernel_case));
    } else if (kernel_case.in_default_set || options_.all_cases) {
      cases_.push_back(FromKernelCase(kernel_case));
    }
  }
}

void CaseRegistry::AddEntryCases() {
  for (const entry::EntryCase& entry_case : entry::ListCases()) {
    cases_.push_back(FromEntryCase(entry_case));
  }
}

BenchCase CaseRegistry::FromModel(const user::Model& model) const {
  return {
      .name = model.name,
      .side = BenchCase::Side::kUser,
      .clock_hz = [this] { return ops_chooser_.UserHz(); },
      .measure =
          [this, model](uint32_t ops, uint32_t samples, CounterGroup& counters) {
            const uint64_t ticks = ops_chooser_.TargetTicks(ops_chooser_.UserHz());
            return user::Measure(model, {ops, samples, ticks, options_.write_cycles}, counters);
          },
      .skipped = !user::SkipReason(model).empty(),
  };
}

BenchCase CaseRegistry::FromKernelCase(const KernelCase& kernel_case) const {
  const auto policy = ChoosePolicy(kernel_case.irq_policies, options_.irqs);
  return {
      .name = kernel_case.name,
      .side = BenchCase::Side::kKernel,
      .clock_hz = [this] { return ops_chooser_.DeviceHz(*device_); },
      .measure =
          [this, kernel_case, policy](uint32_t ops, uint32_t samples, CounterGroup& counters) {
            if (!policy) return SkippedByPolicy(kernel_case);
            Request request{ops, samples, *policy, UserPage(kernel_case.page)};
            if (ops == 0) request.ops = ops_chooser_.OfKernelCase(*device_, kernel_case, request);
            return device_->Run(kernel_case, request, &counters);
          },
      .count_windows = WindowCounting(kernel_case, policy),
      .skipped = !policy,
      .counted = !kernel_case.switches && !kernel_case.nmis,
  };
}

// Null with a clock that counts instructions itself, if the user wants no counters, and if counting
// would be part of what is counted.
std::function<std::vector<CountedWindows>(uint32_t ops)> CaseRegistry::WindowCounting(
    const KernelCase& kernel_case, std::optional<IrqPolicy> policy) const {
  constexpr uint32_t kSamples = 101;
  if (!policy || options_.origin.clock == Clock::kIcount || options_.counters.empty()) return {};
  if (kernel_case.nmis) return {};
  return [this, kernel_case, irqs = *policy](uint32_t ops) {
    return device_->CountWindows(kernel_case, {ops, kSamples, irqs, UserPage(kernel_case.page)});
  };
}

BenchCase CaseRegistry::FromEntryCase(const entry::EntryCase& entry_case) const {
  return {
      .name = entry_case.name,
      .side = BenchCase::Side::kUser,
      .clock_hz = [this] { return ops_chooser_.UserHz(); },
      .measure =
          [this, name = entry_case.name](uint32_t ops, uint32_t samples, CounterGroup&) {
            const uint64_t ticks = ops_chooser_.TargetTicks(ops_chooser_.UserHz());
            return entry::Measure(name, {ops, samples, ticks});
          },
      // It runs in a process of its own, which counters of this thread do not see.
      .counted = false,
      .few_samples = entry_case.few_samples,
  };
}

Record CaseRegistry::SkippedByPolicy(const KernelCase& kernel_case) const {
  Record record;
  record.name = kernel_case.name;
  record.status = Status::kSkipped;
  record.reason = PolicySkipReason(kernel_case.irq_policies, options_.irqs);
  record.irqs = options_.irqs;
  record.stand_in = kernel_case.stand_in;
  return record;
}

// Address in the page that a case maps. 0 if the user named no such page: the module then says what
// is missing.
uint64_t CaseRegistry::UserPage(DevicePage page) const {
  if (page == DevicePage::kOfDaxFile && dax_file_) return dax_file_->first_page();
  if (page == DevicePage::kTailOfHugePage && dax_device_) return dax_device_->second_page();
  return 0;
}

}  // namespace kmapbench
