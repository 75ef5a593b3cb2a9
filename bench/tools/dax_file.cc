// SPDX-License-Identifier: Apache-2.0
//
// dax_file: prepares files for fio, and checks them before fio uses them. If something is wrong,
// prints one line on standard output and exits with 1.
//
// dax_file prepare BYTES FILE...          makes files: fully written, and aligned to 2 MiB if the
//                                         file system has an attribute for that
// dax_file check dax|cache BYTES FILE...  checks that files are as a fio job needs them
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace {

using kmapbench::UniqueFd;

// Bytes that one entry of a page middle directory maps. A file that is not aligned to it is mapped
// by 4 KiB pages.
constexpr uint64_t kHugePage = uint64_t{2} << 20;

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what); }
[[noreturn]] void FailErrno(const std::string& what) { Fail(what + ": " + std::strerror(errno)); }

UniqueFd Open(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!fd.ok()) FailErrno(path);
  return fd;
}

// XFS aligns a file by this attribute. ext4 has no such attribute: it aligns to the stripe width
// with which it was made.
void AskForAlignment(int fd) {
  fsxattr attributes = {};
  if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0) return;
  attributes.fsx_xflags |= FS_XFLAG_EXTSIZE;
  attributes.fsx_extsize = kHugePage;
  ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

void Prepare(const std::string& path, uint64_t bytes) {
  const UniqueFd fd = Open(path, O_RDWR | O_CREAT | O_TRUNC);
  AskForAlignment(fd.get());
  if (fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)) != 0) FailErrno(path);
  std::vector<char> data(kHugePage);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 + 7);
  for (uint64_t at = 0; at < bytes;) {
    const ssize_t written = pwrite(
        fd.get(), data.data(), std::min<uint64_t>(data.size(), bytes - at), static_cast<off_t>(at));
    if (written <= 0) FailErrno(path);
    at += static_cast<uint64_t>(written);
  }
  if (fsync(fd.get()) != 0) FailErrno(path);
}

// Mount options of the file system on a device, from /proc/self/mountinfo; empty if it is not
// mounted.
std::string MountOptions(unsigned major, unsigned minor) {
  const std::string device = std::to_string(major) + ":" + std::to_string(minor);
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id, parent, found, word;
    words >> id >> parent >> found;
    if (found != device) continue;
    std::string type, source, options;
    while (words >> word && word != "-") {
    }
    words >> type >> source >> options;
    return options;
  }
  return "";
}

bool HasOption(const std::string& options, const std::string& wanted) {
  return ("," + options + ",").find("," + wanted + ",") != std::string::npos;
}

std::vector<fiemap_extent> Extents(int fd, const std::string& path) {
  std::vector<fiemap_extent> extents;
  uint64_t start = 0;
  for (bool last = false; !last;) {
    constexpr unsigned kAtOnce = 64;
    std::vector<char> space(sizeof(fiemap) + kAtOnce * sizeof(fiemap_extent));
    auto* const map = reinterpret_cast<fiemap*>(space.data());
    map->fm_start = start;
    map->fm_length = FIEMAP_MAX_OFFSET - start;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    map->fm_extent_count = kAtOnce;
    if (ioctl(fd, FS_IOC_FIEMAP, map) != 0) FailErrno(path);
    if (map->fm_mapped_extents == 0) break;
    for (unsigned i = 0; i < map->fm_mapped_extents; ++i) extents.push_back(map->fm_extents[i]);
    start = extents.back().fe_logical + extents.back().fe_length;
    last = (extents.back().fe_flags & FIEMAP_EXTENT_LAST) != 0;
  }
  return extents;
}

void CheckWritten(const std::vector<fiemap_extent>& extents, const std::string& path,
                  uint64_t bytes) {
  uint64_t end = 0;
  for (const fiemap_extent& extent : extents) {
    if (extent.fe_logical != end) break;
    if (extent.fe_flags &
        (FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN))
      break;
    end = extent.fe_logical + extent.fe_length;
  }
  if (end < bytes)
    Fail(path + ": not written from byte " + std::to_string(end) +
         " on: reads of a hole, and writes that allocate, are other operations");
}

void CheckAligned(const std::vector<fiemap_extent>& extents, const std::string& path) {
  for (const fiemap_extent& extent : extents)
    if ((extent.fe_physical - extent.fe_logical) % kHugePage != 0)
      Fail(path + ": not aligned to 2 MiB at byte " + std::to_string(extent.fe_logical) +
           ": it would be mapped by 4 KiB pages");
}

void Check(const std::string& path, bool dax, uint64_t bytes) {
  const UniqueFd fd = Open(path, O_RDONLY);
  struct statx found = {};
  if (statx(fd.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found) != 0) FailErrno(path);
  const std::string options = MountOptions(found.stx_dev_major, found.stx_dev_minor);
  const bool is_dax = (found.stx_attributes & STATX_ATTR_DAX) != 0;
  if (dax && !HasOption(options, "dax=always"))
    Fail(path + ": its file system is not mounted with dax=always (" + options +
         "): the device's namespace has to be in mode fsdax");
  if (dax && !is_dax) Fail(path + ": no DAX file, though mounted with dax=always");
  if (!dax && is_dax) Fail(path + ": a DAX file, and this job is of the page cache");
  if (found.stx_size < bytes)
    Fail(path + ": " + std::to_string(found.stx_size) + " bytes long, and the job uses " +
         std::to_string(bytes));
  const std::vector<fiemap_extent> extents = Extents(fd.get(), path);
  CheckWritten(extents, path, bytes);
  if (dax) CheckAligned(extents, path);
}

uint64_t Bytes(const std::string& text) {
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size() || bytes == 0)
    Fail(text + ": no number of bytes");
  return bytes;
}

int Usage() {
  std::fprintf(stderr, "usage: dax_file prepare BYTES FILE... | check dax|cache BYTES FILE...\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() >= 3 && words[0] == "prepare") {
      for (size_t i = 2; i < words.size(); ++i) Prepare(words[i], Bytes(words[1]));
    } else if (words.size() >= 4 && words[0] == "check" &&
               (words[1] == "dax" || words[1] == "cache")) {
      for (size_t i = 3; i < words.size(); ++i) Check(words[i], words[1] == "dax", Bytes(words[2]));
    } else {
      return Usage();
    }
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
