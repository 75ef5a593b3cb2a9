// SPDX-License-Identifier: Apache-2.0
//
// Operations of pks_user_fuzz in which the kernel touches memory of a process for another one, or
// for itself: of its companion, of one that crashes, of a guest.
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "pks/fuzz_worker.h"
#include "pks/small_guest.h"

namespace kmapbench {
namespace {

bool ReadOther(FuzzWorker& worker) {
  std::array<Piece, 2> local = {worker.SomeBytes(3 * kPage), worker.SomeBytes(3 * kPage)};
  std::array<Piece, 2> remote = {worker.SomeBytes(3 * kPage), worker.SomeBytes(3 * kPage)};
  return process_vm_readv(worker.companion(), local.data(), local.size(), remote.data(),
                          remote.size(), 0) > 0;
}

bool WriteOther(FuzzWorker& worker) {
  const Piece local = worker.SomeBytes(6 * kPage), remote = worker.SomeSharedBytes(6 * kPage);
  return process_vm_writev(worker.companion(), &local, 1, &remote, 1, 0) > 0;
}

// A debugger reads any of its memory, and writes to shared mappings; OwnMemory() says why.
bool Trace(FuzzWorker& worker) {
  const pid_t other = worker.companion();
  if (ptrace(PTRACE_SEIZE, other, nullptr, nullptr) != 0) return false;
  int status = 0;
  bool done = ptrace(PTRACE_INTERRUPT, other, nullptr, nullptr) == 0 &&
              waitpid(other, &status, 0) == other && WIFSTOPPED(status);
  for (unsigned i = 0; i < 4 && done; ++i) {
    const Piece any = worker.SomeBytes(1);
    errno = 0;
    const long word = ptrace(PTRACE_PEEKDATA, other, any.iov_base, nullptr);
    // The last bytes of a mapping may be less than a word.
    done = errno == 0 || errno == EIO;
    done &= ptrace(PTRACE_POKEDATA, other, worker.SomeWord(), word) == 0 || errno == EIO;
  }
  return ptrace(PTRACE_DETACH, other, nullptr, nullptr) == 0 && done;
}

long Futex(uint32_t* word, int operation, uint32_t value, uintptr_t fourth, uint32_t* second,
           uint32_t third) {
  return syscall(SYS_futex, word, operation, value, fourth, second, third);
}

// The kernel reads, compares and changes words that are shared with other processes.
bool Wake(FuzzWorker& worker) {
  uint32_t* const second = worker.SomeWord();
  return Futex(worker.SomeWord(), FUTEX_WAKE, 1, 0, nullptr, 0) >= 0 &&
         Futex(worker.SomeWord(), FUTEX_WAKE_OP, 1, 1, second,
               FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 0)) >= 0;
}

bool Wait(FuzzWorker& worker) {
  const timespec soon = {0, 1'000'000};
  uint32_t* const word = worker.SomeWord();
  const auto value = std::atomic_ref(*word).load();
  return Futex(word, FUTEX_WAIT, value, reinterpret_cast<uintptr_t>(&soon), nullptr, 0) == 0 ||
         errno == ETIMEDOUT;
}

// In a private mapping, which nobody else writes to: the word is the owner's number.
bool LockWithInheritance(FuzzWorker& worker) {
  auto* const word = reinterpret_cast<uint32_t*>(
      worker.own_private().data() + worker.Below(kSize / sizeof(uint32_t)) * sizeof(uint32_t));
  std::atomic_ref(*word).store(0);
  return Futex(word, FUTEX_LOCK_PI, 0, 0, nullptr, 0) == 0 &&
         Futex(word, FUTEX_UNLOCK_PI, 0, 0, nullptr, 0) == 0;
}

constexpr rlim_t kLargestCore = rlim_t{4} << 20;

// The core of a process that crashes has what it has mapped, and is a file on DAX itself.
bool Crash(FuzzWorker& worker) {
  const std::string core = worker.directory() + "/core";
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const rlimit limit = {kLargestCore, kLargestCore};
    constexpr char kDaxMappings[] = "0x180";  // and nothing else: core(5)
    std::ofstream("/proc/self/coredump_filter") << kDaxMappings << std::flush;
    if (chdir(worker.directory().c_str()) != 0 || setrlimit(RLIMIT_CORE, &limit) != 0) _exit(1);
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return false;
  struct stat found = {};
  const bool whole = WIFSIGNALED(status) && WCOREDUMP(status) && stat(core.c_str(), &found) == 0 &&
                     found.st_size > static_cast<off_t>(kSize);
  unlink(core.c_str());
  return whole;
}

volatile sig_atomic_t handled;

void Handle(int) { handled = 1; }

// The kernel saves registers on a stack in the mapping.
bool SignalStack(FuzzWorker& worker) {
  constexpr size_t kStack = 16 * kPage;
  stack_t stack = {}, before = {};
  stack.ss_sp = worker.own_private().data() + worker.Below(40) * kPage;
  stack.ss_size = kStack;
  struct sigaction action = {};
  action.sa_handler = Handle;
  action.sa_flags = SA_ONSTACK;
  handled = 0;
  if (sigaltstack(&stack, &before) != 0 || sigaction(SIGUSR1, &action, nullptr) != 0 ||
      raise(SIGUSR1) != 0)
    return false;
  return sigaltstack(&before, nullptr) == 0 && handled == 1;
}

// Its clock is kept in its memory, which is a DAX file.
bool Guest(FuzzWorker& worker) {
  constexpr uint8_t kHlt = 0xf4;
  constexpr uint32_t kSystemTime = 0x4b564d01;
  const Mapping memory(worker.other().fd(), MAP_SHARED);
  const SmallGuest guest(memory);
  const uint64_t page = SmallGuest::kFreePage + worker.Below(8);
  guest.SetMsr(kSystemTime, (page * kPage + uint64_t{32} * worker.Below(64)) | 1);
  guest.Run({kHlt}, 0);
  return true;
}

}  // namespace

std::vector<FuzzOperation> ProcessOperations() {
  return {{"process_vm_readv", ReadOther},
          {"process_vm_writev", WriteOther},
          {"ptrace", Trace},
          {"futex, wake", Wake},
          {"futex, wait", Wait},
          {"futex, priority inheritance", LockWithInheritance},
          {"core dump", Crash},
          {"signal stack", SignalStack},
          {"KVM", Guest}};
}

}  // namespace kmapbench
