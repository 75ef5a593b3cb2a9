// SPDX-License-Identifier: Apache-2.0
//
// The process that takes the samples of an entry case (entry_cases.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kmap_bench/loop_check.h"

namespace kmapbench::entry {

// The first argument that makes kmap_bench such a process, and the file descriptor to which it
// writes the samples.
inline constexpr std::string_view kSampler = "--kmapbench_sampler";
inline constexpr int kSamplerOut = 3;

// How samples are taken.
struct SamplingPlan {
  uint32_t ops = 0;           // operations per sample; 0: chosen by target_ticks
  uint32_t samples = 1;       // without the rejected ones
  uint64_t target_ticks = 0;  // that 2n operations should take
};

struct EntryCase {
  std::string name;
  uint32_t few_samples;  // this many are enough, because the operation is long; 0: as usual
};

// All entry cases.
std::vector<EntryCase> ListCases();

// The bodies of all entry cases, and of their empty loop.
std::vector<LoopBody> LoopBodies();

// main() of the process. The arguments after the program's name are kSampler, the name of the case,
// and the fields of SamplingPlan. Writes the samples as JSON to kSamplerOut. Throws
// std::runtime_error and, if a number is none, std::invalid_argument.
int SamplerMain(int argc, char** argv);

}  // namespace kmapbench::entry
