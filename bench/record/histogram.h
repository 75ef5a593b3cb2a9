// SPDX-License-Identifier: Apache-2.0
//
// Counts many values in buckets whose width grows with the value. Below 256 each value has a bucket
// of its own; above, each power of two has 128, so that none is wider than a hundredth of its
// values.
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
  // The bucket that counts a value.
  static Bucket BucketOf(uint64_t value);

  // Counts a value. Throws std::overflow_error if the sum no longer fits into 64 bits.
  void Add(uint64_t value);

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  uint64_t min() const { return min_; }  // without values: the largest uint64_t
  uint64_t max() const { return max_; }
  // The counts of buckets that are not empty, in ascending order.
  const std::map<Bucket, uint64_t>& buckets() const { return buckets_; }

  // An object of count, sum, min and max, which are exact, and of buckets, a list of
  // [first, last, count].
  nlohmann::ordered_json ToJson() const;

 private:
  std::map<Bucket, uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t min_ = std::numeric_limits<uint64_t>::max();
  uint64_t max_ = 0;
};

}  // namespace kmapbench
