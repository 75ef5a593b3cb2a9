// SPDX-License-Identifier: Apache-2.0
//
// How user models are timed: on one CPU, after warming up until times are stable, and with stack
// and data at many addresses.
#pragma once

#include <sched.h>

#include <cstdint>
#include <vector>

#include "record/record.h"
#include "user/model.h"

namespace kmapbench::user {

// Keeps the calling thread on one CPU until destroyed. A negative CPU, or one that is not allowed,
// has no effect.
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

// The CPUs that this thread may run on; {0} if the kernel does not say.
std::vector<int> AllowedCpus();

// Takes samples of a model in one thread, in an existing address space.
class Sampler {
 public:
  // Both have to outlive the sampler.
  Sampler(const Model& model, const AddressSpace& address_space);

  // Returns a number of operations, at least 1, of which twice as many take about target_ticks.
  uint32_t OpsFor(uint64_t target_ticks);

  // Takes samples until the medians of two blocks in a row differ by less than 1 %, for 40 blocks
  // at most.
  void WarmUp(uint32_t ops);

  // Times ops and 2 * ops operations of the model and of the empty loop, between two runs of the
  // add chain. Stack and task are at other addresses for the next sample.
  Sample Take(uint32_t ops);

  // Runs the oracle of a model whose pages have a pkey, and puts the result into the record. Does
  // nothing for other models, or after a failure.
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
