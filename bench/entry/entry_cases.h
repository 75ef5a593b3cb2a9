// SPDX-License-Identifier: Apache-2.0
//
// The elsewhere/ cases that begin in user space: a system call, a page fault, fork and exit. They
// need no module. Each is measured in a process of its own (elsewhere_sampler.h), which is the same
// whatever was measured before: what a fork copies, and where a fault looks, is that process's
// memory.
#pragma once

#include <string>

#include "entry/exec_sampler.h"
#include "record/record.h"

namespace kmapbench::elsewhere {

// Throws std::runtime_error and std::system_error.
Record Measure(const std::string& name, const Effort& effort);

}  // namespace kmapbench::elsewhere
