// SPDX-License-Identifier: Apache-2.0
//
// The patched path in user space: the same tests, count, value and cache over page
// descriptors laid out like struct page. The register write is a policy.
#pragma once

#include <sched.h>

#include <cstdint>
#include <string>
#include <vector>

#include "record.h"

namespace kmapbench {

struct UserModel {
  std::string name;
  std::string what;
  // Empty where this CPU can run it, else why not.
  std::string skip_reason;
  // Does the operation ops times.
  void (*body)(uint64_t ops);
};

// The models, `user/empty` first.
std::vector<UserModel> UserModels();

// Operations that make a sample of 2n take about target_ticks, at least 1.
uint32_t UserOps(const UserModel& model, uint64_t target_ticks);

// Times n and 2n operations of the model and of the empty loop, between two runs of the add
// chain.
Sample SampleUserModel(const UserModel& model, uint32_t ops);

// Keeps the calling thread on the CPU it is on, until destroyed.
class PinnedToCpu {
 public:
  PinnedToCpu();
  ~PinnedToCpu();
  PinnedToCpu(const PinnedToCpu&) = delete;
  PinnedToCpu& operator=(const PinnedToCpu&) = delete;

 private:
  cpu_set_t before_;
  bool pinned_ = false;
};

}  // namespace kmapbench
