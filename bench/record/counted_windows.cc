// SPDX-License-Identifier: Apache-2.0
#include "record/counted_windows.h"

#include <cmath>
#include <cstdio>

namespace kmapbench {

namespace {

// How far from a whole number counts may be: of an add, and of all instructions.
constexpr double kCycles = 0.1;
constexpr double kInstructions = 0.01;

bool AreCycles(const CountedWindows& counted) { return counted.event == "cycles"; }

// Whether one operation takes what the next one takes.
bool IsSteady(const Record& record) { return !record.varies && record.pages <= 1; }

nlohmann::ordered_json OrNull(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nullptr;
}

}  // namespace

std::string CountingProblem(const CountedWindows& counted, const Record& record) {
  if (counted.samples.empty()) return "";
  const Cost cost = CostOf(counted.samples, counted.ops);
  const double chain = cost.chain.value_or(0);
  char text[160] = "";
  if (!(std::abs(chain - 1) <= (AreCycles(counted) ? kCycles : kInstructions))) {
    std::snprintf(text, sizeof(text), "an add of the chain is counted as %.3f %s", chain,
                  counted.event.c_str());
  } else if (!AreCycles(counted)) {
    if (record.known && !(std::abs(cost.cost - record.known->instructions) <= kInstructions)) {
      std::snprintf(text, sizeof(text), "an operation is counted as %.2f instructions, and has %u",
                    cost.cost, record.known->instructions);
    }
  } else if (const Cost timed = CostOf(record.samples, record.ops);
             timed.core_cycles && IsSteady(record)) {
    if (!AreTheCycles(cost.cost, *timed.core_cycles)) {
      std::snprintf(text, sizeof(text),
                    "an operation takes %.1f cycles by the PMU and %.1f by the clock", cost.cost,
                    *timed.core_cycles);
    }
  }
  return text;
}

nlohmann::ordered_json CountedWindowsToJson(const Record& record) {
  nlohmann::ordered_json all;
  for (const CountedWindows& counted : record.counted_windows) {
    nlohmann::ordered_json& json = all[counted.event];
    if (!counted.unavailable.empty()) {
      json["unavailable"] = counted.unavailable;
      continue;
    }
    const Cost cost = CostOf(counted.samples, counted.ops);
    json["cost"] = cost.cost;
    json["cost_shifted"] = OrNull(cost.shifted);
    json["empty"] = cost.empty;
    json["chain"] = OrNull(cost.chain);
    json["ops"] = counted.ops;
    const std::string problem = CountingProblem(counted, record);
    if (!problem.empty()) json["problem"] = problem;
    AddSamples(json, counted.samples);
  }
  return all;
}

}  // namespace kmapbench
