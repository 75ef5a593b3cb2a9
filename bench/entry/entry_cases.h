// SPDX-License-Identifier: Apache-2.0
//
// The elsewhere/ cases that begin in user space: a system call, a page fault, fork and exit. They
// need no module. Each is measured in a process of its own (exec_sampler.h), whose memory is the
// same whatever was measured before: it decides what a fork copies and how a fault is handled.
#pragma once

#include <string>

#include "entry/exec_sampler.h"
#include "record/record.h"

namespace kmapbench::entry {

// Measures the entry case of that name. Throws std::runtime_error if its process fails, and
// std::system_error if there can be none.
Record Measure(const std::string& name, const SamplingPlan& plan);

}  // namespace kmapbench::entry
