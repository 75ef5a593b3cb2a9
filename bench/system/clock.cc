// SPDX-License-Identifier: Apache-2.0
#include "system/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <limits>

namespace kmapbench {

namespace {
sigjmp_buf no_such_instruction;
}  // namespace

bool HasRdtscp() {
  struct sigaction catching {
  }, before{};
  catching.sa_handler = [](int) { siglongjmp(no_such_instruction, 1); };
  sigaction(SIGILL, &catching, &before);
  const bool has = sigsetjmp(no_such_instruction, 1) == 0;
  if (has) ClockEnd();
  sigaction(SIGILL, &before, nullptr);
  return has;
}

uint64_t ClockStep() {
  uint64_t step = std::numeric_limits<uint64_t>::max();
  uint64_t last = ClockBegin();
  for (int i = 0; i < 10000; ++i) {
    const uint64_t now = ClockBegin();
    if (now != last) step = std::min(step, now - last);
    last = now;
  }
  return step;
}

namespace {

// Dependent adds, which take one cycle each on every x86-64 core. Both operands are registers:
// newer cores are said to fold an add of a constant at rename. There is no loop, so that a clock
// that counts instructions shows exactly one per add.
template <int kAdds>
void AddChain() {
  uint64_t sum = 0, one = 1;
  asm volatile(".rept %c2; add %1, %0; .endr" : "+r"(sum) : "r"(one), "i"(kAdds));
}

template <int kAdds>
[[gnu::noinline]] uint64_t ChainTicks() {
  const uint64_t begin = ClockBegin();
  AddChain<kAdds>();
  return ClockEnd() - begin;
}

}  // namespace

double ChainSlope() {
  // In the shorter chain. The longer one has twice as many.
  constexpr int kAdds = 1024;
  const uint64_t n = ChainTicks<kAdds>();
  const uint64_t n2 = ChainTicks<2 * kAdds>();
  return (static_cast<double>(n2) - static_cast<double>(n)) / kAdds;
}

namespace {

uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

double ClockHz() {
  constexpr uint64_t kSpanNs = 20'000'000;
  const uint64_t start_ns = MonotonicNs();
  const uint64_t start = ClockBegin();
  uint64_t now_ns = start_ns;
  while (now_ns - start_ns < kSpanNs) now_ns = MonotonicNs();
  return static_cast<double>(ClockBegin() - start) * 1e9 / static_cast<double>(now_ns - start_ns);
}

}  // namespace kmapbench
