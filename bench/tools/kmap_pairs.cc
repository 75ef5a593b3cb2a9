// SPDX-License-Identifier: Apache-2.0
//
// kmap_pairs MODEL N: does N pairs of a user model and nothing else, so that its instructions can
// be counted from outside (lab/studies/fidelity.py). The difference between two N is due to pairs
// alone.
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "common/run_main.h"
#include "user/pairs.h"

namespace kmapbench {

namespace {

int Main(int argc, char** argv) {
  uint64_t count = 0;
  const std::string_view number = argc == 3 ? argv[2] : "";
  std::from_chars(number.data(), number.data() + number.size(), count);
  if (count == 0) throw std::runtime_error("give a model and how many pairs, at least 1");
  user::Pairs(user::ModelNamed(argv[1])).Do(count);
  return 0;
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) {
  return kmapbench::RunProgram("kmap_pairs", kmapbench::Main, argc, argv);
}
