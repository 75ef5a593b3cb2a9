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

#include "common/unique_fd.h"
#include "kmapbench.h"

namespace kmapbench {

namespace {

constexpr size_t kPage = 4096;

class Fuzzer {
 public:
  Fuzzer(int fd, uint64_t seed) : fd_(fd), random_(seed) {
    // Three pages, the second read-only, the third closed: a buffer may end where writing does.
    pages_ = static_cast<uint8_t*>(
        mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (pages_ != MAP_FAILED) {
      mprotect(pages_ + kPage, kPage, PROT_READ);
      mprotect(pages_ + 2 * kPage, kPage, PROT_NONE);
    }
    kmapbench_info info{};
    usable_ = pages_ != MAP_FAILED && ioctl(fd_, KMAPBENCH_IOC_INFO, &info) == 0;
    for (uint32_t i = 0; usable_ && i < info.case_count; ++i) {
      kmapbench_case_desc desc{};
      desc.index = i;
      usable_ = ioctl(fd_, KMAPBENCH_IOC_CASE, &desc) == 0 &&
                (desc.irq_policies & ((1u << KMAPBENCH_IRQ_POLICIES) - 1)) != 0;
      cases_.push_back(desc);
    }
    usable_ = usable_ && !cases_.empty();
  }
  ~Fuzzer() { munmap(pages_, 3 * kPage); }
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
    const kmapbench_run asked = run;
    const int error = Call(KMAPBENCH_IOC_RUN, &run);
    if (!AsTold(asked, run, error)) {
      Fail("RUN index " + std::to_string(asked.index) + " ops " + std::to_string(asked.ops) +
           " samples " + std::to_string(asked.samples) + " policy " +
           std::to_string(asked.irq_policy) + " page " + std::to_string(asked.user_page) +
           " reserved " + std::to_string(asked.reserved) + ": " + std::strerror(error) +
           ", status " + std::to_string(run.status) + ", taken " + std::to_string(run.taken));
    }
  }

 private:
  static uint64_t Address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

  bool Valid(const kmapbench_run& run) const {
    if (run.index >= cases_.size()) return false;
    const kmapbench_case_desc& c = cases_[run.index];
    return run.ops >= 1 && run.ops <= KMAPBENCH_MAX_OPS && run.samples >= 1 &&
           run.samples <= KMAPBENCH_MAX_SAMPLES && run.irq_policy < KMAPBENCH_IRQ_POLICIES &&
           (c.irq_policies & 1u << run.irq_policy) && (run.user_page == 0 || TakesAPage(c)) &&
           run.reserved == 0;
  }

  static bool TakesAPage(const kmapbench_case_desc& c) {
    return (c.flags & (KMAPBENCH_CASE_DEVMAP_PAGE | KMAPBENCH_CASE_DEVMAP_TAIL)) != 0;
  }

  // Whether the answer is what kmapbench.h says it is.
  bool AsTold(const kmapbench_run& asked, const kmapbench_run& answer, int error) const {
    if (!Valid(asked)) return error == EINVAL;
    const bool fits = asked.buffer == Address(buffer_.data());
    if (error == E2BIG) return true;
    // None of our pages is a device's: they are skipped, or cannot be pinned for writing.
    if (TakesAPage(cases_[asked.index]) && error == 0) {
      return answer.status == KMAPBENCH_SKIPPED && answer.taken == 0 && answer.reason[0] != 0;
    }
    if (asked.user_page != 0) return error == EFAULT || error == EINVAL;
    // Where no sample was taken there is none to hand out.
    if (!fits) return error == EFAULT || (error == 0 && answer.taken == 0);
    return error == 0 && answer.taken <= asked.samples &&
           (answer.status != KMAPBENCH_OK || answer.taken == asked.samples);
  }

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
    run.index = static_cast<uint32_t>(Below(cases_.size()));
    do {
      run.irq_policy = static_cast<uint32_t>(Below(KMAPBENCH_IRQ_POLICIES));
    } while (!(cases_[run.index].irq_policies & 1u << run.irq_policy));
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
    switch (Below(8)) {
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
      case 6:
        run.user_page = UserPage();
        break;
      default:  // results are not read
        run.status = Extreme();
        run.oracle = Extreme();
        run.taken = Extreme();
        run.pages = Extreme();
        run.first_window = random_();
        run.section_ticks = random_();
        run.run_ticks = random_();
        run.rejected[Below(KMAPBENCH_CAUSES)] = Extreme();
        run.reason[0] = 'x';
    }
  }

  uint64_t UserPage() {
    switch (Below(5)) {
      case 0:
        return random_();
      case 1:  // the kernel's half
        return random_() | 1ull << 63;
      case 2:  // closed
        return Address(pages_ + 2 * kPage);
      case 3:  // read-only
        return Address(pages_ + kPage);
      default:  // memory, and no device's
        return Address(pages_ + Below(kPage));
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
  std::vector<kmapbench_case_desc> cases_;
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
    std::fprintf(stderr, "kmap_fuzz: %s: INFO or CASE failed\n", argv[1]);
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
