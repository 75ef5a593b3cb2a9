// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/tested_module.h"

namespace kmapbench {

// Runs a case with each interrupt policy that it allows. Each run has to be measured in full, and
// the protection check has to pass where something is protected. Skipped if all runs are skipped.
Result TestCase(TestedModule& module, const kmapbench_case_desc& c);

// A control takes as long by the kernel's clock, which is read as an event of the PMU is, as by the
// TSC.
Result TestEventAgainstTsc(TestedModule& module);
// Each event of the PMU is counted in full, or skipped with a reason.
Result TestPmuEvents(TestedModule& module);

}  // namespace kmapbench
