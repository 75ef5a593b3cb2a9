// SPDX-License-Identifier: Apache-2.0
//
// Operations of pks_user_fuzz on files, pipes and sockets.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "pks/fuzz_worker.h"

namespace kmapbench {
namespace {

struct Ends {
  UniqueFd out, in;  // what is written to in comes out of out
  bool ok() const { return out.ok() && in.ok(); }
};

Ends Pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

bool Read(FuzzWorker& worker) {
  const Piece piece = worker.SomeBytes(5 * kPage);
  const File& from = worker.Toss() ? worker.own() : worker.other();
  return pread(from.fd(), piece.iov_base, piece.iov_len, worker.SomeOffset(piece.iov_len)) > 0;
}

bool Write(FuzzWorker& worker) {
  const Piece piece = worker.SomeBytes(5 * kPage);
  const File& to = worker.Toss() ? worker.own() : worker.other();
  return pwrite(to.fd(), piece.iov_base, piece.iov_len, worker.SomeOffset(piece.iov_len)) > 0;
}

bool ReadAndWriteMany(FuzzWorker& worker) {
  std::array<Piece, 4> pieces;
  for (Piece& piece : pieces) piece = worker.SomeBytes(2 * kPage);
  const off_t at = worker.SomeOffset(8 * kPage);
  return preadv(worker.other().fd(), pieces.data(), pieces.size(), at) > 0 &&
         pwritev(worker.other().fd(), pieces.data(), pieces.size(), at) > 0;
}

// /proc/self/mem: reads anything, but writes to shared mappings only. Linux 6.12 without the series
// warns by itself (do_wp_page()) if access_process_vm() writes to a page of a private DAX mapping.
bool OwnMemory(FuzzWorker& worker) {
  const UniqueFd memory(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
  const Piece target = worker.SomeSharedBytes(2 * kPage), source = worker.SomeBytes(2 * kPage);
  const size_t size = std::min(target.iov_len, source.iov_len);
  return pread(memory.get(), target.iov_base, size,
               static_cast<off_t>(reinterpret_cast<uintptr_t>(source.iov_base))) > 0 &&
         pwrite(memory.get(), source.iov_base, size,
                static_cast<off_t>(reinterpret_cast<uintptr_t>(target.iov_base))) > 0;
}

// Pages of a mapping in a pipe, and from there into a file or a mapping.
bool VmSplice(FuzzWorker& worker) {
  const Ends pipe = Pipe();
  const Piece piece = worker.SomeBytes(4 * kPage);
  if (!pipe.ok()) return false;
  const ssize_t put = vmsplice(pipe.in.get(), &piece, 1, 0);
  if (put <= 0) return false;
  const auto size = static_cast<size_t>(put);
  off_t at = worker.SomeOffset(size);
  if (worker.Toss()) return splice(pipe.out.get(), nullptr, worker.other().fd(), &at, size, 0) > 0;
  const Piece target = worker.SomeBytes(size);
  return read(pipe.out.get(), target.iov_base, target.iov_len) > 0;
}

bool Splice(FuzzWorker& worker) {
  const Ends pipe = Pipe(), second = Pipe();
  const size_t size = 1 + worker.Below(4 * kPage);
  off_t from = worker.SomeOffset(size), to = worker.SomeOffset(size);
  if (!pipe.ok() || !second.ok()) return false;
  return splice(worker.own().fd(), &from, pipe.in.get(), nullptr, size, 0) > 0 &&
         tee(pipe.out.get(), second.in.get(), size, 0) > 0 &&
         splice(second.out.get(), nullptr, worker.other().fd(), &to, size, 0) > 0;
}

bool CopyRange(FuzzWorker& worker) {
  const size_t size = 1 + worker.Below(4 * kPage);
  off_t from = worker.SomeOffset(size), to = worker.SomeOffset(size);
  return copy_file_range(worker.own().fd(), &from, worker.other().fd(), &to, size, 0) > 0;
}

bool SendFile(FuzzWorker& worker) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return false;
  const UniqueFd out(ends[0]), in(ends[1]);
  const size_t size = 1 + worker.Below(4 * kPage);
  off_t at = worker.SomeOffset(size);
  if (sendfile(in.get(), worker.own().fd(), &at, size) <= 0) return false;
  const Piece target = worker.SomeBytes(4 * kPage), source = worker.SomeBytes(4 * kPage);
  return recv(out.get(), target.iov_base, target.iov_len, 0) > 0 &&
         send(out.get(), source.iov_base, source.iov_len, 0) > 0;
}

// Two ends of a TCP connection of this machine.
Ends Connection() {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  UniqueFd in(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), any, size) != 0 || listen(listener.get(), 1) != 0 ||
      getsockname(listener.get(), any, &size) != 0 || connect(in.get(), any, size) != 0)
    return {};
  return {UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)), std::move(in)};
}

// The pages of a mapping are fragments of the packets.
bool ZeroCopy(FuzzWorker& worker) {
  const Ends connection = Connection();
  const int on = 1;
  if (!connection.ok() ||
      setsockopt(connection.in.get(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) != 0)
    return false;
  const Piece source = worker.SomeBytes(4 * kPage);
  const ssize_t sent = send(connection.in.get(), source.iov_base, source.iov_len, MSG_ZEROCOPY);
  if (sent <= 0) return false;
  ssize_t got = 0;
  while (got < sent) {
    const Piece target = worker.SomeBytes(4 * kPage);
    const ssize_t now = recv(connection.out.get(), target.iov_base, target.iov_len, 0);
    if (now <= 0) return false;
    got += now;
  }
  return true;
}

}  // namespace

std::vector<FuzzOperation> FileOperations() {
  return {{"read", Read},
          {"write", Write},
          {"readv, writev", ReadAndWriteMany},
          {"/proc/self/mem", OwnMemory},
          {"vmsplice", VmSplice},
          {"splice, tee", Splice},
          {"copy_file_range", CopyRange},
          {"sendfile", SendFile},
          {"MSG_ZEROCOPY", ZeroCopy}};
}

}  // namespace kmapbench
