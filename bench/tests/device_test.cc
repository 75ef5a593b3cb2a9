// SPDX-License-Identifier: Apache-2.0
#include "module_client/device.h"

#include <gtest/gtest.h>

namespace kmapbench {
namespace {

constexpr uint32_t kOff = 1, kPreemptOff = 2, kOn = 4;

TEST(ChoosePolicy, TakesTheQuietestThatTheCaseAllows) {
  EXPECT_EQ(ChoosePolicy(kOff | kPreemptOff | kOn, {}), IrqPolicy::kOff);
  EXPECT_EQ(ChoosePolicy(kPreemptOff | kOn, {}), IrqPolicy::kPreemptOff);
  EXPECT_EQ(ChoosePolicy(kOn, {}), IrqPolicy::kOn);
  EXPECT_EQ(ChoosePolicy(0, {}), std::nullopt);
}

TEST(ChoosePolicy, TakesTheOneAskedForOrNone) {
  EXPECT_EQ(ChoosePolicy(kOff | kPreemptOff | kOn, IrqPolicy::kOn), IrqPolicy::kOn);
  EXPECT_EQ(ChoosePolicy(kOff | kPreemptOff, IrqPolicy::kPreemptOff), IrqPolicy::kPreemptOff);
  EXPECT_EQ(ChoosePolicy(kOff | kPreemptOff, IrqPolicy::kOn), std::nullopt);
}

TEST(PolicySkipReason, NamesWhatTheCaseTakes) {
  EXPECT_EQ(PolicySkipReason(kOff | kPreemptOff, IrqPolicy::kOn),
            "interrupts on: this case is measured with off or preempt_off");
  EXPECT_EQ(PolicySkipReason(0, {}), "the module names no interrupt policy for this case");
}

TEST(Device, AMissingDeviceNamesTheModule) {
  try {
    const Device missing("/nowhere/kmapbench");
    FAIL() << "nothing was thrown";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("is kmapbench.ko loaded?"), std::string::npos);
  }
}

}  // namespace
}  // namespace kmapbench
