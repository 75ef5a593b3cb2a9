// SPDX-License-Identifier: Apache-2.0
#include "user/delay.h"

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "user/register_write.h"

// add %rcx, %rax is three bytes; the chain is entered that far before its end.
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
constexpr uint32_t kAddBytes = 3;
}  // namespace

const void* delay_entry = kmapbench_adds_end;

void SetDelayAdds(uint32_t adds) { delay_entry = kmapbench_adds_end - adds * kAddBytes; }

uint32_t DelayAdds(double write_cycles, double without, double fences, double with_adds) {
  constexpr double kWrites = 2;
  const double wanted = without + kWrites * write_cycles;
  const double cycles_an_add = (with_adds - fences) / (kMaxDelayAdds / 4);
  const double adds = std::round((wanted - fences) / cycles_an_add);
  if (adds >= 0 && adds <= kMaxDelayAdds) return static_cast<uint32_t>(adds);
  const double least = (fences - without) / kWrites;
  char range[64];
  std::snprintf(range, sizeof(range), "from %.0f to %.0f", std::ceil(least),
                std::floor(least + kMaxDelayAdds * cycles_an_add / kWrites));
  throw std::runtime_error("a write of " + std::to_string(std::lround(write_cycles)) +
                           " cycles cannot be stood for here: give --wrpkrs-cycles " + range);
}

}  // namespace kmapbench::user
