// SPDX-License-Identifier: Apache-2.0
#include "pks/scsi_disk.h"

#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "pks/block_devices.h"
#include "pks/test_files.h"

namespace kmapbench {
namespace {

namespace fs = std::filesystem;

const fs::path kTarget = "/sys/kernel/config/target";

void Set(const fs::path& file, const std::string& value) {
  std::ofstream out(file);
  if (!(out << value << '\n' << std::flush)) Fail(file.string() + " does not take " + value);
}

std::string Get(const fs::path& file) {
  std::string value;
  std::getline(std::ifstream(file), value);
  return value;
}

fs::path Adapter(unsigned number) {
  return "/sys/bus/tcm_loop_bus/devices/tcm_loop_adapter_" + std::to_string(number);
}

// The disk of the only logical unit that an adapter has; empty: there is none yet.
std::string DiskOf(unsigned adapter) {
  const fs::path host = Adapter(adapter);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(fs::canonical(host))) {
    const fs::path disks = entry.path() / "block";
    if (entry.is_directory() && !entry.is_symlink() && fs::is_directory(disks))
      for (const fs::directory_entry& disk : fs::directory_iterator(disks))
        return "/dev/" + disk.path().filename().string();
  }
  return "";
}

}  // namespace

ScsiDisk::ScsiDisk(const std::string& backstore, const std::string& control, bool protection) {
  // The kernel counts them, and none goes away.
  unsigned number = 0;
  while (fs::exists(Adapter(number))) ++number;
  const fs::path core = kTarget / "core" / (backstore + "_" + std::to_string(number)) / "disk";
  fs::create_directories(core);
  Set(core / "control", control);
  Set(core / "enable", "1");
  if (protection) Set(core / "attrib/pi_prot_type", "1");
  const std::string address = "naa.600140500000000" + std::to_string(number % 10);
  const fs::path port = kTarget / "loopback" / address / "tpgt_1";
  fs::create_directories(port);
  Set(port / "nexus", address);
  fs::create_directories(port / "lun/lun_0");
  fs::create_symlink(core, port / "lun/lun_0/disk");
  for (int tries = 0; path_.empty(); ++tries) {
    Expect(tries < 500, "the SCSI disk does not appear");
    path_ = DiskOf(number);
    if (path_.empty()) usleep(10000);
  }
  // Its file is there before the driver has asked it all that it has to know.
  for (int tries = 0; !UniqueFd(open(path_.c_str(), O_RDWR | O_CLOEXEC)).ok(); ++tries) {
    Expect(tries < 500, "the SCSI disk cannot be opened");
    usleep(10000);
  }
}

ScsiDisk ScsiDisk::OfMemory(unsigned pages, bool protection) {
  return {"rd_mcp", "rd_pages=" + std::to_string(pages), protection};
}

ScsiDisk ScsiDisk::OfDevice(const std::string& device) {
  return {"iblock", "udev_path=" + device, false};
}

std::string ScsiDisk::Integrity() const {
  return Get(fs::path("/sys/block") / fs::path(path_).filename() / "integrity/format");
}

void SendScsi(int device, const std::vector<uint8_t>& command, Piece data, bool to_device) {
  std::vector<uint8_t> bytes = command, sense(64);
  sg_io_hdr request = {};
  request.interface_id = 'S';
  request.dxfer_direction = to_device ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV;
  request.cmd_len = static_cast<unsigned char>(bytes.size());
  request.cmdp = bytes.data();
  request.mx_sb_len = static_cast<unsigned char>(sense.size());
  request.sbp = sense.data();
  request.dxfer_len = static_cast<unsigned>(data.iov_len);
  request.dxferp = data.iov_base;
  request.timeout = 20000;
  Checked(ioctl(device, SG_IO, &request), "SG_IO");
  if ((request.info & SG_INFO_OK_MASK) != SG_INFO_OK)
    Fail("SCSI command " + std::to_string(command.at(0)) + ": status " +
         std::to_string(request.status) + ", host " + std::to_string(request.host_status) +
         ", sense key " + std::to_string(sense[0] == 0x72 ? sense[1] : sense[2] & 15));
}

}  // namespace kmapbench
