// SPDX-License-Identifier: Apache-2.0
#include "pks/ktap.h"

#include <cstdio>
#include <exception>
#include <fstream>

#include "pks/test_files.h"

namespace kmapbench {
namespace {

constexpr char kFaults[] = "/sys/module/memremap/parameters/pks_faults";

// Prints the result of a test. Returns whether it did not fail.
bool Run(const KtapTest& test, size_t number, const KtapCheck& check) {
  const long before = StrayAccesses();
  std::string skipped, failure;
  try {
    test.run();
    check();
    if (StrayAccesses() != before) failure = "there were stray accesses";
  } catch (const Skip& skip) {
    skipped = std::string(" # SKIP ") + skip.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  std::printf("%s %zu - %s%s\n", failure.empty() ? "ok" : "not ok", number, test.name,
              skipped.c_str());
  if (!failure.empty()) std::printf("# %s: %s\n", test.name, failure.c_str());
  std::fflush(stdout);
  return failure.empty();
}

}  // namespace

long StrayAccesses() {
  long count = -1;
  std::ifstream(kFaults) >> count;
  return count;
}

int RunKtap(const std::vector<KtapTest>& tests, const std::function<void()>& prepare,
            const KtapCheck& check) {
  std::printf("KTAP version 1\n1..%zu\n", tests.size());
  std::fflush(stdout);
  try {
    prepare();
  } catch (const std::exception& error) {
    std::printf("Bail out! %s\n", error.what());
    return 1;
  }
  bool good = true;
  for (size_t i = 0; i < tests.size(); ++i) good &= Run(tests[i], i + 1, check);
  return good ? 0 : 1;
}

}  // namespace kmapbench
