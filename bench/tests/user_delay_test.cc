// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "user/delay.h"

namespace kmapbench::user {
namespace {

// A machine on which the fences of a write take 20 cycles, and an add one.
constexpr double kWithout = 30;
constexpr double kFences = kWithout + 2 * 20;
constexpr double kWithFew = kFences + 2 * kFewDelayAdds;
constexpr double kWithMany = kFences + 2 * kManyDelayAdds;

uint32_t Adds(double write_cycles) {
  return DelayAdds(write_cycles, kWithout, kWithFew, kWithMany);
}

TEST(DelayAdds, AreWhatTheFencesDoNotTake) {
  EXPECT_EQ(Adds(185), 165u);
  EXPECT_EQ(Adds(20 + kFewDelayAdds), kFewDelayAdds);
}

TEST(DelayAdds, GoByWhatAnAddTakes) {
  const double slow_adds = 2 * 2 * (kManyDelayAdds - kFewDelayAdds);
  EXPECT_EQ(DelayAdds(185, kWithout, kWithFew, kWithFew + slow_adds),
            kFewDelayAdds + (165 - kFewDelayAdds + 1) / 2);
}

TEST(DelayAdds, RefuseWhatIsTooShortOrTooLong) {
  EXPECT_THROW(Adds(20 + kFewDelayAdds - 1), std::runtime_error);
  EXPECT_THROW(Adds(20 + kMaxDelayAdds + 1), std::runtime_error);
  EXPECT_EQ(Adds(20 + kMaxDelayAdds), kMaxDelayAdds);
  try {
    Adds(1);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("from 84 to 4116"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace kmapbench::user
