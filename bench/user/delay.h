// SPDX-License-Identifier: Apache-2.0
//
// A register write that takes an assumed number of cycles: a chain of dependent adds between two
// fences. The number of adds is chosen so that each write makes a pair longer by that much.
#pragma once

#include <cstdint>

namespace kmapbench::user {

inline constexpr uint32_t kMaxDelayAdds = 4096;

// Core cycles of a PKRS write on an i7-12700H (BULKHEAD, NDSS 2025, table III): the only published
// number.
inline constexpr uint32_t kPublishedWriteCycles = 185;

// Sets the number of adds in the chain, at most kMaxDelayAdds.
void SetDelayAdds(uint32_t adds);

// Two lengths of the chain from which the others are calculated. The shorter one is long enough to
// hide the call of the chain and the return; in an even shorter one an add would cost nothing.
inline constexpr uint32_t kFewDelayAdds = 64;
inline constexpr uint32_t kManyDelayAdds = 1024;

// Calculates the number of adds with which a write takes write_cycles. The other arguments are core
// cycles of a pair: without a write, with kFewDelayAdds and with kManyDelayAdds. The cost is linear
// in the number of adds from kFewDelayAdds on, and a pair has two writes. Throws std::runtime_error
// if fewer adds than that, or more than kMaxDelayAdds, would be needed.
uint32_t DelayAdds(double write_cycles, double without, double with_few, double with_many);

}  // namespace kmapbench::user
