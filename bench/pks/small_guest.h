// SPDX-License-Identifier: Apache-2.0
//
// A guest of KVM whose memory is a mapping of the test's. It runs a few instructions in protected
// mode, at CPL 0 and with paging, and stops.
#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <vector>

#include "common/unique_fd.h"
#include "pks/test_files.h"

namespace kmapbench {

class SmallGuest {
 public:
  // Throws Skip if there is no KVM here. memory is at address 0 of the guest, has at least
  // kPages pages, and is overwritten below kFreePage.
  explicit SmallGuest(const Mapping& memory, size_t size = kSize);

  static constexpr uint64_t kCodePage = 1, kTablePage = 2, kFreePage = 4, kPages = 8;

  // Writes a model-specific register of the guest.
  void SetMsr(uint32_t index, uint64_t value) const;
  // EFER.SVME, for a guest that has guests.
  void AllowNesting() const;
  // Runs code, which ends with HLT, with a value in EAX. Throws if it does not get there.
  void Run(const std::vector<uint8_t>& code, uint32_t eax) const;
  // The guest's own clock, in nanoseconds, as KVM_GET_CLOCK has it.
  uint64_t Clock() const;

 private:
  void SetUpSegments() const;

  char* memory_;
  UniqueFd kvm_, machine_, cpu_;
  size_t run_size_;
};

}  // namespace kmapbench
