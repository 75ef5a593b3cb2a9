// SPDX-License-Identifier: Apache-2.0
//
// kmap_fuzz: ioctls that /dev/kmapbench must survive. Random ones (any command, any bytes, any
// address) may only fail in known ways; valid RUNs with one field changed have to succeed or
// fail as the header says they do. The same seed makes the same calls.
//
// kmap_fuzz DEVICE SEED RANDOM MUTATED
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kmapbench.h"
#include "unique_fd.h"

namespace kmapbench {

namespace {

constexpr size_t kPage = 4096;

class Fuzzer {
 public:
  Fuzzer(int fd, uint64_t seed) : fd_(fd), random_(seed) {
    // Two pages, the second read-only: a buffer may end where writing does.
    pages_ = static_cast<uint8_t*>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (pages_ != MAP_FAILED) mprotect(pages_ + kPage, kPage, PROT_READ);
    kmapbench_info info{};
    usable_ = pages_ != MAP_FAILED && ioctl(fd_, KMAPBENCH_IOC_INFO, &info) == 0;
    case_count_ = info.case_count;
  }
  ~Fuzzer() { munmap(pages_, 2 * kPage); }
  Fuzzer(const Fuzzer&) = delete;
  Fuzzer& operator=(const Fuzzer&) = delete;

  bool usable() const { return usable_; }
  uint64_t failures() const { return failures_; }

  void Random() {
    for (size_t i = 0; i < kPage; ++i) pages_[i] = static_cast<uint8_t>(random_());
    const unsigned long command = RandomCommand();
    uint8_t* const address = RandomAddress();
    static const std::set<int> kKnown = {0, EINVAL, ENOTTY, EFAULT, E2BIG};
    const int error = Call(command, address);
    if (!kKnown.count(error)) {
      Fail("command " + std::to_string(command) + ": " + std::strerror(error));
    }
  }

  void Mutated() {
    kmapbench_run run = ValidRun();
    Mutate(run);
    const int error = Call(KMAPBENCH_IOC_RUN, &run);
    const bool valid = run.index < case_count_ && run.ops >= 1 && run.ops <= KMAPBENCH_MAX_OPS &&
                       run.samples >= 1 && run.samples <= KMAPBENCH_MAX_SAMPLES &&
                       run.irq_policy == KMAPBENCH_IRQS_OFF && run.reserved == 0;
    const bool fits = run.buffer == Address(buffer_.data());
    const bool as_told = !valid ? error == EINVAL
                         : fits ? error == 0 || error == E2BIG
                                : error == EFAULT || error == E2BIG;
    if (!as_told) {
      Fail("RUN index " + std::to_string(run.index) + " ops " + std::to_string(run.ops) +
           " samples " + std::to_string(run.samples) + " policy " + std::to_string(run.irq_policy) +
           " reserved " + std::to_string(run.reserved) + ": " + std::strerror(error));
    }
  }

 private:
  static uint64_t Address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  int Call(unsigned long command, void* address) {
    return ioctl(fd_, command, address) == 0 ? 0 : errno;
  }

  unsigned long RandomCommand() {
    constexpr std::array<unsigned long, 3> kOurs = {KMAPBENCH_IOC_INFO, KMAPBENCH_IOC_CASE,
                                                    KMAPBENCH_IOC_RUN};
    const unsigned long ours = kOurs[Below(kOurs.size())];
    switch (Below(4)) {
      case 0:  // another size, number or direction
        return ours ^ (1ul << Below(32));
      case 1:
        return static_cast<uint32_t>(random_());
      default:
        return ours;
    }
  }

  uint8_t* RandomAddress() {
    switch (Below(6)) {
      case 0:
        return nullptr;
      case 1:  // the kernel's half
        return reinterpret_cast<uint8_t*>(random_() | 1ull << 63);
      case 2:  // runs into the read-only page
        return pages_ + kPage - Below(64);
      case 3:
        return reinterpret_cast<uint8_t*>(random_());
      default:
        return pages_ + Below(kPage / 2);
    }
  }

  kmapbench_run ValidRun() {
    kmapbench_run run{};
    run.index = static_cast<uint32_t>(Below(case_count_));
    run.ops = static_cast<uint32_t>(1 + Below(16));
    run.samples = static_cast<uint32_t>(1 + Below(4));
    run.buffer = Address(buffer_.data());
    return run;
  }

  uint32_t Extreme() {
    constexpr std::array<uint32_t, 8> kEdges = {0,
                                                1,
                                                KMAPBENCH_MAX_OPS,
                                                KMAPBENCH_MAX_OPS + 1,
                                                KMAPBENCH_MAX_SAMPLES + 1,
                                                0x7fffffff,
                                                0x80000000,
                                                std::numeric_limits<uint32_t>::max()};
    return Below(2) ? kEdges[Below(kEdges.size())] : static_cast<uint32_t>(random_());
  }

  void Mutate(kmapbench_run& run) {
    switch (Below(7)) {
      case 0:
        run.index = Extreme();
        break;
      case 1:
        run.ops = Extreme();
        break;
      case 2:
        run.samples = Extreme();
        break;
      case 3:
        run.irq_policy = Extreme();
        break;
      case 4:
        run.reserved = Extreme();
        break;
      case 5:
        run.buffer = Below(2) ? random_() | 1ull << 63 : Address(pages_ + kPage);
        break;
      default:  // results are not read
        run.status = Extreme();
        run.oracle = Extreme();
        run.first_window = random_();
        run.reason[0] = 'x';
    }
  }

  void Fail(const std::string& what) {
    ++failures_;
    std::fprintf(stderr, "kmap_fuzz: %s\n", what.c_str());
  }

  int fd_;
  std::mt19937_64 random_;
  uint8_t* pages_;
  bool usable_ = false;
  uint32_t case_count_ = 0;
  // Room for any valid number of samples.
  std::vector<kmapbench_sample> buffer_{KMAPBENCH_MAX_SAMPLES};
  uint64_t failures_ = 0;
};

bool ToNumber(std::string_view text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

int Main(int argc, char** argv) {
  uint64_t seed, random, mutated;
  if (argc != 5 || !ToNumber(argv[2], seed) || !ToNumber(argv[3], random) ||
      !ToNumber(argv[4], mutated)) {
    std::fprintf(stderr, "usage: kmap_fuzz DEVICE SEED RANDOM MUTATED\n");
    return 2;
  }
  const UniqueFd fd(open(argv[1], O_RDWR | O_CLOEXEC));
  if (!fd.ok()) {
    std::perror(argv[1]);
    return 2;
  }
  Fuzzer fuzzer(fd.get(), seed);
  if (!fuzzer.usable()) {
    std::fprintf(stderr, "kmap_fuzz: %s: INFO failed\n", argv[1]);
    return 2;
  }
  for (uint64_t i = 0; i < random; ++i) fuzzer.Random();
  for (uint64_t i = 0; i < mutated; ++i) fuzzer.Mutated();
  std::printf("kmap_fuzz: seed %s: %s random and %s mutated calls, %llu unexpected\n", argv[2],
              argv[3], argv[4], static_cast<unsigned long long>(fuzzer.failures()));
  return fuzzer.failures() ? 1 : 0;
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) { return kmapbench::Main(argc, argv); }
