// SPDX-License-Identifier: Apache-2.0
//
// Operations of pks_user_fuzz on mappings.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "pks/fuzz_worker.h"

namespace kmapbench {
namespace {

// Page faults: reads and writes of its own.
bool Touch(FuzzWorker& worker) {
  const Piece piece = worker.SomeBytes(4 * kPage);
  auto* const bytes = static_cast<volatile char*>(piece.iov_base);
  for (size_t at = 0; at < piece.iov_len; at += 1 + worker.Below(kPage))
    bytes[at] = static_cast<char>(bytes[at] + 1);
  return true;
}

// A mapping for a while, which the kernel fills again after its rights have changed.
bool ChangeRights(FuzzWorker& worker) {
  const Mapping mapping(worker.own().fd(), worker.Toss() ? MAP_SHARED : MAP_PRIVATE);
  const size_t at = worker.Below(60) * kPage;
  char* const some = mapping.data() + at;
  if (worker.Toss()) *static_cast<volatile char*>(some) = 1;
  if (mprotect(some, 4 * kPage, worker.Toss() ? PROT_READ : PROT_NONE) != 0) return false;
  const bool refused = pread(worker.other().fd(), some, 2 * kPage, 0) < 0;
  if (mprotect(some, 4 * kPage, PROT_READ | PROT_WRITE) != 0) return false;
  return refused && pread(worker.other().fd(), some, 2 * kPage, 0) == 2 * kPage;
}

bool Move(FuzzWorker& worker) {
  constexpr size_t kLength = 8 * kPage;
  const off_t at = static_cast<off_t>(worker.Below(48) * kPage);
  void* const first =
      mmap(nullptr, kLength, PROT_READ | PROT_WRITE, MAP_SHARED, worker.own().fd(), at);
  if (first == MAP_FAILED) return false;
  *static_cast<volatile char*>(first) = 1;
  const size_t longer = kLength + worker.Below(8) * kPage;
  void* const moved = mremap(first, kLength, longer, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) {
    munmap(first, kLength);
    return false;
  }
  const bool written =
      pwrite(worker.other().fd(), moved, longer, 0) == static_cast<ssize_t>(longer);
  munmap(moved, longer);
  return written;
}

bool Advise(FuzzWorker& worker) {
  const int advices[] = {MADV_DONTNEED,       MADV_WILLNEED, MADV_POPULATE_READ,
                         MADV_POPULATE_WRITE, MADV_DONTFORK, MADV_DOFORK};
  const Mapping mapping(worker.own().fd(), worker.Toss() ? MAP_SHARED : MAP_PRIVATE);
  const size_t at = worker.Below(60) * kPage;
  *static_cast<volatile char*>(mapping.data() + at) = 1;
  return madvise(mapping.data() + at, 4 * kPage, advices[worker.Below(std::size(advices))]) == 0;
}

bool Lock(FuzzWorker& worker) {
  const Mapping mapping(worker.own().fd(), worker.Toss() ? MAP_SHARED : MAP_PRIVATE);
  char* const some = mapping.data() + worker.Below(60) * kPage;
  return mlock(some, 4 * kPage) == 0 && munlock(some, 4 * kPage) == 0;
}

bool Sync(FuzzWorker& worker) {
  const Mapping mapping(worker.own().fd(), MAP_SHARED);
  mapping.data()[worker.Below(kSize)] = 1;
  return msync(mapping.data(), kSize, MS_SYNC) == 0 && fsync(worker.own().fd()) == 0;
}

// A hole is mapped as memory of zeroes until it is written to.
bool Holes(FuzzWorker& worker) {
  const off_t at = worker.SomeOffset(3 * kPage);
  if (fallocate(worker.own().fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                1 + worker.Below(3 * kPage)) != 0)
    return false;
  const Piece piece = worker.SomeBytes(kPage);
  return pwrite(worker.own().fd(), piece.iov_base, piece.iov_len, at) > 0;
}

// The pages of a private mapping are copied when either of two processes writes to them.
bool Fork(FuzzWorker& worker) {
  const Piece piece = worker.SomeBytes(2 * kPage);
  const Mapping mapping(worker.own().fd(), MAP_PRIVATE);
  mapping.data()[0] = 1;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    *static_cast<volatile char*>(piece.iov_base) = 2;
    mapping.data()[0] = 3;
    _exit(pread(worker.other().fd(), mapping.data(), 2 * kPage, 1) == 2 * kPage ? 0 : 1);
  }
  mapping.data()[kPage] = 4;
  int status = 0;
  if (waitpid(child, &status, 0) != child) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 && mapping.data()[0] == 1;
}

UniqueFd UserFaults(const Mapping& hole) {
  UniqueFd faults(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC)));
  if (!faults.ok()) return {};
  uffdio_api api = {UFFD_API, 0, 0};
  if (ioctl(faults.get(), UFFDIO_API, &api) != 0) return {};
  uffdio_register range = {
      {reinterpret_cast<uintptr_t>(hole.data()), kSize}, UFFDIO_REGISTER_MODE_MISSING, 0};
  return ioctl(faults.get(), UFFDIO_REGISTER, &range) == 0 ? std::move(faults) : UniqueFd();
}

// A read of a DAX file sleeps in the middle of its copy, until this thread gives it a page whose
// data come from a mapping of another one.
bool UserFault(FuzzWorker& worker) {
  const Mapping hole(-1, MAP_PRIVATE | MAP_ANONYMOUS), source(worker.other().fd(), MAP_SHARED);
  const UniqueFd faults = UserFaults(hole);
  if (!faults.ok()) return false;
  const size_t at = worker.Below(60) * kPage;
  ssize_t got = 0;
  std::thread reader(
      [&] { got = pread(worker.own().fd(), hole.data() + at, 2 * kPage, worker.Below(2)); });
  for (unsigned page = 0; page < 2; ++page) {
    pollfd waiting = {faults.get(), POLLIN, 0};
    uffd_msg message;
    if (poll(&waiting, 1, 2000) == 1) (void)!read(faults.get(), &message, sizeof(message));
    uffdio_copy copy = {reinterpret_cast<uintptr_t>(hole.data()) + at + page * kPage,
                        reinterpret_cast<uintptr_t>(source.data()) + at, kPage, 0, 0};
    while (ioctl(faults.get(), UFFDIO_COPY, &copy) != 0 && errno == EAGAIN) copy.copy = 0;
  }
  reader.join();
  return got == 2 * kPage;
}

}  // namespace

std::vector<FuzzOperation> MemoryOperations() {
  return {{"touch", Touch},          {"mprotect", ChangeRights},
          {"mremap", Move},          {"madvise", Advise},
          {"mlock", Lock},           {"msync", Sync},
          {"fallocate", Holes},      {"fork", Fork},
          {"userfaultfd", UserFault}};
}

}  // namespace kmapbench
