// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <exception>

namespace kmapbench {

// Runs the program that is the rest of a main(), and returns its exit code. An exception becomes a
// line on standard error, which begins with the name, and exit code 2.
inline int RunProgram(const char* name, int (*program)(int, char**), int argc, char** argv) {
  try {
    return program(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 2;
  }
}

}  // namespace kmapbench
