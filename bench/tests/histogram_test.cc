// SPDX-License-Identifier: Apache-2.0
#include "record/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace kmapbench {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

// Values of each length from 1 to 64 bits.
uint64_t AnyValue(std::mt19937_64& random) { return random() >> (random() % 64); }

TEST(HistogramBucket, HoldsItsValueAndIsNoWiderThanAHundredth) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t value = AnyValue(random);
    const Histogram::Bucket bucket = Histogram::BucketOf(value);
    ASSERT_LE(bucket.first, value);
    ASSERT_GE(bucket.last, value);
    // last - first is one less than the width
    ASSERT_LE(bucket.last - bucket.first, bucket.first / 100) << value;
  }
}

TEST(HistogramBucket, IsTheSameForAllItsValuesAndAnotherBeyondThem) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 50'000; ++i) {
    const Histogram::Bucket bucket = Histogram::BucketOf(AnyValue(random));
    ASSERT_EQ(Histogram::BucketOf(bucket.first), bucket);
    ASSERT_EQ(Histogram::BucketOf(bucket.last), bucket);
    if (bucket.first > 0) {
      ASSERT_EQ(Histogram::BucketOf(bucket.first - 1).last, bucket.first - 1);
    }
    if (bucket.last < kLargest) {
      ASSERT_EQ(Histogram::BucketOf(bucket.last + 1).first, bucket.last + 1);
    }
  }
}

TEST(HistogramBucket, IsOneValueWhileTheyAreSmall) {
  for (uint64_t value = 0; value < 256; ++value) {
    EXPECT_EQ(Histogram::BucketOf(value), (Histogram::Bucket{value, value}));
  }
  EXPECT_EQ(Histogram::BucketOf(256), (Histogram::Bucket{256, 257}));
  EXPECT_EQ(Histogram::BucketOf(kLargest).last, kLargest);
}

TEST(Histogram, KeepsCountSumAndEndsExactly) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 100; ++round) {
    std::vector<uint64_t> values(1 + random() % 2000);
    Histogram histogram;
    for (uint64_t& value : values) {
      value = AnyValue(random) >> 16;  // so that the sum fits
      histogram.Add(value);
    }
    ASSERT_EQ(histogram.count(), values.size());
    ASSERT_EQ(histogram.sum(), std::accumulate(values.begin(), values.end(), uint64_t{0}));
    ASSERT_EQ(histogram.min(), *std::min_element(values.begin(), values.end()));
    ASSERT_EQ(histogram.max(), *std::max_element(values.begin(), values.end()));
    uint64_t counted = 0;
    for (const auto& [bucket, count] : histogram.buckets()) {
      ASSERT_EQ(count, std::count_if(values.begin(), values.end(), [&bucket = bucket](uint64_t v) {
                  return bucket.first <= v && v <= bucket.last;
                }));
      counted += count;
    }
    ASSERT_EQ(counted, values.size());
  }
}

TEST(Histogram, ASumThatDoesNotFitIsAnError) {
  Histogram histogram;
  histogram.Add(kLargest);
  EXPECT_THROW(histogram.Add(1), std::overflow_error);
}

TEST(Histogram, IsWrittenInAscendingOrder) {
  Histogram histogram;
  for (const uint64_t value : {1000, 7, 1001, 7}) histogram.Add(value);
  EXPECT_EQ(histogram.ToJson().dump(),
            R"({"count":4,"sum":2015,"min":7,"max":1001,"buckets":[[7,7,2],[1000,1003,2]]})");
}

}  // namespace
}  // namespace kmapbench
