// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "record/record.h"
#include "system/counters.h"
#include "user/model.h"

namespace kmapbench::user {

struct Effort {
  uint32_t ops = 0;           // operations a sample; 0: chosen by target_ticks
  uint32_t samples = 1;       // of each thread
  uint64_t target_ticks = 0;  // that a sample of 2n should take
  double write_cycles = 0;    // what a write is assumed to take, where the model assumes it
};

// A record of a model, in a world of its own. The counters count while samples are taken,
// in all threads. Throws std::runtime_error and std::system_error.
Record Measure(const Model& model, const Effort& effort, CounterGroup& counters);

}  // namespace kmapbench::user
