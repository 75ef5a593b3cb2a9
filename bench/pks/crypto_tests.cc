// SPDX-License-Identifier: Apache-2.0
//
// Any user may hand over pages to the crypto API by a socket. AEADs copy with memcpy_sglist(),
// which patch 20 lets map page by page; ciphers and hashes walk with kmap_local_page().
#include <algorithm>
#include <cerrno>

#include "pks/caller_tests.h"
#include "pks/crypto_socket.h"

namespace kmapbench {
namespace {

using Input = CryptoSocket::Input;

Bytes Hex(const std::string& digits) {
  Bytes bytes;
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes At(const Mapping& mapping, size_t at, size_t size) {
  return {mapping.data() + at, mapping.data() + at + size};
}

void ExpectLength(ssize_t got, size_t expected) {
  if (got != static_cast<ssize_t>(expected))
    Fail("the kernel says " + std::to_string(got) + ", not " + std::to_string(expected));
}

constexpr size_t kAcrossPages = kPage - 10;  // where what is longer than 10 bytes crosses a border

// McGrew and Viega, The Galois/Counter Mode of Operation, test case 4
void GcmByExample(const CallerPlaces& places) {
  const Bytes associated = Hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes iv = Hex("cafebabefacedbaddecaf888");
  const Bytes plain = Hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
      "a6b525b16aedf5aa0de657ba637b39");
  const Bytes cipher = Hex(
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac"
      "84aa051ba30b396a0aac973d58e091");
  const Bytes tag = Hex("5bc94fbc3221a5db94fae95ae7121a47");
  const CryptoSocket gcm("aead", "gcm(aes)", Hex("feffe9928665731c6d6a8f9467308308"), 16);
  const Bytes message = Joined({associated, plain}), sealed = Joined({associated, cipher, tag});
  for (const Input how : {Input::kCopied, Input::kSpliced}) {
    const MappedFiles files(places);
    files.from.Fill(message, kAcrossPages);
    ExpectLength(gcm.Encrypt(iv, associated.size(),
                             PieceOf(files.from.data() + kAcrossPages, message.size()),
                             PieceOf(files.to.data() + kAcrossPages, sealed.size()), how),
                 sealed.size());
    Expect(At(files.to, kAcrossPages, sealed.size()) == sealed, "what is encrypted is wrong");
    ExpectLength(
        gcm.Decrypt(iv, associated.size(), PieceOf(files.to.data() + kAcrossPages, sealed.size()),
                    PieceOf(files.from.data() + 3 * kPage - 5, message.size()), how),
        message.size());
    Expect(At(files.from, 3 * kPage - 5, message.size()) == message, "what is decrypted is wrong");
    files.to.data()[kAcrossPages] ^= 1;
    Expect(
        gcm.Decrypt(iv, associated.size(), PieceOf(files.to.data() + kAcrossPages, sealed.size()),
                    PieceOf(files.from.data(), message.size()), how) == -EBADMSG,
        "a changed message passes");
  }
}

// Several pages of associated data and of text, from pages that are handed over, and back.
void ThereAndBack(const CallerPlaces& places, const CryptoSocket& socket, const Bytes& iv,
                  size_t text_size, const Bytes& expected_cipher) {
  constexpr size_t kAssociated = kPage + 100, kTag = 16, kStart = 11;
  const Bytes message = Pattern(3, kAssociated + text_size);
  const MappedFiles files(places);
  files.from.Fill(message, kStart);
  ExpectLength(
      socket.Encrypt(iv, kAssociated, PieceOf(files.from.data() + kStart, message.size()),
                     PieceOf(files.to.data() + kStart, message.size() + kTag), Input::kSpliced),
      message.size() + kTag);
  Expect(At(files.to, kStart, kAssociated) == Bytes(message.begin(), message.begin() + kAssociated),
         "the associated data have changed");
  const Bytes cipher = At(files.to, kStart + kAssociated, text_size);
  Expect(expected_cipher.empty() || cipher == expected_cipher, "what is encrypted is wrong");
  Expect(cipher != At(files.from, kStart + kAssociated, text_size), "nothing is encrypted");
  files.from.Fill(Bytes(kSize));
  ExpectLength(
      socket.Decrypt(iv, kAssociated, PieceOf(files.to.data() + kStart, message.size() + kTag),
                     PieceOf(files.from.data() + 2 * kPage - 1, message.size()), Input::kSpliced),
      message.size());
  Expect(At(files.from, 2 * kPage - 1, message.size()) == message, "what is decrypted is wrong");
}

void Ccm(const CallerPlaces& places) {
  Bytes iv = Pattern(4, 16);
  iv[0] = 3;                                // four bytes of counter (RFC 3610)
  std::fill(iv.end() - 4, iv.end(), '\0');  // which begins at 0
  ThereAndBack(places, CryptoSocket("aead", "ccm(aes)", Pattern(5, 16), 16), iv, 3 * kPage + 7, {});
}

// The cipher text is that of the cipher alone, from memory that is not protected.
void Authenc(const CallerPlaces& places) {
  constexpr size_t kText = 3 * kPage, kAssociated = kPage + 100;
  const Bytes key = Pattern(6, 16), iv = Pattern(7, 16);
  const Bytes message = Pattern(3, kAssociated + kText);
  const Bytes text(message.begin() + kAssociated, message.end()), expected(kText);
  ExpectLength(CryptoSocket("skcipher", "cbc(aes)", key)
                   .Encrypt(iv, 0, PieceOf(text), PieceOf(expected), Input::kCopied),
               kText);
  ThereAndBack(
      places,
      CryptoSocket("aead", "authenc(hmac(sha256),cbc(aes))", AuthencKey(Pattern(8, 32), key), 16),
      iv, kText, expected);
}

// NIST SP 800-38A, F.5.1, and FIPS 180-2, B.1
void CipherAndHashByExample(const CallerPlaces& places) {
  const MappedFiles files(places);
  const Bytes plain = Hex("6bc1bee22e409f96e93d7e117393172a");
  const Bytes cipher = Hex("874d6191b620e3261bef6864990db6ce");
  const Bytes iv = Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const CryptoSocket counter("skcipher", "ctr(aes)", Hex("2b7e151628aed2a6abf7158809cf4f3c"));
  const CryptoSocket sha("hash", "sha256");
  const Bytes abc = {'a', 'b', 'c'};
  const Bytes digest = Hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (const Input how : {Input::kCopied, Input::kSpliced}) {
    files.from.Fill(plain, kAcrossPages);
    ExpectLength(counter.Encrypt(iv, 0, PieceOf(files.from.data() + kAcrossPages, plain.size()),
                                 PieceOf(files.to.data() + kAcrossPages, plain.size()), how),
                 plain.size());
    Expect(At(files.to, kAcrossPages, cipher.size()) == cipher, "what is encrypted is wrong");
    files.from.Fill(abc, kPage - 1);
    ExpectLength(sha.Hash(PieceOf(files.from.data() + kPage - 1, abc.size()),
                          PieceOf(files.to.data() + kAcrossPages, digest.size()), how),
                 digest.size());
    Expect(At(files.to, kAcrossPages, digest.size()) == digest, "the hash is wrong");
  }
}

}  // namespace

std::vector<KtapTest> CryptoTests(const CallerPlaces& places) {
  return {
      {"an AEAD, by the example of its authors", [&] { GcmByExample(places); }},
      {"an AEAD of pages with counter and MAC", [&] { Ccm(places); }},
      {"an AEAD of pages with chained blocks and hash", [&] { Authenc(places); }},
      {"a cipher and a hash, by examples", [&] { CipherAndHashByExample(places); }},
  };
}

}  // namespace kmapbench
