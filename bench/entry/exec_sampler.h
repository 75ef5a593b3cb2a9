// SPDX-License-Identifier: Apache-2.0
//
// The process that takes the samples of a case of entry_cases.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kmap_bench/loop_check.h"

namespace kmapbench::elsewhere {

// What kmap_bench is started with to be that process, and where it writes what it has found.
inline constexpr std::string_view kSampler = "--kmapbench_sampler";
inline constexpr int kSamplerOut = 3;

struct Effort {
  uint32_t ops = 0;           // operations a sample; 0: chosen by target_ticks
  uint32_t samples = 1;       // without a disturbance
  uint64_t target_ticks = 0;  // that a sample of 2n should take
};

struct Listed {
  std::string name;
  uint32_t samples;  // that will do, where fewer have to than of other cases; else 0
};

std::vector<Listed> List();

// The bodies of all cases, and of the empty loop beside them.
std::vector<LoopBody> LoopBodies();

// Its main(): kSampler, the name of the case, ops, samples, target_ticks.
int SamplerMain(int argc, char** argv);

}  // namespace kmapbench::elsewhere
