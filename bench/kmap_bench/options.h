// SPDX-License-Identifier: Apache-2.0
//
// The command line of kmap_bench: its own options, and those of Google Benchmark's that it has to
// know about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"

namespace kmapbench {

// What the options of kmap_bench ask for. Where a number is 0, the user gave none.
struct Options {
  std::string records;      // file for JSON lines, one per record; empty: none is written
  std::string environment;  // file for the environment, as JSON; empty: none is written
  std::string device;       // the kernel module's device
  bool all_cases = false;   // also the cases that are not in the default set
  bool kernel_cases = true;
  bool user_models = true;
  bool events = false;                // the records file also says which case begins
  uint32_t ops = 0;                   // operations per sample; 0: chosen for each case
  uint32_t samples = 0;               // samples per repetition; 0: chosen by the clock
  uint32_t repetitions = 0;           // 0: chosen by the clock
  double write_cycles = 0;            // core cycles that a register write is assumed to take
  std::optional<IrqPolicy> irqs;      // none: the quietest policy that each case allows
  std::vector<std::string> counters;  // names as in libpfm4
  std::string dax_file;               // file whose page the devmap cases map; empty: none
  std::string dax_device;             // device-dax device for cases on a tail page; empty: none
  Origin origin;
};

// Parses kmap_bench's options. Google Benchmark's must already be gone from argv. On wrong use it
// prints one line on standard error and exits with 2.
Options ParseOptions(int argc, char** argv);

// What Google Benchmark's own options ask for, as far as kmap_bench acts on them.
struct GBenchFlags {
  bool list = false;           // --benchmark_list_tests
  uint32_t repetitions = 0;    // --benchmark_repetitions; 0: not given
  double min_seconds = 0;      // --benchmark_min_time; 0: not given
  double warm_up_seconds = 0;  // --benchmark_min_warmup_time
};

// Reads Google Benchmark's options before Google Benchmark removes them from argv. Removes
// --benchmark_min_warmup_time itself: Google Benchmark would warm up by running the benchmark, and
// each run counts as a repetition here.
GBenchFlags ReadGBenchFlags(int& argc, char** argv);

// Prints kmap_bench's part of --help on standard output.
void PrintOptionsHelp();

}  // namespace kmapbench
