// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/loop_check.h"

#include <algorithm>
#include <map>
#include <vector>

// The linker defines these for a section whose name is a C identifier.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const kb_loop_entry __start_kb_loops[];
[[gnu::weak, gnu::visibility("hidden")]] extern const kb_loop_entry __stop_kb_loops[];
}
// NOLINTEND(bugprone-reserved-identifier)

namespace kmapbench {

std::span<const kb_loop_entry> LoopEntries() { return {__start_kb_loops, __stop_kb_loops}; }

std::string LoopProblem(std::span<const LoopBody> bodies, std::span<const kb_loop_entry> entries) {
  // By the address where a body begins, because several models have the same body.
  std::map<const unsigned char*, const LoopBody*> begins;
  for (const LoopBody& body : bodies) begins.emplace(body.begin, &body);
  std::map<const LoopBody*, unsigned> ends;
  const bool has_endbr = !entries.empty() && kb_loop_begins_with_endbr(kb_loop_jump(&entries[0]));
  for (const kb_loop_entry& entry : entries) {
    const unsigned char* const jump = kb_loop_jump(&entry);
    const auto after = begins.upper_bound(jump);
    if (after == begins.begin()) return "a loop stands before all that are measured";
    const LoopBody* const body = std::prev(after)->second;
    if (!kb_loop_goes_back(jump, body->begin)) {
      return body->name + ": its loop does not end in \"sub $1; jne\" back into it";
    }
    if (kb_loop_begins_with_endbr(jump) != has_endbr) {
      return body->name + ": a round of its loop begins " + (has_endbr ? "without" : "with") +
             " ENDBR64, unlike the others'";
    }
    ++ends[body];
  }
  for (const auto& [begin, body] : begins) {
    const unsigned count = ends[body];
    if (count != 1) {
      return body->name + ": has " + std::to_string(count) +
             " ends of a loop, not 1: this compiler has changed the loop";
    }
  }
  return "";
}

}  // namespace kmapbench
