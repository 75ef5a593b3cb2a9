// SPDX-License-Identifier: Apache-2.0
#include "module_client/device.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "kmapbench.h"
#include "system/clock.h"

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

DevicePage ToPage(uint32_t flags) {
  if (flags & KMAPBENCH_CASE_DEVMAP_PAGE) return DevicePage::kOfDaxFile;
  if (flags & KMAPBENCH_CASE_DEVMAP_TAIL) return DevicePage::kTailOfHugePage;
  return DevicePage::kNone;
}

std::optional<Known> ToKnown(const kmapbench_case_desc& desc, uint32_t features) {
  if (desc.known == 0) return std::nullopt;
  const bool has_endbr = (features & KMAPBENCH_LOOPS_HAVE_ENDBR) != 0;
  const uint32_t loop = has_endbr ? KB_LOOP_INSTRUCTIONS_WITH_ENDBR : KB_LOOP_INSTRUCTIONS;
  return Known{desc.known, desc.known_adds, loop};
}

// The quietest first.
constexpr std::array<IrqPolicy, KMAPBENCH_IRQ_POLICIES> kPolicies = {
    IrqPolicy::kOff, IrqPolicy::kPreemptOff, IrqPolicy::kOn};
static_assert(static_cast<int>(IrqPolicy::kOff) == KMAPBENCH_IRQS_OFF &&
              static_cast<int>(IrqPolicy::kPreemptOff) == KMAPBENCH_PREEMPT_OFF &&
              static_cast<int>(IrqPolicy::kOn) == KMAPBENCH_IRQS_ON);

bool Takes(uint32_t allowed, IrqPolicy policy) {
  return (allowed & (1u << static_cast<unsigned>(policy))) != 0;
}

struct Cause {
  const char* name;
  uint32_t feature;  // bit of INFO that says that it is counted; 0: it always is
};
// In the order of enum kmapbench_cause.
constexpr std::array<Cause, KMAPBENCH_CAUSES> kCauses = {{
    {"interrupt", 0},
    {"nmi", 0},
    {"smi", KMAPBENCH_COUNTS_SMI},
    {"migration", 0},
    {"preemption", 0},
    {"frequency", KMAPBENCH_COUNTS_FREQUENCY},
}};

Sample ToSample(const kmapbench_sample& t) {
  Sample sample{t.empty_n, t.empty_2n, t.case_n, t.case_2n, {}, {}};
  const double chain = static_cast<double>(t.chain_2n) - static_cast<double>(t.chain_n);
  sample.chain = chain / KMAPBENCH_CHAIN_ADDS;
  // A timed window takes at least a tick, for its fences: 0 means that there is no shifted copy.
  if (t.shifted_n != 0) sample.shifted = Lengths{t.shifted_n, t.shifted_2n};
  return sample;
}

uint64_t WindowTicks(const kmapbench_sample& t) {
  return t.empty_n + t.empty_2n + t.case_n + t.case_2n + t.shifted_n + t.shifted_2n + t.chain_n +
         t.chain_2n;
}

// A RUN by the TSC that fills `samples`, which has to outlive it.
kmapbench_run ToRun(const KernelCase& kernel_case, const Request& request,
                    std::vector<kmapbench_sample>& samples) {
  kmapbench_run run{};
  run.index = kernel_case.index;
  run.ops = request.ops;
  run.samples = request.samples;
  run.irq_policy = static_cast<uint32_t>(request.irqs);
  run.buffer = reinterpret_cast<uint64_t>(samples.data());
  run.user_page = request.user_page;
  run.clock = KMAPBENCH_TSC;
  return run;
}

// Leaves the samples that the module took.
void KeepTaken(const kmapbench_run& run, const std::string& name,
               std::vector<kmapbench_sample>& samples) {
  if (run.taken > samples.size()) {
    throw std::runtime_error(name + ": the module says that it took " + std::to_string(run.taken) +
                             " samples of " + std::to_string(samples.size()));
  }
  samples.resize(run.taken);
}

}  // namespace

std::optional<IrqPolicy> ChoosePolicy(uint32_t allowed, std::optional<IrqPolicy> asked) {
  for (const IrqPolicy policy : kPolicies) {
    if (Takes(allowed, policy) && asked.value_or(policy) == policy) return policy;
  }
  return std::nullopt;
}

std::string PolicySkipReason(uint32_t allowed, std::optional<IrqPolicy> asked) {
  std::string taken;
  for (const IrqPolicy policy : kPolicies) {
    if (Takes(allowed, policy))
      taken += (taken.empty() ? "" : " or ") + std::string(ToString(policy));
  }
  if (!asked || taken.empty()) return "the module names no interrupt policy for this case";
  return "interrupts " + std::string(ToString(*asked)) + ": this case is measured with " + taken;
}

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
  features_ = info.features;
  clock_hz_ = info.tsc_khz * 1e3;
}

std::vector<KernelCase> Device::Cases() const {
  std::vector<KernelCase> cases;
  for (uint32_t i = 0; i < case_count_; ++i) {
    kmapbench_case_desc desc{};
    desc.index = i;
    Call(fd_.get(), KMAPBENCH_IOC_CASE, &desc, "case " + std::to_string(i));
    cases.push_back(
        {i, desc.name, desc.what, (desc.flags & KMAPBENCH_CASE_DEFAULT) != 0,
         (desc.flags & KMAPBENCH_CASE_STAND_IN) != 0, (desc.flags & KMAPBENCH_CASE_SWITCHES) != 0,
         (desc.flags & KMAPBENCH_CASE_NMIS) != 0, (desc.flags & KMAPBENCH_CASE_VARIES) != 0,
         ToKnown(desc, features_), ToPage(desc.flags), desc.irq_policies});
  }
  return cases;
}

std::vector<CountedWindows> Device::CountWindows(const KernelCase& kernel_case,
                                                 const Request& request) const {
  std::vector<CountedWindows> all;
  for (const auto& [event, clock] :
       {std::pair("cycles", KMAPBENCH_CYCLES), std::pair("instructions", KMAPBENCH_INSTRUCTIONS)}) {
    std::vector<kmapbench_sample> counts(request.samples);
    kmapbench_run run = ToRun(kernel_case, request, counts);
    run.clock = clock;
    CountedWindows& counted = all.emplace_back();
    counted.event = event;
    counted.ops = request.ops;
    if (ioctl(fd_.get(), KMAPBENCH_IOC_RUN, &run) != 0) {
      counted.unavailable = std::generic_category().message(errno);
      continue;
    }
    KeepTaken(run, kernel_case.name, counts);
    counted.unavailable = run.reason;
    counted.oracle = ToOracle(run.oracle);
    if (run.status != KMAPBENCH_OK) continue;
    for (const kmapbench_sample& count : counts) counted.samples.push_back(ToSample(count));
  }
  return all;
}

Record Device::Run(const KernelCase& kernel_case, const Request& request,
                   CounterGroup* counters) const {
  std::vector<kmapbench_sample> ticks(request.samples);
  kmapbench_run run = ToRun(kernel_case, request, ticks);
  Overhead overhead;
  {
    const Counting counting(counters);
    const uint64_t begin = ClockBegin();
    Call(fd_.get(), KMAPBENCH_IOC_RUN, &run, kernel_case.name);
    overhead.call_ticks = ClockEnd() - begin;
  }
  KeepTaken(run, kernel_case.name, ticks);

  Record record;
  record.name = kernel_case.name;
  record.status = ToStatus(run.status);
  record.reason = run.reason;
  record.oracle = ToOracle(run.oracle);
  record.ops = request.ops;
  record.irqs = request.irqs;
  record.pages = run.pages;
  record.stand_in = kernel_case.stand_in;
  record.known = kernel_case.known;
  record.varies = kernel_case.varies;
  if (run.oracle_error_code != 0) record.oracle_error_code = run.oracle_error_code;
  for (size_t i = 0; i < kCauses.size(); ++i) {
    const bool counted = (features_ & kCauses[i].feature) == kCauses[i].feature;
    if (counted) record.rejected[kCauses[i].name] = run.rejected[i];
  }
  if (ticks.empty()) return record;

  record.first_window = run.first_window;
  overhead.samples = ticks.size();
  overhead.section_ticks = run.section_ticks;
  overhead.run_ticks = run.run_ticks;
  for (const kmapbench_sample& t : ticks) {
    overhead.window_ticks += WindowTicks(t);
    record.samples.push_back(ToSample(t));
  }
  record.overhead = overhead;
  return record;
}

}  // namespace kmapbench
