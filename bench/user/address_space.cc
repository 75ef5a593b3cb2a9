// SPDX-License-Identifier: Apache-2.0
#include "user/address_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <random>
#include <system_error>

#include "user/protection.h"

namespace kmapbench::user {

thread_local constinit Task* current = nullptr;
thread_local constinit Cpu cpu{};

uintptr_t descriptors_base;
uintptr_t data_base;
uintptr_t image_base;
ProtectedSpan protected_span;

namespace {

// Bit of the preempt count (PREEMPT_NEED_RESCHED, which is inverted).
constexpr uint32_t kNoReschedule = 1u << 31;

// A constant, so that the same pages are protected each time.
constexpr uint32_t kShareSeed = 0x6b6d6170;

void* MapMemory(size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(),
                            std::to_string(bytes >> 20) + " MiB of working set");
  }
  return memory;
}

// Memory that the kernel can give without swapping (proc(5), MemAvailable); 0 if it does not say.
size_t AvailableBytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string name;
  size_t kib = 0;
  while (meminfo >> name >> kib) {
    if (name == "MemAvailable:") return kib << 10;
    meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace

void Enter(Task* task) {
  *task = {kPkrsClosed, 0, 0};
  current = task;
  cpu = {kPkrsClosed, kNoReschedule, 0, 0};
}

std::string SkipReason(const AddressSpacePlan& plan) {
  const size_t bytes = plan.count * sizeof(PageDescriptor) + plan.data_bytes;
  if (bytes <= AvailableBytes() / 2) return "";
  return "a working set of that size takes more than half of the free memory";
}

AddressSpace::AddressSpace(const AddressSpacePlan& plan) {
  const size_t descriptor_bytes = plan.count * sizeof(PageDescriptor);
  auto* const descriptors = static_cast<PageDescriptor*>(MapMemory(descriptor_bytes));
  descriptors_ = {descriptors, plan.count};
  // The kernel maps its descriptors by huge pages. Without them, most of the cost of a large set
  // would be TLB misses.
  madvise(descriptors, descriptor_bytes, MADV_HUGEPAGE);
  data_bytes_ = std::max(plan.count * kPageBytes, plan.data_bytes);
  try {
    data_ = static_cast<std::byte*>(MapMemory(data_bytes_));
    Fill(plan);
    if (plan.keyed) ProtectPages(data_, data_bytes_);
  } catch (...) {
    munmap(descriptors, descriptor_bytes);
    if (data_) munmap(data_, data_bytes_);
    throw;
  }
  descriptors_base = reinterpret_cast<uintptr_t>(descriptors);
  data_base = reinterpret_cast<uintptr_t>(data_);
  image_base = 0;
  if (pagemap_.flags & kPagemapProtection) {
    protected_span = {data_, data_ + plan.count * kPageBytes};
  } else if (plan.pages == Pages::kMemory) {
    // Memory lies below what is protected, and a device that is not protected above it.
    void* const last = reinterpret_cast<void*>(UINTPTR_MAX);
    protected_span = {last, last};
  }
}

AddressSpace::~AddressSpace() {
  protected_span = {};
  munmap(data_, data_bytes_);
  munmap(descriptors_.data(), descriptors_.size_bytes());
}

void AddressSpace::Fill(const AddressSpacePlan& plan) {
  const bool device = plan.pages != Pages::kMemory;
  const bool closed = plan.pages == Pages::kProtected || plan.pages == Pages::kShared;
  pagemap_.flags = closed ? kPagemapProtection : 0;
  const PageDescriptor memory{kZoneNormal << kZoneShift, 0};
  const PageDescriptor of_device{kZoneDevice << kZoneShift, reinterpret_cast<uintptr_t>(&pagemap_)};
  std::fill(descriptors_.begin(), descriptors_.end(), device ? of_device : memory);
  if (plan.pages == Pages::kShared) {
    std::fill(descriptors_.begin() +
                  static_cast<std::ptrdiff_t>(plan.count * plan.protected_percent / 100),
              descriptors_.end(), memory);
    std::shuffle(descriptors_.begin(), descriptors_.end(), std::mt19937(kShareSeed));
  }
  // All pages that were never written to are the same zero page.
  for (size_t at = 0; at < plan.data_bytes; at += kPageBytes) data_[at] = std::byte{1};
}

}  // namespace kmapbench::user
