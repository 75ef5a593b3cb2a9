// SPDX-License-Identifier: Apache-2.0
//
// pks_callers: tests of who touches pages of user space in another way than files and system calls
// do (pks_files has those), on a kernel with our PKS series. The pages are those of DAX files. The
// data have to be right, memory has to be closed again, and no access may be reported as stray.
// Results are printed as KTAP. Needs root, the test module, and the kernel `callers`.
//
// pks_callers DIRECTORY PMEM LARGE COMPRESSED PLAIN [TEST]
//   DIRECTORY is on a DAX file system; PMEM is a block device of persistent memory, whose content
//   is lost, and LARGE another one for dm-pcache, or -, where the kernel has none; COMPRESSED is a
//   file on zisofs, PLAIN the same file uncompressed; TEST is the name of the only one to run.
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "pks/caller_tests.h"
#include "pks/ktap.h"
#include "pks/test_files.h"

namespace {

using namespace kmapbench;

constexpr char kLeftOpen[] = "/sys/module/pks_test/parameters/do";
constexpr int kLimitMs = 120'000;

// This thread and the CPUs, one after the other: register, cached value and depth of brackets have
// to say that memory is closed. What a return to user mode finds open it also warns of.
void ExpectClosed() {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  for (int cpu = 0; cpu < cpus; ++cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    Checked(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
    std::string state;
    std::ifstream(kLeftOpen) >> state;
    if (state != "closed")
      Fail("CPU " + std::to_string(cpu) + " has memory " + (state.empty() ? "unknown" : state));
  }
}

// How many mappings of their own callers have made of pages (vmap()).
size_t OwnMappings() {
  std::ifstream file("/proc/vmallocinfo");
  if (!file) Fail("/proc/vmallocinfo is missing");
  size_t count = 0;
  for (std::string line; std::getline(file, line);)
    count += line.find(" vmap") != std::string::npos ? 1 : 0;
  return count;
}

// What a child says to its parent: nothing if all is well, else a letter and the reason.
constexpr char kSkipped = 's', kFailed = 'f';

[[noreturn]] void RunAndSay(const KtapTest& test, int out) {
  std::string said;
  try {
    const size_t before = OwnMappings();
    test.run();
    ExpectClosed();
    if (OwnMappings() != before) Fail("a mapping is left behind");
  } catch (const Skip& skip) {
    said = std::string(1, kSkipped) + skip.what();
  } catch (const std::exception& error) {
    said = std::string(1, kFailed) + error.what();
  }
  if (write(out, said.data(), said.size()) < 0) _exit(2);
  _exit(0);
}

// An oops ends a process, and may let another wait for ever: each test has one of its own.
void RunInChild(const KtapTest& test) {
  int ends[2];
  Checked(pipe(ends), "pipe");
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const pid_t child = Checked(fork(), "fork");
  if (child == 0) RunAndSay(test, in.get());
  in = UniqueFd();
  pollfd waiting = {out.get(), POLLIN, 0};
  if (Checked(poll(&waiting, 1, kLimitMs), "poll") == 0) Fail("it does not end");
  std::array<char, 1024> said;
  const auto size = static_cast<size_t>(Checked(read(out.get(), said.data(), said.size()), "read"));
  int status = 0;
  Checked(waitpid(child, &status, 0), "waitpid");
  if (WIFSIGNALED(status)) Fail("ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) Fail("it could not say how it ended");
  if (size == 0) return;
  const std::string reason(&said[1], size - 1);
  if (said[0] == kSkipped) throw Skip(reason);
  Fail(reason);
}

// only: the name of the only test; empty: all.
std::vector<KtapTest> Tests(const CallerPlaces& places, const std::string& only) {
  std::vector<KtapTest> all;
  for (const auto& of : {CryptoTests, BlockTests, ScsiTests, GuestTests})
    for (const KtapTest& test : of(places))
      if (only.empty() || only == test.name)
        all.push_back({test.name, [test] { RunInChild(test); }});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr, "usage: pks_callers DIRECTORY PMEM LARGE COMPRESSED PLAIN [TEST]\n");
    return 2;
  }
  const CallerPlaces places = {argv[1], argv[2], argv[3], argv[4], argv[5]};
  const std::string probe = places.directory + "/probe";
  return RunKtap(
      Tests(places, argc == 7 ? argv[6] : ""),
      [&] {
        const File file(probe, Bytes{1});
        ExpectDax(probe);
        ExpectClosed();
        OwnMappings();
      },
      [] {});
}
