// SPDX-License-Identifier: Apache-2.0
//
// What the operations of pks_user_fuzz share: memory of DAX files in several mappings, files and
// devices, random numbers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "pks/crypto_socket.h"
#include "pks/test_files.h"

namespace kmapbench {

// Prepared by root, and left to the user.
struct FuzzPlaces {
  std::string directory;  // on a DAX file system
  std::string loop, direct_loop, crypt, emulated, write_cache, raid, scsi, protected_scsi;
};

constexpr uint64_t kFuzzDeviceBytes = uint64_t{8} << 20;  // of each device

// One of the processes that do random operations. It has no privileges.
class FuzzWorker {
 public:
  // name: of its own files. Starts a companion, a process that has the same memory and sleeps.
  FuzzWorker(const FuzzPlaces& places, const std::string& name, unsigned seed);
  FuzzWorker(const FuzzWorker&) = delete;
  FuzzWorker& operator=(const FuzzWorker&) = delete;
  ~FuzzWorker();

  const FuzzPlaces& places() const { return places_; }
  const std::string& directory() const { return directory_; }  // its own, on DAX
  pid_t companion() const { return companion_; }

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_()) % limit; }
  bool Toss() { return Below(2) == 0; }

  // Up to so many bytes, at least one, anywhere in one of the mappings.
  Piece SomeBytes(size_t most);
  // Up to so many blocks of 512 bytes, where O_DIRECT can take them.
  Piece SomeBlocks(size_t most);
  // The same in a mapping that nobody else writes to.
  Piece SomeOwnBlocks(size_t most);
  // Bytes in a shared mapping.
  Piece SomeSharedBytes(size_t most);
  // A word in a shared mapping.
  uint32_t* SomeWord();
  // Where in a file of kSize bytes so many bytes can begin.
  off_t SomeOffset(size_t size) { return static_cast<off_t>(Below(kSize - size + 1)); }

  const File& own() const { return own_file_; }      // its own file
  const File& other() const { return other_file_; }  // another one, which it has not mapped
  const Mapping& own_private() const { return private_; }

 private:
  Piece In(const Mapping& mapping, size_t most, size_t unit);

  FuzzPlaces places_;
  std::string directory_;
  std::mt19937 random_;
  File common_file_, own_file_, other_file_;
  Mapping common_, own_, private_, anonymous_;
  pid_t companion_;
};

// Returns whether it did what it is for. It may be stopped by a signal, and may fail for want of
// memory or because of what another process does meanwhile.
using FuzzAction = bool (*)(FuzzWorker&);
struct FuzzOperation {
  const char* name;
  FuzzAction act;
};

std::vector<FuzzOperation> MemoryOperations();
std::vector<FuzzOperation> FileOperations();
std::vector<FuzzOperation> DeviceOperations();
std::vector<FuzzOperation> ProcessOperations();

}  // namespace kmapbench
