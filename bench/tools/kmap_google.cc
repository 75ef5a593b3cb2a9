// SPDX-License-Identifier: Apache-2.0
//
// kmap_google: user models as Google Benchmark times them when left to itself: by its clock, as
// many iterations as it likes. What our way of sampling is held against (lab/studies/timing.py).
#include <benchmark/benchmark.h>

#include "common/run_main.h"
#include "user/pairs.h"
#include "user/sampling.h"

namespace kmapbench {

namespace {

// So many that the loop around them costs nothing.
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
    if (model.uses_pkru || !user::Refusal(model).empty()) continue;
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
