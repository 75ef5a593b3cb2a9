// SPDX-License-Identifier: Apache-2.0
//
// What user models do in a loop, which is that of loop.h, as for kernel cases.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "loop.h"
#include "user/address_space.h"
#include "user/map_path.h"
#include "user/no_ipa.h"

namespace kmapbench::user {

// What a body works on.
struct BodyContext {
  PageDescriptor* page = nullptr;  // the page that it maps, or the first of several
  std::byte* buffer = nullptr;     // a page to copy to and from
  uint64_t at = 0;                 // of bodies that go round a working set: the place they are at,
  uint64_t mask = 0;               // and the number of places, a power of two, minus 1
};

// A body does its operation ops times.
using Body = void (*)(BodyContext* context, uint64_t ops);

// Makes a body a function of its own, at the start of a cache line.
#define KMAPBENCH_BODY KMAPBENCH_NO_IPA [[gnu::aligned(64)]]

// How operations follow each other: they overlap as far as the path allows, or each ends before the
// next one begins.
struct Overlapping {
  [[gnu::always_inline]] static void End() { Barrier(); }
};

struct OneByOne {
  [[gnu::always_inline]] static void End() { asm volatile("lfence" : : : "memory"); }
};

KMAPBENCH_BODY inline void EmptyBody(BodyContext*, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_0(), {});
}

// Only the wait of OneByOne.
KMAPBENCH_BODY inline void WaitBody(BodyContext*, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_0(), OneByOne::End());
}

// --- What is done with a mapped page.

struct NoTouch {
  [[gnu::always_inline]] static void Touch(void*, std::byte*) {}
};

struct Read8 {
  [[gnu::always_inline]] static void Touch(void* address, std::byte*) {
    (void)*static_cast<const volatile uint64_t*>(address);
  }
};

struct Write8 {
  [[gnu::always_inline]] static void Touch(void* address, std::byte*) {
    *static_cast<volatile uint64_t*>(address) = 0;
  }
};

template <size_t kBytes>
struct CopyOut {
  [[gnu::always_inline]] static void Touch(void* address, std::byte* buffer) {
    std::memcpy(buffer, address, kBytes);
  }
};

template <size_t kBytes>
struct CopyIn {
  [[gnu::always_inline]] static void Touch(void* address, std::byte* buffer) {
    std::memcpy(address, buffer, kBytes);
  }
};

// Maps and unmaps one page.
template <class Path, class Touch, class Pace = Overlapping>
KMAPBENCH_BODY void PairBody(BodyContext* context, uint64_t ops) {
  PageDescriptor* page = context->page;
  std::byte* buffer = context->buffer;
  KB_LOOP(ops, KB_LOOP_ON_2(page, buffer), {
    void* address = Path::Map(page);
    Opaque(address);
    Touch::Touch(address, buffer);
    Path::Unmap(address);
    Pace::End();
  });
}

// The same with a task switch after each pair: the worst case for a design that closes at the
// switch.
template <class Path>
KMAPBENCH_BODY void SwitchBody(BodyContext* context, uint64_t ops) {
  PageDescriptor* page = context->page;
  KB_LOOP(ops, KB_LOOP_ON_1(page), {
    void* address = Path::Map(page);
    Opaque(address);
    Path::Unmap(address);
    Path::Switch();
    Barrier();
  });
}

// --- Going round a working set. The next place is computed in registers, so that the order itself
// accesses no memory.

struct Sequential {
  [[gnu::always_inline]] static uint64_t Next(uint64_t at) { return at + 1; }
};

// Modulo any power of two, each residue once (Hull and Dobell: odd increment, multiplier 1 modulo
// 4), in an order that no prefetcher follows.
struct Scattered {
  [[gnu::always_inline]] static uint64_t Next(uint64_t at) {
    return at * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
  }
};

// Another page each time, without touching its data.
struct Descriptors {
  [[gnu::always_inline]] static size_t Page(uint64_t at) { return at; }
  [[gnu::always_inline]] static void Touch(void*, uint64_t) {}
};

// One page, and another cache line of the memory after it each time.
struct Data {
  [[gnu::always_inline]] static size_t Page(uint64_t) { return 0; }
  [[gnu::always_inline]] static void Touch(void* address, uint64_t at) {
    Read8::Touch(static_cast<std::byte*>(address) + at * kLineBytes, nullptr);
  }
};

// Another page each time, and a cache line of it. The offset differs from page to page: otherwise
// all lines would compete for few cache sets.
struct DescriptorsAndData {
  [[gnu::always_inline]] static size_t Page(uint64_t at) { return at; }
  [[gnu::always_inline]] static void Touch(void* address, uint64_t at) {
    Read8::Touch(static_cast<std::byte*>(address) + at * kLineBytes % kPageBytes, nullptr);
  }
};

template <class Path, class Order, class What, class Pace>
KMAPBENCH_BODY void RoundBody(BodyContext* context, uint64_t ops) {
  uint64_t at = context->at;
  KB_LOOP(ops, KB_LOOP_ON_2(context, at), {
    at = Order::Next(at);
    const uint64_t spot = at & context->mask;
    void* address = Path::Map(context->page + What::Page(spot));
    Opaque(address);
    What::Touch(address, spot);
    Path::Unmap(address);
    Pace::End();
  });
  context->at = at;
}

// Without a path: reads the line of another descriptor each time. Shows the cost of a cache miss.
KMAPBENCH_BODY inline void LinesBody(BodyContext* context, uint64_t ops) {
  uint64_t at = context->at;
  KB_LOOP(ops, KB_LOOP_ON_2(context, at), {
    at = Scattered::Next(at);
    Read8::Touch(context->page + (at & context->mask), nullptr);
    OneByOne::End();
  });
  context->at = at;
}

// --- Bodies of known length: dependent operations on registers. An add takes one cycle, a
// multiplication three.

template <int kAdds>
KMAPBENCH_BODY void AddsBody(BodyContext*, uint64_t ops) {
  uint64_t sum = 0, one = 1;
  KB_LOOP(ops, KB_LOOP_ON_2(sum, one), {
    asm volatile(".rept %c2; add %1, %0; .endr" : "+r"(sum) : "r"(one), "i"(kAdds));
  });
}

// A control. It has exactly that many instructions, because it is assembly without operands.
template <int kAdds>
KMAPBENCH_BODY void ControlBody(BodyContext*, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_0(),
          asm volatile(".rept %c0; add %%rax, %%rax; .endr"
                       :
                       : "i"(kAdds)
                       : "rax", "cc"));
}

// The same in a called function: the last adds of the chain in delay.cc, and its return.
template <int kAdds>
KMAPBENCH_BODY void ControlCallBody(BodyContext*, uint64_t ops) {
  constexpr int kAddBytes = 3;
  KB_LOOP(ops, KB_LOOP_ON_0(),
          asm volatile("call kmapbench_adds_end - %c0"
                       :
                       : "i"(kAdds * kAddBytes)
                       : "rax", "cc", "memory"));
}

template <int kMultiplications>
KMAPBENCH_BODY void MultiplicationsBody(BodyContext*, uint64_t ops) {
  uint64_t product = 1, three = 3;
  KB_LOOP(ops, KB_LOOP_ON_2(product, three), {
    asm volatile(".rept %c2; imul %1, %0; .endr"
                 : "+r"(product)
                 : "r"(three), "i"(kMultiplications));
  });
}

}  // namespace kmapbench::user
