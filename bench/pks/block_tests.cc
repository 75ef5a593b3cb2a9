// SPDX-License-Identifier: Apache-2.0
//
// Block devices that touch the pages of a bio of O_DIRECT, or keep data of their own in persistent
// memory; and zisofs, which unmapped addresses that it had not mapped.
#include <sys/ioctl.h>

#include <algorithm>
#include <functional>

#include "pks/block_devices.h"
#include "pks/caller_tests.h"

namespace kmapbench {
namespace {

constexpr size_t kDeviceBytes = size_t{8} << 20;
constexpr uint64_t kSectors = kDeviceBytes / 512;

// Writes from pages of one file, and reads into pages of another one, in pieces of this size.
void ThereAndBack(const CallerPlaces& places, const std::string& device, size_t piece,
                  unsigned seed, size_t size = kSize) {
  const MappedFiles files(places);
  const File disk(device, O_RDWR | O_DIRECT);
  files.from.Fill(Pattern(seed, size));
  for (size_t at = 0; at < size; at += piece)
    disk.Write(files.from.data() + at, std::min(piece, size - at), static_cast<off_t>(at));
  for (size_t at = 0; at < size; at += piece)
    disk.Read(files.to.data() + at, std::min(piece, size - at), static_cast<off_t>(at));
  Expect(Bytes(files.to.data(), files.to.data() + size) == Pattern(seed, size),
         "what was written is not what is read");
}

Bytes Backing(const LoopDevice& loop, size_t size) {
  Bytes data(size);
  Expect(
      Checked(pread(loop.backing(), data.data(), size, 0), "pread") == static_cast<ssize_t>(size),
      "a read was short");
  return data;
}

// The file below is on DAX, too: its memory is open while that of the bio is.
void Loop(const CallerPlaces& places) {
  const std::string below = places.directory + "/below";
  const File file(below, Bytes(kDeviceBytes));
  for (const bool direct_io : {false, true}) {
    const LoopDevice loop(below, direct_io);
    ThereAndBack(places, loop.path(), 5 * kPage, 10 + direct_io);
    Expect(file.Read() == Pattern(10 + direct_io), "the file has other data");
  }
}

// What is read is decrypted where it is, in the pages of the bio, a sector at a time.
void Crypt(const CallerPlaces& places) {
  const std::string key = "2b7e151628aed2a6abf7158809cf4f3c", other(key.rbegin(), key.rend());
  const std::string xts_key = key + other;
  for (const std::string& cipher : {"aes-cbc-plain64 " + key, "aes-xts-plain64 " + xts_key}) {
    const LoopDevice loop(kDeviceBytes);
    const std::string table = cipher + " 0 " + loop.path() + " 0";
    const MappedDevice crypt("callers-crypt", kSectors, "crypt", table);
    ThereAndBack(places, crypt.path(), 3 * kPage, 20);
    Expect(Backing(loop, kSize) != Pattern(20), "nothing is encrypted");
  }
}

// Patch 32: sectors of 512 bytes on blocks of 4096, copied by the CPU.
void EmulatedBlockSize(const CallerPlaces& places) {
  const LoopDevice loop(kDeviceBytes);
  {
    const MappedDevice emulated("callers-ebs", kSectors, "ebs", loop.path() + " 0 1 8");
    ThereAndBack(places, emulated.path(), size_t{5} * 512, 30, 10 * kPage);
  }
  Expect(Backing(loop, 10 * kPage) == Pattern(30, 10 * kPage), "the device below has other data");
}

// Patch 23: the cache is in persistent memory, which its own mapping has to reach.
void WriteCache(const CallerPlaces& places) {
  const LoopDevice loop(kDeviceBytes);
  const MappedDevice cached("callers-cache", kSectors, "writecache",
                            "p " + loop.path() + " " + places.persistent + " 4096 0");
  ThereAndBack(places, cached.path(), 3 * kPage, 40);
  Expect(Backing(loop, kSize) == Bytes(kSize), "the device below has data before it is flushed");
  cached.Send("flush");
  Expect(Backing(loop, kSize) == Pattern(40), "the device below has other data when flushed");
  ThereAndBack(places, cached.path(), kPage, 41);
}

// Linux 7.3 only: metadata and data in persistent memory.
void PersistentCache(const CallerPlaces& places) {
  const LoopDevice loop(kDeviceBytes);
  const MappedDevice cached(
      "callers-pcache", kSectors, "pcache",
      places.large + " " + loop.path() + " 4 cache_mode writeback data_crc true");
  ThereAndBack(places, cached.path(), 3 * kPage, 45);
}

// Patch 26: with skip_copy, parity was computed from the pages of the bio.
void Raid(const CallerPlaces& places) {
  constexpr size_t kDisks = 3;
  const LoopDevice disks[kDisks] = {LoopDevice(kDeviceBytes), LoopDevice(kDeviceBytes),
                                    LoopDevice(kDeviceBytes)};
  const Raid5 raid({disks[0].path(), disks[1].path(), disks[2].path()}, kDeviceBytes >> 10);
  ThereAndBack(places, raid.path(), kSize, 50);
  Bytes parity(kSize / (kDisks - 1));
  for (const LoopDevice& disk : disks) {
    const Bytes data = Backing(disk, parity.size());
    Expect(data != Bytes(data.size()), "a disk has no data");
    std::transform(data.begin(), data.end(), parity.begin(), parity.begin(), std::bit_xor<char>());
  }
  Expect(parity == Bytes(parity.size()), "the parity is wrong");
}

// Patch 2: zlib moves the pointer through the page, and it was the moved one that was unmapped. The
// pages that are there already, and that a read of a missing one does not want, go to a static
// buffer. DEBUG_VM warns of both. Data of a page cache are not protected, those they are read to
// are.
void Zisofs(const CallerPlaces& places) {
  const MappedFiles files(places);
  const File compressed(places.compressed, O_RDONLY), plain(places.plain, O_RDONLY);
  compressed.Read(files.to.data(), kSize, 0);
  Expect(files.to.Copy() == plain.Read(), "the compressed file has other data");
  const Bytes all = plain.Read(2 * kSize);
  Expect(all.size() % kPage != 0, "the last page of the file is full");
  Expect(compressed.Read(2 * kSize) == all, "the compressed file ends with other data");
  Checked(posix_fadvise(compressed.fd(), kPage, kPage, POSIX_FADV_DONTNEED) == 0 ? 0 : -1,
          "POSIX_FADV_DONTNEED");
  compressed.Read(files.from.data(), kPage, kPage);
  Expect(Bytes(files.from.data(), files.from.data() + kPage) == plain.Read(kPage, kPage),
         "a page that is read again has other data");
}

}  // namespace

std::vector<KtapTest> BlockTests(const CallerPlaces& places) {
  std::vector<KtapTest> tests = {
      {"a loop device", [&] { Loop(places); }},
      {"an encrypted device", [&] { Crypt(places); }},
      {"a device with an emulated block size", [&] { EmulatedBlockSize(places); }},
      {"a write cache in persistent memory", [&] { WriteCache(places); }},
      {"RAID 5 that skips copies", [&] { Raid(places); }},
      {"a compressed file", [&] { Zisofs(places); }},
  };
  if (places.large != "-")
    tests.push_back({"a cache in persistent memory", [&] { PersistentCache(places); }});
  return tests;
}

}  // namespace kmapbench
