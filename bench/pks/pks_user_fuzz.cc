// SPDX-License-Identifier: Apache-2.0
//
// pks_user_fuzz: what a user without privileges can make the kernel do with pages of DAX files, in
// random order, on a kernel with our PKS series. Nothing is checked but that each operation has
// succeeded at least once: it is the kernel's log that says whether something is wrong.
//
// pks_user_fuzz SECONDS SEED DIRECTORY PMEM
//   as root, who makes devices and lets a user have them; DIRECTORY is on a DAX file system; PMEM
//   is a block device of persistent memory, whose content is lost
#include <grp.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/run_main.h"
#include "pks/block_devices.h"
#include "pks/fuzz_worker.h"
#include "pks/scsi_disk.h"
#include "pks/small_guest.h"

namespace {

using namespace kmapbench;
using Clock = std::chrono::steady_clock;

constexpr uid_t kUser = 1000;
constexpr unsigned kWorkersPerCpu = 2;
constexpr size_t kMostOperations = 64;
constexpr uint64_t kSectors = kFuzzDeviceBytes / 512;

struct Count {
  std::atomic<uint64_t> tried, succeeded;
};
using Counts = std::array<Count, kMostOperations>;

void Give(const std::string& path) { Checked(chown(path.c_str(), kUser, kUser), path); }

void Set(const std::string& path, const std::string& value) {
  std::ofstream file(path);
  if (!(file << value << std::flush)) Fail(path + " does not take " + value);
}

void BringLoopbackUp() {
  const UniqueFd any(Checked(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  Checked(ioctl(any.get(), SIOCSIFFLAGS, &request), "lo");
}

// What only root can make. The devices are there as long as the object, but for the SCSI disks.
class Devices {
 public:
  Devices(const std::string& directory, const std::string& persistent)
      : below_(directory + "/below", Bytes(kFuzzDeviceBytes)),
        direct_below_(directory + "/direct-below", Bytes(kFuzzDeviceBytes)),
        loop_(directory + "/below"),
        direct_loop_(directory + "/direct-below", true),
        crypt_("fuzz-crypt", kSectors, "crypt",
               "aes-cbc-plain64 2b7e151628aed2a6abf7158809cf4f3c 0 " + memory_[0].path() + " 0"),
        emulated_("fuzz-ebs", kSectors, "ebs", memory_[1].path() + " 0 1 8"),
        write_cache_("fuzz-cache", kSectors, "writecache",
                     "p " + memory_[2].path() + " " + persistent + " 512 0"),
        raid_({memory_[3].path(), memory_[4].path(), memory_[5].path()}, kFuzzDeviceBytes >> 10),
        scsi_(ScsiDisk::OfMemory(kFuzzDeviceBytes / kPage, false)),
        protected_scsi_(ScsiDisk::OfMemory(kFuzzDeviceBytes / kPage, true)) {}

  FuzzPlaces Places(const std::string& directory) const {
    FuzzPlaces places = {directory,     loop_.path(),     direct_loop_.path(),
                         crypt_.path(), emulated_.path(), write_cache_.path(),
                         raid_.path(),  scsi_.path(),     protected_scsi_.path()};
    for (const std::string* path :
         {&places.loop, &places.direct_loop, &places.crypt, &places.emulated, &places.write_cache,
          &places.raid, &places.scsi, &places.protected_scsi})
      Give(*path);
    return places;
  }

 private:
  File below_, direct_below_;
  LoopDevice memory_[6] = {LoopDevice(kFuzzDeviceBytes), LoopDevice(kFuzzDeviceBytes),
                           LoopDevice(kFuzzDeviceBytes), LoopDevice(kFuzzDeviceBytes),
                           LoopDevice(kFuzzDeviceBytes), LoopDevice(kFuzzDeviceBytes)};
  LoopDevice loop_, direct_loop_;
  MappedDevice crypt_, emulated_, write_cache_;
  Raid5 raid_;
  ScsiDisk scsi_, protected_scsi_;
};

void BecomeUser() {
  Checked(setgroups(0, nullptr), "setgroups");
  Checked(setresgid(kUser, kUser, kUser), "setresgid");
  Checked(setresuid(kUser, kUser, kUser), "setresuid");
  Checked(prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
  if (setresuid(0, 0, 0) == 0) Fail("the user can become root");
}

std::vector<FuzzOperation> AllOperations() {
  std::vector<FuzzOperation> all;
  for (const auto& some :
       {MemoryOperations(), FileOperations(), DeviceOperations(), ProcessOperations()})
    all.insert(all.end(), some.begin(), some.end());
  Expect(all.size() <= kMostOperations, "more operations than are counted");
  return all;
}

// What waits for ever is interrupted.
void LimitSystemCalls() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void SetAlarm(unsigned seconds) {
  const itimerval interval = {{1, 0}, {static_cast<time_t>(seconds), 0}};
  setitimer(ITIMER_REAL, &interval, nullptr);
}

void Work(const FuzzPlaces& places, unsigned number, unsigned seed, Clock::time_point end,
          Counts& counts) {
  constexpr unsigned kLongest = 20;
  BecomeUser();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  LimitSystemCalls();
  const std::vector<FuzzOperation> operations = AllOperations();
  FuzzWorker worker(places, "worker-" + std::to_string(number), seed + number);
  while (Clock::now() < end) {
    const uint32_t which = worker.Below(static_cast<uint32_t>(operations.size()));
    ++counts[which].tried;
    SetAlarm(kLongest);
    try {
      if (operations[which].act(worker)) ++counts[which].succeeded;
    } catch (const std::exception&) {
      // Want of memory, or a signal: it is counted as tried.
    }
  }
  SetAlarm(0);
}

// Prints how often each operation was tried and has succeeded. Returns whether all have.
bool Report(const Counts& counts) {
  const std::vector<FuzzOperation> operations = AllOperations();
  bool all = true;
  for (size_t i = 0; i < operations.size(); ++i) {
    const uint64_t succeeded = counts[i].succeeded;
    std::printf("FUZZ %s: %llu of %llu\n", operations[i].name,
                static_cast<unsigned long long>(succeeded),
                static_cast<unsigned long long>(counts[i].tried));
    all &= succeeded > 0;
  }
  return all;
}

// Returns whether all workers have come to their end.
bool RunWorkers(const FuzzPlaces& places, unsigned seconds, unsigned seed, Counts& counts) {
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kWorkersPerCpu * std::thread::hardware_concurrency(); ++i) {
    const pid_t child = Checked(fork(), "fork");
    if (child == 0) {
      try {
        Work(places, i, seed, end, counts);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "pks_user_fuzz: %s\n", error.what());
        _exit(2);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    Checked(waitpid(child, &status, 0), "waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    std::printf("FUZZ a process has ended with status %#x\n", static_cast<unsigned>(status));
    good = false;
  }
  return good;
}

int Main(int argc, char** argv) {
  if (argc != 5) Fail("usage: pks_user_fuzz SECONDS SEED DIRECTORY PMEM");
  const auto seconds = static_cast<unsigned>(std::stoul(argv[1]));
  const auto seed = static_cast<unsigned>(std::stoul(argv[2]));
  const std::string directory = std::string(argv[3]) + "/fuzz";
  Checked(mkdir(directory.c_str(), 0700), directory);
  { const File common(directory + "/common", Bytes(kSize)); }
  ExpectDax(directory + "/common");
  for (const std::string& path : {directory, directory + "/common", std::string("/dev/kvm")})
    Give(path);
  Set("/proc/sys/vm/unprivileged_userfaultfd", "1");
  Set("/proc/sys/kernel/core_pattern", "core");
  BringLoopbackUp();
  const Devices devices(directory, argv[4]);
  // KVM patches code for the first guest and after the last one, which the other CPUs of an
  // emulator may see too late.
  const Mapping memory(-1, MAP_SHARED | MAP_ANONYMOUS);
  const SmallGuest guest(memory);
  const Mapping shared(-1, MAP_SHARED | MAP_ANONYMOUS, sizeof(Counts));
  auto& counts = *new (shared.data()) Counts();
  const bool ended = RunWorkers(devices.Places(directory), seconds, seed, counts);
  return Report(counts) && ended ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return RunProgram("pks_user_fuzz", Main, argc, argv); }
