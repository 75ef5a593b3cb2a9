// SPDX-License-Identifier: Apache-2.0
#include "pks/small_guest.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace kmapbench {
namespace {

// Intel SDM, volume 3, 2.5; AMD64 Architecture Programmer's Manual, volume 2, 3.1
constexpr uint64_t kCr0ProtectedMode = 1, kCr0Paging = uint64_t{1} << 31, kCr4LargePages = 1 << 4;
constexpr uint32_t kPresentWritableLarge = 0x83;
constexpr uint64_t kEferSvm = 1 << 12;

kvm_segment Flat(uint8_t type, uint16_t selector) {
  kvm_segment segment = {};
  segment.limit = 0xffffffff;
  segment.selector = selector;
  segment.type = type;
  segment.present = segment.db = segment.s = segment.g = 1;
  return segment;
}

// What precedes the entries of struct kvm_cpuid2 and struct kvm_msrs. In C++ these structures have
// another size than in C, because their headers have an empty one in them, and the numbers of the
// ioctls would be wrong.
struct ListHead {
  uint32_t count, padding;
};
constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, ListHead);
constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, ListHead);
constexpr unsigned long kSetCpuid = _IOW(KVMIO, 0x90, ListHead);

void CopyCpuid(int kvm, int cpu) {
  struct {
    ListHead head;
    kvm_cpuid_entry2 entries[256];
  } cpuid = {};
  cpuid.head.count = std::size(cpuid.entries);
  Checked(ioctl(kvm, kGetSupportedCpuid, &cpuid), "KVM_GET_SUPPORTED_CPUID");
  Checked(ioctl(cpu, kSetCpuid, &cpuid), "KVM_SET_CPUID2");
}

int OpenKvm() {
  const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) throw Skip("no KVM");
  return Checked(kvm, "/dev/kvm");
}

}  // namespace

SmallGuest::SmallGuest(const Mapping& memory, size_t size)
    : memory_(memory.data()),
      kvm_(OpenKvm()),
      machine_(Checked(ioctl(kvm_.get(), KVM_CREATE_VM, 0), "KVM_CREATE_VM")) {
  kvm_userspace_memory_region region = {};
  region.memory_size = size;
  region.userspace_addr = reinterpret_cast<uint64_t>(memory_);
  Checked(ioctl(machine_.get(), KVM_SET_USER_MEMORY_REGION, &region), "memory of the guest");
  cpu_ = UniqueFd(Checked(ioctl(machine_.get(), KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU"));
  run_size_ = static_cast<size_t>(
      Checked(ioctl(kvm_.get(), KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
  CopyCpuid(kvm_.get(), cpu_.get());
  // The first 4 MiB, one to one.
  std::memcpy(memory_ + kTablePage * kPage, &kPresentWritableLarge, sizeof(kPresentWritableLarge));
  SetUpSegments();
}

void SmallGuest::SetUpSegments() const {
  constexpr uint8_t kCode = 11, kData = 3;
  kvm_sregs registers = {};
  Checked(ioctl(cpu_.get(), KVM_GET_SREGS, &registers), "KVM_GET_SREGS");
  registers.cs = Flat(kCode, 8);
  registers.ds = registers.es = registers.fs = registers.gs = registers.ss = Flat(kData, 16);
  registers.cr0 |= kCr0ProtectedMode | kCr0Paging;
  registers.cr3 = kTablePage * kPage;
  registers.cr4 |= kCr4LargePages;
  Checked(ioctl(cpu_.get(), KVM_SET_SREGS, &registers), "KVM_SET_SREGS");
}

void SmallGuest::SetMsr(uint32_t index, uint64_t value) const {
  struct {
    ListHead head;
    kvm_msr_entry entry;
  } one = {};
  one.head.count = 1;
  one.entry.index = index;
  one.entry.data = value;
  Expect(Checked(ioctl(cpu_.get(), kSetMsrs, &one), "KVM_SET_MSRS") == 1,
         "KVM does not take a register's value");
}

void SmallGuest::AllowNesting() const {
  kvm_sregs registers = {};
  Checked(ioctl(cpu_.get(), KVM_GET_SREGS, &registers), "KVM_GET_SREGS");
  registers.efer |= kEferSvm;
  if (ioctl(cpu_.get(), KVM_SET_SREGS, &registers) != 0) throw Skip("no guests of guests");
}

void SmallGuest::Run(const std::vector<uint8_t>& code, uint32_t eax) const {
  std::copy(code.begin(), code.end(), memory_ + kCodePage * kPage);
  kvm_regs registers = {};
  registers.rip = kCodePage * kPage;
  registers.rax = eax;
  registers.rflags = 2;  // always set
  Checked(ioctl(cpu_.get(), KVM_SET_REGS, &registers), "KVM_SET_REGS");
  Checked(ioctl(cpu_.get(), KVM_RUN, 0), "KVM_RUN");
  const Mapping shared(cpu_.get(), MAP_SHARED, run_size_);
  const auto* const state = reinterpret_cast<const kvm_run*>(shared.data());
  if (state->exit_reason != KVM_EXIT_HLT)
    Fail("the guest ends with exit reason " + std::to_string(state->exit_reason));
}

uint64_t SmallGuest::Clock() const {
  kvm_clock_data data = {};
  Checked(ioctl(machine_.get(), KVM_GET_CLOCK, &data), "KVM_GET_CLOCK");
  return data.clock;
}

}  // namespace kmapbench
