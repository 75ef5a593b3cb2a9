// SPDX-License-Identifier: Apache-2.0
//
// pks_files: tests of files on a DAX file system with our PKS kernel. They make the kernel access
// file memory in every way that it does. The data have to be right, and no access may be reported
// as stray. Results are printed as KTAP (Documentation/dev-tools/ktap.rst).
//
// pks_files DIRECTORY [BLOCK_DEVICE]   BLOCK_DEVICE is persistent memory; its content is lost
// pks_files --check DIRECTORY          checks that the data of an earlier run are still there
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.h"
#include "pks/ktap.h"
#include "pks/test_files.h"

namespace {

using namespace kmapbench;

// What the tests use.
struct TestPaths {
  std::string directory, block_device;
  std::string Path(const char* name) const { return directory + "/" + name; }
};

// Changes the expected content of a file as a write of data at an offset does.
void Put(Bytes& expected, const Bytes& data, size_t at) {
  if (expected.size() < at + data.size()) expected.resize(at + data.size());
  std::copy(data.begin(), data.end(), expected.begin() + static_cast<ptrdiff_t>(at));
}

void WriteAndRead(const TestPaths& paths) {
  Bytes expected = Pattern(1);
  const File file(paths.Path("a"), expected);
  const std::pair<off_t, size_t> pieces[] = {
      {0, kPage}, {5, 100}, {kPage - 6, 12}, {100, 9000}, {kSize - 3, 7 * kPage + 3}};
  unsigned seed = 2;
  for (const auto& [at, size] : pieces) {
    const Bytes data = Pattern(seed++, size);
    file.Write(data, at);
    Put(expected, data, static_cast<size_t>(at));
    Expect(file.Read(size, at) == data, "what was written is not what is read");
  }
  Expect(file.Read(expected.size()) == expected, "the whole differs");
  Expect(file.Read(100, static_cast<off_t>(expected.size())).empty(), "data behind the end");
}

void DirectIo(const TestPaths& paths) {
  const File file(paths.Path("a"), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT);
  const Mapping buffer(-1, MAP_PRIVATE | MAP_ANONYMOUS);
  const Bytes data = Pattern(10);
  std::copy(data.begin(), data.end(), buffer.data());
  file.Write(buffer.data(), kSize, 0);
  std::fill_n(buffer.data(), kSize, 0);
  Expect(Checked(pread(file.fd(), buffer.data(), kSize, 0), "pread") == kSize, "a read was short");
  Expect(buffer.Copy() == data, "what was written is not what is read");
}

// The page fault comes while the kernel has file memory open, and has to copy from protected memory
// itself. A page that is filled in part keeps the rest.
void ReadIntoUntouchedMapping(const TestPaths& paths) {
  const Bytes source = Pattern(20);
  Bytes expected = Pattern(21);
  const File from(paths.Path("a"), source), to(paths.Path("b"), expected);
  const Mapping mapping(to.fd(), MAP_PRIVATE);
  constexpr size_t kAt = 100, kLength = 5 * kPage + 7;
  Expect(Checked(pread(from.fd(), mapping.data() + kAt, kLength, 3), "pread") == kLength,
         "a read was short");
  Put(expected, Bytes(source.begin() + 3, source.begin() + 3 + kLength), kAt);
  Expect(mapping.Copy() == expected, "the mapping differs");
  Expect(to.Read() == Pattern(21), "the file behind the private mapping has changed");
}

void WriteFromUntouchedMapping(const TestPaths& paths) {
  const Bytes source = Pattern(22);
  const File from(paths.Path("a"), source), to(paths.Path("b"), Pattern(23));
  const Mapping shared(from.fd(), MAP_SHARED);
  to.Write(shared.data(), kSize, 0);
  Expect(to.Read() == source, "what was written is not what is read");
}

void OnFirstCpu() {
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  Checked(sched_setaffinity(0, sizeof(first), &first), "sched_setaffinity");
}

// A thread sleeps while it has file memory open. Another one on the same CPU can use files
// meanwhile. (Whether that one finds the memory open is tested in kernels/tests.)
void SleepInBracket(const TestPaths& paths) {
  const UniqueFd uffd(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC)));
  if (!uffd.ok() && errno == ENOSYS) throw Skip("no userfaultfd");
  uffdio_api api = {UFFD_API, 0, 0};
  Checked(ioctl(uffd.get(), UFFDIO_API, &api), "UFFDIO_API");

  const Bytes source = Pattern(30, kPage);
  const File held(paths.Path("a"), source), other(paths.Path("b"), Pattern(31));
  const Mapping hole(-1, MAP_PRIVATE | MAP_ANONYMOUS, kPage);
  const auto address = reinterpret_cast<uintptr_t>(hole.data());
  uffdio_register range = {{address, kPage}, UFFDIO_REGISTER_MODE_MISSING, 0};
  Checked(ioctl(uffd.get(), UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");

  ssize_t got = 0;
  std::thread reader([&] {
    OnFirstCpu();
    got = pread(held.fd(), hole.data(), kPage, 0);
  });
  std::string failure;
  std::thread neighbour([&] {
    try {
      OnFirstCpu();
      pollfd waiting = {uffd.get(), POLLIN, 0};
      Expect(poll(&waiting, 1, -1) == 1, "poll");
      uffd_msg message;
      Expect(read(uffd.get(), &message, sizeof(message)) == sizeof(message), "read of the event");
      Expect(message.event == UFFD_EVENT_PAGEFAULT, "an event that is no fault");
      const Bytes more = Pattern(32);
      other.Write(more);
      Expect(other.Read() == more, "the other thread's data are wrong");
    } catch (const std::exception& error) {
      failure = error.what();
    }
    const Bytes zeros(kPage);
    uffdio_copy copy = {address, reinterpret_cast<uintptr_t>(zeros.data()), kPage, 0, 0};
    ioctl(uffd.get(), UFFDIO_COPY, &copy);
  });
  neighbour.join();
  reader.join();
  if (!failure.empty()) Fail(failure);
  Expect(got == kPage && hole.Copy() == source, "the read that slept is wrong");
}

void SharedMapping(const TestPaths& paths) {
  const File file(paths.Path("a"), Pattern(40));
  const Mapping mapping(file.fd(), MAP_SHARED);
  const Bytes data = Pattern(41);
  std::copy(data.begin(), data.end(), mapping.data());
  Checked(msync(mapping.data(), kSize, MS_SYNC), "msync");
  Expect(file.Read() == data, "what was stored is not what is read");
  mapping.data()[kPage + 1] = 7;
  Checked(fsync(file.fd()), "fsync");
  Expect(file.Read(1, kPage + 1) == Bytes{7}, "a store after the write-back is lost");
}

void PrivateMapping(const TestPaths& paths) {
  const Bytes original = Pattern(42);
  const File file(paths.Path("a"), original);
  const Mapping mapping(file.fd(), MAP_PRIVATE);
  mapping.data()[17] = 0;
  Bytes expected = original;
  expected[17] = 0;
  Expect(mapping.Copy() == expected, "the copy differs from the original");
  Expect(file.Read() == original, "the original has changed");
}

void UnalignedEdges(const TestPaths& paths) {
  Bytes expected = Pattern(50);
  const File file(paths.Path("a"), expected);
  const auto clear = [&](int mode, size_t from, size_t size) {
    Checked(fallocate(file.fd(), mode, static_cast<off_t>(from), static_cast<off_t>(size)),
            "fallocate");
    std::fill_n(expected.begin() + static_cast<ptrdiff_t>(from), size, 0);
    Expect(file.Read() == expected, "not this and only this was cleared");
  };
  clear(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000);
  clear(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5 * kPage + 10, 20);
  clear(FALLOC_FL_ZERO_RANGE, 7 * kPage - 1, 2 * kPage + 2);
  constexpr size_t kCut = 12 * kPage + 123;
  Checked(ftruncate(file.fd(), kCut), "ftruncate");
  Checked(ftruncate(file.fd(), kSize), "ftruncate");
  std::fill(expected.begin() + kCut, expected.end(), 0);
  Expect(file.Read() == expected, "what was cut off has come back");
}

// As a debugger does it: access_process_vm(), which uses kmap_local_page().
void OwnMemory(const TestPaths& paths) {
  Bytes expected = Pattern(60);
  const File file(paths.Path("a"), expected), memory("/proc/self/mem", O_RDWR);
  const Mapping mapping(file.fd(), MAP_SHARED);
  const auto at = reinterpret_cast<off_t>(mapping.data());
  Expect(memory.Read(3 * kPage, at + 50) ==
             Bytes(expected.begin() + 50, expected.begin() + 50 + 3 * kPage),
         "read differs");
  const Bytes data = Pattern(61, kPage);
  memory.Write(data, at + 2000);
  Put(expected, data, 2000);
  Expect(file.Read() == expected, "write differs");
}

void Pipe(const TestPaths& paths) {
  const Bytes data = Pattern(62);
  const File file(paths.Path("a"), data);
  const Mapping mapping(file.fd(), MAP_SHARED);
  int ends[2];
  Checked(pipe(ends), "pipe");
  const UniqueFd out(ends[0]), in(ends[1]);
  const iovec piece = {mapping.data() + 10, 2 * kPage};
  Expect(Checked(vmsplice(in.get(), &piece, 1, 0), "vmsplice") == 2 * kPage, "vmsplice was short");
  Bytes got(2 * kPage);
  for (size_t have = 0; have < got.size();)
    have += static_cast<size_t>(Checked(read(out.get(), &got[have], got.size() - have), "read"));
  Expect(got == Bytes(data.begin() + 10, data.begin() + 10 + 2 * kPage), "the pipe has other data");
}

// The driver opens memory of the device, and for the copy also a page of the file.
void BlockDevice(const TestPaths& paths) {
  if (paths.block_device.empty()) throw Skip("no block device was given");
  const Bytes data = Pattern(70);
  const File source(paths.Path("a"), data), target(paths.Path("b"), Pattern(71));
  const Mapping from(source.fd(), MAP_SHARED), to(target.fd(), MAP_SHARED);
  {
    const File device(paths.block_device, O_RDWR | O_DIRECT);
    device.Write(from.data(), kSize, 0);
    Expect(Checked(pread(device.fd(), to.data(), kSize, 0), "pread") == kSize, "a read was short");
    Expect(target.Read() == data, "direct: what was written is not what is read");
  }
  const Bytes more = Pattern(72, 3 * kPage);
  {
    const File device(paths.block_device, O_RDWR);
    device.Write(more, 1000);
    Checked(fsync(device.fd()), "fsync");
    Checked(ioctl(device.fd(), BLKFLSBUF), "BLKFLSBUF");
    Expect(device.Read(more.size(), 1000) == more,
           "buffered: what was written is not what is read");
  }
}

// Makes the second file share the blocks of the first one. Skips the test if the file system
// cannot.
void Clone(const File& from, const File& to) {
  if (ioctl(to.fd(), FICLONE, from.fd()) == 0) return;
  if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL)
    throw Skip("this file system shares no blocks");
  FailErrno("FICLONE");
}

// A write ends the sharing of a block, and the kernel copies the rest of the block.
void SharedBlocks(const TestPaths& paths) {
  const Bytes original = Pattern(80);
  Bytes expected = original;
  const File first(paths.Path("a"), original), second(paths.Path("b"));
  Clone(first, second);
  const Bytes data = Pattern(81, 2 * kPage);
  second.Write(data, 700);
  Put(expected, data, 700);
  const Mapping mapping(second.fd(), MAP_SHARED);
  mapping.data()[10 * kPage + 5] = 0;
  expected[10 * kPage + 5] = 0;
  Checked(fallocate(second.fd(), FALLOC_FL_ZERO_RANGE, 20 * kPage + 50, 100), "fallocate");
  std::fill_n(expected.begin() + 20 * kPage + 50, 100, 0);
  Expect(second.Read() == expected, "the copy differs");
  Expect(first.Read() == original, "the original has changed");
}

// When a write ends the sharing of a block, XFS also reserves blocks after it (cowextsize). A later
// write to part of a reserved block, where the file had no data, has to clear the rest of the
// block.
void BesideSharedBlocks(const TestPaths& paths) {
  Bytes expected = Pattern(82, kPage);
  const File first(paths.Path("a"), expected), second(paths.Path("b"));
  Clone(first, second);
  const Bytes data = Pattern(85, 100);
  for (const off_t at : {off_t{10}, off_t{kPage} + 700}) {
    second.Write(data, at);
    Put(expected, data, at);
  }
  Expect(second.Read() == expected, "what surrounds the write is not empty");
}

// Asks the kernel to let two whole files share their blocks, which it compares first. Returns the
// status.
int Dedupe(const File& from, const File& to) {
  std::vector<char> space(sizeof(file_dedupe_range) + sizeof(file_dedupe_range_info));
  auto* const request = reinterpret_cast<file_dedupe_range*>(space.data());
  request->src_length = kSize;
  request->dest_count = 1;
  request->info[0].dest_fd = to.fd();
  if (ioctl(from.fd(), FIDEDUPERANGE, request) != 0) FailErrno("FIDEDUPERANGE");
  return request->info[0].status;
}

void Compared(const TestPaths& paths) {
  const Bytes data = Pattern(82);
  const File first(paths.Path("a"), data), second(paths.Path("b"));
  Clone(first, second);  // or skip
  second.Write(data);
  Checked(fsync(second.fd()), "fsync");
  Expect(Dedupe(first, second) == FILE_DEDUPE_RANGE_SAME, "equal files are told to differ");
  second.Write(Bytes{0}, kSize - 1);
  Checked(fsync(second.fd()), "fsync");
  Expect(Dedupe(first, second) == FILE_DEDUPE_RANGE_DIFFERS,
         "different files are told to be equal");
}

void Unshared(const TestPaths& paths) {
  const Bytes data = Pattern(83);
  const File first(paths.Path("a"), data), second(paths.Path("b"));
  Clone(first, second);
  Checked(fallocate(second.fd(), FALLOC_FL_UNSHARE_RANGE, 0, kSize), "fallocate");
  first.Write(Pattern(84));
  Expect(second.Read() == data, "the copy differs");
}

void TwoThreads(const TestPaths& paths) {
  const char* const names[] = {"a", "b"};
  std::string failures[2];
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      try {
        const File file(paths.Path(names[i]), Pattern(90 + i));
        for (unsigned round = 0; round < 20; ++round) {
          const Bytes data = Pattern(100 + 2 * round + i);
          file.Write(data);
          Expect(file.Read() == data, "one of two threads reads other data");
        }
      } catch (const std::exception& error) {
        failures[i] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures)
    if (!failure.empty()) Fail(failure);
}

void Child(const TestPaths& paths) {
  const Bytes data = Pattern(95);
  const File file(paths.Path("a"), Pattern(94));
  const Mapping mapping(file.fd(), MAP_SHARED);
  mapping.data()[0] = 1;
  const pid_t child = Checked(fork(), "fork");
  if (child == 0) {
    try {
      file.Write(data);
      _exit(file.Read() == data && mapping.Copy() == data ? 0 : 1);
    } catch (const std::exception&) {
      _exit(2);
    }
  }
  int status = 0;
  Checked(waitpid(child, &status, 0), "waitpid");
  Expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child read other data");
  Expect(file.Read() == data, "the parent reads other data than its child");
}

constexpr unsigned kKeptSeed = 99;

// The last test: leaves a file for --check.
void Keep(const TestPaths& paths) {
  const File file(paths.Path("kept"), Pattern(kKeptSeed));
  Checked(fsync(file.fd()), "fsync");
}

void IsKept(const TestPaths& paths) {
  Expect(File(paths.Path("kept"), O_RDONLY).Read() == Pattern(kKeptSeed), "other data than kept");
}

struct Test {
  const char* name;
  std::function<void(const TestPaths&)> run;
};

const std::vector<Test> kTests = {
    {"write and read", WriteAndRead},
    {"direct I/O", DirectIo},
    {"read into an untouched mapping", ReadIntoUntouchedMapping},
    {"write from an untouched mapping", WriteFromUntouchedMapping},
    {"a thread sleeps in a bracket", SleepInBracket},
    {"shared mapping and write-back", SharedMapping},
    {"private mapping", PrivateMapping},
    {"unaligned edges are zeroed", UnalignedEdges},
    {"a process's own memory", OwnMemory},
    {"a mapping in a pipe", Pipe},
    {"block device", BlockDevice},
    {"shared blocks", SharedBlocks},
    {"beside shared blocks", BesideSharedBlocks},
    {"blocks are compared", Compared},
    {"sharing ends", Unshared},
    {"two threads", TwoThreads},
    {"a child", Child},
    {"data to keep", Keep},
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool check = !arguments.empty() && arguments[0] == "--check";
  if (arguments.size() != 1 && arguments.size() != 2) {
    std::fprintf(stderr, "usage: pks_files DIRECTORY [BLOCK_DEVICE] | --check DIRECTORY\n");
    return 2;
  }
  const TestPaths paths = check
                              ? TestPaths{arguments.at(1), ""}
                              : TestPaths{arguments[0], arguments.size() == 2 ? arguments[1] : ""};
  const std::vector<Test> tests = check ? std::vector<Test>{{"data are kept", IsKept}} : kTests;
  const std::string probe = paths.Path("probe");
  std::vector<KtapTest> runs;
  for (const Test& test : tests) runs.push_back({test.name, [&] { test.run(paths); }});
  return RunKtap(
      runs,
      [&] {
        const File file(probe, Bytes{1});
        ExpectDax(probe);
      },
      [] {});
}
