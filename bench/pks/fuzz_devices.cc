// SPDX-License-Identifier: Apache-2.0
//
// Operations of pks_user_fuzz on block devices by O_DIRECT, and on crypto sockets.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pks/fuzz_worker.h"
#include "pks/io_ring.h"

namespace kmapbench {
namespace {

constexpr size_t kBlock = 512;

UniqueFd OpenDirect(const std::string& device) {
  return UniqueFd(open(device.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
}

off_t SomeSector(FuzzWorker& worker, size_t size) {
  return static_cast<off_t>(worker.Below((kFuzzDeviceBytes - size) / kBlock) * kBlock);
}

bool Direct(FuzzWorker& worker, const std::string& path, Piece piece) {
  const UniqueFd device = OpenDirect(path);
  const off_t at = SomeSector(worker, piece.iov_len);
  const ssize_t done = worker.Toss() ? pwrite(device.get(), piece.iov_base, piece.iov_len, at)
                                     : pread(device.get(), piece.iov_base, piece.iov_len, at);
  return done == static_cast<ssize_t>(piece.iov_len);
}

template <std::string FuzzPlaces::*kDevice>
bool DirectTo(FuzzWorker& worker) {
  return Direct(worker, worker.places().*kDevice, worker.SomeBlocks(40));
}

// What the target compares with its tuples must not change meanwhile.
bool DirectToProtected(FuzzWorker& worker) {
  return Direct(worker, worker.places().protected_scsi, worker.SomeOwnBlocks(kSize / kBlock));
}

const std::string& SomeDevice(FuzzWorker& worker) {
  const FuzzPlaces& places = worker.places();
  const std::string* const all[] = {&places.loop,        &places.direct_loop, &places.crypt,
                                    &places.write_cache, &places.raid,        &places.scsi};
  return *all[worker.Below(std::size(all))];
}

bool Asynchronous(FuzzWorker& worker) {
  const UniqueFd device = OpenDirect(SomeDevice(worker));
  const Piece piece = worker.SomeBlocks(40);
  aio_context_t context = 0;
  if (!device.ok() || syscall(SYS_io_setup, 1, &context) != 0) return false;
  iocb control = {};
  control.aio_fildes = static_cast<uint32_t>(device.get());
  control.aio_lio_opcode = worker.Toss() ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
  control.aio_buf = reinterpret_cast<uintptr_t>(piece.iov_base);
  control.aio_nbytes = piece.iov_len;
  control.aio_offset = SomeSector(worker, piece.iov_len);
  iocb* list[] = {&control};
  io_event event = {};
  const bool done = syscall(SYS_io_submit, context, 1, list) == 1 &&
                    syscall(SYS_io_getevents, context, 1, 1, &event, nullptr) == 1 && event.res > 0;
  syscall(SYS_io_destroy, context);
  return done;
}

// By the threads of the ring, too, who have the memory of this process.
bool RingOfDevice(FuzzWorker& worker) {
  const UniqueFd device = OpenDirect(SomeDevice(worker));
  const Piece piece = worker.SomeBlocks(40);
  const IoRing ring;
  return ring.Do(device.get(), worker.Toss(), piece, SomeSector(worker, piece.iov_len),
                 worker.Toss()) > 0;
}

bool RingOfFile(FuzzWorker& worker) {
  const Piece piece = worker.SomeBytes(4 * kPage);
  const IoRing ring;
  return ring.Do(worker.other().fd(), worker.Toss(), piece, worker.SomeOffset(piece.iov_len),
                 worker.Toss()) > 0;
}

CryptoSocket::Input SomeInput(FuzzWorker& worker) {
  return worker.Toss() ? CryptoSocket::Input::kCopied : CryptoSocket::Input::kSpliced;
}

bool Aead(FuzzWorker& worker) {
  const Bytes key = Pattern(1, 16), tagged = AuthencKey(Pattern(2, 32), key);
  const struct {
    const char* name;
    const Bytes& key;
    size_t iv;
  } algorithms[] = {
      {"gcm(aes)", key, 12}, {"ccm(aes)", key, 16}, {"authenc(hmac(sha256),cbc(aes))", tagged, 16}};
  const auto& algorithm = algorithms[worker.Below(std::size(algorithms))];
  constexpr size_t kTag = 16;
  const CryptoSocket socket("aead", algorithm.name, algorithm.key, kTag);
  Bytes iv(algorithm.iv);
  iv[0] = 3;
  // Whole blocks, for ciphers that take no others.
  const size_t associated = size_t{300} * worker.Below(4),
               text = size_t{16} * (1 + worker.Below(300));
  const Piece shared = worker.SomeSharedBytes(kSize);
  if (shared.iov_len < associated + text + kTag) return false;
  auto* const result = static_cast<char*>(shared.iov_base);
  char* const elsewhere = worker.own_private().data() + worker.Below(30 * kPage);
  return socket.Encrypt(iv, associated,
                        PieceOf(worker.Toss() ? result : elsewhere, associated + text),
                        PieceOf(result, associated + text + kTag), SomeInput(worker)) > 0;
}

bool Cipher(FuzzWorker& worker) {
  const CryptoSocket socket("skcipher", "ctr(aes)", Pattern(3, 16));
  const Piece input = worker.SomeBytes(5 * kPage), result = worker.SomeBytes(5 * kPage);
  return socket.Encrypt(Bytes(16), 0, input, result, SomeInput(worker)) > 0;
}

bool Hash(FuzzWorker& worker) {
  const CryptoSocket socket("hash", "sha256");
  constexpr size_t kDigest = 32;
  char* const result = worker.own_private().data() + worker.Below(kSize - kDigest);
  return socket.Hash(worker.SomeBytes(5 * kPage), PieceOf(result, kDigest), SomeInput(worker)) ==
         kDigest;
}

}  // namespace

std::vector<FuzzOperation> DeviceOperations() {
  return {{"O_DIRECT, loop", DirectTo<&FuzzPlaces::loop>},
          {"O_DIRECT, loop with O_DIRECT", DirectTo<&FuzzPlaces::direct_loop>},
          {"O_DIRECT, dm-crypt", DirectTo<&FuzzPlaces::crypt>},
          {"O_DIRECT, dm-ebs", DirectTo<&FuzzPlaces::emulated>},
          {"O_DIRECT, dm-writecache", DirectTo<&FuzzPlaces::write_cache>},
          {"O_DIRECT, RAID 5", DirectTo<&FuzzPlaces::raid>},
          {"O_DIRECT, SCSI target", DirectTo<&FuzzPlaces::scsi>},
          {"O_DIRECT, SCSI target with T10 PI", DirectToProtected},
          {"aio", Asynchronous},
          {"io_uring, device", RingOfDevice},
          {"io_uring, file", RingOfFile},
          {"AF_ALG aead", Aead},
          {"AF_ALG skcipher", Cipher},
          {"AF_ALG hash", Hash}};
}

}  // namespace kmapbench
