// SPDX-License-Identifier: Apache-2.0
#include "module_client/dax_page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "common/unique_fd.h"

namespace kmapbench {

namespace {

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.ok()) ThrowErrno(path);
  return fd;
}

void* Map(const UniqueFd& fd, int flags) {
  return mmap(nullptr, DaxMapping::kBytes, PROT_READ | PROT_WRITE, flags, fd.get(), 0);
}

// Writes what is already there, so that the page is present and writable.
void Touch(uint64_t address) {
  auto* const byte = reinterpret_cast<volatile uint8_t*>(address);
  *byte = *byte;
}

}  // namespace

DaxMapping DaxMapping::OfFile(const std::string& path) {
  const UniqueFd fd = Open(path);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) ThrowErrno(path);
  // Touching a page beyond the end of a file raises SIGBUS.
  if (static_cast<uint64_t>(status.st_size) < kBytes) {
    throw std::runtime_error(path + ": is shorter than 2 MiB: make it with fallocate -l 2M");
  }
  void* start = Map(fd, MAP_SHARED_VALIDATE | MAP_SYNC);
  if (start == MAP_FAILED && (errno == EOPNOTSUPP || errno == EINVAL)) {
    std::fprintf(stderr,
                 "kmap_bench: %s: not on a DAX file system (MAP_SYNC is refused): mount it with "
                 "-o dax=always\n",
                 path.c_str());
    start = Map(fd, MAP_SHARED);
  }
  if (start == MAP_FAILED) ThrowErrno(path);
  DaxMapping mapping(start);
  Touch(mapping.first_page());
  return mapping;
}

DaxMapping DaxMapping::OfDevice(const std::string& path) {
  void* const start = Map(Open(path), MAP_SHARED);
  if (start == MAP_FAILED) ThrowErrno(path);
  DaxMapping mapping(start);
  Touch(mapping.second_page());
  return mapping;
}

DaxMapping::DaxMapping(DaxMapping&& other) noexcept
    : start_(std::exchange(other.start_, MAP_FAILED)) {}

DaxMapping& DaxMapping::operator=(DaxMapping&& other) noexcept {
  std::swap(start_, other.start_);
  return *this;
}

DaxMapping::~DaxMapping() {
  if (start_ != MAP_FAILED) munmap(start_, kBytes);
}

}  // namespace kmapbench
