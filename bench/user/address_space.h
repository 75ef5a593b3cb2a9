// SPDX-License-Identifier: Apache-2.0
//
// The data that the path works on, in user space: page descriptors laid out like struct page, their
// pagemap, a task, a CPU, and the variables that the address arithmetic adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace kmapbench::user {

inline constexpr unsigned kPageShift = 12;
inline constexpr size_t kPageBytes = size_t{1} << kPageShift;
inline constexpr size_t kLineBytes = 64;

// Where x86-64 kernels with several NUMA nodes keep the zone in page->flags, and which zones there
// are.
inline constexpr unsigned kZoneShift = 51;
inline constexpr uint64_t kZoneMask = 7;
inline constexpr uint64_t kZoneNormal = 2;
inline constexpr uint64_t kZoneDevice = 4;

// The flag that the series adds to dev_pagemap.flags.
inline constexpr uint64_t kPagemapProtection = 1u << 7;

// The pkey of protected pages, as in kernel-bench-module/pks.h, and the two values of the register:
// all pkeys but 0 closed, and ours open, too. The first is also what the kernel writes to PKRU.
inline constexpr uint32_t kKeys = 16;
inline constexpr uint32_t kKey = 15;
inline constexpr uint32_t kPkrsClosed = 0x55555554;
inline constexpr uint32_t kPkrsOpen = kPkrsClosed & ~(1u << (2 * kKey));

struct Pagemap {
  uint64_t flags;
};

// Like struct page: flags, then a word with the pagemap of a device page or, with bit 0 set, the
// head of a compound page.
struct alignas(kLineBytes) PageDescriptor {
  uint64_t flags;
  uintptr_t pagemap_or_head;

  const Pagemap* pagemap() const { return reinterpret_cast<const Pagemap*>(pagemap_or_head); }
};
static_assert(sizeof(PageDescriptor) == kLineBytes);

// What the published series adds to task_struct, and what ours adds in their stead.
struct Task {
  uint32_t pkrs;
  uint32_t count;

  uint32_t pks;
};

// Per-CPU data. A thread that is pinned to a CPU has those of that CPU.
struct Cpu {
  uint32_t pkrs_cache;
  // As in the kernel: the top bit says that no other task has to be scheduled.
  uint32_t preempt_count;
  uint32_t count;      // open mappings, in designs that count by CPU
  uint32_t pkrs_open;  // of our series, in place of pkrs_cache
};

extern thread_local constinit Task* current;
extern thread_local constinit Cpu cpu;

// These stand for vmemmap_base, page_offset_base and phys_base, which are variables in the kernel,
// too.
extern uintptr_t descriptors_base;
extern uintptr_t data_base;
extern uintptr_t image_base;

// From the first protected address to behind the last one.
struct ProtectedSpan {
  const void* begin;
  const void* end;
};
extern ProtectedSpan protected_span;

// Makes a new task, which has nothing open, the current one of this thread and its CPU.
void Enter(Task* task);

// What the pages of an address space are. kShared: a mixture of protected pages and memory.
enum class Pages { kMemory, kDevice, kProtected, kShared };

// How an address space is to be made.
struct AddressSpacePlan {
  Pages pages = Pages::kMemory;
  size_t count = 1;                  // descriptors, and pages that have an address
  size_t data_bytes = kPageBytes;    // bytes that are present, from the first page on
  unsigned protected_percent = 100;  // with kShared; the rest are memory
  bool keyed = false;                // the page table of this process gives kKey to the pages
};

// Pages, their descriptors and their pagemap. There may be only one at a time, because the base
// variables point to it.
class AddressSpace {
 public:
  // Throws std::system_error if there is not enough memory, or the pages cannot be given a pkey.
  explicit AddressSpace(const AddressSpacePlan& plan);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  std::span<PageDescriptor> descriptors() const { return descriptors_; }
  std::byte* data() const { return data_; }

 private:
  void Fill(const AddressSpacePlan& plan);

  std::span<PageDescriptor> descriptors_;
  std::byte* data_ = nullptr;
  size_t data_bytes_ = 0;
  Pagemap pagemap_{};
};

// Why an address space cannot be made; empty if it can. It may take half of the available memory.
std::string SkipReason(const AddressSpacePlan& plan);

}  // namespace kmapbench::user
