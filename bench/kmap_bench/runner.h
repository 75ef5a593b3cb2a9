// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "kmap_bench/bench_case.h"
#include "kmap_bench/control_check.h"
#include "kmap_bench/gbench_report.h"
#include "kmap_bench/options.h"
#include "kmap_bench/sample_count.h"
#include "record/record.h"
#include "record/record_writer.h"
#include "system/counters.h"

namespace kmapbench {

// Opens the counters of one case after the other.
class CounterOpener {
 public:
  explicit CounterOpener(std::vector<std::string> names) : names_(std::move(names)) {}

  // The counters of a case; none if it is not counted. A case that is not counted waits first until
  // the kernel no longer switches counters.
  CounterGroup Open(bool counted);

 private:
  std::vector<std::string> names_;
  bool last_counted_ = false;
};

// What all runners of a process share.
struct RunContext {
  const Options& options;
  std::chrono::duration<double> warm_up;  // in addition to the warm-up that cases have themselves
  RecordWriter& writer;
  ControlCheck& controls;
  CounterOpener counters;
  GBenchReporter reporter;
  bool failed = false;  // a case ended with an error, or its protection check failed
};

// Runs one case: its repetitions become one record.
class CaseRunner {
 public:
  // context has to outlive the runner.
  CaseRunner(BenchCase bench_case, SampleCount count, RunContext& context);

  // Registers the case with Google Benchmark, which refers to this object from then on. Google
  // Benchmark appends numbers of iterations and repetitions to a name: not if only names are
  // listed.
  void Register(bool list_only);

 private:
  void RunRepetition(benchmark::State& state);
  void Begin();
  void WarmUp() const;
  void Finish();
  void Fail(benchmark::State& state, const char* error);

  BenchCase case_;
  SampleCount count_;
  RunContext& context_;
  Record record_;      // of the repetitions so far that did not fail
  std::string error_;  // what the last one that failed said; the record is flagged with it
  uint32_t done_ = 0;  // repetitions, also those that failed
  std::optional<CounterGroup> counters_;
};

}  // namespace kmapbench
