// SPDX-License-Identifier: Apache-2.0
#include "tools/abi_tests.h"

#include <memory>
#include <utility>

#include "tools/abi_access_tests.h"
#include "tools/abi_argument_tests.h"
#include "tools/abi_case_tests.h"
#include "tools/tested_module.h"

namespace kmapbench {

std::vector<Test> AbiTests(const std::string& path, int fd, std::optional<DaxMapping> file,
                           std::optional<DaxMapping> device) {
  const auto module = std::make_shared<TestedModule>(path, fd, std::move(file), std::move(device));
  std::vector<Test> tests;
  // Each test keeps the module alive.
  const auto add = [&](std::string name, Result (*test)(TestedModule&)) {
    tests.push_back({std::move(name), [module, test] { return test(*module); }});
  };
  add("abi", TestInfo);
  add("cases have names of their own", TestNames);
  add("an unknown command is refused", TestUnknownCommand);
  add("an unknown clock is refused", TestClock);
  add("a bad index is refused", TestIndex);
  add("a bad number of operations is refused", TestOps);
  add("a bad number of samples is refused", TestSamples);
  add("a policy that a case does not take is refused", TestPolicy);
  add("a page is refused where none is mapped", TestUnwantedPage);
  add("bad addresses are refused", TestAddresses);
  add("one run at a time", TestBusy);
  add("the device belongs to root alone", TestMode);
  add("an ordinary user cannot open it", TestOrdinaryUser);
  add("root without CAP_SYS_ADMIN cannot open it", TestWithoutCapability);
  add("windows counted by an event agree with the clock", TestEventAgainstTsc);
  add("events of the PMU are counted, or skipped with a reason", TestPmuEvents);
  for (const kmapbench_case_desc& c : module->cases()) {
    tests.push_back({c.name, [module, &c] { return TestCase(*module, c); }});
  }
  return tests;
}

}  // namespace kmapbench
