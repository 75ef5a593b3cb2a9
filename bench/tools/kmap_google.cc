// SPDX-License-Identifier: Apache-2.0
//
// kmap_google: times user models as Google Benchmark does by default, with its clock and its number
// of iterations. Our way of sampling is compared with it (lab/studies/timing.py).
#include <benchmark/benchmark.h>

#include "common/run_main.h"
#include "user/pairs.h"
#include "user/sampling.h"

namespace kmapbench {

namespace {

// Enough for the cost of the loop around them to be negligible.
constexpr benchmark::IterationCount kBatch = 1000;

void Time(benchmark::State& state, const user::Model& model) {
  const user::PinnedToCpu pinned(user::AllowedCpus().front());
  user::Pairs pairs(model);
  while (state.KeepRunningBatch(kBatch)) pairs.Do(kBatch);
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const user::Model& model : user::Models(1)) {
    if (model.uses_pkru || !user::SkipReason(model).empty()) continue;
    benchmark::RegisterBenchmark(model.name.c_str(),
                                 [model](benchmark::State& state) { Time(state, model); });
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) {
  return kmapbench::RunProgram("kmap_google", kmapbench::Main, argc, argv);
}
