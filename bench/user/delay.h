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

// Adds that make a write take write_cycles, by the cost of a pair in core cycles without a write,
// with no adds (the fences alone) and with kMaxDelayAdds / 4: their slope, and so the adds, are a
// straight line. Two writes a pair. Throws std::runtime_error where the fences alone take longer,
// or more adds were needed than there are.
uint32_t DelayAdds(double write_cycles, double without, double fences, double with_adds);

}  // namespace kmapbench::user
