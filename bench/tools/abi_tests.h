// SPDX-License-Identifier: Apache-2.0
//
// What kmapbench.h promises, as tests of a loaded module.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "module_client/dax_page.h"

namespace kmapbench {

struct Result {
  enum { kOk, kNotOk, kSkipped } state;
  std::string reason;  // why it is not ok, or skipped
};

struct Test {
  std::string name;
  std::function<Result()> run;
};

// Tests of the device at path, which is open as fd: tests of the ABI first, then one per case. The
// mappings are for cases that map a page of the caller. Throws std::runtime_error if the module
// cannot be tested at all.
std::vector<Test> AbiTests(const std::string& path, int fd, std::optional<DaxMapping> file,
                           std::optional<DaxMapping> device);

}  // namespace kmapbench
