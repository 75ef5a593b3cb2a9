// SPDX-License-Identifier: Apache-2.0
#include "pks/test_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace kmapbench {

void Fail(const std::string& what) { throw std::runtime_error(what); }

void FailErrno(const std::string& what) {
  Fail(what + ": " + std::generic_category().message(errno));
}

void Expect(bool holds, const char* what) {
  if (!holds) Fail(what);
}

Bytes Pattern(unsigned seed, size_t size) {
  Bytes bytes(size);
  unsigned state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>((state >> 24) | 1);
  }
  return bytes;
}

File::File(const std::string& path, int flags)
    : fd_(Checked(open(path.c_str(), flags | O_CLOEXEC, 0600), path)) {}

void File::Write(const char* data, size_t size, off_t at) const {
  Expect(Checked(pwrite(fd(), data, size, at), "pwrite") == static_cast<ssize_t>(size),
         "a write was short");
}

void File::Read(char* data, size_t size, off_t at) const {
  Expect(Checked(pread(fd(), data, size, at), "pread") == static_cast<ssize_t>(size),
         "a read was short");
}

Bytes File::Read(size_t size, off_t at) const {
  Bytes data(size);
  data.resize(static_cast<size_t>(Checked(pread(fd(), data.data(), size, at), "pread")));
  return data;
}

Mapping::Mapping(int fd, int flags, size_t size, off_t at)
    : size_(size),
      data_(static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, at))) {
  if (data_ == MAP_FAILED) FailErrno("mmap");
}

void Mapping::Fill(const Bytes& data, size_t at) const {
  Expect(at + data.size() <= size_, "more data than the mapping holds");
  std::copy(data.begin(), data.end(), data_ + at);
}

void ExpectDax(const std::string& path) {
  struct statx found = {};
  Checked(statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &found), path);
  if ((found.stx_attributes & STATX_ATTR_DAX) == 0) Fail(path + " is no DAX file");
}

}  // namespace kmapbench
