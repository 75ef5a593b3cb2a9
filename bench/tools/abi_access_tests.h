// SPDX-License-Identifier: Apache-2.0
//
// Tests of who may use the device, and how many at once.
#pragma once

#include "tools/tested_module.h"

namespace kmapbench {

// EBUSY for a run while another thread's is under way; afterwards a run works again.
Result TestBusy(TestedModule& module);
// The device is a character device with mode 0600 that belongs to root.
Result TestMode(TestedModule& module);
// Opening the device fails with EACCES for an ordinary user.
Result TestOrdinaryUser(TestedModule& module);
// Opening the device fails with EPERM for root without capabilities.
Result TestWithoutCapability(TestedModule& module);

}  // namespace kmapbench
