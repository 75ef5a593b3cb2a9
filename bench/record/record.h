// SPDX-License-Identifier: Apache-2.0
//
// A record: the result of one case in one boot or launch. Only arithmetic, so that it can be tested
// without hardware. results/README.md describes the fields of its JSON form.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "loop.h"
#include "system/counters.h"

namespace kmapbench {

enum class Clock { kIcount, kTsc };
enum class Status { kOk, kSkipped, kFlagged };
enum class Oracle { kNone, kHeld, kFailed };
// What is switched off around each sample: interrupts, preemption, nothing.
enum class IrqPolicy { kOff, kPreemptOff, kOn };

// Names as in records.
const char* ToString(Clock clock);
const char* ToString(IrqPolicy policy);
const char* UnitOf(Clock clock);  // of its ticks

// Ticks of n operations, and of 2n.
struct Lengths {
  uint64_t n = 0;
  uint64_t twice = 0;
  bool operator==(const Lengths&) const = default;
};

// Ticks of one sample: n and 2n operations of the case, and of the empty loop in the same sample.
struct Sample {
  uint64_t empty_n = 0;
  uint64_t empty_2n = 0;
  uint64_t case_n = 0;
  uint64_t case_2n = 0;
  // Ticks per add of the chain in this sample, if there was one.
  std::optional<double> chain;
  // The case again, by a copy of its code at another alignment, if there is one.
  std::optional<Lengths> shifted;
};

// The windows of a case again, counted by a perf event in place of the clock: `Sample` has counts
// of this event in place of ticks.
struct CountedWindows {
  std::string event;  // "cycles" or "instructions"
  uint32_t ops = 0;   // operations per sample
  std::vector<Sample> samples;
  std::string unavailable;  // why there are none; empty if there are
  Oracle oracle = Oracle::kNone;
};

// Ticks that measuring took and that belong to no case, summed over the repetitions of a record.
struct Overhead {
  uint64_t samples = 0;
  uint64_t section_ticks = 0;  // of samples, each from before its first window to after its last
  uint64_t window_ticks = 0;   // of all timed windows
  uint64_t call_ticks = 0;     // of the system call, measured in user space
  uint64_t run_ticks = 0;      // of the system call, measured in the module

  Overhead& operator+=(const Overhead& other);
};

// The known length of a control, per operation.
struct Known {
  uint32_t instructions = 0;
  uint32_t adds = 0;  // of these, adds that depend on each other: one core cycle each
  uint32_t loop = KB_LOOP_INSTRUCTIONS;  // of the empty loop
};

// The samples of one of several threads that ran at once.
struct ThreadSamples {
  int cpu = 0;
  std::vector<Sample> samples;
};

// What was measured: the same in all records of a process.
struct Origin {
  std::string variant;
  int boot = 1;
  int launch = 1;
  Clock clock = Clock::kTsc;
};

struct Record {
  std::string name;
  Status status = Status::kOk;
  std::string reason;  // why it is skipped or flagged
  Oracle oracle = Oracle::kNone;
  // Error code of the page fault that the oracle caught on the closed page.
  std::optional<uint64_t> oracle_error_code;
  // Index of the first timed window in the kernel, for the observer outside the guest.
  std::optional<uint64_t> first_window;
  // The same for windows in user space.
  std::optional<uint64_t> first_user_window;
  // Of kernel cases: the interrupt policy, rejected samples by cause, and overhead.
  std::optional<IrqPolicy> irqs;
  std::map<std::string, uint64_t> rejected;
  std::optional<Overhead> overhead;
  std::optional<Known> known;                  // length, if it is a control
  bool varies = false;                         // operations may differ in cost
  uint32_t pages = 0;                          // pages in the working set
  bool stand_in = false;                       // another register in place of IA32_PKRS
  std::optional<double> assumed_write_cycles;  // core cycles that a register write was made to take
  std::vector<ThreadSamples> threads;          // if several ran at once; `samples` has all of them
  std::vector<CounterValue> counters;
  std::vector<CountedWindows> counted_windows;  // of kernel cases, with a clock of time
  uint32_t ops = 0;                             // operations per sample
  std::vector<Sample> samples;
};

// Adds a repetition to the record of the ones before it, which may be empty. Status and oracle are
// those of the worst repetition.
void MergeRepetition(Record& record, Record part);

// A record lists at most this many samples. Of more it has histograms.
inline constexpr uint32_t kMaxKeptSamples = 4096;

// Returns the median; for an even count, the mean of the middle two. NaN for no values.
double Median(std::vector<double> values);

// The cost that samples show, in ticks per operation.
struct Cost {
  double cost = 0;   // slope of the case minus slope of the empty loop, median over samples
  double empty = 0;  // slope of the empty loop, median over samples
  std::optional<double> shifted;      // cost at the other alignment, if every sample has it
  std::optional<double> core_cycles;  // cost in core cycles, if every sample has a chain
  std::optional<double> chain;        // median ticks per add
  bool exact = false;                 // all samples are identical
  // Difference between the time of 2n operations and twice the time of n, as a share of the time of
  // 2n: 0 if time is linear in the number of operations. None if the case is as cheap as the empty
  // loop.
  std::optional<double> nonlinearity;
};

// Computes the cost from samples of ops operations. Costs are NaN if there are no samples.
Cost CostOf(const std::vector<Sample>& samples, uint32_t ops);

// Whether cycles that were measured are those that are known: within a tenth, or within three if
// that is more.
bool AreTheCycles(double measured, double known);

// Returns what the record of a control (one with `known`) shows to be wrong with the measuring
// itself; empty if nothing is. With an emulator's clock the length must be exactly the known one.
// With a clock of time each add must take about a core cycle: all of them together within a tenth,
// or within three cycles if that is more.
std::string ControlProblem(const Record& record, Clock clock);

// Adds T(n), T(2n), T(n), ... of all samples to a JSON object.
void AddSamples(nlohmann::ordered_json& json, const std::vector<Sample>& samples);

// A record with a larger nonlinearity is flagged.
inline constexpr double kMaxNonlinearity = 0.05;

// Returns the record in its JSON form. Cost and flags are derived from the samples. A record whose
// oracle failed, or that has no samples, has no cost.
nlohmann::ordered_json ToJson(const Record& record, const Origin& origin);

}  // namespace kmapbench
