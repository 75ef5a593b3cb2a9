// SPDX-License-Identifier: Apache-2.0
//
// kmap_pairs MODEL N: does N pairs of a user model and nothing else, for whoever counts its
// instructions from outside (lab/fidelity.py). The difference between two N is the pairs alone.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

#include "program.h"
#include "user/model.h"
#include "user/world.h"

namespace kmapbench {

namespace {

user::Model Find(std::string_view name) {
  for (user::Model& model : user::Models(1)) {
    if (model.name == name) return std::move(model);
  }
  throw std::runtime_error(std::string(name) + ": no such model");
}

int Main(int argc, char** argv) {
  uint64_t pairs = 0;
  const std::string_view number = argc == 3 ? argv[2] : "";
  std::from_chars(number.data(), number.data() + number.size(), pairs);
  if (pairs == 0) throw std::runtime_error("give a model and how many pairs, at least 1");
  const user::Model model = Find(argv[1]);
  const user::World world(model.world);
  user::Task task;
  user::Enter(&task);
  user::BodyContext context{.page = world.descriptors().data()};
  for (unsigned i = 0; i < model.depth; ++i) model.map(context.page);
  model.body(&context, pairs);
  return 0;
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) {
  return kmapbench::RunProgram("kmap_pairs", kmapbench::Main, argc, argv);
}
