// SPDX-License-Identifier: Apache-2.0
//
// A user model by itself, for those who count or time it in their own way.
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

// The model of that name; throws std::runtime_error where there is none.
inline Model ModelNamed(std::string_view name) {
  for (Model& model : Models(1)) {
    if (model.name == name) return std::move(model);
  }
  throw std::runtime_error(std::string(name) + ": no such model");
}

// Its world, with the mappings held that it holds.
class Pairs {
 public:
  explicit Pairs(const Model& model) : body_(model.body), world_(model.world), buffer_(kPageBytes) {
    user::Enter(&task_);
    context_.page = world_.descriptors().data();
    context_.buffer = buffer_.data();
    context_.mask = std::max<size_t>(model.spots, 1) - 1;
    for (unsigned i = 0; i < model.depth; ++i) model.map(context_.page);
  }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  void Do(uint64_t pairs) { body_(&context_, pairs); }

 private:
  Body body_;
  World world_;
  Task task_{};
  std::vector<std::byte> buffer_;
  BodyContext context_{};
};

}  // namespace kmapbench::user
