// SPDX-License-Identifier: Apache-2.0
//
// A SCSI disk whose target is in the same kernel (tcm_loop): it gets the pages of its initiator's
// user. Needs root and a configfs at /sys/kernel/config.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pks/crypto_socket.h"

namespace kmapbench {

class ScsiDisk {
 public:
  // A disk of memory, of so many pages. With protection, each block has a tuple of T10 PI, type 1.
  static ScsiDisk OfMemory(unsigned pages, bool protection);
  // A disk on top of a block device.
  static ScsiDisk OfDevice(const std::string& device);

  // It stays until the machine ends: a test of its own would be to take it away.
  const std::string& path() const { return path_; }
  // As sysfs names the profile of its integrity, "none" where it has none.
  std::string Integrity() const;

 private:
  ScsiDisk(const std::string& backstore, const std::string& control, bool protection);
  std::string path_;
};

// Sends a command by SG_IO, with data from or to this memory. Throws if it fails.
void SendScsi(int device, const std::vector<uint8_t>& command, Piece data, bool to_device);

}  // namespace kmapbench
