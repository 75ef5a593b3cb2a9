// SPDX-License-Identifier: Apache-2.0
//
// A page of persistent memory in this process, for kernel cases that map such a page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kmapbench {

// 2 MiB of a file or device, mapped for writing and unmapped at the end.
class DaxMapping {
 public:
  // Of a file on a DAX file system. One that is elsewhere is mapped all the same, with a line on
  // standard error: the module says what it thinks of its pages. Throws std::system_error.
  static DaxMapping OfFile(const std::string& path);
  // Of a device-dax device. Throws std::system_error.
  static DaxMapping OfDevice(const std::string& path);

  DaxMapping(DaxMapping&& other) noexcept;
  DaxMapping& operator=(DaxMapping&& other) noexcept;
  ~DaxMapping();

  uint64_t first_page() const { return reinterpret_cast<uint64_t>(start_); }
  // In a mapping by one 2 MiB page, the first of its tail pages.
  uint64_t second_page() const { return first_page() + 4096; }

  static constexpr size_t kBytes = size_t{2} << 20;

 private:
  explicit DaxMapping(void* start) : start_(start) {}

  void* start_;
};

}  // namespace kmapbench
