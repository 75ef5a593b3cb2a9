// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <stdexcept>

#include "user/delay.h"

namespace kmapbench::user {
namespace {

// A machine on which the fences take 20 cycles a write and an add a cycle.
constexpr double kWithout = 30;
constexpr double kFences = kWithout + 2 * 20;
constexpr double kWithAdds = kFences + 2 * (kMaxDelayAdds / 4);

uint32_t Adds(double write_cycles) { return DelayAdds(write_cycles, kWithout, kFences, kWithAdds); }

TEST(DelayAdds, AreWhatTheFencesDoNotTake) {
  EXPECT_EQ(Adds(185), 165u);
  EXPECT_EQ(Adds(20), 0u);
}

TEST(DelayAdds, GoByWhatAnAddTakes) {
  EXPECT_EQ(DelayAdds(185, kWithout, kFences, kFences + 4 * (kMaxDelayAdds / 4)), 83u);
}

TEST(DelayAdds, RefuseWhatTheFencesExceed) {
  EXPECT_THROW(Adds(19), std::runtime_error);
  EXPECT_THROW(Adds(20 + kMaxDelayAdds + 1), std::runtime_error);
  EXPECT_EQ(Adds(20 + kMaxDelayAdds), kMaxDelayAdds);
}

}  // namespace
}  // namespace kmapbench::user
