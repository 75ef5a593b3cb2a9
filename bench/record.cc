// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kmapbench {

const char* ToString(Clock clock) { return clock == Clock::kIcount ? "icount" : "tsc"; }

const char* UnitOf(Clock clock) { return clock == Clock::kIcount ? "instructions" : "ticks"; }

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
  // Through doubles of each: the counts fit (2^53 ticks are a month), a difference may be negative.
  return static_cast<double>(longer) - static_cast<double>(shorter);
}

bool SameTicks(const Sample& a, const Sample& b) {
  return a.empty_n == b.empty_n && a.empty_2n == b.empty_2n && a.case_n == b.case_n &&
         a.case_2n == b.case_2n;
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

  Cost cost;
  cost.cost = MedianOf(samples, net_slope);
  cost.empty = MedianOf(samples, empty_slope);
  cost.exact = !samples.empty() &&
               std::all_of(samples.begin(), samples.end(),
                           [&](const Sample& s) { return SameTicks(s, samples.front()); });

  if (!samples.empty() && std::all_of(samples.begin(), samples.end(),
                                      [](const Sample& s) { return s.chain.has_value(); })) {
    cost.chain = MedianOf(samples, [](const Sample& s) { return *s.chain; });
    cost.core_cycles =
        MedianOf(samples, [net_slope](const Sample& s) { return net_slope(s) / *s.chain; });
  }

  const double net_n =
      MedianOf(samples, [](const Sample& s) { return Difference(s.case_n, s.empty_n); });
  const double net_2n =
      MedianOf(samples, [](const Sample& s) { return Difference(s.case_2n, s.empty_2n); });
  // A case within one tick an operation of the empty loop has no length to double.
  if (net_2n > 2.0 * ops) cost.nonlinearity = std::abs(net_2n - 2 * net_n) / net_2n;
  return cost;
}

nlohmann::ordered_json ToJson(const Record& record, const Origin& origin) {
  const bool measured = !record.samples.empty();
  const Cost cost = CostOf(record.samples, record.ops);
  const bool nonlinear = measured && cost.nonlinearity.value_or(0) > kMaxNonlinearity;
  // An add is one instruction: an instruction clock that says otherwise is none.
  const bool not_icount = measured && origin.clock == Clock::kIcount && cost.chain.value_or(1) != 1;
  const bool flagged = record.status == Status::kOk && (nonlinear || not_icount);
  const bool trusted = measured && record.oracle != Oracle::kFailed;

  nlohmann::ordered_json json;
  json["case"] = record.name;
  json["variant"] = origin.variant;
  json["boot"] = origin.boot;
  json["launch"] = origin.launch;
  json["clock"] = ToString(origin.clock);
  json["unit"] = UnitOf(origin.clock);
  json["better"] = "lower";
  json["status"] = ToString(flagged ? Status::kFlagged : record.status);
  if (flagged && not_icount) {
    json["reason"] = "the clock does not count instructions: an add takes " +
                     std::to_string(*cost.chain) + " ticks";
  } else if (flagged) {
    json["reason"] = "time is not linear in the number of operations: off by " +
                     std::to_string(std::lround(*cost.nonlinearity * 100)) + " %";
  } else if (!record.reason.empty()) {
    json["reason"] = record.reason;
  }
  json["ops"] = record.ops;
  json["cost"] = trusted ? nlohmann::ordered_json(cost.cost) : nullptr;
  json["empty"] = measured ? nlohmann::ordered_json(cost.empty) : nullptr;
  if (origin.clock != Clock::kIcount) {
    const bool has_chain = trusted && cost.chain.has_value();
    json["cost_core_cycles"] = has_chain ? nlohmann::ordered_json(*cost.core_cycles) : nullptr;
    json["chain"] = has_chain ? nlohmann::ordered_json(*cost.chain) : nullptr;
  }
  json["exact"] = origin.clock == Clock::kIcount && cost.exact;
  json["oracle"] = ToString(record.oracle);
  if (record.oracle_error_code) json["oracle_error_code"] = *record.oracle_error_code;
  if (record.first_window) json["first_window"] = *record.first_window;
  json["counters"] = nlohmann::ordered_json::object();
  json["rejected"] = nlohmann::ordered_json::object();

  auto samples = nlohmann::ordered_json::array();
  auto empty_samples = nlohmann::ordered_json::array();
  for (const Sample& sample : record.samples) {
    samples.push_back(sample.case_n);
    samples.push_back(sample.case_2n);
    empty_samples.push_back(sample.empty_n);
    empty_samples.push_back(sample.empty_2n);
  }
  json["samples"] = std::move(samples);
  json["empty_samples"] = std::move(empty_samples);
  return json;
}

}  // namespace kmapbench
