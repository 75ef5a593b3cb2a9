// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/control_check.h"

#include <cstdio>

#include "system/counters.h"
#include "system/environment.h"

namespace kmapbench {

Record MeasureControl(const BenchCase& control, Clock clock, uint32_t ops, uint32_t samples) {
  constexpr int kMostTries = 5;
  for (int left = clock == Clock::kIcount ? 1 : kMostTries;; --left) {
    CounterGroup none({});
    try {
      Record record = control.measure(ops, samples, none);
      if (left == 1 || ControlProblem(record, clock).empty()) return record;
    } catch (const std::exception&) {
      if (left == 1) throw;
    }
  }
}

ControlCheck::ControlCheck(const Options& options, const CaseRegistry& registry, uint32_t samples,
                           RecordWriter& writer)
    : options_(options), registry_(registry), samples_(samples), writer_(writer) {}

// QEMU's emulator has no core cycles, so a control says nothing about time there.
bool ControlCheck::CanJudge() const {
  static const bool is_tcg = HypervisorName() == kTcg;
  return options_.origin.clock == Clock::kIcount || !is_tcg;
}

void ControlCheck::MeasureOnce(BenchCase::Side side) {
  if (measured_.contains(side)) return;
  std::vector<Record> records;
  for (const BenchCase& control : registry_.controls(side)) {
    Record record = MeasureControl(control, options_.origin.clock, options_.ops, samples_);
    const std::string problem = ControlProblem(record, options_.origin.clock);
    if (CanJudge() && problem_.empty() && !problem.empty()) {
      std::fprintf(stderr, "kmap_bench: %s\n", problem.c_str());
      problem_ = problem;
    }
    AddCountedWindows(control, record);
    FlagIfUntrusted(record);
    records.push_back(std::move(record));
  }
  measured_.insert(side);
  for (const Record& record : records) writer_.Write(ToJson(record, options_.origin));
}

void ControlCheck::FlagIfUntrusted(Record& record) const {
  if (problem_.empty() || record.status != Status::kOk) return;
  record.status = Status::kFlagged;
  record.reason = "control: " + problem_;
}

}  // namespace kmapbench
