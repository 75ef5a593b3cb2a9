// SPDX-License-Identifier: Apache-2.0
//
// A record: one case measured in one boot (or launch). Arithmetic only, so that it can be
// tested without hardware. The fields are described in results/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "system/counters.h"

namespace kmapbench {

enum class Clock { kIcount, kTsc };
enum class Status { kOk, kSkipped, kFlagged };
enum class Oracle { kNone, kHeld, kFailed };
// What was off around each sample.
enum class IrqPolicy { kOff, kPreemptOff, kOn };

const char* ToString(Clock clock);
const char* ToString(IrqPolicy policy);
const char* UnitOf(Clock clock);

// Ticks of n operations, and of twice as many.
struct Lengths {
  uint64_t n = 0;
  uint64_t twice = 0;
  bool operator==(const Lengths&) const = default;
};

// Ticks of one sample: n and 2n operations of the case and of the empty loop beside it.
struct Sample {
  uint64_t empty_n = 0;
  uint64_t empty_2n = 0;
  uint64_t case_n = 0;
  uint64_t case_2n = 0;
  // Ticks an add of the chain beside this sample, where one was run.
  std::optional<double> chain;
  // The case again, by a copy of its code at another alignment, where there is one.
  std::optional<Lengths> shifted;
};

// Ticks of measuring that are nobody's cost, summed over the repetitions of a record.
struct Overhead {
  uint64_t samples = 0;
  uint64_t section_ticks = 0;  // of the samples, from before the first window to after the last
  uint64_t window_ticks = 0;   // of the timed windows in them
  uint64_t call_ticks = 0;     // of the system call, seen from user space
  uint64_t run_ticks = 0;      // of the same, seen by the module

  Overhead& operator+=(const Overhead& other);
};

// What a control is known to take, an operation.
struct Known {
  uint32_t instructions = 0;
  uint32_t adds = 0;  // of these, that wait for each other: one a core cycle
};

// What one of several threads that ran at once took.
struct ThreadSamples {
  int cpu = 0;
  std::vector<Sample> samples;
};

// Who measured: the same in every record of one process.
struct Origin {
  std::string variant;
  int boot = 1;
  int launch = 1;
  Clock clock = Clock::kTsc;
};

struct Record {
  std::string name;
  Status status = Status::kOk;
  std::string reason;
  Oracle oracle = Oracle::kNone;
  // Error code of the page fault that the oracle saw on the closed page.
  std::optional<uint64_t> oracle_error_code;
  // Index of the first timed window, for an observer outside the guest.
  std::optional<uint64_t> first_window;
  // The same among the windows of this program itself.
  std::optional<uint64_t> first_user_window;
  // Of kernel cases: what was off, samples thrown away by cause, what measuring took beside.
  std::optional<IrqPolicy> irqs;
  std::map<std::string, uint64_t> rejected;
  std::optional<Overhead> overhead;
  std::optional<Known> known;                  // of a control
  bool varies = false;                         // an operation need not take what the last one took
  uint32_t pages = 0;                          // that the case went round
  bool stand_in = false;                       // another register in place of IA32_PKRS
  std::optional<double> assumed_write_cycles;  // what somebody said that a register write takes
  std::vector<ThreadSamples> threads;          // where several ran at once; samples has them all
  std::vector<CounterValue> counters;
  uint32_t ops = 0;
  std::vector<Sample> samples;
};

// Adds a repetition to the record of those before it; the worst of them is what the record says.
void Pool(Record& record, Record part);

// A record keeps this many samples one by one; of more it keeps histograms.
inline constexpr uint32_t kMaxKeptSamples = 4096;

// Median; of an even count the mean of the middle two. NaN where there is none.
double Median(std::vector<double> values);

// What the samples say, in ticks an operation.
struct Cost {
  double cost = 0;   // slope of the case minus slope of the empty loop, median over samples
  double empty = 0;  // slope of the empty loop, median over samples
  std::optional<double> shifted;      // cost at the other alignment, where every sample has it
  std::optional<double> core_cycles;  // cost in core cycles, where a chain was run
  std::optional<double> chain;        // median ticks an add
  bool exact = false;                 // all samples agree to the digit
  // Twice n operations took something else than twice the time of n (measuring rule 3): by how
  // much, as a share of the time of 2n. Empty where the case is as cheap as the empty loop.
  std::optional<double> nonlinearity;
};

Cost CostOf(const std::vector<Sample>& samples, uint32_t ops);

// What the empty loop takes an operation (kernel-bench-module/loop.h).
inline constexpr uint32_t kLoopInstructions = 2;

// What is wrong with the measuring itself, by the record of a control (one that has `known`); empty
// where nothing is. By an emulator's clock the length must be the known one to the digit. Of time
// the adds must take about a core cycle each: within a tenth, or three cycles where that is more.
std::string ControlProblem(const Record& record, Clock clock);

// Above this a record is flagged.
inline constexpr double kMaxNonlinearity = 0.05;

// The record as it is written: cost and flags are derived from the samples here. No cost is
// given for a record whose oracle failed or that has no samples.
nlohmann::ordered_json ToJson(const Record& record, const Origin& origin);

}  // namespace kmapbench
