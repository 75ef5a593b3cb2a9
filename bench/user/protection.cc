// SPDX-License-Identifier: Apache-2.0
#include "user/protection.h"

#include <cpuid.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "user/address_space.h"

// Each access is one instruction with a label, so that the signal handler recognizes it and can
// continue after it, as the kernel does with its exception tables.
extern "C" {
void kmapbench_try_read(std::byte* address);
void kmapbench_try_write(std::byte* address);
void kmapbench_try_end();
}
asm(R"(
	.text
	.globl kmapbench_try_read, kmapbench_try_write, kmapbench_try_end
kmapbench_try_read:
	movb (%rdi), %al
	ret
kmapbench_try_write:
	movb $0, (%rdi)
kmapbench_try_end:
	ret
)");

namespace kmapbench::user {

namespace {

// How the current access of this thread ended.
thread_local volatile Fault seen = Fault::kNone;

bool IsAt(greg_t instruction, void (*function)(std::byte*)) {
  return static_cast<uintptr_t>(instruction) == reinterpret_cast<uintptr_t>(function);
}

void OnFault(int signal, siginfo_t* info, void* context) {
  greg_t& instruction = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  if (!IsAt(instruction, kmapbench_try_read) && !IsAt(instruction, kmapbench_try_write)) {
    ::signal(signal, SIG_DFL);  // not ours: it faults again, and ends the process
    return;
  }
  const bool by_key = info->si_code == SEGV_PKUERR && info->si_pkey == kKey;
  seen = by_key ? Fault::kByKey : Fault::kOther;
  instruction = reinterpret_cast<greg_t>(kmapbench_try_end);
}

// Catches the faults of TryAccess() until destroyed.
class FaultHandler {
 public:
  FaultHandler() {
    struct sigaction ours {};
    ours.sa_sigaction = OnFault;
    ours.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &ours, &before_);
  }
  ~FaultHandler() { sigaction(SIGSEGV, &before_, nullptr); }
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;

 private:
  struct sigaction before_ {};
};

bool CpuHasPku() {
  constexpr unsigned kOspke = 1u << 4;  // CPUID.(7,0):ECX: the kernel has set CR4.PKE
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx & kOspke);
}

// Allocates kKey, and returns why that failed; empty if it did not. The kernel gives the lowest
// free pkey, so this allocates all of them up to ours and frees the others.
std::string TakeKey() {
  if (!CpuHasPku()) return "this CPU has no PKU, or the kernel does not use it";
  std::vector<int> others;
  int key = pkey_alloc(0, 0);
  while (key >= 0 && key != static_cast<int>(kKey)) {
    others.push_back(key);
    key = pkey_alloc(0, 0);
  }
  const int error = errno;
  for (const int other : others) pkey_free(other);
  WritePkru(kPkrsClosed);  // allocating a pkey opens it
  return key < 0 ? std::string("the kernel has no key left: ") + std::strerror(error) : "";
}

Finding Failed(const char* reason) { return {Oracle::kFailed, reason}; }

bool Closed(std::byte* page) {
  return TryAccess(page, Access::kRead) == Fault::kByKey &&
         TryAccess(page, Access::kWrite) == Fault::kByKey;
}

bool Open(std::byte* page) {
  return TryAccess(page, Access::kRead) == Fault::kNone &&
         TryAccess(page, Access::kWrite) == Fault::kNone;
}

}  // namespace

std::string ProtectionSkipReason() {
  static const std::string refusal = TakeKey();
  return refusal;
}

void ProtectPages(void* data, size_t bytes) {
  if (pkey_mprotect(data, bytes, PROT_READ | PROT_WRITE, kKey) != 0) {
    throw std::system_error(errno, std::generic_category(), "pkey_mprotect");
  }
}

uint32_t ReadPkru() {
  uint32_t value, high;
  asm volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0));
  return value;
}

void WritePkru(uint32_t value) { asm volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory"); }

Fault TryAccess(std::byte* address, Access access) {
  const FaultHandler handler;
  seen = Fault::kNone;
  if (access == Access::kRead) {
    kmapbench_try_read(address);
  } else {
    kmapbench_try_write(address);
  }
  return seen;
}

Finding CheckProtection(std::byte* page, void (*map)(), void (*unmap)()) {
  if (!Closed(page)) return Failed("the page was not closed before the map");
  map();
  const bool open = Open(page);
  unmap();
  if (!open) return Failed("the open page faulted");
  if (!Closed(page)) return Failed("the page was not closed after the unmap");
  return {Oracle::kHeld, ""};
}

}  // namespace kmapbench::user
