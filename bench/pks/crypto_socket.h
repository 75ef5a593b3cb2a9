// SPDX-License-Identifier: Apache-2.0
//
// The kernel's crypto API by socket (AF_ALG, Documentation/crypto/userspace-if.rst).
#pragma once

#include <sys/uio.h>

#include <string>

#include "common/unique_fd.h"
#include "pks/test_files.h"

namespace kmapbench {

// Memory that an operation reads or writes: a test's own, or a mapping.
using Piece = iovec;
inline Piece PieceOf(const Bytes& data) { return {const_cast<char*>(data.data()), data.size()}; }
inline Piece PieceOf(char* data, size_t size) { return {data, size}; }

class CryptoSocket {
 public:
  // type: aead, skcipher or hash; name: an algorithm. Throws if the kernel has none of that name.
  CryptoSocket(const std::string& type, const std::string& name, const Bytes& key = {},
               unsigned tag_size = 0);

  // The input's pages themselves are handed over (vmsplice), or a copy of them (sendmsg).
  enum class Input { kCopied, kSpliced };

  // Reads input and writes the result. input of an AEAD begins with the associated data, which are
  // copied to the result, and so is the result. Returns the length of the result, or a negative
  // errno: -EBADMSG, say, if the tag is wrong.
  ssize_t Encrypt(const Bytes& iv, size_t associated, Piece input, Piece result, Input how) const;
  ssize_t Decrypt(const Bytes& iv, size_t associated, Piece input, Piece result, Input how) const;
  ssize_t Hash(Piece input, Piece result, Input how) const;

 private:
  ssize_t Run(Piece control, Piece input, Piece result, Input how) const;

  UniqueFd algorithm_, operation_;
};

// The key of authenc(): of the MAC and of the cipher, as crypto_authenc_extractkeys() reads it.
Bytes AuthencKey(const Bytes& mac, const Bytes& cipher);

}  // namespace kmapbench
