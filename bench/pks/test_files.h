// SPDX-License-Identifier: Apache-2.0
//
// Files, mappings and data for programs that test our PKS kernel: what is wrong is an exception.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace kmapbench {

using Bytes = std::vector<char>;

constexpr size_t kPage = 4096;
constexpr size_t kSize = 64 * kPage;  // of a file, unless a test says otherwise

// Thrown by a test that cannot be made here.
struct Skip : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void Fail(const std::string& what);
// The same, with what errno says.
[[noreturn]] void FailErrno(const std::string& what);
void Expect(bool holds, const char* what);

// Returns the result of a system call, and throws if it is negative.
template <typename T>
T Checked(T result, const std::string& what) {
  if (result < 0) FailErrno(what);
  return result;
}

// Bytes that depend on the seed and differ from page to page. None is zero, as the bytes of a hole
// are.
Bytes Pattern(unsigned seed, size_t size = kSize);

// An open file.
class File {
 public:
  explicit File(const std::string& path, int flags = O_RDWR | O_CREAT | O_TRUNC);
  File(const std::string& path, const Bytes& content) : File(path) { Write(content); }

  int fd() const { return fd_.get(); }
  // A write or read that is short fails, but for a read into a vector, which is as long as what
  // there was.
  void Write(const char* data, size_t size, off_t at) const;
  void Write(const Bytes& data, off_t at = 0) const { Write(data.data(), data.size(), at); }
  void Read(char* data, size_t size, off_t at) const;
  Bytes Read(size_t size = kSize, off_t at = 0) const;

 private:
  UniqueFd fd_;
};

// A mapping of a file, or of nothing.
class Mapping {
 public:
  Mapping(int fd, int flags, size_t size = kSize, off_t at = 0);
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(data_, size_); }
  char* data() const { return data_; }
  Bytes Copy() const { return {data_, data_ + size_}; }
  void Fill(const Bytes& data, size_t at = 0) const;

 private:
  size_t size_;
  char* data_;
};

// Throws unless a file is on DAX: elsewhere all tests would pass and show nothing.
void ExpectDax(const std::string& path);

}  // namespace kmapbench
