// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kmap_bench/loop_check.h"
#include "record/record.h"
#include "user/address_space.h"
#include "user/body.h"

namespace kmapbench::user {

// A user model. Its name is `user/FORM/STATE[/WHAT][/REGISTER]`. It copies the kernel case
// `model/FORM/STATE[/WHAT]`.
struct Model {
  std::string name;
  Body body = EmptyBody;
  // The path of the body, for mappings that are already open, and for the oracle.
  void* (*map)(PageDescriptor*) = nullptr;
  void (*unmap)(void*) = nullptr;
  AddressSpacePlan address_space{};
  unsigned depth = 0;            // mappings that are open while the body runs
  unsigned threads = 1;          // threads that run it at once, each on a CPU of its own
  bool in_default_set = false;   // measured without --kmapbench_cases=all
  bool stand_in = false;         // another register in place of IA32_PKRS
  Body without_write = nullptr;  // if a write's cost is assumed: the same body without writes
  bool uses_pkru = false;        // the pages have a pkey, and the oracle checks it
  std::optional<Known> known{};  // length, if it is a control
  size_t spots = 0;              // lines or pages in the working set, a power of two; 0: none
};

// All models, `user/empty` first. cpus: the most threads that may run at once.
std::vector<Model> Models(unsigned cpus);

// Models whose length is known, which show whether the measuring is right. They are not in
// Models().
std::vector<Model> Controls();

// The bodies of all models and controls, and of the empty loop, for LoopProblem().
std::vector<LoopBody> LoopBodies();

// Why a model cannot run here; empty if it can.
std::string SkipReason(const Model& model);

}  // namespace kmapbench::user
