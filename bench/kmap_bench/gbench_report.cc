// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/gbench_report.h"

#include <cmath>
#include <string>
#include <vector>

namespace kmapbench {

void GBenchReporter::Report(benchmark::State& state, const BenchCase& bench_case,
                            const Record& part, const Record& so_far) const {
  size_t i = 0;
  for (auto _ : state) {
    if (i == part.samples.size()) {
      state.SetIterationTime(0);
      continue;
    }
    const Sample& sample = part.samples[i++];
    const double ticks = static_cast<double>(sample.case_2n) - static_cast<double>(sample.case_n);
    state.SetIterationTime(ticks / part.ops / bench_case.clock_hz());
  }
  if (so_far.status != Status::kOk) {
    const bool oracle = so_far.oracle == Oracle::kFailed;
    state.SkipWithError(((oracle ? "oracle: " : "") + so_far.reason).c_str());
    return;
  }
  const Cost cost = CostOf(part.samples, part.ops);
  state.counters["cost"] = cost.cost;
  state.counters["empty"] = cost.empty;
  state.SetLabel(Label(part));
}

void GBenchReporter::ReportError(benchmark::State& state, const char* error) {
  if (state.iterations() == 0) {
    for (auto _ : state) state.SetIterationTime(0);
  }
  state.SkipWithError(error);
}

std::string GBenchReporter::Label(const Record& part) const {
  std::vector<std::string> notes;
  if (clock_ == Clock::kIcount) notes.emplace_back("emulated, 1 ns = 1 instruction");
  if (part.stand_in) notes.emplace_back("a stand-in, not PKS");
  if (part.assumed_write_cycles) {
    notes.push_back("a write assumed to take " +
                    std::to_string(std::lround(*part.assumed_write_cycles)) + " cycles");
  }
  std::string label;
  for (const std::string& note : notes) label += (label.empty() ? "" : "; ") + note;
  return label;
}

}  // namespace kmapbench
