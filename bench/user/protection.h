// SPDX-License-Identifier: Apache-2.0
//
// Pages of this process that have a pkey, and the check that the pkey protects them (the oracle).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "record/record.h"

namespace kmapbench::user {

// Why pages cannot be protected here with kKey; empty if they can. Allocates the pkey at the first
// call.
std::string ProtectionSkipReason();

// Gives kKey to pages. Throws std::system_error if the kernel refuses it.
void ProtectPages(void* data, size_t bytes);

// User space's register PKRU, of this thread.
uint32_t ReadPkru();
void WritePkru(uint32_t value);

enum class Access { kRead, kWrite };
enum class Fault { kNone, kByKey, kOther };

// Accesses one byte. Returns whether that faulted, and whether because of kKey.
Fault TryAccess(std::byte* address, Access access);

// The result of the oracle: if it failed, the reason says which of its checks did.
struct Finding {
  Oracle oracle;
  std::string reason;
};

// The oracle. Checks that a closed page faults because of kKey on read and on write, that it does
// not after map(), and that it does again after unmap(). The page must have kKey, and this thread's
// task must have no mapping open.
Finding CheckProtection(std::byte* page, void (*map)(), void (*unmap)());

}  // namespace kmapbench::user
