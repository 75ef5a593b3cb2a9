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

namespace kmapbench {

enum class Clock { kIcount, kTsc };
enum class Status { kOk, kSkipped, kFlagged };
enum class Oracle { kNone, kHeld, kFailed };

const char* ToString(Clock clock);
const char* UnitOf(Clock clock);

// Ticks of one sample: n and 2n operations of the case and of the empty loop beside it.
struct Sample {
  uint64_t empty_n = 0;
  uint64_t empty_2n = 0;
  uint64_t case_n = 0;
  uint64_t case_2n = 0;
  // Ticks an add of the chain beside this sample, where one was run.
  std::optional<double> chain;
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
  uint32_t ops = 0;
  std::vector<Sample> samples;
};

// Median; of an even count the mean of the middle two. NaN where there is none.
double Median(std::vector<double> values);

// What the samples say, in ticks an operation.
struct Cost {
  double cost = 0;   // slope of the case minus slope of the empty loop, median over samples
  double empty = 0;  // slope of the empty loop, median over samples
  std::optional<double> core_cycles;  // cost in core cycles, where a chain was run
  std::optional<double> chain;        // median ticks an add
  bool exact = false;                 // all samples agree to the digit
  // Twice n operations took something else than twice the time of n (measuring rule 3): by how
  // much, as a share of the time of 2n. Empty where the case is as cheap as the empty loop.
  std::optional<double> nonlinearity;
};

Cost CostOf(const std::vector<Sample>& samples, uint32_t ops);

// Above this a record is flagged.
inline constexpr double kMaxNonlinearity = 0.05;

// The record as it is written: cost and flags are derived from the samples here. No cost is
// given for a record whose oracle failed or that has no samples.
nlohmann::ordered_json ToJson(const Record& record, const Origin& origin);

}  // namespace kmapbench
