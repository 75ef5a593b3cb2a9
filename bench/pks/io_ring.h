// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "common/unique_fd.h"
#include "pks/crypto_socket.h"

namespace kmapbench {

// An io_uring for one operation at a time (io_uring(7)). There is no library for it in the guest.
class IoRing {
 public:
  IoRing();
  // Reads or writes, and waits until it is done; by_thread: one of the ring's threads does it.
  // Returns the number of bytes, or a negative errno.
  ssize_t Do(int fd, bool write, Piece piece, off_t offset, bool by_thread) const;

 private:
  UniqueFd fd_;
  unsigned sq_tail_, sq_mask_, sq_array_, cq_head_, cq_tail_, cq_mask_,
      cqes_;  // where in the rings
  size_t rings_size_;
};

}  // namespace kmapbench
