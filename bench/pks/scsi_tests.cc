// SPDX-License-Identifier: Apache-2.0
//
// A SCSI target on the same machine, which gets the pages of its initiator's user.
#include <algorithm>

#include "pks/block_devices.h"
#include "pks/caller_tests.h"
#include "pks/scsi_disk.h"

namespace kmapbench {
namespace {

constexpr unsigned kDiskPages = 2048;

void ThereAndBack(const CallerPlaces& places, const ScsiDisk& disk, unsigned seed) {
  const MappedFiles files(places);
  const File device(disk.path(), O_RDWR | O_DIRECT);
  files.from.Fill(Pattern(seed));
  device.Write(files.from.data(), kSize, 0);
  device.Read(files.to.data(), kSize, 0);
  Expect(files.to.Copy() == Pattern(seed), "what was written is not what is read");
}

// Patches 5 and 7: rd_execute_rw() iterates with SG_MITER_LOCAL.
void Data(const CallerPlaces& places) {
  ThereAndBack(places, ScsiDisk::OfMemory(kDiskPages, false), 60);
}

// Patch 22: what is answered to a command is written through a mapping of its own.
void Inquiry(const CallerPlaces& places) {
  const ScsiDisk disk = ScsiDisk::OfMemory(kDiskPages, false);
  constexpr uint8_t kInquiry = 0x12, kLength = 96;
  constexpr size_t kAt = 3 * kPage + 512, kVendorAt = 8;
  const std::string vendor = "LIO-ORG ";
  const MappedFiles files(places);
  const File device(disk.path(), O_RDWR);
  SendScsi(device.fd(), {kInquiry, 0, 0, 0, kLength, 0}, PieceOf(files.to.data() + kAt, kLength),
           false);
  Expect(std::equal(vendor.begin(), vendor.end(), files.to.data() + kAt + kVendorAt),
         "the answer has another vendor");
  Expect(std::all_of(files.to.data(), files.to.data() + kAt, [](char byte) { return byte == 0; }),
         "the answer is elsewhere, too");
}

// Patches 1 and 3: tuples of a write fill the page of their buffer, whose end was unmapped; the
// target unmapped the page before its tuples. DEBUG_VM warns of both.
void Protection(const CallerPlaces& places) {
  const ScsiDisk disk = ScsiDisk::OfMemory(kDiskPages, true);
  Expect(disk.Integrity() == "T10-DIF-TYPE1-CRC", "the disk has no protection information");
  ThereAndBack(places, disk, 61);
}

// Patch 33: whether it is zeroes that are to be written everywhere.
void WriteSame(const CallerPlaces& places) {
  constexpr uint8_t kWriteSame16 = 0x93, kFirst = 16, kBlocks = 24;
  constexpr size_t kBlock = 512;
  const LoopDevice loop(kDiskPages * kPage);
  const ScsiDisk disk = ScsiDisk::OfDevice(loop.path());
  ThereAndBack(places, disk, 62);
  const MappedFiles files(places);
  const File device(disk.path(), O_RDWR | O_DIRECT);
  SendScsi(device.fd(), {kWriteSame16, 0, 0, 0, 0, 0, 0, 0, 0, kFirst, 0, 0, 0, kBlocks, 0, 0},
           PieceOf(files.from.data(), kBlock), true);
  Bytes expected = Pattern(62);
  std::fill_n(expected.begin() + kFirst * kBlock, kBlocks * kBlock, '\0');
  device.Read(files.to.data(), kSize, 0);
  Expect(files.to.Copy() == expected, "not these blocks and only these are zeroes");
}

}  // namespace

std::vector<KtapTest> ScsiTests(const CallerPlaces& places) {
  return {
      {"data of a SCSI target", [&] { Data(places); }},
      {"a command of a SCSI target", [&] { Inquiry(places); }},
      {"protection information of a SCSI target", [&] { Protection(places); }},
      {"zeroes for a SCSI target to repeat", [&] { WriteSame(places); }},
  };
}

}  // namespace kmapbench
