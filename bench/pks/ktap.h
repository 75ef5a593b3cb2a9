// SPDX-License-Identifier: Apache-2.0
//
// Runs tests of our PKS kernel, and prints the results as KTAP (Documentation/dev-tools/ktap.rst).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace kmapbench {

struct KtapTest {
  const char* name;
  std::function<void()> run;
};

// Throws unless the running test has left memory as it should be.
using KtapCheck = std::function<void()>;

// How many accesses the kernel has reported as stray; -1: it does not say.
long StrayAccesses();

// Runs the tests and prints the results. prepare is called before the first of them: if it throws,
// none is run. check is called after each. Returns the program's exit code.
int RunKtap(const std::vector<KtapTest>& tests, const std::function<void()>& prepare,
            const KtapCheck& check);

}  // namespace kmapbench
