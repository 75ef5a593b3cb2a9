// SPDX-License-Identifier: Apache-2.0
//
// What user models do in a loop: in that of loop.h, as the kernel cases do.
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
  PageDescriptor* page = nullptr;  // what it maps, or the first of those
  std::byte* buffer = nullptr;     // a page to copy to and from
  uint64_t at = 0;                 // of bodies that go round: where they are, and
  uint64_t mask = 0;               // how many there are, less one: a power of two
};

// Does the operation ops times.
using Body = void (*)(BodyContext* context, uint64_t ops);

// A body of its own in the disassembly, at the start of a cache line.
#define KMAPBENCH_BODY KMAPBENCH_NO_IPA [[gnu::aligned(64)]]

// How operations follow each other: they overlap as far as the path lets them, or none begins
// before the last one is done.
struct Overlapping {
  [[gnu::always_inline]] static void End() { Barrier(); }
};

struct OneByOne {
  [[gnu::always_inline]] static void End() { asm volatile("lfence" : : : "memory"); }
};

KMAPBENCH_BODY inline void EmptyBody(BodyContext*, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_0(), {});
}

// What is waited by OneByOne.
KMAPBENCH_BODY inline void WaitBody(BodyContext*, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_0(), OneByOne::End());
}

// --- What is done through a mapping.

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

// One page, over and over.
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

// The same with a switch of tasks after each pair: what a close that waits for it comes to at
// worst.
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

// --- Going round. Which one is next is worked out in registers, so that an order costs no
// memory: a path that touches nothing then touches nothing.

struct Sequential {
  [[gnu::always_inline]] static uint64_t Next(uint64_t at) { return at + 1; }
};

// All residues of any power of two, each once (Hull and Dobell: odd increment, multiplier 1
// modulo 4), in an order that no prefetcher follows.
struct Scattered {
  [[gnu::always_inline]] static uint64_t Next(uint64_t at) {
    return at * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
  }
};

// A page each, and nothing of its data.
struct Descriptors {
  [[gnu::always_inline]] static size_t Page(uint64_t at) { return at; }
  [[gnu::always_inline]] static void Touch(void*, uint64_t) {}
};

// One page, and a line each of the memory behind it.
struct Data {
  [[gnu::always_inline]] static size_t Page(uint64_t) { return 0; }
  [[gnu::always_inline]] static void Touch(void* address, uint64_t at) {
    Read8::Touch(static_cast<std::byte*>(address) + at * kLineBytes, nullptr);
  }
};

// A page each, and a line of it: at another offset in each, else all would meet in few sets.
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

// No path: a line of each descriptor in turn. What a miss of such a set takes.
KMAPBENCH_BODY inline void LinesBody(BodyContext* context, uint64_t ops) {
  uint64_t at = context->at;
  KB_LOOP(ops, KB_LOOP_ON_2(context, at), {
    at = Scattered::Next(at);
    Read8::Touch(context->page + (at & context->mask), nullptr);
    OneByOne::End();
  });
  context->at = at;
}

// --- Known truths: dependent operations of registers, one cycle an add, three a multiplication.

template <int kAdds>
KMAPBENCH_BODY void AddsBody(BodyContext*, uint64_t ops) {
  uint64_t sum = 0, one = 1;
  KB_LOOP(ops, KB_LOOP_ON_2(sum, one), {
    asm volatile(".rept %c2; add %1, %0; .endr" : "+r"(sum) : "r"(one), "i"(kAdds));
  });
}

// Controls: as many instructions as they say, since all of it is assembly without an operand.
template <int kAdds>
KMAPBENCH_BODY void ControlBody(BodyContext*, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_0(),
          asm volatile(".rept %c0; add %%rax, %%rax; .endr"
                       :
                       : "i"(kAdds)
                       : "rax", "cc"));
}

// The same behind a call: the last adds of the chain of delay.cc, and its return.
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
