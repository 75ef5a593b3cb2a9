// SPDX-License-Identifier: Apache-2.0
#include "record/histogram.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace kmapbench {

namespace {

constexpr int kKeptBits = 8;  // leading bits of a value that choose its bucket

}  // namespace

Histogram::Bucket Histogram::BucketOf(uint64_t value) {
  const int dropped = std::max(static_cast<int>(std::bit_width(value)) - kKeptBits, 0);
  const uint64_t rest = (uint64_t{1} << dropped) - 1;
  return {value & ~rest, value | rest};
}

void Histogram::Add(uint64_t value) {
  if (__builtin_add_overflow(sum_, value, &sum_)) {
    throw std::overflow_error("the sum of a histogram's values does not fit into 64 bits");
  }
  ++count_;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  ++buckets_[BucketOf(value)];
}

nlohmann::ordered_json Histogram::ToJson() const {
  nlohmann::ordered_json json = {{"count", count_}, {"sum", sum_}, {"min", min_}, {"max", max_}};
  auto buckets = nlohmann::ordered_json::array();
  for (const auto& [bucket, count] : buckets_) {
    buckets.push_back({bucket.first, bucket.last, count});
  }
  json["buckets"] = std::move(buckets);
  return json;
}

}  // namespace kmapbench
