// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"

namespace kmapbench {

struct Options {
  std::string records;      // JSON lines, one record each; empty: not written
  std::string environment;  // JSON; empty: not written
  std::string device;       // the kernel module's device
  bool all_cases = false;   // not only those of the default set
  bool kernel_cases = true;
  bool user_models = true;
  bool events = false;   // also say in the records file which case begins
  uint32_t ops = 0;      // operations a sample; 0: chosen for each case
  uint32_t samples = 0;  // samples a repetition; 0: chosen by the clock
  uint32_t repetitions = 0;
  double write_cycles = 0;            // what a register write is assumed to take, where one is
  std::optional<IrqPolicy> irqs;      // none: the quietest that each case takes
  std::vector<std::string> counters;  // as libpfm4 names them
  std::string dax_file;               // whose page the devmap cases map; empty: none
  std::string dax_device;             // the same of those that map a tail page
  Origin origin;
};

// Takes our options out of argv (Google Benchmark's must be gone already). Prints a line on
// standard error and exits with 2 on wrong use; prints help and exits with 0 on --help.
Options ParseOptions(int argc, char** argv);

// What Google Benchmark's own options ask for, in our terms, before it takes them out of argv.
struct GBenchFlags {
  bool list = false;           // --benchmark_list_tests
  uint32_t repetitions = 0;    // --benchmark_repetitions; 0: not given
  double min_seconds = 0;      // --benchmark_min_time; 0: not given
  double warm_up_seconds = 0;  // --benchmark_min_warmup_time
};
// Takes the last one out itself: Google Benchmark would warm up by running what it takes for
// repetitions, and those are counted here.
GBenchFlags ReadGBenchFlags(int& argc, char** argv);

// What --help prints of our options.
void PrintOptionsHelp();

}  // namespace kmapbench
