// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/runner.h"

#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

namespace kmapbench {

CounterGroup CounterOpener::Open(bool counted) {
  // The kernel checks at each context switch whether counters are open, and stops that one second
  // after the last one was closed (kernel/events/core.c, perf_sched_work).
  constexpr std::chrono::milliseconds kUntilKernelStops{1500};
  if (!counted && last_counted_) std::this_thread::sleep_for(kUntilKernelStops);
  last_counted_ = counted;
  return CounterGroup(counted ? names_ : std::vector<std::string>{});
}

CaseRunner::CaseRunner(BenchCase bench_case, SampleCount count, RunContext& context)
    : case_(std::move(bench_case)), count_(count), context_(context) {}

void CaseRunner::Register(bool list_only) {
  auto* const registered = benchmark::RegisterBenchmark(
      case_.name.c_str(), [this](benchmark::State& state) { RunRepetition(state); });
  if (list_only) return;
  registered->UseManualTime()
      ->Iterations(static_cast<benchmark::IterationCount>(count_.samples))
      ->Repetitions(static_cast<int>(count_.repetitions));
}

void CaseRunner::RunRepetition(benchmark::State& state) {
  try {
    if (!counters_) Begin();
    const uint32_t ops = record_.ops > 0 ? record_.ops : context_.options.ops;
    const Record part = case_.measure(ops, count_.samples, *counters_);
    MergeRepetition(record_, part);
    if (error_.empty()) {
      context_.reporter.Report(state, case_, part, record_);
    } else {
      // Google Benchmark 1.7 reads statistics that an erroneous first repetition does not have, if
      // two others are good.
      GBenchReporter::ReportError(state, error_.c_str());
    }
  } catch (const std::exception& error) {
    Fail(state, error.what());
  }
  if (++done_ < count_.repetitions) return;
  try {
    Finish();
  } catch (const std::exception& error) {
    Fail(state, error.what());
  }
}

void CaseRunner::Begin() {
  context_.controls.MeasureOnce(case_.side);
  counters_.reset();
  counters_.emplace(context_.counters.Open(case_.counted));
  if (context_.options.events) {
    context_.writer.Write({{"event", "case"}, {"name", case_.name}});
  }
  WarmUp();
}

void CaseRunner::WarmUp() const {
  if (case_.skipped) return;
  const auto begin = std::chrono::steady_clock::now();
  CounterGroup none({});
  while (std::chrono::steady_clock::now() - begin < context_.warm_up) {
    case_.measure(context_.options.ops, 1, none);
  }
}

void CaseRunner::Finish() {
  if (!record_.samples.empty()) record_.counters = counters_->Read();
  counters_.reset();  // first, so that the PMU has room for what counts windows
  AddCountedWindows(case_, record_);
  if (!error_.empty()) {
    record_.name = case_.name;
    record_.status = Status::kFlagged;
    record_.reason = error_;
  }
  context_.controls.FlagIfUntrusted(record_);
  context_.writer.Write(ToJson(record_, context_.options.origin));
  context_.failed |= record_.oracle == Oracle::kFailed;
}

void CaseRunner::Fail(benchmark::State& state, const char* error) {
  context_.failed = true;
  error_ = error;
  GBenchReporter::ReportError(state, error);
  std::fprintf(stderr, "kmap_bench: %s\n", error);
}

}  // namespace kmapbench
