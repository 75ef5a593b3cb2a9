// SPDX-License-Identifier: Apache-2.0
//
// dax_windows NAME FILE: makes single reads, writes and accesses of a file on persistent memory,
// each in a window of its own for the lab's observer, which counts what runs in it. Prints a line
// for each window, in their order: NAME/OPERATION/SIZE.
//
// FILE is at least 2 MiB long, fully written, and in one extent. Another file, FILE.holes, is made.
// Or FILE is a block device, which is read and written past the page cache.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/markers.h"
#include "common/unique_fd.h"

namespace {

using kmapbench::UniqueFd;

// Several, because interrupts come into some windows.
constexpr int kRepetitions = 5;
constexpr size_t kPage = 4096;
constexpr size_t kPiece = size_t{64} << 10;
constexpr size_t kLargest = size_t{2} << 20;

struct Size {
  const char* name;
  size_t bytes;
};
constexpr Size kSizes[] = {{"512", 512}, {"4k", kPage}, {"64k", kPiece}, {"2m", kLargest}};

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what); }

void Expect(bool holds, const char* what) {
  if (!holds) Fail(std::string(what) + ": " + std::strerror(errno));
}

UniqueFd Open(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!fd.ok()) Fail(path + ": " + std::strerror(errno));
  return fd;
}

// Pages that are not present until they are touched.
char* Untouched(size_t bytes) {
  void* const start =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Expect(start != MAP_FAILED, "mmap");
  return static_cast<char*>(start);
}

class Windows {
 public:
  explicit Windows(std::string name) : name_(std::move(name)) {}

  // Makes several windows. An operation outside of any window comes first, because it may have to
  // set something up.
  void Each(const std::string& what, const std::function<void()>& operation) {
    operation();
    for (int i = 0; i < kRepetitions; ++i) Once(what, operation);
  }

  // Makes one window.
  void Once(const std::string& what, const std::function<void()>& operation) {
    kmapbench::MarkWindowBegin();
    operation();
    kmapbench::MarkWindowEnd();
    labels_.push_back(name_ + "/" + what);
  }

  void Print() const {
    for (const std::string& label : labels_) std::printf("%s\n", label.c_str());
  }

 private:
  std::string name_;
  std::vector<std::string> labels_;
};

void ReadAndWrite(Windows& windows, const UniqueFd& file, char* buffer, const Size& size) {
  const auto bytes = static_cast<ssize_t>(size.bytes);
  windows.Each(std::string("pread/") + size.name,
               [&] { Expect(pread(file.get(), buffer, size.bytes, 0) == bytes, "pread"); });
  windows.Each(std::string("pwrite/") + size.name,
               [&] { Expect(pwrite(file.get(), buffer, size.bytes, 0) == bytes, "pwrite"); });
}

// Accesses from user space, which supervisor pkeys do not affect.
void Access(Windows& windows, const UniqueFd& file, char* buffer) {
  void* const start = mmap(nullptr, kLargest, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  Expect(start != MAP_FAILED, "mmap of the file");
  windows.Each("load/4k", [&] { std::memcpy(buffer, start, kPage); });
  windows.Each("store/4k", [&] { std::memcpy(start, buffer, kPage); });
  munmap(start, kLargest);
}

// Reads into a page that is not present: a page fault while the file's page is open.
void ReadWithFault(Windows& windows, const UniqueFd& file) {
  char* const pages = Untouched(kRepetitions * kPage);
  for (int i = 0; i < kRepetitions; ++i) {
    windows.Once("pread_faulting/4k",
                 [&] { Expect(pread(file.get(), pages + i * kPage, kPage, 0) == kPage, "pread"); });
  }
}

// Reads a file with a hole between two extents: one read of two ranges.
void ReadAroundHole(Windows& windows, const std::string& path, char* buffer) {
  const UniqueFd file = Open(path, O_RDWR | O_CREAT | O_TRUNC);
  Expect(ftruncate(file.get(), 3 * kPiece) == 0, "ftruncate");
  for (const off_t at : {off_t{0}, off_t{2 * kPiece}}) {
    Expect(pwrite(file.get(), buffer, kPiece, at) == kPiece, "pwrite");
  }
  Expect(lseek(file.get(), 0, SEEK_HOLE) == kPiece, "no hole");
  windows.Each("pread_two_ranges/192k",
               [&] { Expect(pread(file.get(), buffer, 3 * kPiece, 0) == 3 * kPiece, "pread"); });
}

void Run(const std::string& name, const std::string& path) {
  struct stat status = {};
  Expect(stat(path.c_str(), &status) == 0, path.c_str());
  const bool device = S_ISBLK(status.st_mode);
  const UniqueFd file = Open(path, O_RDWR | (device ? O_DIRECT : 0));
  char* const buffer = Untouched(kLargest);
  std::memset(buffer, 1, kLargest);
  Windows windows(name);
  windows.Each("nothing", [] {});
  if (device) {
    ReadAndWrite(windows, file, buffer, kSizes[1]);
  } else {
    for (const Size& size : kSizes) ReadAndWrite(windows, file, buffer, size);
    Access(windows, file, buffer);
    ReadWithFault(windows, file);
    ReadAroundHole(windows, path + ".holes", buffer);
  }
  windows.Print();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: dax_windows NAME FILE\n");
    return 2;
  }
  kmapbench::MarkPresent();
  usleep(1000);
  try {
    Run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dax_windows: %s\n", error.what());
    return 1;
  }
  return 0;
}
