// SPDX-License-Identifier: Apache-2.0
//
// Runs a user model without timing it, for programs that count or time it in their own way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/address_space.h"
#include "user/model.h"

namespace kmapbench::user {

// Returns the model of that name. Throws std::runtime_error if there is none.
inline Model ModelNamed(std::string_view name) {
  for (Model& model : Models(1)) {
    if (model.name == name) return std::move(model);
  }
  throw std::runtime_error(std::string(name) + ": no such model");
}

// A model in its address space, with the mappings open that it needs.
class Pairs {
 public:
  // Throws std::system_error if the address space cannot be made.
  explicit Pairs(const Model& model)
      : body_(model.body), address_space_(model.address_space), buffer_(kPageBytes) {
    user::Enter(&task_);
    context_.page = address_space_.descriptors().data();
    context_.buffer = buffer_.data();
    context_.mask = std::max<size_t>(model.spots, 1) - 1;
    for (unsigned i = 0; i < model.depth; ++i) model.map(context_.page);
  }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  // Does that many operations.
  void Do(uint64_t pairs) { body_(&context_, pairs); }

 private:
  Body body_;
  AddressSpace address_space_;
  Task task_{};
  std::vector<std::byte> buffer_;
  BodyContext context_{};
};

}  // namespace kmapbench::user
