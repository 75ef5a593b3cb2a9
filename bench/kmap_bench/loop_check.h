// SPDX-License-Identifier: Apache-2.0
//
// Looks at the loops that the compiler has made of loop.h (kernel-bench-module), as the module does
// when it is loaded: a figure is a difference between two of them.
#pragma once

#include <span>
#include <string>

#include "loop.h"

namespace kmapbench {

// A function whose loop is KB_LOOP().
struct LoopBody {
  std::string name;            // for people
  const unsigned char* begin;  // its first byte
};

// What is wrong with the loop of a body, in one line; empty where each has exactly one end of a
// loop, of the right bytes, that goes back into the body. entries: all that there are, of these
// bodies and no other.
std::string LoopProblem(std::span<const LoopBody> bodies, std::span<const kb_loop_entry> entries);

// The entries of this program.
std::span<const kb_loop_entry> LoopEntries();

}  // namespace kmapbench
