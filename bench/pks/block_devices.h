// SPDX-License-Identifier: Apache-2.0
//
// Block devices on top of others, for tests: each is there as long as its object. Needs root.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace kmapbench {

// Waits until there is a file, and throws if there is none after some seconds.
void WaitForFile(const std::string& path);

// A loop device on a file, or on memory that is given back with it.
class LoopDevice {
 public:
  explicit LoopDevice(const std::string& file, bool direct_io = false);
  explicit LoopDevice(size_t bytes);
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice();
  const std::string& path() const { return path_; }
  int backing() const { return backing_.get(); }  // the file or memory

 private:
  void Attach(bool direct_io);
  UniqueFd backing_, device_;
  std::string path_;
};

// A device of the device mapper, which has one target.
class MappedDevice {
 public:
  // target and parameters: as in a line of a table (Documentation/admin-guide/device-mapper).
  MappedDevice(std::string name, uint64_t sectors, const std::string& target,
               const std::string& parameters);
  MappedDevice(const MappedDevice&) = delete;
  MappedDevice& operator=(const MappedDevice&) = delete;
  ~MappedDevice();
  const std::string& path() const { return path_; }
  // A message to the target. Throws if it refuses.
  void Send(const std::string& message) const;

 private:
  std::string name_, path_;
  UniqueFd control_;
};

// RAID 5 over devices of the same size, without superblock or bitmap, and with skip_copy.
class Raid5 {
 public:
  Raid5(const std::vector<std::string>& devices, uint64_t kibibytes_each);
  Raid5(const Raid5&) = delete;
  Raid5& operator=(const Raid5&) = delete;
  ~Raid5();
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/dev/md0";
  UniqueFd device_;
};

}  // namespace kmapbench
