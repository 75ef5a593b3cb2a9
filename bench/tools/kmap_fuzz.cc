// SPDX-License-Identifier: Apache-2.0
//
// kmap_fuzz: ioctls that /dev/kmapbench must survive. Random ones (any command, bytes and address)
// may only fail with known errors. Valid RUNs with one field changed must succeed or fail as
// kmapbench.h says. The same seed makes the same calls.
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

#include "common/unique_fd.h"
#include "kmapbench.h"

namespace kmapbench {

namespace {

constexpr size_t kPage = 4096;

uint64_t AddressOf(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

// Three pages: the first may be written, the second only read, the third is closed. A buffer may
// thus end where writing ends.
class FuzzPages {
 public:
  FuzzPages() {
    void* const start =
        mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return;
    start_ = static_cast<uint8_t*>(start);
    mprotect(read_only(), kPage, PROT_READ);
    mprotect(closed(), kPage, PROT_NONE);
  }
  ~FuzzPages() {
    if (ok()) munmap(start_, 3 * kPage);
  }
  FuzzPages(const FuzzPages&) = delete;
  FuzzPages& operator=(const FuzzPages&) = delete;

  bool ok() const { return start_ != nullptr; }
  uint8_t* writable() const { return start_; }
  uint8_t* read_only() const { return start_ + kPage; }
  uint8_t* closed() const { return start_ + 2 * kPage; }

 private:
  uint8_t* start_ = nullptr;
};

// Random numbers: the same for the same seed.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t Next() { return engine_(); }
  uint64_t Below(uint64_t limit) { return engine_() % limit; }
  // An address in the kernel's half.
  uint64_t KernelAddress() { return engine_() | 1ull << 63; }

 private:
  std::mt19937_64 engine_;
};

// The device, and what kmapbench.h says of its RUN.
class FuzzTarget {
 public:
  // Reads INFO and all CASEs; usable() says whether that worked.
  explicit FuzzTarget(int fd) : fd_(fd) {
    kmapbench_info info{};
    usable_ = Call(KMAPBENCH_IOC_INFO, &info) == 0;
    for (uint32_t i = 0; usable_ && i < info.case_count; ++i) {
      kmapbench_case_desc desc{};
      desc.index = i;
      usable_ = Call(KMAPBENCH_IOC_CASE, &desc) == 0 &&
                (desc.irq_policies & ((1u << KMAPBENCH_IRQ_POLICIES) - 1)) != 0;
      cases_.push_back(desc);
    }
    usable_ = usable_ && !cases_.empty();
  }

  bool usable() const { return usable_; }
  const std::vector<kmapbench_case_desc>& cases() const { return cases_; }
  // Address of a buffer with room for any valid number of samples.
  uint64_t buffer() const { return AddressOf(buffer_.data()); }

  // An ioctl of the device: 0, or the errno with which it failed.
  int Call(unsigned long command, void* address) const {
    return ioctl(fd_, command, address) == 0 ? 0 : errno;
  }

  // Whether a RUN may end like this: `asked` is what was passed, `answer` what is there afterwards.
  bool IsRightAnswer(const kmapbench_run& asked, const kmapbench_run& answer, int error) const {
    if (!IsValid(asked)) return error == EINVAL;
    if (error == E2BIG) return true;
    // None of our pages is a device page: such a case is skipped, or the page cannot be pinned.
    if (MapsUserPage(cases_[asked.index]) && error == 0) {
      return answer.status == KMAPBENCH_SKIPPED && answer.taken == 0 && answer.reason[0] != 0;
    }
    if (asked.user_page != 0) return error == EFAULT || error == EINVAL;
    // With a bad buffer RUN only succeeds if it has no sample to write there.
    if (asked.buffer != buffer()) return error == EFAULT || (error == 0 && answer.taken == 0);
    return error == 0 && answer.taken <= asked.samples &&
           (answer.status != KMAPBENCH_OK || answer.taken == asked.samples);
  }

 private:
  static bool MapsUserPage(const kmapbench_case_desc& c) {
    return (c.flags & (KMAPBENCH_CASE_DEVMAP_PAGE | KMAPBENCH_CASE_DEVMAP_TAIL)) != 0;
  }

  // Whether all fields but the buffer are as the header allows them.
  bool IsValid(const kmapbench_run& run) const {
    if (run.index >= cases_.size()) return false;
    const kmapbench_case_desc& c = cases_[run.index];
    return run.ops >= 1 && run.ops <= KMAPBENCH_MAX_OPS && run.samples >= 1 &&
           run.samples <= KMAPBENCH_MAX_SAMPLES && run.irq_policy < KMAPBENCH_IRQ_POLICIES &&
           (c.irq_policies & 1u << run.irq_policy) && (run.user_page == 0 || MapsUserPage(c)) &&
           run.clock < KMAPBENCH_CLOCKS;
  }

  int fd_;
  bool usable_ = false;
  std::vector<kmapbench_case_desc> cases_;
  std::vector<kmapbench_sample> buffer_{KMAPBENCH_MAX_SAMPLES};
};

// Makes calls with any command and any address.
class RandomCalls {
 public:
  RandomCalls(const FuzzTarget& target, const FuzzPages& pages, Random& random)
      : target_(target), pages_(pages), random_(random) {}

  // Makes a call. Returns what is wrong with its answer; empty: nothing.
  std::string Make() {
    for (size_t i = 0; i < kPage; ++i) pages_.writable()[i] = static_cast<uint8_t>(random_.Next());
    const unsigned long command = Command();
    uint8_t* const address = Address();
    static const std::set<int> kKnown = {0, EINVAL, ENOTTY, EFAULT, E2BIG};
    const int error = target_.Call(command, address);
    if (kKnown.count(error)) return "";
    return "command " + std::to_string(command) + ": " + std::strerror(error);
  }

 private:
  unsigned long Command() {
    constexpr std::array<unsigned long, 3> kOurs = {KMAPBENCH_IOC_INFO, KMAPBENCH_IOC_CASE,
                                                    KMAPBENCH_IOC_RUN};
    const unsigned long ours = kOurs[random_.Below(kOurs.size())];
    switch (random_.Below(4)) {
      case 0:  // another size, number or direction
        return ours ^ (1ul << random_.Below(32));
      case 1:
        return static_cast<uint32_t>(random_.Next());
      default:
        return ours;
    }
  }

  uint8_t* Address() {
    switch (random_.Below(6)) {
      case 0:
        return nullptr;
      case 1:
        return reinterpret_cast<uint8_t*>(random_.KernelAddress());
      case 2:  // ends in the read-only page
        return pages_.read_only() - random_.Below(64);
      case 3:
        return reinterpret_cast<uint8_t*>(random_.Next());
      default:
        return pages_.writable() + random_.Below(kPage / 2);
    }
  }

  const FuzzTarget& target_;
  const FuzzPages& pages_;
  Random& random_;
};

// Makes valid RUNs with one field changed.
class MutatedRuns {
 public:
  MutatedRuns(const FuzzTarget& target, const FuzzPages& pages, Random& random)
      : target_(target), pages_(pages), random_(random) {}

  // Makes a RUN. Returns what is wrong with its answer; empty: nothing.
  std::string Make() {
    kmapbench_run run = ValidRun();
    Mutate(run);
    const kmapbench_run asked = run;
    const int error = target_.Call(KMAPBENCH_IOC_RUN, &run);
    if (target_.IsRightAnswer(asked, run, error)) return "";
    return "RUN index " + std::to_string(asked.index) + " ops " + std::to_string(asked.ops) +
           " samples " + std::to_string(asked.samples) + " policy " +
           std::to_string(asked.irq_policy) + " page " + std::to_string(asked.user_page) +
           " clock " + std::to_string(asked.clock) + ": " + std::strerror(error) + ", status " +
           std::to_string(run.status) + ", taken " + std::to_string(run.taken);
  }

 private:
  kmapbench_run ValidRun() {
    const std::vector<kmapbench_case_desc>& cases = target_.cases();
    kmapbench_run run{};
    run.index = static_cast<uint32_t>(random_.Below(cases.size()));
    do {
      run.irq_policy = static_cast<uint32_t>(random_.Below(KMAPBENCH_IRQ_POLICIES));
    } while (!(cases[run.index].irq_policies & 1u << run.irq_policy));
    run.ops = static_cast<uint32_t>(1 + random_.Below(16));
    run.samples = static_cast<uint32_t>(1 + random_.Below(4));
    run.buffer = target_.buffer();
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
    return random_.Below(2) ? kEdges[random_.Below(kEdges.size())]
                            : static_cast<uint32_t>(random_.Next());
  }

  void Mutate(kmapbench_run& run) {
    switch (random_.Below(8)) {
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
        run.clock =
            random_.Below(2) ? Extreme() : static_cast<uint32_t>(random_.Below(KMAPBENCH_CLOCKS));
        break;
      case 5:
        run.buffer = random_.Below(2) ? random_.KernelAddress() : AddressOf(pages_.read_only());
        break;
      case 6:
        run.user_page = UserPage();
        break;
      default:
        MutateResults(run);
    }
  }

  // Fields that RUN writes and does not read.
  void MutateResults(kmapbench_run& run) {
    run.status = Extreme();
    run.oracle = Extreme();
    run.taken = Extreme();
    run.pages = Extreme();
    run.first_window = random_.Next();
    run.section_ticks = random_.Next();
    run.run_ticks = random_.Next();
    run.rejected[random_.Below(KMAPBENCH_CAUSES)] = Extreme();
    run.reason[0] = 'x';
  }

  uint64_t UserPage() {
    switch (random_.Below(5)) {
      case 0:
        return random_.Next();
      case 1:
        return random_.KernelAddress();
      case 2:
        return AddressOf(pages_.closed());
      case 3:
        return AddressOf(pages_.read_only());
      default:  // memory that is no device's
        return AddressOf(pages_.writable() + random_.Below(kPage));
    }
  }

  const FuzzTarget& target_;
  const FuzzPages& pages_;
  Random& random_;
};

// Makes a number of calls, prints what is wrong with them, and returns how many are.
template <typename Calls>
uint64_t CountFailures(Calls calls, uint64_t count) {
  uint64_t failures = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string failure = calls.Make();
    if (failure.empty()) continue;
    ++failures;
    std::fprintf(stderr, "kmap_fuzz: %s\n", failure.c_str());
  }
  return failures;
}

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
  const FuzzPages pages;
  const FuzzTarget target(fd.get());
  if (!pages.ok() || !target.usable()) {
    std::fprintf(stderr, "kmap_fuzz: %s: INFO or CASE failed\n", argv[1]);
    return 2;
  }
  Random numbers(seed);
  uint64_t failures = CountFailures(RandomCalls(target, pages, numbers), random);
  failures += CountFailures(MutatedRuns(target, pages, numbers), mutated);
  std::printf("kmap_fuzz: seed %s: %s random and %s mutated calls, %llu unexpected\n", argv[2],
              argv[3], argv[4], static_cast<unsigned long long>(failures));
  return failures ? 1 : 0;
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) { return kmapbench::Main(argc, argv); }
