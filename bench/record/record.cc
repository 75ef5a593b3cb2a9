// SPDX-License-Identifier: Apache-2.0
#include "record/record.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "record/counted_windows.h"
#include "record/histogram.h"

namespace kmapbench {

const char* ToString(Clock clock) { return clock == Clock::kIcount ? "icount" : "tsc"; }

const char* UnitOf(Clock clock) { return clock == Clock::kIcount ? "instructions" : "ticks"; }

const char* ToString(IrqPolicy policy) {
  switch (policy) {
    case IrqPolicy::kOff:
      return "off";
    case IrqPolicy::kPreemptOff:
      return "preempt_off";
    case IrqPolicy::kOn:
      return "on";
  }
  return "";
}

Overhead& Overhead::operator+=(const Overhead& other) {
  samples += other.samples;
  section_ticks += other.section_ticks;
  window_ticks += other.window_ticks;
  call_ticks += other.call_ticks;
  run_ticks += other.run_ticks;
  return *this;
}

void MergeRepetition(Record& record, Record part) {
  if (record.name.empty()) {
    record = std::move(part);
    return;
  }
  if (part.status != Status::kOk) {
    record.status = part.status;
    record.reason = part.reason;
  }
  record.oracle = std::max(record.oracle, part.oracle);
  for (const auto& [cause, count] : part.rejected) record.rejected[cause] += count;
  if (part.overhead) {
    if (record.overhead) {
      *record.overhead += *part.overhead;
    } else {
      record.overhead = part.overhead;
    }
  }
  record.samples.insert(record.samples.end(), part.samples.begin(), part.samples.end());
  for (size_t i = 0; i < std::min(record.threads.size(), part.threads.size()); ++i) {
    std::vector<Sample>& mine = record.threads[i].samples;
    mine.insert(mine.end(), part.threads[i].samples.begin(), part.threads[i].samples.end());
  }
}

namespace {

const char* ToString(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kSkipped:
      return "skipped";
    case Status::kFlagged:
      return "flagged";
  }
  return "";
}

const char* ToString(Oracle oracle) {
  switch (oracle) {
    case Oracle::kNone:
      return "none";
    case Oracle::kHeld:
      return "held";
    case Oracle::kFailed:
      return "failed";
  }
  return "";
}

double Difference(uint64_t longer, uint64_t shorter) {
  // As doubles, because the difference may be negative. They hold the counts exactly: 2^53 ticks
  // are a month.
  return static_cast<double>(longer) - static_cast<double>(shorter);
}

bool SameTicks(const Sample& a, const Sample& b) {
  return a.empty_n == b.empty_n && a.empty_2n == b.empty_2n && a.case_n == b.case_n &&
         a.case_2n == b.case_2n && a.shifted == b.shifted;
}

template <typename Has>
bool AllHave(const std::vector<Sample>& samples, Has has) {
  return !samples.empty() && std::all_of(samples.begin(), samples.end(), has);
}

template <typename Get>
double MedianOf(const std::vector<Sample>& samples, Get get) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples) values.push_back(get(sample));
  return Median(std::move(values));
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Cost CostOf(const std::vector<Sample>& samples, uint32_t ops) {
  const auto empty_slope = [ops](const Sample& s) {
    return Difference(s.empty_2n, s.empty_n) / ops;
  };
  const auto net_slope = [ops, empty_slope](const Sample& s) {
    return Difference(s.case_2n, s.case_n) / ops - empty_slope(s);
  };
  const auto shifted_slope = [ops, empty_slope](const Sample& s) {
    return Difference(s.shifted->twice, s.shifted->n) / ops - empty_slope(s);
  };

  Cost cost;
  cost.cost = MedianOf(samples, net_slope);
  cost.empty = MedianOf(samples, empty_slope);
  cost.exact = AllHave(samples, [&](const Sample& s) { return SameTicks(s, samples.front()); });

  if (AllHave(samples, [](const Sample& s) { return s.shifted.has_value(); })) {
    cost.shifted = MedianOf(samples, shifted_slope);
  }
  if (AllHave(samples, [](const Sample& s) { return s.chain.has_value(); })) {
    cost.chain = MedianOf(samples, [](const Sample& s) { return *s.chain; });
    cost.core_cycles =
        MedianOf(samples, [net_slope](const Sample& s) { return net_slope(s) / *s.chain; });
  }

  const double net_n =
      MedianOf(samples, [](const Sample& s) { return Difference(s.case_n, s.empty_n); });
  const double net_2n =
      MedianOf(samples, [](const Sample& s) { return Difference(s.case_2n, s.empty_2n); });
  // A case that takes less than a tick per operation more than the empty loop has no time to
  // double.
  if (net_2n > 2.0 * ops) cost.nonlinearity = std::abs(net_2n - 2 * net_n) / net_2n;
  return cost;
}

void AddSamples(nlohmann::ordered_json& json, const std::vector<Sample>& samples) {
  auto of_case = nlohmann::ordered_json::array();
  auto of_empty = nlohmann::ordered_json::array();
  auto of_shifted = nlohmann::ordered_json::array();
  for (const Sample& sample : samples) {
    of_case.push_back(sample.case_n);
    of_case.push_back(sample.case_2n);
    of_empty.push_back(sample.empty_n);
    of_empty.push_back(sample.empty_2n);
    if (!sample.shifted) continue;
    of_shifted.push_back(sample.shifted->n);
    of_shifted.push_back(sample.shifted->twice);
  }
  json["samples"] = std::move(of_case);
  json["empty_samples"] = std::move(of_empty);
  json["shifted_samples"] = std::move(of_shifted);
}

bool AreTheCycles(double measured, double known) {
  constexpr double kShare = 0.1;
  constexpr double kCycles = 3;
  return std::abs(measured - known) <= std::max(kShare * std::abs(known), kCycles);
}

std::string ControlProblem(const Record& record, Clock clock) {
  if (record.samples.empty()) return record.name + " was not measured: " + record.reason;
  const Cost cost = CostOf(record.samples, record.ops);
  char text[160] = "";
  if (clock == Clock::kIcount) {
    if (cost.cost != record.known->instructions) {
      std::snprintf(text, sizeof(text), "%s takes %g instructions an operation, and has %u",
                    record.name.c_str(), cost.cost, record.known->instructions);
    } else if (cost.empty != record.known->loop) {
      std::snprintf(text, sizeof(text), "the empty loop takes %g instructions a round, and has %u",
                    cost.empty, record.known->loop);
    }
  } else if (cost.core_cycles) {
    if (!AreTheCycles(*cost.core_cycles, record.known->adds)) {
      std::snprintf(text, sizeof(text), "%s takes %.1f core cycles an operation, and has %u adds",
                    record.name.c_str(), *cost.core_cycles, record.known->adds);
    }
  }
  return text;
}

namespace {

nlohmann::ordered_json OrNull(bool has, double value) {
  return has ? nlohmann::ordered_json(value) : nullptr;
}

nlohmann::ordered_json ToJson(const Overhead& overhead) {
  return {{"sample", Difference(overhead.section_ticks, overhead.window_ticks) /
                         static_cast<double>(overhead.samples)},
          {"ioctl_share", Difference(overhead.call_ticks, overhead.run_ticks) /
                              static_cast<double>(overhead.call_ticks)}};
}

// Adds the cost of each thread, and the operations that all do together in 1000 ticks, which
// include the loop.
void AddThreads(nlohmann::ordered_json& json, const Record& record) {
  auto each = nlohmann::ordered_json::array();
  double together = 0;
  for (const ThreadSamples& thread : record.threads) {
    const Cost cost = CostOf(thread.samples, record.ops);
    each.push_back(
        {{"cpu", thread.cpu},
         {"cost", cost.cost},
         {"cost_core_cycles", OrNull(cost.core_cycles.has_value(), cost.core_cycles.value_or(0))}});
    together += 1000 / (cost.cost + cost.empty);
  }
  json["threads"] = std::move(each);
  json["operations_per_1000"] = together;
}

template <typename Get>
nlohmann::ordered_json HistogramOf(const std::vector<Sample>& samples, Get get) {
  Histogram histogram;
  for (const Sample& sample : samples) histogram.Add(get(sample));
  return histogram.ToJson();
}

// Returns histograms of samples, for a record that has too many to list.
nlohmann::ordered_json Histograms(const std::vector<Sample>& samples) {
  nlohmann::ordered_json json;
  json["case_n"] = HistogramOf(samples, [](const Sample& s) { return s.case_n; });
  json["case_2n"] = HistogramOf(samples, [](const Sample& s) { return s.case_2n; });
  json["empty_n"] = HistogramOf(samples, [](const Sample& s) { return s.empty_n; });
  json["empty_2n"] = HistogramOf(samples, [](const Sample& s) { return s.empty_2n; });
  if (AllHave(samples, [](const Sample& s) { return s.shifted.has_value(); })) {
    json["shifted_n"] = HistogramOf(samples, [](const Sample& s) { return s.shifted->n; });
    json["shifted_2n"] = HistogramOf(samples, [](const Sample& s) { return s.shifted->twice; });
  }
  return json;
}

// Why a record without any other problem has to be flagged; empty: there is no reason.
std::string FlagReason(const Record& record, const Cost& cost, Clock clock) {
  if (record.status != Status::kOk || record.samples.empty()) return "";
  // An add is one instruction: a clock that says otherwise does not count instructions.
  if (clock == Clock::kIcount && cost.chain.value_or(1) != 1) {
    return "the clock does not count instructions: an add takes " + std::to_string(*cost.chain) +
           " ticks";
  }
  // Each operation executes the same instructions, unless the case varies.
  if (clock == Clock::kIcount && cost.exact && !record.varies &&
      cost.cost != std::floor(cost.cost)) {
    return "no whole number of instructions an operation: its loop is not the same in each round";
  }
  if (cost.nonlinearity.value_or(0) > kMaxNonlinearity) {
    return "time is not linear in the number of operations: off by " +
           std::to_string(std::lround(*cost.nonlinearity * 100)) + " %";
  }
  return "";
}

void AddOrigin(nlohmann::ordered_json& json, const Origin& origin) {
  json["variant"] = origin.variant;
  json["boot"] = origin.boot;
  json["launch"] = origin.launch;
  json["clock"] = ToString(origin.clock);
  json["unit"] = UnitOf(origin.clock);
  json["better"] = "lower";
}

void AddCost(nlohmann::ordered_json& json, const Record& record, const Cost& cost, Clock clock) {
  const bool measured = !record.samples.empty();
  const bool trusted = measured && record.oracle != Oracle::kFailed;
  json["cost"] = OrNull(trusted, cost.cost);
  json["cost_shifted"] = OrNull(trusted && cost.shifted, cost.shifted.value_or(0));
  json["empty"] = OrNull(measured, cost.empty);
  if (clock != Clock::kIcount) {
    const bool has_chain = trusted && cost.chain.has_value();
    json["cost_core_cycles"] = OrNull(has_chain, cost.core_cycles.value_or(0));
    json["chain"] = OrNull(has_chain, cost.chain.value_or(0));
  }
  json["exact"] = clock == Clock::kIcount && cost.exact;
}

// The optional fields: what is not known of a record is left out.
void AddConditions(nlohmann::ordered_json& json, const Record& record) {
  if (record.oracle_error_code) json["oracle_error_code"] = *record.oracle_error_code;
  if (record.first_window) json["first_window"] = *record.first_window;
  if (record.first_user_window) json["first_user_window"] = *record.first_user_window;
  if (record.irqs) json["irqs"] = ToString(*record.irqs);
  if (record.pages > 0) json["pages"] = record.pages;
  if (record.known) {
    json["known"] = record.known->instructions;
    json["known_adds"] = record.known->adds;
  }
  if (record.stand_in) json["stand_in"] = true;
  if (record.assumed_write_cycles) json["assumed_write_cycles"] = *record.assumed_write_cycles;
  if (record.samples.empty()) return;
  if (!record.threads.empty()) AddThreads(json, record);
  if (record.overhead) json["overhead"] = ToJson(*record.overhead);
}

}  // namespace

nlohmann::ordered_json ToJson(const Record& record, const Origin& origin) {
  const Cost cost = CostOf(record.samples, record.ops);
  const std::string flag_reason = FlagReason(record, cost, origin.clock);
  const std::string& reason = flag_reason.empty() ? record.reason : flag_reason;

  nlohmann::ordered_json json;
  json["case"] = record.name;
  AddOrigin(json, origin);
  json["status"] = ToString(flag_reason.empty() ? record.status : Status::kFlagged);
  if (!reason.empty()) json["reason"] = reason;
  json["ops"] = record.ops;
  AddCost(json, record, cost, origin.clock);
  json["oracle"] = ToString(record.oracle);
  AddConditions(json, record);
  json["counters"] = ToJson(record.counters);
  if (!record.counted_windows.empty()) json["counted_windows"] = CountedWindowsToJson(record);
  json["rejected"] = record.rejected;
  if (record.samples.size() > kMaxKeptSamples) {
    json["histogram"] = Histograms(record.samples);
  } else {
    AddSamples(json, record.samples);
  }
  return json;
}

}  // namespace kmapbench
