// SPDX-License-Identifier: Apache-2.0
#include "tools/abi_access_tests.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <thread>

namespace kmapbench {

namespace {

// How opening the device ends in a child process that has dropped privileges: 0, or an errno.
template <typename DropPrivileges>
int OpenAfter(DropPrivileges drop_privileges, const std::string& path) {
  constexpr int kNotDropped = 255;
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (!drop_privileges()) _exit(kNotDropped);
    _exit(open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0 ? 0 : errno);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return ECHILD;
  return WEXITSTATUS(status) == kNotDropped ? EINVAL : WEXITSTATUS(status);
}

}  // namespace

Result TestBusy(TestedModule& module) {
  constexpr uint32_t kLongSamples = 16384;
  std::vector<kmapbench_sample> their_samples(kLongSamples);
  std::atomic<int> their_error = -1;
  std::thread other([&] {
    kmapbench_run run = module.ValidRun();
    run.samples = kLongSamples;
    run.buffer = AddressOf(their_samples.data());
    their_error = module.Call(KMAPBENCH_IOC_RUN, &run);
  });
  bool turned_away = false;
  int error = 0;
  while (their_error < 0 && !turned_away && (error == 0 || error == EBUSY)) {
    error = module.CallChanged([](kmapbench_run& run) { run.samples = 1; });
    turned_away = error == EBUSY;
  }
  other.join();
  // If the other thread came second, it was turned away.
  turned_away |= their_error == EBUSY;
  if (their_error != 0 && their_error != EBUSY) {
    return NotOk("the other thread: " + ErrorName(their_error));
  }
  if (!turned_away) return NotOk("two runs at once, and none was turned away with EBUSY");
  return OkUnless(Expect("afterwards", module.CallChanged([](kmapbench_run&) {}), 0));
}

Result TestMode(TestedModule& module) {
  struct stat status {};
  if (fstat(module.fd(), &status) != 0) return NotOk(ErrorName(errno));
  if (!S_ISCHR(status.st_mode)) return NotOk("it is no character device");
  if ((status.st_mode & 07777) != 0600 || status.st_uid != 0) {
    char mode[32];
    std::snprintf(mode, sizeof(mode), "mode %04o, user %u", status.st_mode & 07777, status.st_uid);
    return NotOk(mode);
  }
  return Ok();
}

Result TestOrdinaryUser(TestedModule& module) {
  constexpr uid_t kNobody = 65534;
  const auto drop_user = [] {
    return setgroups(0, nullptr) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0;
  };
  return OkUnless(Expect("open", OpenAfter(drop_user, module.path()), EACCES));
}

Result TestWithoutCapability(TestedModule& module) {
  const auto drop_capabilities = [] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    return syscall(SYS_capset, &header, none.data()) == 0;
  };
  return OkUnless(Expect("open", OpenAfter(drop_capabilities, module.path()), EPERM));
}

}  // namespace kmapbench
