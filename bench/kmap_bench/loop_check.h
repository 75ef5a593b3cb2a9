// SPDX-License-Identifier: Apache-2.0
//
// Checks the loops that the compiler made of kernel-bench-module/loop.h, as the module does when it
// is loaded: a cost is the difference between two of them, so they have to be alike.
#pragma once

#include <span>
#include <string>

#include "loop.h"

namespace kmapbench {

// A function whose only loop is KB_LOOP().
struct LoopBody {
  std::string name;            // for messages
  const unsigned char* begin;  // its first byte
};

// Returns what is wrong, in one line; empty if each body has exactly one end of a loop, which has
// the right bytes and jumps back into the body. entries: the ends of loops, of all these bodies and
// of no others.
std::string LoopProblem(std::span<const LoopBody> bodies, std::span<const kb_loop_entry> entries);

// The ends of loops of this program.
std::span<const kb_loop_entry> LoopEntries();

}  // namespace kmapbench
