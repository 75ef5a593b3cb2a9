// SPDX-License-Identifier: Apache-2.0
//
// The patched path in user space, as a template. Its designs differ in policies.
//
// Tests, order and data are those of kernel-bench-module/model_published.c and model_slim.c, so
// that a pair executes the same instructions here. docs/user-models.md names each one that differs.
#pragma once

#include <cstdint>

#include "user/address_space.h"
#include "user/no_ipa.h"

namespace kmapbench::user {

[[gnu::always_inline]] inline void Barrier() { asm volatile("" : : : "memory"); }

// Hides a value from the compiler, which could otherwise optimize map and unmap together.
template <typename T>
[[gnu::always_inline]] inline void Opaque(T& value) {
  asm volatile("" : "+r"(value) : : "memory");
}

// Like READ_ONCE() and WRITE_ONCE(), and like accesses to per-CPU data: exactly one access each.
template <typename T>
[[gnu::always_inline]] inline T ReadOnce(const T& value) {
  return const_cast<const volatile T&>(value);
}

template <typename T>
[[gnu::always_inline]] inline void WriteOnce(T& value, T wanted) {
  const_cast<volatile T&>(value) = wanted;
}

// --- The static key: a NOP or a jump, which the kernel patches in place. No variable is read.

struct KeyOff {
  [[gnu::always_inline]] static bool IsOn() {
    asm goto("xchg %%ax, %%ax" : : : : on);
    return false;
  on:
    return true;
  }
};

struct KeyOn {
  [[gnu::always_inline]] static bool IsOn() {
    asm goto("jmp %l[on]" : : : : on);
    return false;
  on:
    return true;
  }
};

// --- page_address(), and the way back: virt_to_page(), or without a test for the kernel image.

[[gnu::always_inline]] inline void* PageAddress(const PageDescriptor* page) {
  const auto frame =
      static_cast<uintptr_t>(page - reinterpret_cast<const PageDescriptor*>(descriptors_base));
  return reinterpret_cast<void*>((frame << kPageShift) + data_base);
}

struct ImageOrDirectMap {
  [[gnu::always_inline]] static PageDescriptor* PageOf(const void* address) {
    constexpr uintptr_t kImageStart = 0xffffffff80000000;  // __START_KERNEL_map
    const auto virt = reinterpret_cast<uintptr_t>(address);
    const uintptr_t offset = virt - kImageStart;
    const bool in_image = virt > offset;  // the subtraction did not wrap
    const uintptr_t physical = offset + (in_image ? image_base : kImageStart - data_base);
    return reinterpret_cast<PageDescriptor*>(descriptors_base) + (physical >> kPageShift);
  }
};

struct DirectMapOnly {
  [[gnu::always_inline]] static PageDescriptor* PageOf(const void* address) {
    const uintptr_t physical = reinterpret_cast<uintptr_t>(address) - data_base;
    return reinterpret_cast<PageDescriptor*>(descriptors_base) + (physical >> kPageShift);
  }
};

// --- Whether a page is protected: by its own descriptor, or for a tail page by that of its head.

[[gnu::always_inline]] inline bool IsDevicePage(const PageDescriptor* page) {
  return static_cast<uint32_t>((page->flags >> kZoneShift) & kZoneMask) == kZoneDevice;
}

struct ByPage {
  [[gnu::always_inline]] static bool IsProtected(const PageDescriptor* page) {
    return IsDevicePage(page) && (page->pagemap()->flags & kPagemapProtection) != 0;
  }
};

struct ByHead {
  [[gnu::always_inline]] static bool IsProtected(const PageDescriptor* page) {
    if (!IsDevicePage(page)) return false;
    uintptr_t word = ReadOnce(page->pagemap_or_head);
    if (word & 1) [[unlikely]] {
      word = reinterpret_cast<const PageDescriptor*>(word - 1)->pagemap_or_head;
    }
    return (reinterpret_cast<const Pagemap*>(word)->flags & kPagemapProtection) != 0;
  }
};

// --- When unmap tests the static key: after it has found its page, or before.

struct PageFirst {
  template <class Key, class Back, class Judge>
  [[gnu::always_inline]] static bool IsProtected(const void* address) {
    const PageDescriptor* const page = Back::PageOf(address);
    return Key::IsOn() && Judge::IsProtected(page);
  }
};

struct KeyFirst {
  template <class Key, class Back, class Judge>
  [[gnu::always_inline]] static bool IsProtected(const void* address) {
    return Key::IsOn() && Judge::IsProtected(Back::PageOf(address));
  }
};

// --- Where the code behind the tests is: out of line, as if in another file, or inlined.

struct OutOfLine {
  template <auto Function, typename... Arguments>
  KMAPBENCH_NO_IPA static void Call(Arguments... arguments) {
    Function(arguments...);
  }
};

struct Inline {
  template <auto Function, typename... Arguments>
  [[gnu::always_inline]] static void Call(Arguments... arguments) {
    Function(arguments...);
  }
};

// --- Where open mappings are counted.

struct CountByThread {
  [[gnu::always_inline]] static uint32_t& Count() { return current->count; }
};

struct CountByCpu {
  [[gnu::always_inline]] static uint32_t& Count() { return cpu.count; }
};

// --- Whether the register is written if it already has the value.

struct SkipIfEqual {
  [[gnu::always_inline]] static bool MustWrite(uint32_t pkrs) {
    return pkrs != ReadOnce(cpu.pkrs_cache);
  }
};

struct AlwaysWrite {
  [[gnu::always_inline]] static bool MustWrite(uint32_t) { return true; }
};

// --- When the register is closed after the last unmap.

struct CloseOnUnmap {
  static constexpr bool kAtOnce = true;
};

struct CloseAtSwitch {
  static constexpr bool kAtOnce = false;
};

// --- The code behind the tests, in two forms.

[[gnu::always_inline]] inline void PreemptDisable() {
  cpu.preempt_count++;
  Barrier();
}

// Never called, because the top bit of preempt_count stays set.
KMAPBENCH_NO_IPA void Reschedule();

[[gnu::always_inline]] inline void PreemptEnable() {
  Barrier();
  if (--cpu.preempt_count == 0) [[unlikely]] {
    Reschedule();
  }
}

// Stands for cpu_feature_enabled(X86_FEATURE_PKS), which is patched to a NOP if the CPU has PKS.
[[gnu::always_inline]] inline bool CpuHasPks() {
  asm goto("nopl 0(%%rax,%%rax)" : : : : lacks);
  return true;
lacks:
  return false;
}

// As published: counting and writing are two functions, and the value is computed each time.
template <class Design, class Register>
struct Computed {
  static constexpr uint8_t kOpen = 0;
  static constexpr uint8_t kNone = 1;   // AD
  static constexpr uint32_t kMask = 3;  // AD and WD

  // The rights of one key in a value of the register.
  [[gnu::always_inline]] static uint32_t UpdatedValue(uint32_t pkrs, uint8_t key, uint32_t access) {
    const int shift = 2 * key;
    if (access & ~kMask) [[unlikely]] {
      __builtin_trap();
    }
    pkrs &= ~(kMask << shift);
    return pkrs | access << shift;
  }

  [[gnu::always_inline]] static void Update(uint8_t key, uint8_t protection) {
    if (!CpuHasPks()) return;
    if (key >= kKeys) [[unlikely]] {
      __builtin_trap();
    }
    const uint32_t pkrs = UpdatedValue(current->pkrs, key, protection);
    current->pkrs = pkrs;
    PreemptDisable();
    if (Design::Update::MustWrite(pkrs)) {
      cpu.pkrs_cache = pkrs;
      Register::Write(pkrs);
    }
    PreemptEnable();
  }

  [[gnu::always_inline]] static void Open() {
    if (Design::Count::Count()++) return;
    Design::Place::template Call<Update, uint8_t, uint8_t>(kKey, kOpen);
  }

  [[gnu::always_inline]] static void Close() {
    if (--Design::Count::Count()) return;
    if constexpr (Design::Closing::kAtOnce) {
      Design::Place::template Call<Update, uint8_t, uint8_t>(kKey, kNone);
    }
  }
};

// As in our PKS kernel: one function for open and one for close, which look at the page only if not
// all of the span is protected. Count and rights are one word of the task, and both values of the
// register are constants. An interrupt never finds pkrs_open 0 and the register open.
template <class Holes, class Register>
struct OneWord {
  static constexpr uint32_t kBracket = 0x200;

  KMAPBENCH_NO_IPA static bool PageIsProtected(const void* address) {
    return ByHead::IsProtected(DirectMapOnly::PageOf(address));
  }

  [[gnu::always_inline]] static bool IsProtected(const void* address) {
    return !Holes::IsOn() || PageIsProtected(address);
  }

  [[gnu::always_inline]] static bool IsInBracket() { return current->pks >= kBracket; }

  [[gnu::always_inline]] static void Open(const void* address) {
    if (!IsProtected(address)) return;
    Task* const task = current;
    const uint32_t before = task->pks;
    WriteOnce(task->pks, before + kBracket);
    if (before) return;
    WriteOnce(cpu.pkrs_open, 1u);
    Register::Write(kPkrsOpen);
  }

  [[gnu::always_inline]] static void Close(const void* address) {
    if (!IsProtected(address)) return;
    Task* const task = current;
    const uint32_t word = task->pks;
    if (word < kBracket) [[unlikely]] {
      __builtin_trap();
    }
    if (word - kBracket >= kBracket) {
      WriteOnce(task->pks, word - kBracket);
      return;
    }
    WriteOnce(task->pks, 0u);
    Register::Write(kPkrsClosed);
    WriteOnce(cpu.pkrs_open, 0u);
  }
};

// --- Designs. Each names its policies, and differs from the published one in few of them.

struct AsPublished {
  using Asks = PageFirst;
  using Back = ImageOrDirectMap;
  using Judge = ByPage;
  using Place = OutOfLine;
  using Count = CountByThread;
  using Update = SkipIfEqual;
  using Closing = CloseOnUnmap;
  template <class Design, class Register>
  using Half = Computed<Design, Register>;
};

struct AskingKeyFirst : AsPublished {
  using Asks = KeyFirst;
};

struct Inlined : AsPublished {
  using Place = Inline;
};

struct CountingByCpu : AsPublished {
  using Count = CountByCpu;
};

struct WritingAlways : AsPublished {
  using Update = AlwaysWrite;
};

struct ClosingAtSwitch : AsPublished {
  using Closing = CloseAtSwitch;
};

// By the address, and not by the page; Holes: whether the page is asked, too.
template <class HolesOf>
struct ByAddress {
  using Place = OutOfLine;
  using Holes = HolesOf;
};

using Slim = ByAddress<KeyOff>;
using SlimWithHoles = ByAddress<KeyOn>;

// --- The path.

template <class DesignOf, class KeyOf, class Register>
struct Path {
  using Design = DesignOf;
  using Key = KeyOf;
  using Half = typename Design::template Half<Design, Register>;

  // kmap_local_page()
  [[gnu::always_inline]] static void* Map(PageDescriptor* page) {
    if (Key::IsOn() && Design::Judge::IsProtected(page)) Design::Place::template Call<Half::Open>();
    return PageAddress(page);
  }

  // kunmap_local()
  [[gnu::always_inline]] static void Unmap(void* address) {
    using Judge = typename Design::Judge;
    using Back = typename Design::Back;
    if (Design::Asks::template IsProtected<Key, Back, Judge>(address)) {
      Design::Place::template Call<Half::Close>();
    }
  }

  // A switch to another task and back. In a design that closes at the switch, it closes what the
  // task no longer needs open.
  [[gnu::always_inline]] static void Switch() {
    if (!Design::Closing::kAtOnce && Design::Count::Count() == 0 && current->pkrs != kPkrsClosed) {
      current->pkrs = kPkrsClosed;
      cpu.pkrs_cache = kPkrsClosed;
      Register::Write(kPkrsClosed);
    }
  }
};

// The same by address.
template <class HolesOf, class KeyOf, class Register>
struct Path<ByAddress<HolesOf>, KeyOf, Register> {
  using Design = ByAddress<HolesOf>;
  using Key = KeyOf;
  using Half = OneWord<HolesOf, Register>;

  // Between the first protected address and the last one.
  [[gnu::always_inline]] static bool IsInSpan(const void* address) {
    if (address < protected_span.begin) return false;
    return address < protected_span.end;
  }

  [[gnu::always_inline]] static void* Map(PageDescriptor* page) {
    void* const address = PageAddress(page);
    if (Key::IsOn() && IsInSpan(address)) {
      Design::Place::template Call<Half::Open, const void*>(address);
    }
    return address;
  }

  [[gnu::always_inline]] static void Unmap(void* address) {
    if (Key::IsOn() && Half::IsInBracket() && IsInSpan(address)) {
      Design::Place::template Call<Half::Close, const void*>(address);
    }
  }
};

}  // namespace kmapbench::user
