// SPDX-License-Identifier: Apache-2.0
#include "pks/block_devices.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/raid/md_p.h>
#include <linux/raid/md_u.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include "pks/test_files.h"

namespace kmapbench {
namespace {

UniqueFd Open(const std::string& path, int flags) {
  return UniqueFd(Checked(open(path.c_str(), flags | O_CLOEXEC), path));
}

}  // namespace

void WaitForFile(const std::string& path) {
  using std::chrono::milliseconds;
  for (int tries = 0; tries < 500; ++tries) {
    if (access(path.c_str(), F_OK) == 0) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  Fail(path + " does not appear");
}

LoopDevice::LoopDevice(const std::string& file, bool direct_io) : backing_(Open(file, O_RDWR)) {
  Attach(direct_io);
}

LoopDevice::LoopDevice(size_t bytes)
    : backing_(Checked(memfd_create("loop", MFD_CLOEXEC), "memfd_create")) {
  Checked(ftruncate(backing_.get(), static_cast<off_t>(bytes)), "ftruncate");
  Attach(false);
}

void LoopDevice::Attach(bool direct_io) {
  const UniqueFd control = Open("/dev/loop-control", O_RDWR);
  // Somebody else may take the free one first.
  for (int tries = 0; tries < 10; ++tries) {
    const int number = Checked(ioctl(control.get(), LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE");
    path_ = "/dev/loop" + std::to_string(number);
    WaitForFile(path_);
    device_ = Open(path_, O_RDWR);
    loop_config config = {};
    config.fd = static_cast<unsigned>(backing_.get());
    config.info.lo_flags = direct_io ? LO_FLAGS_DIRECT_IO : 0;
    if (ioctl(device_.get(), LOOP_CONFIGURE, &config) == 0) return;
    if (errno != EBUSY) break;
  }
  FailErrno(path_);
}

LoopDevice::~LoopDevice() { ioctl(device_.get(), LOOP_CLR_FD); }

namespace {

// What an ioctl of the device mapper is about: room for a header and what follows it.
struct MapperRequest {
  explicit MapperRequest(const std::string& name) {
    header.version[0] = DM_VERSION_MAJOR;
    header.data_size = sizeof(*this);
    header.data_start = sizeof(header);
    name.copy(header.name, sizeof(header.name) - 1);
  }

  void Do(int control, unsigned long command, const std::string& what) {
    Checked(ioctl(control, command, this), what);
  }

  dm_ioctl header = {};
  char space[1024] = {};
};

}  // namespace

MappedDevice::MappedDevice(std::string name, uint64_t sectors, const std::string& target,
                           const std::string& parameters)
    : name_(std::move(name)), control_(Open("/dev/mapper/control", O_RDWR)) {
  MapperRequest(name_).Do(control_.get(), DM_DEV_CREATE, "DM_DEV_CREATE of " + name_);
  try {
    MapperRequest load(name_);
    load.header.target_count = 1;
    dm_target_spec line = {};
    line.length = sectors;
    target.copy(line.target_type, sizeof(line.target_type) - 1);
    Expect(sizeof(line) + parameters.size() < sizeof(load.space), "the table is too long");
    std::memcpy(load.space, &line, sizeof(line));
    parameters.copy(load.space + sizeof(line), parameters.size());
    load.Do(control_.get(), DM_TABLE_LOAD, "DM_TABLE_LOAD of " + name_);
    MapperRequest resume(name_);
    resume.Do(control_.get(), DM_DEV_SUSPEND, "resuming " + name_);
    path_ = "/dev/dm-" + std::to_string(minor(resume.header.dev));
    WaitForFile(path_);
  } catch (...) {
    MapperRequest request(name_);
    ioctl(control_.get(), DM_DEV_REMOVE, &request);
    throw;
  }
}

MappedDevice::~MappedDevice() {
  MapperRequest request(name_);
  ioctl(control_.get(), DM_DEV_REMOVE, &request);
}

void MappedDevice::Send(const std::string& message) const {
  MapperRequest request(name_);
  const dm_target_msg head = {};
  Expect(sizeof(head) + message.size() < sizeof(request.space), "the message is too long");
  std::memcpy(request.space, &head, sizeof(head));
  message.copy(request.space + offsetof(dm_target_msg, message), message.size());
  request.Do(control_.get(), DM_TARGET_MSG, message + " to " + name_);
}

Raid5::Raid5(const std::vector<std::string>& devices, uint64_t kibibytes_each) {
  if (mknod(path_.c_str(), S_IFBLK | 0600, makedev(MD_MAJOR, 0)) != 0 && errno != EEXIST)
    FailErrno(path_);
  device_ = Open(path_, O_RDWR);
  const int disks = static_cast<int>(devices.size());
  mdu_array_info_t array = {};
  array.level = 5;
  array.size = static_cast<int>(kibibytes_each);
  array.raid_disks = array.nr_disks = array.active_disks = array.working_disks = disks;
  array.not_persistent = 1;
  array.state = 1 << MD_SB_CLEAN;  // zeroes are their own parity
  array.layout = 2;                // left-symmetric
  array.chunk_size = 16 << 10;
  Checked(ioctl(device_.get(), SET_ARRAY_INFO, &array), "SET_ARRAY_INFO");
  for (int i = 0; i < disks; ++i) {
    struct stat found = {};
    Checked(stat(devices[static_cast<size_t>(i)].c_str(), &found), devices[static_cast<size_t>(i)]);
    mdu_disk_info_t disk = {};
    disk.number = disk.raid_disk = i;
    disk.major = static_cast<int>(major(found.st_rdev));
    disk.minor = static_cast<int>(minor(found.st_rdev));
    disk.state = (1 << MD_DISK_ACTIVE) | (1 << MD_DISK_SYNC);
    Checked(ioctl(device_.get(), ADD_NEW_DISK, &disk), "ADD_NEW_DISK");
  }
  Checked(ioctl(device_.get(), RUN_ARRAY, nullptr), "RUN_ARRAY");
  std::ofstream skip_copy("/sys/block/md0/md/skip_copy");
  if (!(skip_copy << "1" << std::flush)) Fail("skip_copy cannot be set");
}

Raid5::~Raid5() { ioctl(device_.get(), STOP_ARRAY, nullptr); }

}  // namespace kmapbench
