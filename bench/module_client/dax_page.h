// SPDX-License-Identifier: Apache-2.0
//
// A page of persistent memory in this process, for kernel cases that map one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kmapbench {

// 2 MiB of a file or device, mapped for reading and writing until this object is destroyed.
class DaxMapping {
 public:
  // Maps a file on a DAX file system. A file elsewhere is mapped, too, with a line on standard
  // error: the module then says what is wrong with its pages. Throws std::runtime_error if the file
  // is shorter than 2 MiB, and std::system_error if it cannot be mapped.
  static DaxMapping OfFile(const std::string& path);
  // Maps a device-dax device. Throws std::system_error if it cannot be mapped.
  static DaxMapping OfDevice(const std::string& path);

  DaxMapping(DaxMapping&& other) noexcept;
  DaxMapping& operator=(DaxMapping&& other) noexcept;
  ~DaxMapping();

  // Addresses of two pages. If one 2 MiB page maps all of it, the second one is its first tail
  // page.
  uint64_t first_page() const { return reinterpret_cast<uint64_t>(start_); }
  uint64_t second_page() const { return first_page() + 4096; }

  static constexpr size_t kBytes = size_t{2} << 20;

 private:
  explicit DaxMapping(void* start) : start_(start) {}

  void* start_;
};

}  // namespace kmapbench
