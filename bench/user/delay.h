// SPDX-License-Identifier: Apache-2.0
//
// A register write that takes as long as somebody said: a chain of dependent adds between two
// fences, with as many adds as make a pair longer by that much for each write.
#pragma once

#include <cstdint>

namespace kmapbench::user {

inline constexpr uint32_t kMaxDelayAdds = 4096;

// WRMSR of PKRS on an i7-12700H (BULKHEAD, NDSS 2025, table III): the one published figure.
inline constexpr uint32_t kPublishedWriteCycles = 185;

// Adds in the chain from now on: at most kMaxDelayAdds.
void SetDelayAdds(uint32_t adds);

// Two lengths of the chain that the rest are worked out from. The shorter one is long enough for
// the call of the chain and the return to be hidden behind it: below, an add costs nothing.
inline constexpr uint32_t kFewDelayAdds = 64;
inline constexpr uint32_t kManyDelayAdds = 1024;

// Adds that make a write take write_cycles, by the cost of a pair in core cycles without a write,
// with few and with many adds: from few adds on, cost and adds are a straight line. Two writes a
// pair. Throws std::runtime_error where fewer, or more than there are, were needed.
uint32_t DelayAdds(double write_cycles, double without, double with_few, double with_many);

}  // namespace kmapbench::user
