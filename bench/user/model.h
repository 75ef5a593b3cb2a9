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

// A row of what can be measured: `user/FORM/STATE[/WHAT][/REGISTER]`. Without the register's
// name it is the kernel case that it models, `model/FORM/STATE[/WHAT]`.
struct Model {
  std::string name;
  Body body = EmptyBody;
  // The path of the body, for mappings that are held meanwhile, and for the oracle.
  void* (*map)(PageDescriptor*) = nullptr;
  void (*unmap)(void*) = nullptr;
  WorldPlan world{};
  unsigned depth = 0;            // mappings that are held while the body maps
  unsigned threads = 1;          // that run it at once, each on a CPU of its own
  bool everyday = false;         // measured without being asked for
  bool stand_in = false;         // another register in place of IA32_PKRS
  Body without_write = nullptr;  // of a write that takes what somebody said: the same without it
  bool uses_pkru = false;        // pages carry a key, and an oracle checks it
  std::optional<Known> known{};  // of a control
  size_t spots = 0;  // lines or pages that the body goes round, a power of two; 0: it does not
};

// The models, `user/empty` first. cpus: how many threads there may be at once.
std::vector<Model> Models(unsigned cpus);

// Models whose length is known, to see by whether what is measured is true. None of Models().
std::vector<Model> Controls();

// The bodies of all models and controls, and of the empty loop.
std::vector<LoopBody> LoopBodies();

// Why a model cannot run here; empty where it can.
std::string Refusal(const Model& model);

}  // namespace kmapbench::user
