// SPDX-License-Identifier: Apache-2.0
//
// Counts of many values in buckets whose width grows with the value: each single value below
// 256, then 128 buckets an octave, so that none is wider than a hundredth of its values.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

namespace kmapbench {

class Histogram {
 public:
  // The values of a bucket, both ends included.
  struct Bucket {
    uint64_t first;
    uint64_t last;
    auto operator<=>(const Bucket&) const = default;
  };
  static Bucket BucketOf(uint64_t value);

  // Throws std::overflow_error where the sum no longer fits: it is exact or not there.
  void Add(uint64_t value);

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  uint64_t min() const { return min_; }  // of nothing: the largest there is
  uint64_t max() const { return max_; }
  // Counts of the buckets that hold a value, in ascending order.
  const std::map<Bucket, uint64_t>& buckets() const { return buckets_; }

  // count, sum, min and max, which are exact, and buckets: [first, last, count] each.
  nlohmann::ordered_json ToJson() const;

 private:
  std::map<Bucket, uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t min_ = std::numeric_limits<uint64_t>::max();
  uint64_t max_ = 0;
};

}  // namespace kmapbench
