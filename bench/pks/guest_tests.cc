// SPDX-License-Identifier: Apache-2.0
//
// Patch 21: KVM keeps mappings of pages of its guest, and uses them from any thread. The guest's
// memory is a DAX file here.
#include <cstring>

#include "pks/caller_tests.h"
#include "pks/small_guest.h"

namespace kmapbench {
namespace {

constexpr uint8_t kHlt = 0xf4;

// Documentation/virt/kvm/x86/msr.rst
constexpr uint32_t kSystemTime = 0x4b564d01;
struct Time {
  uint32_t version, padding;
  uint64_t tsc, system_time;
  uint32_t multiplier;
  int8_t shift;
  uint8_t flags, more_padding[2];
};

Time TimeAt(const Mapping& memory, uint64_t address) {
  Time time;
  std::memcpy(&time, memory.data() + address, sizeof(time));
  return time;
}

// gfn_to_pfn_cache: the page where the guest wants to find the time.
void Clock(const CallerPlaces& places) {
  const MappedFiles files(places);
  const SmallGuest guest(files.to);
  constexpr uint64_t kAddress = SmallGuest::kFreePage * kPage + 64;
  guest.SetMsr(kSystemTime, kAddress | 1);
  guest.Run({kHlt}, 0);
  const Time first = TimeAt(files.to, kAddress);
  Expect(first.version > 0 && first.version % 2 == 0, "the time has no version");
  Expect(first.multiplier > 0 && first.tsc > 0, "the time has no scale");
  Expect(first.system_time <= guest.Clock(), "the time is ahead of the clock");
  guest.SetMsr(kSystemTime, (kAddress + kPage) | 1);
  guest.Run({kHlt}, 0);
  const Time second = TimeAt(files.to, kAddress + kPage);
  Expect(second.version > 0 && second.multiplier == first.multiplier, "the time has not moved on");
  Expect(TimeAt(files.to, kAddress).version == first.version, "the time is where it was, too");
}

// kvm_vcpu_map(): the control block of a guest's guest (AMD64 Architecture Programmer's Manual,
// volume 2, 15.5). One of zeroes is refused, which the kernel says in it.
void GuestOfAGuest(const CallerPlaces& places) {
  constexpr uint32_t kHostSave = 0xc0010117;
  constexpr uint64_t kBlock = SmallGuest::kFreePage * kPage, kExitCode = 0x70;
  const MappedFiles files(places);
  const SmallGuest guest(files.to);
  guest.AllowNesting();
  guest.SetMsr(kHostSave, kBlock + kPage);
  guest.Run({0x0f, 0x01, 0xd8 /* VMRUN */, kHlt}, static_cast<uint32_t>(kBlock));
  int64_t code = 0;
  std::memcpy(&code, files.to.data() + kBlock + kExitCode, sizeof(code));
  constexpr int64_t kInvalid = -1;
  if (code != kInvalid) Fail("the guest's guest has exit code " + std::to_string(code));
}

}  // namespace

std::vector<KtapTest> GuestTests(const CallerPlaces& places) {
  return {
      {"the time of a guest", [&] { Clock(places); }},
      {"a guest of a guest", [&] { GuestOfAGuest(places); }},
  };
}

}  // namespace kmapbench
