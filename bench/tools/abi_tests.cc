// SPDX-License-Identifier: Apache-2.0
#include "tools/abi_tests.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "kmapbench.h"

namespace kmapbench {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kKeyFault = 1u << 5;  // of a page fault's error code: the key forbade it

Result Ok() { return {Result::kOk, ""}; }
Result NotOk(std::string reason) { return {Result::kNotOk, std::move(reason)}; }
// A failure where there is something to say, else success.
Result Verdict(std::string failure) { return failure.empty() ? Ok() : NotOk(std::move(failure)); }

std::string ErrorName(int error) { return error == 0 ? "success" : std::strerror(error); }

// Empty where a call ended as it should.
std::string Expect(const std::string& what, int error, int expected) {
  if (error == expected) return "";
  return what + ": " + ErrorName(error) + ", not " + ErrorName(expected);
}

// The first that is not empty.
std::string First(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) {
    if (!failure.empty()) return failure;
  }
  return "";
}

class Suite {
 public:
  Suite(std::string path, int fd, std::optional<DaxMapping> file, std::optional<DaxMapping> device)
      : path_(std::move(path)),
        fd_(fd),
        dax_file_(std::move(file)),
        dax_device_(std::move(device)) {}

  // Empty where the module can be tested at all.
  std::string Prepare() {
    if (Call(KMAPBENCH_IOC_INFO, &info_) != 0) return ErrorName(errno);
    if (info_.abi != KMAPBENCH_ABI) {
      return "the loaded module speaks ABI " + std::to_string(info_.abi) + ", this program " +
             std::to_string(KMAPBENCH_ABI);
    }
    for (uint32_t i = 0; i < info_.case_count; ++i) {
      kmapbench_case_desc desc{};
      desc.index = i;
      const int error = Call(KMAPBENCH_IOC_CASE, &desc);
      if (error != 0) return "case " + std::to_string(i) + ": " + ErrorName(error);
      cases_.push_back(desc);
    }
    return cases_.empty() ? "the module has no case" : "";
  }

  std::vector<Test> Tests() {
    std::vector<Test> tests = {
        {"abi", [this] { return Info(); }},
        {"cases have names of their own", [this] { return Names(); }},
        {"an unknown command is refused", [this] { return UnknownCommand(); }},
        {"reserved fields are refused", [this] { return Reserved(); }},
        {"a bad index is refused", [this] { return Index(); }},
        {"a bad number of operations is refused", [this] { return Ops(); }},
        {"a bad number of samples is refused", [this] { return Samples(); }},
        {"a policy that a case does not take is refused", [this] { return Policy(); }},
        {"a page is refused where none is mapped", [this] { return UnwantedPage(); }},
        {"bad addresses are refused", [this] { return Addresses(); }},
        {"one run at a time", [this] { return Busy(); }},
        {"the device belongs to root alone", [this] { return Mode(); }},
        {"an ordinary user cannot open it", [this] { return OrdinaryUser(); }},
        {"root without CAP_SYS_ADMIN cannot open it", [this] { return WithoutCapability(); }},
    };
    for (const kmapbench_case_desc& c : cases_) {
      tests.push_back({c.name, [this, &c] { return EachPolicy(c); }});
    }
    return tests;
  }

 private:
  int Call(unsigned long command, void* argument) const {
    return ioctl(fd_, command, argument) == 0 ? 0 : errno;
  }

  static uint64_t Address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

  static bool Takes(const kmapbench_case_desc& c, uint32_t policy) {
    return (c.irq_policies & 1u << policy) != 0;
  }

  static bool MapsUserPage(const kmapbench_case_desc& c) {
    return (c.flags & (KMAPBENCH_CASE_DEVMAP_PAGE | KMAPBENCH_CASE_DEVMAP_TAIL)) != 0;
  }

  // A run that is in order, of the first case (the empty loop) unless told otherwise.
  kmapbench_run Valid(uint32_t index = 0) {
    kmapbench_run run{};
    run.index = index;
    run.ops = 16;
    run.samples = kSamples;
    while (run.irq_policy + 1 < KMAPBENCH_IRQ_POLICIES && !Takes(cases_[index], run.irq_policy)) {
      ++run.irq_policy;
    }
    run.buffer = Address(samples_.data());
    return run;
  }

  // What a run answers that is in order but for one thing.
  template <typename Change>
  int Changed(Change change) {
    kmapbench_run run = Valid();
    change(run);
    return Call(KMAPBENCH_IOC_RUN, &run);
  }

  Result Info() {
    for (const uint64_t reserved : info_.reserved) {
      if (reserved != 0) return NotOk("a reserved field of INFO is not 0");
    }
    return info_.tsc_khz ? Ok() : NotOk("the clock's frequency is 0");
  }

  Result Names() {
    for (size_t i = 0; i < cases_.size(); ++i) {
      const std::string name(cases_[i].name, strnlen(cases_[i].name, sizeof(cases_[i].name)));
      if (name.empty() || name.size() == sizeof(cases_[i].name) || cases_[i].what[0] == 0) {
        return NotOk("case " + std::to_string(i) + " has no name or no description");
      }
      for (size_t j = 0; j < i; ++j) {
        if (name == cases_[j].name) return NotOk(name + " is there twice");
      }
      const uint32_t known = (1u << KMAPBENCH_IRQ_POLICIES) - 1;
      if (cases_[i].irq_policies == 0 || cases_[i].irq_policies & ~known) {
        return NotOk(name + ": takes no policy, or an unknown one");
      }
    }
    return Ok();
  }

  Result UnknownCommand() {
    return Verdict(Expect("a command of ours with another number",
                          Call(_IOR('k', 0xb3, kmapbench_info), &info_), ENOTTY));
  }

  Result Reserved() {
    return Verdict(Expect("RUN", Changed([](kmapbench_run& run) { run.reserved = 1; }), EINVAL));
  }

  Result Index() {
    kmapbench_case_desc desc{};
    desc.index = info_.case_count;
    const uint32_t count = info_.case_count;
    return Verdict(First({
        Expect("CASE", Call(KMAPBENCH_IOC_CASE, &desc), EINVAL),
        Expect("RUN", Changed([&](kmapbench_run& run) { run.index = count; }), EINVAL),
        Expect("RUN, the largest index", Changed([](kmapbench_run& run) { run.index = ~0u; }),
               EINVAL),
    }));
  }

  Result Ops() {
    return Verdict(First({
        Expect("none", Changed([](kmapbench_run& run) { run.ops = 0; }), EINVAL),
        Expect("too many", Changed([](kmapbench_run& run) { run.ops = KMAPBENCH_MAX_OPS + 1; }),
               EINVAL),
    }));
  }

  Result Samples() {
    return Verdict(First({
        Expect("none", Changed([](kmapbench_run& run) { run.samples = 0; }), EINVAL),
        Expect("too many",
               Changed([](kmapbench_run& run) { run.samples = KMAPBENCH_MAX_SAMPLES + 1; }),
               EINVAL),
    }));
  }

  Result Policy() {
    for (const kmapbench_case_desc& c : cases_) {
      for (uint32_t policy = 0; policy <= KMAPBENCH_IRQ_POLICIES; ++policy) {
        if (Takes(c, policy)) continue;
        kmapbench_run run = Valid(c.index);
        run.irq_policy = policy;
        const int error = Call(KMAPBENCH_IOC_RUN, &run);
        if (error != EINVAL) {
          return NotOk(
              Expect(std::string(c.name) + ", policy " + std::to_string(policy), error, EINVAL));
        }
      }
    }
    return Ok();
  }

  Result UnwantedPage() {
    for (const kmapbench_case_desc& c : cases_) {
      if (MapsUserPage(c)) continue;
      kmapbench_run run = Valid(c.index);
      run.user_page = Address(samples_.data());
      const int error = Call(KMAPBENCH_IOC_RUN, &run);
      if (error != EINVAL) return NotOk(Expect(c.name, error, EINVAL));
    }
    return Ok();
  }

  Result Addresses() {
    void* const closed = mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (closed == MAP_FAILED) return NotOk("mmap: " + ErrorName(errno));
    const uint64_t kernel = 0xffff888000000000;  // the direct map's usual start
    const auto buffer_at = [this](uint64_t address) {
      return Changed([=](kmapbench_run& run) { run.buffer = address; });
    };
    Result result = Verdict(First({
        Expect("INFO", Call(KMAPBENCH_IOC_INFO, closed), EFAULT),
        Expect("CASE", Call(KMAPBENCH_IOC_CASE, closed), EFAULT),
        Expect("RUN", Call(KMAPBENCH_IOC_RUN, closed), EFAULT),
        Expect("RUN, null", Call(KMAPBENCH_IOC_RUN, nullptr), EFAULT),
        Expect("RUN, a closed buffer", buffer_at(Address(closed)), EFAULT),
        Expect("RUN, a buffer of the kernel", buffer_at(kernel), EFAULT),
    }));
    munmap(closed, kPage);
    return result;
  }

  // While another thread's run is under way, ours has to be turned away, and to work again after.
  Result Busy() {
    std::vector<kmapbench_sample> theirs(kLongSamples);
    std::atomic<int> their_error = -1;
    std::thread other([&] {
      kmapbench_run run = Valid();
      run.samples = kLongSamples;
      run.buffer = Address(theirs.data());
      their_error = Call(KMAPBENCH_IOC_RUN, &run);
    });
    bool turned_away = false;
    int error = 0;
    while (their_error < 0 && !turned_away && (error == 0 || error == EBUSY)) {
      error = Changed([](kmapbench_run& run) { run.samples = 1; });
      turned_away = error == EBUSY;
    }
    other.join();
    // They came second: then it was they who were turned away.
    turned_away |= their_error == EBUSY;
    if (their_error != 0 && their_error != EBUSY) {
      return NotOk("the other thread: " + ErrorName(their_error));
    }
    if (!turned_away) return NotOk("two runs at once, and none was turned away with EBUSY");
    return Verdict(Expect("afterwards", Changed([](kmapbench_run&) {}), 0));
  }

  Result Mode() {
    struct stat status {};
    if (fstat(fd_, &status) != 0) return NotOk(ErrorName(errno));
    if (!S_ISCHR(status.st_mode)) return NotOk("it is no character device");
    if ((status.st_mode & 07777) != 0600 || status.st_uid != 0) {
      char mode[32];
      std::snprintf(mode, sizeof(mode), "mode %04o, user %u", status.st_mode & 07777,
                    status.st_uid);
      return NotOk(mode);
    }
    return Ok();
  }

  Result OrdinaryUser() {
    constexpr uid_t kNobody = 65534;
    const int error = OpenedBy(
        [] { return setgroups(0, nullptr) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0; });
    return Verdict(Expect("open", error, EACCES));
  }

  Result WithoutCapability() {
    const int error = OpenedBy([] {
      __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
      std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
      return syscall(SYS_capset, &header, none.data()) == 0;
    });
    return Verdict(Expect("open", error, EPERM));
  }

  // How opening the device ends in a process that has become somebody less.
  template <typename Become>
  int OpenedBy(Become become) {
    constexpr int kNotBecome = 255;
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
      if (!become()) _exit(kNotBecome);
      _exit(open(path_.c_str(), O_RDWR | O_CLOEXEC) >= 0 ? 0 : errno);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return ECHILD;
    return WEXITSTATUS(status) == kNotBecome ? EINVAL : WEXITSTATUS(status);
  }

  uint64_t UserPage(const kmapbench_case_desc& c) const {
    if (c.flags & KMAPBENCH_CASE_DEVMAP_PAGE && dax_file_) return dax_file_->first_page();
    if (c.flags & KMAPBENCH_CASE_DEVMAP_TAIL && dax_device_) return dax_device_->second_page();
    return 0;
  }

  // A case in each policy it takes: skipped where it is skipped in all of them.
  Result EachPolicy(const kmapbench_case_desc& c) {
    Result result{Result::kSkipped, "takes no policy"};
    bool measured = false;
    for (uint32_t policy = 0; policy < KMAPBENCH_IRQ_POLICIES; ++policy) {
      if (!Takes(c, policy)) continue;
      result = One(c, policy);
      measured |= result.state == Result::kOk;
      if (result.state == Result::kNotOk) {
        result.reason = "policy " + std::to_string(policy) + ": " + result.reason;
        return result;
      }
    }
    return measured ? Ok() : result;
  }

  Result One(const kmapbench_case_desc& c, uint32_t policy) {
    kmapbench_run run{};
    int error = E2BIG;
    // A slow operation may not fit many times into the time that interrupts are off.
    for (const uint32_t ops : {16, 4, 1}) {
      run = Valid(c.index);
      run.ops = ops;
      run.irq_policy = policy;
      run.user_page = UserPage(c);
      samples_.fill({});
      error = Call(KMAPBENCH_IOC_RUN, &run);
      if (error != E2BIG) break;
    }
    if (error != 0) return NotOk(ErrorName(error));
    const std::string reason(run.reason, strnlen(run.reason, sizeof(run.reason)));
    if (run.status == KMAPBENCH_SKIPPED) {
      if (reason.empty() || run.taken != 0) return NotOk("skipped without a reason, or timed");
      return {Result::kSkipped, reason};
    }
    if (run.status != KMAPBENCH_OK) return NotOk(reason.empty() ? "flagged" : reason);
    return Verdict(First({Timed(run), Guarded(c, run)}));
  }

  std::string Timed(const kmapbench_run& run) const {
    if (run.taken != run.samples) {
      return std::to_string(run.taken) + " samples of " + std::to_string(run.samples);
    }
    uint64_t windows = 0;
    for (const kmapbench_sample& sample : samples_) {
      for (const uint64_t ticks :
           {sample.empty_n, sample.empty_2n, sample.case_n, sample.case_2n, sample.shifted_n,
            sample.shifted_2n, sample.chain_n, sample.chain_2n}) {
        if (ticks == 0) return "a window took no tick";
        windows += ticks;
      }
    }
    if (run.section_ticks < windows) return "the samples took less than their windows";
    if (run.run_ticks < run.section_ticks) return "the run took less than its samples";
    return "";
  }

  static std::string Guarded(const kmapbench_case_desc& c, const kmapbench_run& run) {
    const bool guarded = std::strstr(c.name, "/protected") != nullptr;
    if (run.oracle != (guarded ? KMAPBENCH_ORACLE_HELD : KMAPBENCH_ORACLE_NONE)) {
      return guarded ? "the oracle did not hold" : "an oracle, and nothing is protected";
    }
    if (guarded && !(run.oracle_error_code & kKeyFault)) return "the fault was not for the key";
    return "";
  }

  static constexpr uint32_t kSamples = 3;
  static constexpr uint32_t kLongSamples = 16384;

  std::string path_;
  int fd_;
  std::optional<DaxMapping> dax_file_;
  std::optional<DaxMapping> dax_device_;
  kmapbench_info info_{};
  std::vector<kmapbench_case_desc> cases_;
  std::array<kmapbench_sample, kSamples> samples_{};
};

}  // namespace

std::vector<Test> AbiTests(const std::string& path, int fd, std::optional<DaxMapping> file,
                           std::optional<DaxMapping> device) {
  const auto suite = std::make_shared<Suite>(path, fd, std::move(file), std::move(device));
  const std::string problem = suite->Prepare();
  if (!problem.empty()) throw std::runtime_error(path + ": " + problem);
  std::vector<Test> tests = suite->Tests();
  // The tests are the suite's, and keep it alive.
  for (Test& test : tests) test.run = [suite, run = std::move(test.run)] { return run(); };
  return tests;
}

}  // namespace kmapbench
