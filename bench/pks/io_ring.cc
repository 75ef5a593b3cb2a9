// SPDX-License-Identifier: Apache-2.0
#include "pks/io_ring.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "pks/test_files.h"

namespace kmapbench {
namespace {

constexpr unsigned kEntries = 1;

unsigned& Word(const Mapping& rings, unsigned at) {
  return *reinterpret_cast<unsigned*>(rings.data() + at);
}

}  // namespace

IoRing::IoRing() {
  io_uring_params parameters = {};
  fd_ = UniqueFd(
      static_cast<int>(Checked(syscall(SYS_io_uring_setup, kEntries, &parameters), "io_uring")));
  Expect((parameters.features & IORING_FEAT_SINGLE_MMAP) != 0, "io_uring is too old");
  sq_tail_ = parameters.sq_off.tail;
  sq_mask_ = parameters.sq_off.ring_mask;
  sq_array_ = parameters.sq_off.array;
  cq_head_ = parameters.cq_off.head;
  cq_tail_ = parameters.cq_off.tail;
  cq_mask_ = parameters.cq_off.ring_mask;
  cqes_ = parameters.cq_off.cqes;
  rings_size_ = std::max(sq_array_ + parameters.sq_entries * sizeof(unsigned),
                         cqes_ + parameters.cq_entries * sizeof(io_uring_cqe));
}

ssize_t IoRing::Do(int fd, bool write, Piece piece, off_t offset, bool by_thread) const {
  const Mapping rings(fd_.get(), MAP_SHARED | MAP_POPULATE, rings_size_, IORING_OFF_SQ_RING);
  const Mapping entries(fd_.get(), MAP_SHARED | MAP_POPULATE, kEntries * sizeof(io_uring_sqe),
                        IORING_OFF_SQES);
  auto& entry = *reinterpret_cast<io_uring_sqe*>(entries.data());
  entry = {};
  entry.opcode = write ? IORING_OP_WRITE : IORING_OP_READ;
  entry.flags = by_thread ? IOSQE_ASYNC : 0;
  entry.fd = fd;
  entry.addr = reinterpret_cast<uintptr_t>(piece.iov_base);
  entry.len = static_cast<uint32_t>(piece.iov_len);
  entry.off = static_cast<uint64_t>(offset);
  unsigned& tail = Word(rings, sq_tail_);
  Word(rings, sq_array_ + (tail & Word(rings, sq_mask_)) * sizeof(unsigned)) = 0;
  std::atomic_ref(tail).store(tail + 1, std::memory_order_release);
  if (syscall(SYS_io_uring_enter, fd_.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) != 1)
    return -errno;
  unsigned& head = Word(rings, cq_head_);
  if (std::atomic_ref(Word(rings, cq_tail_)).load(std::memory_order_acquire) == head) return -EINTR;
  const auto& done =
      reinterpret_cast<const io_uring_cqe*>(rings.data() + cqes_)[head & Word(rings, cq_mask_)];
  const ssize_t result = done.user_data == 0 ? done.res : -EIO;
  std::atomic_ref(head).store(head + 1, std::memory_order_release);
  return result;
}

}  // namespace kmapbench
