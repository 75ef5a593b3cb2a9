// SPDX-License-Identifier: Apache-2.0
//
// What the path works on, in user space: page descriptors laid out like struct page, their
// pagemap, a task, a CPU, and the base variables of the address arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace kmapbench::user {

inline constexpr unsigned kPageShift = 12;
inline constexpr size_t kPageBytes = size_t{1} << kPageShift;
inline constexpr size_t kLineBytes = 64;

// Where x86-64 kernels with several nodes keep the zone in page->flags, and which is the
// devices'.
inline constexpr unsigned kZoneShift = 51;
inline constexpr uint64_t kZoneMask = 7;
inline constexpr uint64_t kZoneNormal = 2;
inline constexpr uint64_t kZoneDevice = 4;

// The flag that the series adds to dev_pagemap.flags.
inline constexpr uint64_t kPagemapProtection = 1u << 7;

// The key of protected pages, as in kernel-bench-module/pks.h; and both values of the register:
// all keys closed but 0, and ours open. Those are also what the kernel gives PKRU.
inline constexpr uint32_t kKeys = 16;
inline constexpr uint32_t kKey = 15;
inline constexpr uint32_t kPkrsClosed = 0x55555554;
inline constexpr uint32_t kPkrsOpen = kPkrsClosed & ~(1u << (2 * kKey));

struct Pagemap {
  uint64_t flags;
};

// struct page: flags first; in the next word the pagemap of a device page or, with bit 0 set,
// the head of a compound page.
struct alignas(kLineBytes) PageDescriptor {
  uint64_t flags;
  uintptr_t pagemap_or_head;

  const Pagemap* pagemap() const { return reinterpret_cast<const Pagemap*>(pagemap_or_head); }
};
static_assert(sizeof(PageDescriptor) == kLineBytes);

// What the series adds to task_struct.
struct Task {
  uint32_t pkrs;
  uint32_t count;
};

// Per-CPU data. A pinned thread stands for its CPU.
struct Cpu {
  uint32_t pkrs_cache;
  // As the kernel counts it: the top bit says that nobody else wants to run.
  uint32_t preempt_count;
  uint32_t count;  // of designs that count by CPU
};

extern thread_local constinit Task* current;
extern thread_local constinit Cpu cpu;

// Stand for vmemmap_base, page_offset_base and phys_base, and are variables for that reason.
extern uintptr_t descriptors_base;
extern uintptr_t data_base;
extern uintptr_t image_base;

// A fresh task, which has nothing open, on a CPU that knows it.
void Enter(Task* task);

// What all pages of a world are.
enum class Pages { kMemory, kDevice, kProtected, kShared };

struct WorldPlan {
  Pages pages = Pages::kMemory;
  size_t count = 1;                  // descriptors, and pages that the addresses reach over
  size_t data_bytes = kPageBytes;    // from the first page on, that are there to be touched
  unsigned protected_percent = 100;  // of kShared: the rest are pages of memory
  bool keyed = false;                // data pages carry kKey in this process's page table
};

// Pages, their descriptors and their pagemap. One at a time: the base variables are its.
class World {
 public:
  // Throws std::system_error where there is not the memory for it.
  explicit World(const WorldPlan& plan);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::span<PageDescriptor> descriptors() const { return descriptors_; }
  std::byte* data() const { return data_; }

 private:
  void Fill(const WorldPlan& plan);

  std::span<PageDescriptor> descriptors_;
  std::byte* data_ = nullptr;
  size_t data_bytes_ = 0;
  Pagemap pagemap_{};
};

// Empty where the memory that a plan takes is there to spare (half of what is free), else why
// it is not.
std::string Refusal(const WorldPlan& plan);

}  // namespace kmapbench::user
