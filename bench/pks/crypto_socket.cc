// SPDX-License-Identifier: Apache-2.0
#include "pks/crypto_socket.h"

#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace kmapbench {
namespace {

// Control messages of one operation.
class Control {
 public:
  void Add(int type, const void* data, size_t size) {
    const size_t at = space_.size();
    space_.resize(at + CMSG_SPACE(size));
    cmsghdr header = {};
    header.cmsg_len = CMSG_LEN(size);
    header.cmsg_level = SOL_ALG;
    header.cmsg_type = type;
    std::memcpy(&space_[at], &header, sizeof(header));
    std::memcpy(&space_[at] + CMSG_LEN(0), data, size);
  }
  void Add(int type, uint32_t value) { Add(type, &value, sizeof(value)); }
  Piece piece() const { return PieceOf(space_); }

 private:
  Bytes space_;
};

Piece ControlOf(Control& control, uint32_t operation, const Bytes& iv, size_t associated) {
  control.Add(ALG_SET_OP, operation);
  if (!iv.empty()) {
    const auto size = static_cast<uint32_t>(iv.size());
    Bytes counted(sizeof(size) + iv.size());
    std::memcpy(counted.data(), &size, sizeof(size));
    std::copy(iv.begin(), iv.end(), counted.begin() + sizeof(size));
    control.Add(ALG_SET_IV, counted.data(), counted.size());
  }
  if (associated != 0) control.Add(ALG_SET_AEAD_ASSOCLEN, static_cast<uint32_t>(associated));
  return control.piece();
}

// A pipe between the memory and the socket: what splice() needs.
ssize_t Splice(int socket, Piece input) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  const UniqueFd out(ends[0]), in(ends[1]);
  while (input.iov_len > 0) {
    const ssize_t put = vmsplice(in.get(), &input, 1, 0);
    if (put < 0) return -errno;
    for (ssize_t left = put; left > 0;) {
      const ssize_t taken = splice(out.get(), nullptr, socket, nullptr, static_cast<size_t>(left),
                                   put < static_cast<ssize_t>(input.iov_len) ? SPLICE_F_MORE : 0);
      if (taken <= 0) return taken < 0 ? -errno : -EIO;
      left -= taken;
    }
    input.iov_base = static_cast<char*>(input.iov_base) + put;
    input.iov_len -= static_cast<size_t>(put);
  }
  return 0;
}

}  // namespace

CryptoSocket::CryptoSocket(const std::string& type, const std::string& name, const Bytes& key,
                           unsigned tag_size)
    : algorithm_(Checked(socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "AF_ALG")) {
  sockaddr_alg address = {};
  address.salg_family = AF_ALG;
  const auto copy = [](const std::string& from, unsigned char* to, size_t room) {
    Expect(from.size() < room, "the name of an algorithm is too long");
    std::copy(from.begin(), from.end(), to);
  };
  copy(type, address.salg_type, sizeof(address.salg_type));
  copy(name, address.salg_name, sizeof(address.salg_name));
  Checked(bind(algorithm_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), name);
  if (!key.empty())
    Checked(setsockopt(algorithm_.get(), SOL_ALG, ALG_SET_KEY, key.data(),
                       static_cast<socklen_t>(key.size())),
            "ALG_SET_KEY");
  if (tag_size != 0)
    Checked(setsockopt(algorithm_.get(), SOL_ALG, ALG_SET_AEAD_AUTHSIZE, nullptr, tag_size),
            "ALG_SET_AEAD_AUTHSIZE");
  operation_ = UniqueFd(
      Checked(accept4(algorithm_.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept of AF_ALG"));
}

ssize_t CryptoSocket::Run(Piece control, Piece input, Piece result, Input how) const {
  msghdr message = {};
  message.msg_control = control.iov_base;
  message.msg_controllen = control.iov_len;
  if (how == Input::kCopied) {
    message.msg_iov = &input;
    message.msg_iovlen = 1;
  }
  if (how == Input::kCopied || control.iov_len > 0) {
    const int more = how == Input::kSpliced ? MSG_MORE : 0;
    if (sendmsg(operation_.get(), &message, more) < 0) return -errno;
  }
  if (how == Input::kSpliced) {
    const ssize_t spliced = Splice(operation_.get(), input);
    if (spliced < 0) return spliced;
  }
  const ssize_t got = readv(operation_.get(), &result, 1);
  return got < 0 ? -errno : got;
}

ssize_t CryptoSocket::Encrypt(const Bytes& iv, size_t associated, Piece input, Piece result,
                              Input how) const {
  Control control;
  return Run(ControlOf(control, ALG_OP_ENCRYPT, iv, associated), input, result, how);
}

ssize_t CryptoSocket::Decrypt(const Bytes& iv, size_t associated, Piece input, Piece result,
                              Input how) const {
  Control control;
  return Run(ControlOf(control, ALG_OP_DECRYPT, iv, associated), input, result, how);
}

ssize_t CryptoSocket::Hash(Piece input, Piece result, Input how) const {
  return Run({nullptr, 0}, input, result, how);
}

Bytes AuthencKey(const Bytes& mac, const Bytes& cipher) {
  struct Header {
    rtattr attribute;
    uint32_t cipher_size;  // big endian
  };
  Header header = {};
  header.attribute.rta_len = sizeof(header);
  header.attribute.rta_type = 1;  // CRYPTO_AUTHENC_KEYA_PARAM
  header.cipher_size = __builtin_bswap32(static_cast<uint32_t>(cipher.size()));
  Bytes key(sizeof(header) + mac.size() + cipher.size());
  std::memcpy(key.data(), &header, sizeof(header));
  std::copy(cipher.begin(), cipher.end(),
            std::copy(mac.begin(), mac.end(), key.begin() + sizeof(header)));
  return key;
}

}  // namespace kmapbench
