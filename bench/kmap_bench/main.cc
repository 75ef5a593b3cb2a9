// SPDX-License-Identifier: Apache-2.0
//
// kmap_bench: one Google Benchmark program for the kernel cases, which kmapbench.ko measures, and
// for user models and entry cases, which this program measures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/json_text.h"
#include "common/run_main.h"
#include "entry/exec_sampler.h"
#include "kmap_bench/control_check.h"
#include "kmap_bench/gbench_report.h"
#include "kmap_bench/loop_check.h"
#include "kmap_bench/options.h"
#include "kmap_bench/registry.h"
#include "kmap_bench/runner.h"
#include "kmap_bench/sample_count.h"
#include "record/record_writer.h"
#include "system/clock.h"
#include "system/environment.h"
#include "user/model.h"

namespace kmapbench {

namespace {

void WriteEnvironment(const std::string& path) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << JsonText(Environment(), 2) << "\n";
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

// Throws std::runtime_error if the compiler has changed a loop: the cost of a case is the
// difference between two loops, which have to be alike.
void CheckLoops() {
  std::vector<LoopBody> bodies = user::LoopBodies();
  std::ranges::copy(entry::LoopBodies(), std::back_inserter(bodies));
  const std::string problem = LoopProblem(bodies, LoopEntries());
  if (!problem.empty()) throw std::runtime_error(problem);
}

// Runs the cases that Google Benchmark's filter leaves. Returns the exit code: 0; 1 if one of them
// failed; 2 if there is none.
int RunCases(const Options& options, const GBenchFlags& flags) {
  RecordWriter writer(options.records);
  const CaseRegistry registry(options);
  const SampleCount count = ChooseSampleCount(options, flags);
  const SampleCount usual = DefaultSampleCount(options.origin.clock);
  ControlCheck controls(options, registry, std::min(count.samples, usual.samples), writer);
  RunContext context{options,
                     std::chrono::duration<double>(flags.warm_up_seconds),
                     writer,
                     controls,
                     CounterOpener(options.counters),
                     GBenchReporter(options.origin.clock)};
  std::deque<CaseRunner> runners;
  for (const BenchCase& bench_case : registry.cases()) {
    runners.emplace_back(bench_case, SampleCountOf(bench_case, options, count), context)
        .Register(flags.list);
  }
  if (benchmark::RunSpecifiedBenchmarks() == 0) {
    if (options.events) writer.Write({{"event", "no_case"}});
    std::fprintf(
        stderr,
        "kmap_bench: no case matches; --benchmark_list_tests lists them (kernel cases need "
        "root and kmapbench.ko loaded)\n");
    return 2;
  }
  benchmark::Shutdown();
  return context.failed || controls.failed() ? 1 : 0;
}

int Main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) PrintOptionsHelp();
  }
  const GBenchFlags flags = ReadGBenchFlags(argc, argv);
  benchmark::Initialize(&argc, argv);
  const Options options = ParseOptions(argc, argv);
  benchmark::AddCustomContext("kmapbench_clock", ToString(options.origin.clock));
  benchmark::AddCustomContext("kmapbench_variant", options.origin.variant);

  if (!HasRdtscp()) throw std::runtime_error("this CPU has no RDTSCP: nothing can be timed");
  CheckLoops();
  WriteEnvironment(options.environment);
  return RunCases(options, flags);
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == kmapbench::entry::kSampler) {
    return kmapbench::RunProgram("kmap_bench", kmapbench::entry::SamplerMain, argc, argv);
  }
  return kmapbench::RunProgram("kmap_bench", kmapbench::Main, argc, argv);
}
