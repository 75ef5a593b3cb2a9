// SPDX-License-Identifier: Apache-2.0
#include "user_model.h"

#include <cpuid.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "clock.h"

namespace kmapbench {

namespace {

constexpr unsigned kKey = 15;
constexpr uint32_t kAccessDisable = 1u << (2 * kKey);
constexpr uint32_t kKeyMask = 3u << (2 * kKey);
constexpr unsigned kPageShift = 12;
constexpr unsigned kZoneShift = 51;  // where x86-64 kernels keep the zone in page->flags
constexpr uint64_t kZoneMask = 7;
constexpr uint64_t kZoneDevice = 4;
constexpr uint64_t kPagemapProtection = 1u << 7;

struct Pagemap {
  uint64_t flags;
};

// struct page: 64 bytes, flags first, pgmap in the next word.
struct alignas(64) PageDescriptor {
  uint64_t flags;
  Pagemap* pagemap;
};
static_assert(sizeof(PageDescriptor) == 64);

// What the series adds to task_struct, and its per-CPU cache of the register; a pinned thread
// stands for both.
struct Thread {
  uint32_t pkrs = kAccessDisable;
  uint32_t count = 0;
  uint32_t cache = kAccessDisable;
};

Pagemap protected_pagemap{kPagemapProtection};
std::array<PageDescriptor, 1> descriptors{
    PageDescriptor{kZoneDevice << kZoneShift, &protected_pagemap}};
alignas(4096) std::array<std::byte, 4096> data;

// Variables, as vmemmap_base and page_offset_base are.
uintptr_t descriptors_base = reinterpret_cast<uintptr_t>(descriptors.data());
uintptr_t data_base = reinterpret_cast<uintptr_t>(data.data());
thread_local Thread current;

template <typename T>
inline void Opaque(T& value) {
  asm volatile("" : "+r"(value) : : "memory");
}

struct NoWrite {
  static void Write(uint32_t) {}
};

struct Wrpkru {
  static void Write(uint32_t value) {
    // ECX and EDX must be 0. Keeps the other keys' rights; nobody's page carries kKey.
    uint32_t rights, high;
    asm volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
    rights = (rights & ~kKeyMask) | (value & kKeyMask);
    asm volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
  }
};

inline void* PageAddress(const PageDescriptor* page) {
  const uintptr_t index =
      (reinterpret_cast<uintptr_t>(page) - descriptors_base) / sizeof(PageDescriptor);
  return reinterpret_cast<void*>((index << kPageShift) + data_base);
}

inline PageDescriptor* PageOf(const void* address) {
  const uintptr_t index = (reinterpret_cast<uintptr_t>(address) - data_base) >> kPageShift;
  return reinterpret_cast<PageDescriptor*>(descriptors_base) + index;
}

inline bool IsProtected(const PageDescriptor* page) {
  return ((page->flags >> kZoneShift) & kZoneMask) == kZoneDevice &&
         (page->pagemap->flags & kPagemapProtection) != 0;
}

template <typename RegisterWrite>
[[gnu::noinline]] void SetRights(uint32_t rights) {
  const uint32_t pkrs = (current.pkrs & ~kKeyMask) | rights;
  current.pkrs = pkrs;
  if (pkrs == current.cache) return;
  current.cache = pkrs;
  RegisterWrite::Write(pkrs);
}

template <typename RegisterWrite>
[[gnu::noinline]] void Open() {
  if (current.count++ == 0) SetRights<RegisterWrite>(0);
}

template <typename RegisterWrite>
[[gnu::noinline]] void Close() {
  if (--current.count == 0) SetRights<RegisterWrite>(kAccessDisable);
}

template <typename RegisterWrite>
void BodyProtected(uint64_t ops) {
  PageDescriptor* page = descriptors.data();
  do {
    Opaque(page);
    if (IsProtected(page)) Open<RegisterWrite>();
    void* address = PageAddress(page);
    Opaque(address);
    if (IsProtected(PageOf(address))) Close<RegisterWrite>();
  } while (--ops);
}

void BodyEmpty(uint64_t ops) {
  PageDescriptor* page = descriptors.data();
  do {
    Opaque(page);
  } while (--ops);
}

std::string WrpkruSkipReason() {
  constexpr unsigned kOspke = 1u << 4;  // CPUID.(7,0):ECX: the kernel has set CR4.PKE
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx & kOspke)) return "";
  return "this CPU has no PKU, or the kernel does not use it";
}

uint64_t Ticks(void (*body)(uint64_t), uint64_t ops) {
  const uint64_t begin = ClockBegin();
  body(ops);
  return ClockEnd() - begin;
}

// Ticks an add.
double ChainSlope() {
  constexpr uint64_t kRounds = 32;
  const uint64_t n = Ticks(AddChain, kRounds);
  const uint64_t n2 = Ticks(AddChain, 2 * kRounds);
  return (static_cast<double>(n2) - static_cast<double>(n)) / (kRounds * kChainAdds);
}

}  // namespace

std::vector<UserModel> UserModels() {
  return {
      {"user/empty", "the loop that every user model runs in", "", BodyEmpty},
      {"user/kmap_local/protected/nowrite",
       "the path of a protected page, outermost, without the register write", "",
       BodyProtected<NoWrite>},
      {"user/kmap_local/protected/wrpkru",
       "the same with RDPKRU and WRPKRU, user space's own register, for the write",
       WrpkruSkipReason(), BodyProtected<Wrpkru>},
  };
}

uint32_t UserOps(const UserModel& model, uint64_t target_ticks) {
  constexpr uint32_t kProbeOps = 256;
  uint64_t best = std::numeric_limits<uint64_t>::max();
  for (int i = 0; i < 16; ++i) best = std::min(best, Ticks(model.body, kProbeOps));
  const uint64_t ops = target_ticks * kProbeOps / (2 * std::max<uint64_t>(best, 1));
  return static_cast<uint32_t>(std::clamp<uint64_t>(ops, 1, 1u << 20));
}

Sample SampleUserModel(const UserModel& model, uint32_t ops) {
  Sample sample;
  const double chain_before = ChainSlope();
  sample.empty_n = Ticks(BodyEmpty, ops);
  sample.empty_2n = Ticks(BodyEmpty, uint64_t{ops} * 2);
  sample.case_n = Ticks(model.body, ops);
  sample.case_2n = Ticks(model.body, uint64_t{ops} * 2);
  sample.chain = (chain_before + ChainSlope()) / 2;
  return sample;
}

PinnedToCpu::PinnedToCpu() {
  const int cpu = sched_getcpu();
  if (cpu < 0 || sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(cpu), &one);
  pinned_ = sched_setaffinity(0, sizeof(one), &one) == 0;
}

PinnedToCpu::~PinnedToCpu() {
  if (pinned_) sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace kmapbench
