// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "record/record.h"
#include "system/counters.h"
#include "user/model.h"

namespace kmapbench::user {

// How a model is to be measured.
struct SamplingPlan {
  uint32_t ops = 0;           // operations per sample; 0: chosen by target_ticks
  uint32_t samples = 1;       // per thread
  uint64_t target_ticks = 0;  // ticks that 2n operations should take
  double write_cycles = 0;    // core cycles of a write, for models that assume them
};

// Measures a model in an address space of its own. The counters count while samples are taken, in
// all threads. A model that cannot run here gives a skipped record. Throws std::runtime_error if a
// write cannot take write_cycles, and std::system_error if the address space cannot be made.
Record Measure(const Model& model, const SamplingPlan& plan, CounterGroup& counters);

}  // namespace kmapbench::user
