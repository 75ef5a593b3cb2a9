// SPDX-License-Identifier: Apache-2.0
//
// What stands for the PKRS write (WRMSR) in user space. Each is a policy of the path.
#pragma once

#include <cstdint>

namespace kmapbench::user {

// IA32_PKRS, which a write of it has in ECX.
inline constexpr uint32_t kMsrPkrs = 0x6e1;

// Only the operands, without a write: the cost of the path itself, which is a lower bound.
struct NoWrite {
  [[gnu::always_inline]] static void Write(uint32_t value) {
    asm volatile("" : : "a"(value), "c"(kMsrPkrs), "d"(0) : "memory");
  }
};

// Writes PKRU, user space's own register for pkeys. It is ordered as IA32_PKRS is (SDM vol. 2,
// WRPKRU).
struct Wrpkru {
  [[gnu::always_inline]] static void Write(uint32_t value) {
    asm volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
  }
};

// Stand-in: IRETQ to the next instruction. It is serialising (SDM vol. 3A, 9.3), and unlike
// CPUID does not exit to a hypervisor.
struct Serialising {
  [[gnu::always_inline]] static void Write(uint32_t value) {
    uint64_t stack, scratch;
    asm volatile(
        "mov %%rsp, %[stack]\n\t"
        "mov %%ss, %k[scratch]\n\t"
        "push %[scratch]\n\t"
        "push %[stack]\n\t"
        "pushf\n\t"
        "mov %%cs, %k[scratch]\n\t"
        "push %[scratch]\n\t"
        "lea 1f(%%rip), %[scratch]\n\t"
        "push %[scratch]\n\t"
        "iretq\n"
        "1:"
        : [stack] "=&r"(stack), [scratch] "=&r"(scratch)
        : "r"(value)
        : "memory");
  }
};

// Stand-in: LDMXCSR with the value that is already there. A control register; not serialising.
struct NonSerialising {
  [[gnu::always_inline]] static void Write(uint32_t value) {
    static constexpr uint32_t kDefault = 0x1f80;  // SDM vol. 1, 10.2.3
    asm volatile("ldmxcsr %[csr]" : : [csr] "m"(kDefault), "r"(value) : "memory");
  }
};

// Where the chain of delay.h is entered: this decides how long a write takes.
extern const void* delay_entry;

// Takes as many cycles as a write is assumed to take. Fences keep what comes before and after
// apart.
struct Delay {
  [[gnu::always_inline]] static void Write(uint32_t value) {
    asm volatile("lfence; call *%[entry]; lfence"
                 :
                 : [entry] "r"(delay_entry), "r"(value)
                 : "rax", "memory", "cc");
  }
};

}  // namespace kmapbench::user
