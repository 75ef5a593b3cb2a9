// SPDX-License-Identifier: Apache-2.0
#include "entry/exec_sampler.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "common/markers.h"
#include "common/unique_fd.h"
#include "loop.h"
#include "record/record.h"
#include "system/clock.h"
#include "user/sampling.h"

namespace kmapbench::elsewhere {

namespace {

constexpr size_t kPageBytes = 4096;
// What one page of a page table maps: the mapping has it all, so that no fault needs another one.
constexpr size_t kTablePages = 512;

// Samples before the first that counts, and how many may be thrown away beyond one for each that
// is kept.
constexpr uint32_t kWarmUpSamples = 4;
constexpr uint32_t kSpareAttempts = 64;
// Of a case whose operation is longer than others' samples.
constexpr uint32_t kFewSamples = 15;
constexpr useconds_t kSettleMicroseconds = 30'000;

// What bodies work on.
struct Context {
  std::byte* pages = nullptr;  // the first of a mapping that only they touch
  std::byte* at = nullptr;
  uint64_t failures = 0;
};

struct Case {
  const char* name;
  void (*body)(Context* context, uint64_t ops);
  void (*before)(Context* context);  // a window, outside of it
  uint32_t max_ops;
  // By a FIFO thread, so that the fair scheduler has no part in it; and each sample waits until
  // RCU has freed what the processes of the last one have left.
  bool forks;
};

inline long SystemCall(long number, long first = 0, long second = 0) {
  register long third asm("r10") = 0;
  long result = number;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(first), "S"(second), "d"(0), "r"(third)
               : "rcx", "r11", "memory");
  return result;
}

struct Nothing {
  static void Do(Context*) {}
};

struct AskForParent {
  static void Do(Context*) { SystemCall(SYS_getppid); }
};

// A read: it maps the page of zeros, and needs no memory of its own.
struct TouchNextPage {
  static void Do(Context* context) {
    context->at += kPageBytes;
    static_cast<void>(*static_cast<volatile std::byte*>(context->at));
  }
};

struct ForkAndWait {
  static void Do(Context* context) {
    const long child = SystemCall(SYS_fork);
    if (child == 0) SystemCall(SYS_exit_group);
    if (SystemCall(SYS_wait4, child) != child) ++context->failures;
  }
};

template <class Step>
[[gnu::noinline]] void Body(Context* context, uint64_t ops) {
  KB_LOOP(ops, KB_LOOP_ON_1(context), Step::Do(context));
}

// All pages of one table, none of huge pages. There is always something behind the first one, so
// that the table stays.
std::byte* MapPages() {
  constexpr size_t kBytes = kTablePages * kPageBytes;
  void* const start =
      mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::runtime_error("no memory for pages to touch");
  madvise(start, 2 * kBytes, MADV_NOHUGEPAGE);
  const size_t beyond = reinterpret_cast<uintptr_t>(start) % kBytes;
  std::byte* const first = static_cast<std::byte*>(start) + (kBytes - beyond) % kBytes;
  *first = std::byte{1};
  return first;
}

void EmptyPages(Context* context) {
  context->at = context->pages;
  madvise(context->pages + kPageBytes, (kTablePages - 1) * kPageBytes, MADV_DONTNEED);
}

constexpr std::array<Case, 3> kCases = {{
    {"elsewhere/syscall", Body<AskForParent>, nullptr, 4096, false},
    {"elsewhere/user_fault", Body<TouchNextPage>, EmptyPages, (kTablePages - 1) / 2, false},
    {"elsewhere/fork_exit", Body<ForkAndWait>, nullptr, 64, true},
}};

// What can have come between, as far as user space is told.
class Disturbance {
 public:
  Disturbance() {
    // Of a machine with more CPUs it is not known which one an interrupt went to.
    if (sysconf(_SC_NPROCESSORS_ONLN) == 1) {
      interrupts_ = UniqueFd(open("/proc/stat", O_RDONLY | O_CLOEXEC));
    }
    if (interrupts_.ok()) rejected_["interrupt"] = 0;
    rejected_["preemption"] = 0;
  }

  void Begin() { begin_ = Now(); }

  // Whether the sample is good; else its cause is counted.
  bool Undisturbed() {
    const Moment end = Now();
    if (end.preemptions != begin_.preemptions) return ++rejected_["preemption"], false;
    if (end.interrupts != begin_.interrupts) return ++rejected_["interrupt"], false;
    return true;
  }

  const std::map<std::string, uint64_t>& rejected() const { return rejected_; }

 private:
  struct Moment {
    uint64_t interrupts = 0;  // of all kinds, since the start
    long preemptions = 0;
  };

  Moment Now() const {
    Moment now;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    now.preemptions = usage.ru_nivcsw;
    if (!interrupts_.ok()) return now;
    std::array<char, 4096> text;
    const ssize_t got = pread(interrupts_.get(), text.data(), text.size(), 0);
    const std::string_view read(text.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
    constexpr std::string_view kTotal = "\nintr ";
    const size_t at = read.find(kTotal);
    if (at == read.npos) throw std::runtime_error("/proc/stat: no count of interrupts");
    std::from_chars(read.data() + at + kTotal.size(), read.data() + read.size(), now.interrupts);
    return now;
  }

  UniqueFd interrupts_;
  std::map<std::string, uint64_t> rejected_;
  Moment begin_;
};

class Sampler {
 public:
  explicit Sampler(const Case& measured) : case_(measured) { context_.pages = MapPages(); }

  uint64_t windows() const { return windows_; }
  void set_marking(bool marking) { marking_ = marking; }
  bool failed() const { return context_.failures != 0; }

  Sample Take(uint32_t ops) {
    Sample sample;
    const double chain_before = ChainSlope();
    sample.empty_n = Window(Body<Nothing>, ops);
    sample.empty_2n = Window(Body<Nothing>, uint64_t{2} * ops);
    sample.case_n = Window(case_.body, ops);
    sample.case_2n = Window(case_.body, uint64_t{2} * ops);
    sample.chain = (chain_before + ChainSlope()) / 2;
    return sample;
  }

  uint32_t OpsFor(uint64_t target_ticks) {
    uint64_t shortest = UINT64_MAX;
    for (uint32_t i = 0; i < kWarmUpSamples; ++i) shortest = std::min(shortest, Take(1).case_n);
    const uint64_t ops = target_ticks / (2 * std::max<uint64_t>(shortest, 1));
    return static_cast<uint32_t>(std::clamp<uint64_t>(ops, 1, case_.max_ops));
  }

 private:
  [[gnu::noinline]] uint64_t Window(void (*body)(Context*, uint64_t), uint64_t ops) {
    if (case_.before) case_.before(&context_);
    if (marking_) MarkWindowBegin();
    const uint64_t begin = ClockBegin();
    body(&context_, ops);
    const uint64_t ticks = ClockEnd() - begin;
    if (marking_) MarkWindowEnd();
    windows_ += marking_;
    return ticks;
  }

  const Case& case_;
  Context context_;
  bool marking_ = false;
  uint64_t windows_ = 0;  // marked ones
};

struct Found {
  uint32_t ops = 0;
  uint64_t first_window = 0;
  uint64_t windows = 0;
  std::map<std::string, uint64_t> rejected;
  std::string reason;  // why there are no samples, or fewer
  std::vector<Sample> samples;
};

bool BecomeFifo() {
  sched_param lowest{};
  lowest.sched_priority = sched_get_priority_min(SCHED_FIFO);
  return sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
}

Found TakeSamples(const Case& measured, const Effort& effort) {
  Found found;
  if (measured.forks && !BecomeFifo()) {
    found.reason = "a FIFO thread is needed, which takes root";
    return found;
  }
  const user::PinnedToCpu pinned(user::AllowedCpus().front());
  Sampler sampler(measured);
  Disturbance disturbance;
  found.ops =
      effort.ops ? std::min(effort.ops, measured.max_ops) : sampler.OpsFor(effort.target_ticks);
  // All its memory now: a sample must not find it grown by the one before.
  found.samples.resize(effort.samples);
  for (uint32_t i = 0; i < kWarmUpSamples; ++i) sampler.Take(found.ops);

  size_t taken = 0;
  for (uint32_t left = 2 * effort.samples + kSpareAttempts; taken < effort.samples && left;
       --left) {
    const uint64_t window = sampler.windows();
    // An observer's account of a fork is long, and of one sample it says all.
    sampler.set_marking(taken == 0);
    if (measured.forks) usleep(kSettleMicroseconds);
    disturbance.Begin();
    found.samples[taken] = sampler.Take(found.ops);
    if (!disturbance.Undisturbed()) continue;
    if (taken++ == 0) found.first_window = window;
  }
  found.samples.resize(taken);
  found.windows = sampler.windows();
  found.rejected = disturbance.rejected();
  if (sampler.failed()) throw std::runtime_error("fork failed");
  if (taken < effort.samples) {
    found.reason = "too much disturbance: only " + std::to_string(taken) + " of " +
                   std::to_string(effort.samples) + " samples are good";
  }
  return found;
}

void Write(const Found& found) {
  nlohmann::json json = {{"ops", found.ops},         {"first_window", found.first_window},
                         {"windows", found.windows}, {"rejected", found.rejected},
                         {"reason", found.reason},   {"samples", nlohmann::json::array()}};
  for (const Sample& one : found.samples) {
    json["samples"].push_back(
        {one.empty_n, one.empty_2n, one.case_n, one.case_2n, one.chain.value_or(0)});
  }
  const std::string text = json.dump();
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(kSamplerOut, text.data() + done, text.size() - done);
    if (written < 0) throw std::runtime_error("the samples cannot be handed over");
    done += static_cast<size_t>(written);
  }
}

}  // namespace

std::vector<LoopBody> LoopBodies() {
  const auto begin = [](void (*body)(Context*, uint64_t)) {
    return reinterpret_cast<const unsigned char*>(body);
  };
  std::vector<LoopBody> bodies = {{"elsewhere/empty", begin(Body<Nothing>)}};
  for (const Case& one : kCases) bodies.push_back({one.name, begin(one.body)});
  return bodies;
}

std::vector<Listed> List() {
  std::vector<Listed> list;
  for (const Case& one : kCases) list.push_back({one.name, one.forks ? kFewSamples : 0});
  return list;
}

int SamplerMain(int argc, char** argv) {
  constexpr int kWords = 6;
  if (argc != kWords) throw std::runtime_error(std::string(kSampler) + " is kmap_bench's own");
  const auto* const measured = std::find_if(kCases.begin(), kCases.end(), [&](const Case& one) {
    return std::strcmp(one.name, argv[2]) == 0;
  });
  if (measured == kCases.end()) throw std::runtime_error(std::string(argv[2]) + ": no such case");
  Effort effort;
  effort.ops = static_cast<uint32_t>(std::stoul(argv[3]));
  effort.samples = static_cast<uint32_t>(std::stoul(argv[4]));
  effort.target_ticks = std::stoull(argv[5]);
  Write(TakeSamples(*measured, effort));
  return 0;
}

}  // namespace kmapbench::elsewhere
