// SPDX-License-Identifier: Apache-2.0
//
// Pages of this process that carry a protection key, and the check that the key protects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "record/record.h"

namespace kmapbench::user {

// Empty where WRPKRU can be used here with world.h's key, else why not. Takes the key on first use.
std::string ProtectionRefusal();

// Gives pages the key. Throws std::system_error.
void ProtectPages(void* data, size_t bytes);

// User space's register, of this thread.
uint32_t ReadPkru();
void WritePkru(uint32_t value);

enum class Access { kRead, kWrite };
enum class Fault { kNone, kByKey, kOther };

// Whether an access of one byte faults, and whether for the key of world.h.
Fault TryAccess(std::byte* address, Access access);

// What the oracle found, and where it failed which of its checks did.
struct Finding {
  Oracle oracle;
  std::string reason;
};

// A closed page faults for its key on read and on write; mapped by the very path it does not;
// unmapped it does again. The page has the key, and this thread's task nothing open.
Finding CheckProtection(std::byte* page, void (*map)(), void (*unmap)());

}  // namespace kmapbench::user
