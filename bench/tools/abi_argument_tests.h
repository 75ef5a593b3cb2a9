// SPDX-License-Identifier: Apache-2.0
//
// Tests of INFO and CASE, and of calls with wrong arguments, which have to be refused.
#pragma once

#include "tools/tested_module.h"

namespace kmapbench {

// INFO: a clock with a frequency, and reserved fields that are 0.
Result TestInfo(TestedModule& module);
// Each case has a name that no other has, a description, and known interrupt policies.
Result TestNames(TestedModule& module);
// ENOTTY for a command that the header does not have.
Result TestUnknownCommand(TestedModule& module);
// EINVAL for a value out of range: a clock, an index, operations, samples.
Result TestClock(TestedModule& module);
Result TestIndex(TestedModule& module);
Result TestOps(TestedModule& module);
Result TestSamples(TestedModule& module);
// EINVAL for each interrupt policy that a case does not allow.
Result TestPolicy(TestedModule& module);
// EINVAL for a page given to a case that maps none.
Result TestUnwantedPage(TestedModule& module);
// EFAULT for addresses at which the caller may not read or write.
Result TestAddresses(TestedModule& module);

}  // namespace kmapbench
