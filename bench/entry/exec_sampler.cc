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

namespace kmapbench::entry {

namespace {

constexpr size_t kPageBytes = 4096;
// Pages that one page of a page table maps. The mapping fills such a table, so that no fault has to
// allocate another one.
constexpr size_t kTablePages = 512;

constexpr uint32_t kWarmUpSamples = 4;
// As many samples may be rejected as are kept, and this many more.
constexpr uint32_t kSpareAttempts = 64;
// Enough for a case whose operation takes longer than a sample of other cases.
constexpr uint32_t kFewSamples = 15;
constexpr useconds_t kRcuMicroseconds = 30'000;

// What bodies work on.
struct Context {
  std::byte* pages = nullptr;  // the first page of a mapping that only the bodies touch
  std::byte* at = nullptr;     // the page touched last
  uint64_t failures = 0;
};

struct Case {
  const char* name;
  void (*body)(Context* context, uint64_t ops);
  void (*before_window)(Context* context);  // null: nothing has to be prepared
  uint32_t max_ops;
  // Runs in a FIFO thread, to keep the fair scheduler's work out of it. Each sample waits until RCU
  // has freed what the processes of the last one left behind.
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

struct GetParentPid {
  static void Do(Context*) { SystemCall(SYS_getppid); }
};

// Reads: the fault maps the zero page, and allocates no memory.
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

// Maps the pages of one page table, without huge pages, and returns the first. That one is always
// present, so that the table is not freed.
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

// Unmaps all pages but the first, so that each faults again.
void EmptyPages(Context* context) {
  context->at = context->pages;
  madvise(context->pages + kPageBytes, (kTablePages - 1) * kPageBytes, MADV_DONTNEED);
}

constexpr std::array<Case, 3> kCases = {{
    {"elsewhere/syscall", Body<GetParentPid>, nullptr, 4096, false},
    {"elsewhere/user_fault", Body<TouchNextPage>, EmptyPages, (kTablePages - 1) / 2, false},
    {"elsewhere/fork_exit", Body<ForkAndWait>, nullptr, 64, true},
}};

// Finds samples that were disturbed, as far as user space can tell.
class Disturbance {
 public:
  Disturbance() {
    // With more CPUs, the total in /proc/stat does not say which one an interrupt went to.
    if (sysconf(_SC_NPROCESSORS_ONLN) == 1) {
      interrupts_ = UniqueFd(open("/proc/stat", O_RDONLY | O_CLOEXEC));
    }
    if (interrupts_.ok()) rejected_["interrupt"] = 0;
    rejected_["preemption"] = 0;
  }

  void Begin() { begin_ = Now(); }

  // Whether nothing disturbed the sample since Begin(). If something did, counts the cause.
  bool Undisturbed() {
    const Moment end = Now();
    if (end.preemptions != begin_.preemptions) return ++rejected_["preemption"], false;
    if (end.interrupts != begin_.interrupts) return ++rejected_["interrupt"], false;
    return true;
  }

  const std::map<std::string, uint64_t>& rejected() const { return rejected_; }

 private:
  struct Moment {
    uint64_t interrupts = 0;  // of all kinds, since boot
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
    const size_t total = read.find(kTotal);
    if (total == read.npos) throw std::runtime_error("/proc/stat: no count of interrupts");
    std::from_chars(read.data() + total + kTotal.size(), read.data() + read.size(), now.interrupts);
    return now;
  }

  UniqueFd interrupts_;
  std::map<std::string, uint64_t> rejected_;
  Moment begin_;
};

// Takes samples of one case.
class Sampler {
 public:
  explicit Sampler(const Case& measured) : case_(measured) { context_.pages = MapPages(); }

  // Windows that were marked for the observer.
  uint64_t windows() const { return windows_; }
  void set_marking(bool marking) { marking_ = marking; }
  bool failed() const { return context_.failures != 0; }

  // Times ops and 2 * ops operations of the empty loop and of the case.
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

  // Returns a number of operations, at most the case's limit, of which twice as many take about
  // target_ticks.
  uint32_t OpsFor(uint64_t target_ticks) {
    uint64_t shortest = UINT64_MAX;
    for (uint32_t i = 0; i < kWarmUpSamples; ++i) shortest = std::min(shortest, Take(1).case_n);
    const uint64_t ops = target_ticks / (2 * std::max<uint64_t>(shortest, 1));
    return static_cast<uint32_t>(std::clamp<uint64_t>(ops, 1, case_.max_ops));
  }

 private:
  [[gnu::noinline]] uint64_t Window(void (*body)(Context*, uint64_t), uint64_t ops) {
    if (case_.before_window) case_.before_window(&context_);
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
  uint64_t windows_ = 0;
};

struct SamplerResult {
  uint32_t ops = 0;
  uint64_t first_window = 0;  // of the samples, among the marked windows
  uint64_t windows = 0;       // marked
  std::map<std::string, uint64_t> rejected;
  std::string reason;  // why samples are missing; empty: none is
  std::vector<Sample> samples;
};

bool UseFifoScheduling() {
  sched_param lowest{};
  lowest.sched_priority = sched_get_priority_min(SCHED_FIFO);
  return sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
}

SamplerResult TakeSamples(const Case& measured, const SamplingPlan& plan) {
  SamplerResult result;
  if (measured.forks && !UseFifoScheduling()) {
    result.reason = "a FIFO thread is needed, which takes root";
    return result;
  }
  const user::PinnedToCpu pinned(user::AllowedCpus().front());
  Sampler sampler(measured);
  Disturbance disturbance;
  result.ops = plan.ops ? std::min(plan.ops, measured.max_ops) : sampler.OpsFor(plan.target_ticks);
  // Allocated now, because memory that grows between samples would change what a fork copies.
  result.samples.resize(plan.samples);
  for (uint32_t i = 0; i < kWarmUpSamples; ++i) sampler.Take(result.ops);

  size_t taken = 0;
  for (uint32_t left = 2 * plan.samples + kSpareAttempts; taken < plan.samples && left; --left) {
    const uint64_t window = sampler.windows();
    // One sample is enough for the observer, whose output about a fork is long.
    sampler.set_marking(taken == 0);
    if (measured.forks) usleep(kRcuMicroseconds);
    disturbance.Begin();
    result.samples[taken] = sampler.Take(result.ops);
    if (!disturbance.Undisturbed()) continue;
    if (taken++ == 0) result.first_window = window;
  }
  result.samples.resize(taken);
  result.windows = sampler.windows();
  result.rejected = disturbance.rejected();
  if (sampler.failed()) throw std::runtime_error("fork failed");
  if (taken < plan.samples) {
    result.reason = "too much disturbance: only " + std::to_string(taken) + " of " +
                    std::to_string(plan.samples) + " samples are good";
  }
  return result;
}

void Write(const SamplerResult& result) {
  nlohmann::json json = {{"ops", result.ops},         {"first_window", result.first_window},
                         {"windows", result.windows}, {"rejected", result.rejected},
                         {"reason", result.reason},   {"samples", nlohmann::json::array()}};
  for (const Sample& sample : result.samples) {
    json["samples"].push_back(
        {sample.empty_n, sample.empty_2n, sample.case_n, sample.case_2n, sample.chain.value_or(0)});
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
  for (const Case& measured : kCases) bodies.push_back({measured.name, begin(measured.body)});
  return bodies;
}

std::vector<EntryCase> ListCases() {
  std::vector<EntryCase> list;
  for (const Case& listed : kCases) list.push_back({listed.name, listed.forks ? kFewSamples : 0});
  return list;
}

int SamplerMain(int argc, char** argv) {
  constexpr int kWords = 6;
  if (argc != kWords) throw std::runtime_error(std::string(kSampler) + " is kmap_bench's own");
  const auto* const measured = std::find_if(kCases.begin(), kCases.end(), [&](const Case& listed) {
    return std::strcmp(listed.name, argv[2]) == 0;
  });
  if (measured == kCases.end()) throw std::runtime_error(std::string(argv[2]) + ": no such case");
  SamplingPlan plan;
  plan.ops = static_cast<uint32_t>(std::stoul(argv[3]));
  plan.samples = static_cast<uint32_t>(std::stoul(argv[4]));
  plan.target_ticks = std::stoull(argv[5]);
  Write(TakeSamples(*measured, plan));
  return 0;
}

}  // namespace kmapbench::entry
