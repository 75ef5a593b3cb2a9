// SPDX-License-Identifier: Apache-2.0
//
// What perf events counted in the windows of a case, held against what is known and against the
// clock that timed the same windows.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "record/record.h"

namespace kmapbench {

// Returns what is wrong with the counts of one event; empty if nothing is. An add of the chain is
// one instruction and takes one core cycle. A control has the instructions that it is known to
// have. And an operation takes as many cycles by the PMU as by the clock and its chain, within a
// tenth or within three cycles if that is more, unless operations differ.
std::string CountingProblem(const CountedWindows& counted, const Record& record);

// Returns {event: {cost, cost_shifted, empty, chain, ops, samples of all windows}} of a record, in
// counts per operation; with "problem" in addition, or with "unavailable" alone.
nlohmann::ordered_json CountedWindowsToJson(const Record& record);

}  // namespace kmapbench
