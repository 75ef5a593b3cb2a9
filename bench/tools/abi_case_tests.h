// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/tested_module.h"

namespace kmapbench {

// Runs a case with each interrupt policy that it allows. Each run has to be measured in full, and
// the protection check has to pass where something is protected. Skipped if all runs are skipped.
Result TestCase(TestedModule& module, const kmapbench_case_desc& c);

}  // namespace kmapbench
