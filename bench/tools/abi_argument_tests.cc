// SPDX-License-Identifier: Apache-2.0
#include "tools/abi_argument_tests.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace kmapbench {

Result TestInfo(TestedModule& module) {
  for (const uint64_t reserved : module.info().reserved) {
    if (reserved != 0) return NotOk("a reserved field of INFO is not 0");
  }
  return module.info().tsc_khz ? Ok() : NotOk("the clock's frequency is 0");
}

Result TestNames(TestedModule& module) {
  const std::vector<kmapbench_case_desc>& cases = module.cases();
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string name(cases[i].name, strnlen(cases[i].name, sizeof(cases[i].name)));
    if (name.empty() || name.size() == sizeof(cases[i].name) || cases[i].what[0] == 0) {
      return NotOk("case " + std::to_string(i) + " has no name or no description");
    }
    for (size_t j = 0; j < i; ++j) {
      if (name == cases[j].name) return NotOk(name + " is there twice");
    }
    const uint32_t known = (1u << KMAPBENCH_IRQ_POLICIES) - 1;
    if (cases[i].irq_policies == 0 || cases[i].irq_policies & ~known) {
      return NotOk(name + ": takes no policy, or an unknown one");
    }
  }
  return Ok();
}

Result TestUnknownCommand(TestedModule& module) {
  kmapbench_info info{};
  return OkUnless(Expect("a command of ours with another number",
                         module.Call(_IOR('k', 0xb3, kmapbench_info), &info), ENOTTY));
}

Result TestClock(TestedModule& module) {
  return OkUnless(FirstFailure({
      Expect("the first that there is not",
             module.CallChanged([](kmapbench_run& run) { run.clock = KMAPBENCH_CLOCKS; }), EINVAL),
      Expect("the largest", module.CallChanged([](kmapbench_run& run) { run.clock = ~0u; }),
             EINVAL),
  }));
}

Result TestIndex(TestedModule& module) {
  kmapbench_case_desc desc{};
  const uint32_t count = module.info().case_count;
  desc.index = count;
  return OkUnless(FirstFailure({
      Expect("CASE", module.Call(KMAPBENCH_IOC_CASE, &desc), EINVAL),
      Expect("RUN", module.CallChanged([=](kmapbench_run& run) { run.index = count; }), EINVAL),
      Expect("RUN, the largest index",
             module.CallChanged([](kmapbench_run& run) { run.index = ~0u; }), EINVAL),
  }));
}

Result TestOps(TestedModule& module) {
  return OkUnless(FirstFailure({
      Expect("none", module.CallChanged([](kmapbench_run& run) { run.ops = 0; }), EINVAL),
      Expect("too many",
             module.CallChanged([](kmapbench_run& run) { run.ops = KMAPBENCH_MAX_OPS + 1; }),
             EINVAL),
  }));
}

Result TestSamples(TestedModule& module) {
  return OkUnless(FirstFailure({
      Expect("none", module.CallChanged([](kmapbench_run& run) { run.samples = 0; }), EINVAL),
      Expect("too many", module.CallChanged([](kmapbench_run& run) {
        run.samples = KMAPBENCH_MAX_SAMPLES + 1;
      }),
             EINVAL),
  }));
}

Result TestPolicy(TestedModule& module) {
  for (const kmapbench_case_desc& c : module.cases()) {
    for (uint32_t policy = 0; policy <= KMAPBENCH_IRQ_POLICIES; ++policy) {
      if (Allows(c, policy)) continue;
      kmapbench_run run = module.ValidRun(c.index);
      run.irq_policy = policy;
      const int error = module.Call(KMAPBENCH_IOC_RUN, &run);
      if (error != EINVAL) {
        return NotOk(
            Expect(std::string(c.name) + ", policy " + std::to_string(policy), error, EINVAL));
      }
    }
  }
  return Ok();
}

Result TestUnwantedPage(TestedModule& module) {
  for (const kmapbench_case_desc& c : module.cases()) {
    if (MapsUserPage(c)) continue;
    kmapbench_run run = module.ValidRun(c.index);
    run.user_page = AddressOf(module.samples().data());
    const int error = module.Call(KMAPBENCH_IOC_RUN, &run);
    if (error != EINVAL) return NotOk(Expect(c.name, error, EINVAL));
  }
  return Ok();
}

Result TestAddresses(TestedModule& module) {
  constexpr size_t kPage = 4096;
  void* const closed = mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (closed == MAP_FAILED) return NotOk("mmap: " + ErrorName(errno));
  const uint64_t kernel = 0xffff888000000000;  // where the direct map usually begins
  const auto buffer_at = [&module](uint64_t address) {
    return module.CallChanged([=](kmapbench_run& run) { run.buffer = address; });
  };
  Result result = OkUnless(FirstFailure({
      Expect("INFO", module.Call(KMAPBENCH_IOC_INFO, closed), EFAULT),
      Expect("CASE", module.Call(KMAPBENCH_IOC_CASE, closed), EFAULT),
      Expect("RUN", module.Call(KMAPBENCH_IOC_RUN, closed), EFAULT),
      Expect("RUN, null", module.Call(KMAPBENCH_IOC_RUN, nullptr), EFAULT),
      Expect("RUN, a closed buffer", buffer_at(AddressOf(closed)), EFAULT),
      Expect("RUN, a buffer of the kernel", buffer_at(kernel), EFAULT),
  }));
  munmap(closed, kPage);
  return result;
}

}  // namespace kmapbench
