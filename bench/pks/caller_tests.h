// SPDX-License-Identifier: Apache-2.0
//
// The tests of pks_callers, by what they use: who touches pages of user space, and opens them or
// has another mapping of its own since the series. docs/pks-callers.md says which patch it is.
#pragma once

#include <string>
#include <vector>

#include "pks/ktap.h"
#include "pks/test_files.h"

namespace kmapbench {

// What the tests use.
struct CallerPlaces {
  std::string directory;          // on a DAX file system
  std::string persistent;         // a block device of persistent memory, whose content is lost
  std::string large;              // another one, of 512 MiB or more; -: there is none
  std::string compressed, plain;  // the same file, by zisofs and as it was before
};

// Two files of a test that are mapped, shared. Their pages are protected.
struct MappedFiles {
  explicit MappedFiles(const CallerPlaces& places)
      : first(places.directory + "/first", Bytes(kSize)),
        second(places.directory + "/second", Bytes(kSize)),
        from(first.fd(), MAP_SHARED),
        to(second.fd(), MAP_SHARED) {}
  File first, second;
  Mapping from, to;
};

std::vector<KtapTest> CryptoTests(const CallerPlaces& places);
std::vector<KtapTest> BlockTests(const CallerPlaces& places);
std::vector<KtapTest> ScsiTests(const CallerPlaces& places);
std::vector<KtapTest> GuestTests(const CallerPlaces& places);

}  // namespace kmapbench
