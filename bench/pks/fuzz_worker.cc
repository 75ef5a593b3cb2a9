// SPDX-License-Identifier: Apache-2.0
#include "pks/fuzz_worker.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace kmapbench {
namespace {

constexpr size_t kBlock = 512;

std::string Made(const std::string& directory) {
  Checked(mkdir(directory.c_str(), 0700), directory);
  return directory;
}

pid_t Sleeper() {
  const pid_t child = Checked(fork(), "fork");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) pause();
}

}  // namespace

FuzzWorker::FuzzWorker(const FuzzPlaces& places, const std::string& name, unsigned seed)
    : places_(places),
      directory_(Made(places.directory + "/" + name)),
      random_(seed),
      common_file_(places.directory + "/common", O_RDWR),
      own_file_(directory_ + "/own", Pattern(seed)),
      other_file_(directory_ + "/other", Pattern(seed + 1)),
      common_(common_file_.fd(), MAP_SHARED),
      own_(own_file_.fd(), MAP_SHARED),
      private_(own_file_.fd(), MAP_PRIVATE),
      anonymous_(-1, MAP_PRIVATE | MAP_ANONYMOUS),
      companion_(Sleeper()) {}

FuzzWorker::~FuzzWorker() {
  kill(companion_, SIGKILL);
  waitpid(companion_, nullptr, 0);
}

Piece FuzzWorker::In(const Mapping& mapping, size_t most, size_t unit) {
  const auto units = static_cast<uint32_t>(std::min(most, kSize / unit));
  const uint32_t size = 1 + Below(units);
  const uint32_t at = Below(static_cast<uint32_t>(kSize / unit) - size + 1);
  return PieceOf(mapping.data() + at * unit, size * unit);
}

Piece FuzzWorker::SomeBytes(size_t most) {
  const Mapping* const all[] = {&common_, &own_, &private_, &own_, &common_, &anonymous_};
  return In(*all[Below(std::size(all))], most, 1);
}

Piece FuzzWorker::SomeBlocks(size_t most) {
  const Mapping* const all[] = {&common_, &own_, &private_, &anonymous_};
  return In(*all[Below(std::size(all))], most, kBlock);
}

Piece FuzzWorker::SomeOwnBlocks(size_t most) { return In(own_, most, kBlock); }

Piece FuzzWorker::SomeSharedBytes(size_t most) { return In(Toss() ? own_ : common_, most, 1); }

uint32_t* FuzzWorker::SomeWord() {
  return static_cast<uint32_t*>(In(Toss() ? own_ : common_, 1, sizeof(uint32_t)).iov_base);
}

}  // namespace kmapbench
