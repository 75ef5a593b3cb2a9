// SPDX-License-Identifier: Apache-2.0
//
// How user models are timed: pinned, warmed up until stable, at many places of stack and data.
#pragma once

#include <sched.h>

#include <cstdint>
#include <vector>

#include "record/record.h"
#include "user/model.h"

namespace kmapbench::user {

// Keeps the calling thread on one CPU, until destroyed.
class PinnedToCpu {
 public:
  explicit PinnedToCpu(int cpu);
  ~PinnedToCpu();
  PinnedToCpu(const PinnedToCpu&) = delete;
  PinnedToCpu& operator=(const PinnedToCpu&) = delete;

 private:
  cpu_set_t before_{};
  bool pinned_ = false;
};

// CPUs that this process may run on.
std::vector<int> AllowedCpus();

// One thread's samples of a model, in the world that stands.
class Sampler {
 public:
  Sampler(const Model& model, const World& world);

  // Operations that make a sample of 2n take about target_ticks, at least 1.
  uint32_t OpsFor(uint64_t target_ticks);

  // Runs until two blocks of samples in a row agree, or for long enough.
  void WarmUp(uint32_t ops);

  // Times n and 2n operations of the model and of the empty loop, between two runs of the add
  // chain; the next sample finds stack and task elsewhere.
  Sample Take(uint32_t ops);

  // The oracle of a model whose pages carry a key.
  void Check(Record& record);

 private:
  void Enter();
  void Leave();

  const Model& model_;
  BodyContext context_{};
  std::byte* data_;
  std::vector<std::byte> buffer_;
  std::vector<std::byte> tasks_;
  uint32_t taken_ = 0;
};

}  // namespace kmapbench::user
