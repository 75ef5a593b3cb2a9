// SPDX-License-Identifier: Apache-2.0
#include "user/delay.h"

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "user/register_write.h"

// An add %rcx, %rax has three bytes. Where the chain is entered decides how many of them run.
extern "C" const char kmapbench_adds_end[];
asm(R"(
	.text
	.rept 4096
	add %rcx, %rax
	.endr
	.globl kmapbench_adds_end
kmapbench_adds_end:
	ret
)");

namespace kmapbench::user {

namespace {
constexpr size_t kAddBytes = 3;
}  // namespace

const void* delay_entry = kmapbench_adds_end;

void SetDelayAdds(uint32_t adds) { delay_entry = kmapbench_adds_end - adds * kAddBytes; }

uint32_t DelayAdds(double write_cycles, double without, double with_few, double with_many) {
  constexpr double kWrites = 2;
  const double wanted = without + kWrites * write_cycles;
  const double cycles_per_add = (with_many - with_few) / (kManyDelayAdds - kFewDelayAdds);
  const double adds = std::round(kFewDelayAdds + (wanted - with_few) / cycles_per_add);
  if (adds >= kFewDelayAdds && adds <= kMaxDelayAdds) return static_cast<uint32_t>(adds);
  const double least = (with_few - without) / kWrites;
  const double most = least + (kMaxDelayAdds - kFewDelayAdds) * cycles_per_add / kWrites;
  char range[64];
  std::snprintf(range, sizeof(range), "from %.0f to %.0f", std::ceil(least), std::floor(most));
  throw std::runtime_error("a write of " + std::to_string(std::lround(write_cycles)) +
                           " cycles cannot be stood for here: give --wrpkrs-cycles " + range);
}

}  // namespace kmapbench::user
