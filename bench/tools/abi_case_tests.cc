// SPDX-License-Identifier: Apache-2.0
#include "tools/abi_case_tests.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace kmapbench {

namespace {

// Bit of a page fault's error code: a protection key forbade the access.
constexpr uint64_t kKeyFault = 1u << 5;

// What is wrong with the samples of a run; empty: nothing.
std::string TimingFailure(TestedModule& module, const kmapbench_run& run) {
  if (run.taken != run.samples) {
    return std::to_string(run.taken) + " samples of " + std::to_string(run.samples);
  }
  uint64_t windows = 0;
  for (const kmapbench_sample& sample : module.samples()) {
    for (const uint64_t ticks :
         {sample.empty_n, sample.empty_2n, sample.case_n, sample.case_2n, sample.shifted_n,
          sample.shifted_2n, sample.chain_n, sample.chain_2n}) {
      if (ticks == 0) return "a window took no tick";
      windows += ticks;
    }
  }
  if (run.section_ticks < windows) return "the samples took less than their windows";
  if (run.run_ticks < run.section_ticks) return "the run took less than its samples";
  return "";
}

// What is wrong with the protection check of a run; empty: nothing.
std::string OracleFailure(const kmapbench_case_desc& c, const kmapbench_run& run) {
  const bool is_protected = std::strstr(c.name, "/protected") != nullptr;
  if (run.oracle != (is_protected ? KMAPBENCH_ORACLE_HELD : KMAPBENCH_ORACLE_NONE)) {
    return is_protected ? "the oracle did not hold" : "an oracle, and nothing is protected";
  }
  if (is_protected && !(run.oracle_error_code & kKeyFault)) return "the fault was not for the key";
  return "";
}

Result TestWithPolicy(TestedModule& module, const kmapbench_case_desc& c, uint32_t policy) {
  kmapbench_run run{};
  int error = E2BIG;
  // The module refuses a slow operation many times while interrupts are off (E2BIG).
  for (const uint32_t ops : {16, 4, 1}) {
    run = module.ValidRun(c.index);
    run.ops = ops;
    run.irq_policy = policy;
    run.user_page = module.UserPage(c);
    module.samples().fill({});
    error = module.Call(KMAPBENCH_IOC_RUN, &run);
    if (error != E2BIG) break;
  }
  if (error != 0) return NotOk(ErrorName(error));
  const std::string reason(run.reason, strnlen(run.reason, sizeof(run.reason)));
  if (run.status == KMAPBENCH_SKIPPED) {
    if (reason.empty() || run.taken != 0) return NotOk("skipped without a reason, or timed");
    return {Result::kSkipped, reason};
  }
  if (run.status != KMAPBENCH_OK) return NotOk(reason.empty() ? "flagged" : reason);
  return OkUnless(FirstFailure({TimingFailure(module, run), OracleFailure(c, run)}));
}

// Counts of one of the clocks in the windows of a control, and the run that took them.
struct CountedControl {
  kmapbench_run run{};
  std::vector<kmapbench_sample> samples;
  int error = 0;

  // Median of what ops operations are counted as.
  double Median() const {
    std::vector<double> values;
    for (const kmapbench_sample& s : samples) {
      values.push_back(static_cast<double>(s.case_2n) - static_cast<double>(s.case_n));
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }
};

CountedControl CountControl(TestedModule& module, uint32_t clock) {
  const auto control = std::find_if(module.cases().begin(), module.cases().end(),
                                    [](const kmapbench_case_desc& c) { return c.known != 0; });
  CountedControl counted;
  if (control == module.cases().end()) {
    counted.error = ENOENT;
    return counted;
  }
  counted.samples.resize(101);
  counted.run = module.ValidRun(control->index);
  counted.run.ops = 256;
  counted.run.samples = static_cast<uint32_t>(counted.samples.size());
  counted.run.buffer = AddressOf(counted.samples.data());
  counted.run.clock = clock;
  counted.error = module.Call(KMAPBENCH_IOC_RUN, &counted.run);
  return counted;
}

}  // namespace

Result TestEventAgainstTsc(TestedModule& module) {
  const CountedControl by_tsc = CountControl(module, KMAPBENCH_TSC);
  const CountedControl by_event = CountControl(module, KMAPBENCH_CPU_CLOCK);
  for (const CountedControl& counted : {by_tsc, by_event}) {
    if (counted.error != 0) return NotOk(ErrorName(counted.error));
    if (counted.run.status != KMAPBENCH_OK || counted.run.taken != counted.run.samples) {
      return NotOk(counted.run.reason[0] != 0 ? counted.run.reason : "not all samples are there");
    }
  }
  const double ns = by_tsc.Median() * 1e6 / module.info().tsc_khz;
  if (std::abs(by_event.Median() - ns) <= 0.1 * ns) return Ok();
  return NotOk(std::to_string(by_event.Median()) + " ns by the event, " + std::to_string(ns) +
               " ns by the TSC");
}

Result TestPmuEvents(TestedModule& module) {
  for (const uint32_t clock : {KMAPBENCH_CYCLES, KMAPBENCH_INSTRUCTIONS}) {
    const CountedControl counted = CountControl(module, clock);
    if (counted.error != 0) return NotOk(ErrorName(counted.error));
    const bool has_reason = counted.run.reason[0] != 0;
    if (counted.run.status == KMAPBENCH_SKIPPED) {
      if (!has_reason || counted.run.taken != 0) return NotOk("skipped without a reason, or timed");
    } else if (counted.run.status != KMAPBENCH_OK || counted.run.taken != counted.run.samples) {
      return NotOk(has_reason ? counted.run.reason : "not all samples are there");
    }
  }
  return Ok();
}

Result TestCase(TestedModule& module, const kmapbench_case_desc& c) {
  Result result{Result::kSkipped, "takes no policy"};
  bool measured = false;
  for (uint32_t policy = 0; policy < KMAPBENCH_IRQ_POLICIES; ++policy) {
    if (!Allows(c, policy)) continue;
    result = TestWithPolicy(module, c, policy);
    measured |= result.state == Result::kOk;
    if (result.state == Result::kNotOk) {
      result.reason = "policy " + std::to_string(policy) + ": " + result.reason;
      return result;
    }
  }
  return measured ? Ok() : result;
}

}  // namespace kmapbench
