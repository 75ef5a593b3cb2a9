// SPDX-License-Identifier: Apache-2.0
//
// kmap_bench: one Google Benchmark program for the kernel cases, measured by kmapbench.ko, and
// for the user models, measured here.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "common/run_main.h"
#include "entry/entry_cases.h"
#include "kmap_bench/loop_check.h"
#include "kmap_bench/options.h"
#include "kmapbench.h"
#include "module_client/dax_page.h"
#include "module_client/device.h"
#include "record/record.h"
#include "record/record_writer.h"
#include "system/clock.h"
#include "system/counters.h"
#include "system/environment.h"
#include "user/measure.h"
#include "user/model.h"
#include "user/sampling.h"

namespace kmapbench {

namespace {

// A sample of 2n operations of about this many seconds: long against the clock's step, short
// against an interrupt (measuring rule 4), and well under the module's limit.
constexpr double kSampleSeconds = 5e-6;
// The emulator's clock has no noise to outlast; a sample of 2n is about this many instructions.
constexpr uint64_t kIcountSampleTicks = 20'000;
constexpr uint64_t kMinClockSteps = 300;
// Of the time that the module keeps interrupts off at most: it estimates on the safe side.
constexpr double kMaxSectionShare = 0.6;

// Samples and repetitions where the user names none: an exact clock needs a few to show that it
// is exact, time needs many.
struct SampleCount {
  uint32_t samples;
  uint32_t repetitions;
};
constexpr SampleCount kIcountSampleCount{63, 1};
constexpr SampleCount kTimeSampleCount{400, 10};

// One thing to be measured, and how.
struct Case {
  std::string name;
  // Asked for only where something is measured: to find it out takes a while.
  std::function<double()> clock_hz;
  // Known before measuring to be impossible here, so that one try is enough to say so.
  bool skipped;
  // A record of `samples` samples; ops 0 chooses. The counters count while samples are taken.
  std::function<Record(uint32_t ops, uint32_t samples, CounterGroup& counters)> measure;
  enum class Half { kKernel, kUser } half;  // whose controls it takes
  bool counted = true;  // not where the kernel would put counters away and back in each operation
  uint32_t fewer_samples = 0;  // where nobody asks for a number; 0: as many as of others
};

double HostClockHz() {
  static const double hz = ClockHz();
  return hz;
}

class Program {
 public:
  Program(const Options& options, const GBenchFlags& flags)
      : options_(options),
        listing_(flags.list),
        warm_up_(flags.warm_up_seconds),
        count_(options.origin.clock == Clock::kIcount ? kIcountSampleCount : kTimeSampleCount),
        writer_(options.records) {
    // Of its repetitions and time Google Benchmark leaves the choice to us, as what it was asked
    // for.
    if (flags.min_seconds > 0) count_.samples = SamplesIn(flags.min_seconds);
    if (flags.repetitions) count_.repetitions = flags.repetitions;
    if (options.samples) count_.samples = options.samples;
    if (options.repetitions) count_.repetitions = options.repetitions;
  }

  void Register() {
    RegisterControls();
    if (options_.user_models) RegisterModels();
    if (!options_.kernel_cases) return;
    if (std::filesystem::exists(options_.device)) RegisterDevice();
    for (const entry::EntryCase& one : entry::ListCases()) RegisterCase(ElsewhereCase(one));
  }

  void SayNoCase() {
    if (options_.events) writer_.Write({{"event", "no_case"}});
  }

  bool failed() const { return failed_; }

 private:
  void RegisterControls() {
    for (const user::Model& control : user::Controls()) user_controls_.push_back(UserCase(control));
  }

  void RegisterModels() {
    const auto cpus = static_cast<unsigned>(user::AllowedCpus().size());
    for (const user::Model& model : user::Models(cpus)) {
      if (model.in_default_set || options_.all_cases) RegisterCase(UserCase(model));
    }
  }

  void RegisterDevice() {
    device_.emplace(options_.device);
    if (!options_.dax_file.empty()) dax_file_ = DaxMapping::OfFile(options_.dax_file);
    if (!options_.dax_device.empty()) dax_device_ = DaxMapping::OfDevice(options_.dax_device);
    for (const KernelCase& kernel_case : device_->Cases()) {
      if (kernel_case.known) {
        kernel_controls_.push_back(DeviceCase(kernel_case));
        continue;
      }
      if (kernel_case.in_default_set || options_.all_cases) RegisterCase(DeviceCase(kernel_case));
    }
  }

  // A sample is its two windows, those of the empty loop, and the add chain before and after.
  static uint32_t SamplesIn(double seconds) {
    constexpr double kSpanOfSample = 4;
    const double samples = std::ceil(seconds / (kSpanOfSample * kSampleSeconds));
    return static_cast<uint32_t>(std::clamp(samples, 1.0, double{kMaxKeptSamples}));
  }

  uint64_t TargetTicks(double clock_hz) const {
    if (Emulated()) return kIcountSampleTicks;
    return std::max(static_cast<uint64_t>(kSampleSeconds * clock_hz), kMinClockSteps * ClockStep());
  }

  bool Emulated() const { return options_.origin.clock == Clock::kIcount; }

  // By the emulator's clock an instruction is a nanosecond. The kernel's figure for its TSC is
  // a measured one, and differs from boot to boot.
  double DeviceHz() const { return Emulated() ? 1e9 : device_->clock_hz(); }
  double UserHz() const { return Emulated() ? 1e9 : HostClockHz(); }

  Case UserCase(const user::Model& model) {
    return {model.name, [this] { return UserHz(); }, !user::SkipReason(model).empty(),
            [=, this](uint32_t ops, uint32_t samples, CounterGroup& counters) {
              const uint64_t ticks = TargetTicks(UserHz());
              return user::Measure(model, {ops, samples, ticks, options_.write_cycles}, counters);
            },
            Case::Half::kUser};
  }

  // Counters of this thread would see nothing of a process of its own.
  Case ElsewhereCase(const entry::EntryCase& listed) {
    const std::string name = listed.name;
    return {name,
            [this] { return UserHz(); },
            false,
            [=, this](uint32_t ops, uint32_t samples, CounterGroup&) {
              return entry::Measure(name, {ops, samples, TargetTicks(UserHz())});
            },
            Case::Half::kUser,
            false,
            listed.few_samples};
  }

  Case DeviceCase(const KernelCase& kernel_case) {
    const auto policy = ChoosePolicy(kernel_case.irq_policies, options_.irqs);
    return {kernel_case.name,
            [this] { return DeviceHz(); },
            !policy,
            [=, this](uint32_t ops, uint32_t samples, CounterGroup& counters) {
              if (!policy) return RefusedPolicy(kernel_case);
              Request request{ops, samples, *policy, UserPage(kernel_case.page)};
              if (ops == 0) request.ops = DeviceOps(kernel_case, request);
              return device_->Run(kernel_case, request, &counters);
            },
            Case::Half::kKernel,
            !kernel_case.switches};
  }

  Record RefusedPolicy(const KernelCase& kernel_case) const {
    Record record;
    record.name = kernel_case.name;
    record.status = Status::kSkipped;
    record.reason = PolicySkipReason(kernel_case.irq_policies, options_.irqs);
    record.irqs = options_.irqs;
    record.stand_in = kernel_case.stand_in;
    return record;
  }

  // 0, where the user named none: the module then says what it lacks.
  uint64_t UserPage(DevicePage page) const {
    if (page == DevicePage::kOfDaxFile && dax_file_) return dax_file_->first_page();
    if (page == DevicePage::kTailOfHugePage && dax_device_) return dax_device_->second_page();
    return 0;
  }

  static uint64_t OperationTicks(const Sample& sample) {
    const Lengths shifted = sample.shifted.value_or(Lengths{});
    return sample.empty_n + sample.empty_2n + sample.case_n + sample.case_2n + shifted.n +
           shifted.twice;
  }

  // Operations that make a sample of 2n as long as it should be, and all its windows together
  // well shorter than interrupts may stay off.
  uint32_t DeviceOps(const KernelCase& kernel_case, Request request) const {
    request.samples = 3;
    const Record probe = Probe(kernel_case, request);
    if (probe.samples.empty()) return probe.ops;  // skipped: any number will do
    // By its longest sample; the add chain beside it takes the same whatever the operations.
    double longest = 1, section = 1;
    for (const Sample& sample : probe.samples) {
      longest = std::max(longest, static_cast<double>(sample.case_2n));
      section = std::max(section, static_cast<double>(OperationTicks(sample)));
    }
    const double hz = DeviceHz();
    const double limit = kMaxSectionShare * KMAPBENCH_MAX_IRQS_OFF_NS * 1e-9 * hz;
    const double scale = std::min(static_cast<double>(TargetTicks(hz)) / longest, limit / section);
    return static_cast<uint32_t>(
        std::clamp(scale * probe.ops, static_cast<double>(probe.ops), 4096.0));
  }

  // A short record, of as many operations as the module allows a case that may be slow.
  Record Probe(const KernelCase& kernel_case, Request request) const {
    for (const uint32_t ops : {16, 4}) {
      try {
        request.ops = ops;
        return device_->Run(kernel_case, request);
      } catch (const std::system_error& error) {
        if (error.code().value() != E2BIG) throw;
      }
    }
    request.ops = 1;
    return device_->Run(kernel_case, request);
  }

  void RegisterCase(const Case& c) {
    // Repetitions are ours to know: their samples are one record.
    const uint32_t repetitions = c.skipped ? 1 : count_.repetitions;
    const bool fewer = c.fewer_samples && !options_.samples;
    const uint32_t samples = fewer ? std::min(c.fewer_samples, count_.samples) : count_.samples;
    auto state = std::make_shared<Record>();
    auto done = std::make_shared<uint32_t>(0);
    auto counters = std::make_shared<std::optional<CounterGroup>>();
    auto* const registered =
        benchmark::RegisterBenchmark(c.name.c_str(), [=, this](benchmark::State& s) {
          RunCase(s, c, {samples, repetitions}, *state, *done, *counters);
        });
    // Google Benchmark appends all of these to the name: a list is of the names alone.
    if (listing_) return;
    registered->UseManualTime()
        ->Iterations(static_cast<benchmark::IterationCount>(samples))
        ->Repetitions(static_cast<int>(repetitions));
  }

  void RunCase(benchmark::State& state, const Case& c, const SampleCount& count, Record& record,
               uint32_t& done, std::optional<CounterGroup>& counters) {
    try {
      if (done == 0) MeasureControls(c.half);
      if (done == 0) Open(counters, c.counted);
      if (done == 0 && options_.events) writer_.Write({{"event", "case"}, {"name", c.name}});
      if (done == 0) WarmUp(c);
      const Record part =
          c.measure(done == 0 ? options_.ops : record.ops, count.samples, *counters);
      MergeRepetition(record, part);
      Report(state, c, part, record);
      if (++done < count.repetitions) return;
      if (!record.samples.empty()) record.counters = counters->Read();
      counters.reset();
      Distrust(record);
      writer_.Write(ToJson(record, options_.origin));
      failed_ |= record.oracle == Oracle::kFailed;
      done = 0;
      record = Record{};
    } catch (const std::exception& error) {
      failed_ = true;
      record.name = c.name;
      record.status = Status::kFlagged;
      record.reason = error.what();
      if (state.iterations() == 0) {
        for (auto _ : state) state.SetIterationTime(0);
      }
      state.SkipWithError(error.what());
      std::fprintf(stderr, "kmap_bench: %s\n", error.what());
    }
  }

  // Before the first case of a half: what is known is measured as the rest will be. Where it is
  // off, so is all that follows.
  void MeasureControls(Case::Half half) {
    const bool kernel = half == Case::Half::kKernel;
    std::vector<Case> controls = std::move(kernel ? kernel_controls_ : user_controls_);
    (kernel ? kernel_controls_ : user_controls_).clear();
    // However many are taken of cases: for a control the usual number will do.
    const uint32_t usual = Emulated() ? kIcountSampleCount.samples : kTimeSampleCount.samples;
    const uint32_t samples = std::min(count_.samples, usual);
    for (const Case& control : controls) {
      CounterGroup none({});
      Record record = control.measure(options_.ops, samples, none);
      const std::string problem = ControlProblem(record, options_.origin.clock);
      if (!problem.empty() && (Emulated() || !time_is_the_emulators_)) {
        if (distrust_.empty()) std::fprintf(stderr, "kmap_bench: %s\n", problem.c_str());
        if (distrust_.empty()) distrust_ = problem;
        failed_ = true;
      }
      Distrust(record);
      writer_.Write(ToJson(record, options_.origin));
    }
  }

  void Distrust(Record& record) const {
    if (distrust_.empty() || record.status != Status::kOk) return;
    record.status = Status::kFlagged;
    record.reason = "control: " + distrust_;
  }

  // Measures and forgets for as long as the user asked, beside the warm-up that cases have anyway.
  void WarmUp(const Case& c) const {
    if (c.skipped) return;
    const auto begin = std::chrono::steady_clock::now();
    CounterGroup none({});
    while (std::chrono::steady_clock::now() - begin < warm_up_) c.measure(options_.ops, 1, none);
  }

  // With no counter open, a switch takes as long as it does where nobody has ever counted, but only
  // a second after the last one was closed (kernel/events/core.c, perf_sched_work).
  void Open(std::optional<CounterGroup>& counters, bool counted) {
    constexpr std::chrono::milliseconds kForgotten{1500};
    if (!counted && has_counted_) std::this_thread::sleep_for(kForgotten);
    has_counted_ = counted;
    counters.emplace(counted ? options_.counters : std::vector<std::string>{});
  }

  // Google Benchmark's view: one iteration is one sample, its time the slope an operation, the
  // empty loop included (its own row, and the counter, say how much that is).
  //
  // A repetition that failed still has as many iterations as its neighbours, and fails all that
  // follow: Google Benchmark 1.7.1 takes the first one's iterations and statistics for all.
  void Report(benchmark::State& state, const Case& c, const Record& part,
              const Record& so_far) const {
    size_t i = 0;
    for (auto _ : state) {
      if (i == part.samples.size()) {
        state.SetIterationTime(0);
        continue;
      }
      const Sample& sample = part.samples[i++];
      state.SetIterationTime(
          (static_cast<double>(sample.case_2n) - static_cast<double>(sample.case_n)) / part.ops /
          c.clock_hz());
    }
    if (so_far.status != Status::kOk) {
      const bool oracle = so_far.oracle == Oracle::kFailed;
      state.SkipWithError(((oracle ? "oracle: " : "") + so_far.reason).c_str());
      return;
    }
    const Cost cost = CostOf(part.samples, part.ops);
    state.counters["cost"] = cost.cost;
    state.counters["empty"] = cost.empty;
    state.SetLabel(Label(part));
  }

  std::string Label(const Record& part) const {
    std::string label;
    if (Emulated()) label = "emulated, 1 ns = 1 instruction";
    if (part.stand_in) label += (label.empty() ? "" : "; ") + std::string("a stand-in, not PKS");
    if (part.assumed_write_cycles) {
      label += (label.empty() ? "" : "; ") + std::string("a write assumed to take ") +
               std::to_string(std::lround(*part.assumed_write_cycles)) + " cycles";
    }
    return label;
  }

  Options options_;
  bool listing_;
  std::chrono::duration<double> warm_up_;
  SampleCount count_;
  RecordWriter writer_;
  std::optional<Device> device_;
  std::optional<DaxMapping> dax_file_;
  std::optional<DaxMapping> dax_device_;
  // Those that have not been measured yet.
  std::vector<Case> kernel_controls_;
  std::vector<Case> user_controls_;
  std::string distrust_;  // what was wrong with a control; empty: nothing so far
  // Nobody's core cycles: of time no control is asked.
  const bool time_is_the_emulators_ = HypervisorName() == kTcg;
  bool has_counted_ = false;
  bool failed_ = false;
};

void WriteEnvironment(const std::string& path) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << Environment().dump(2) << "\n";
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

// Throws where a figure would be the difference between two unlike loops.
void CheckLoops() {
  std::vector<LoopBody> bodies = user::LoopBodies();
  std::ranges::copy(entry::LoopBodies(), std::back_inserter(bodies));
  const std::string problem = LoopProblem(bodies, LoopEntries());
  if (!problem.empty()) throw std::runtime_error(problem);
}

int Main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) PrintOptionsHelp();
  }
  const GBenchFlags flags = ReadGBenchFlags(argc, argv);
  benchmark::Initialize(&argc, argv);
  const Options options = ParseOptions(argc, argv);
  benchmark::AddCustomContext("kmapbench_clock", ToString(options.origin.clock));
  benchmark::AddCustomContext("kmapbench_variant", options.origin.variant);

  if (!HasRdtscp()) throw std::runtime_error("this CPU has no RDTSCP: nothing can be timed");
  CheckLoops();
  WriteEnvironment(options.environment);
  Program program(options, flags);
  program.Register();
  if (benchmark::RunSpecifiedBenchmarks() == 0) {
    program.SayNoCase();
    std::fprintf(
        stderr,
        "kmap_bench: no case matches; --benchmark_list_tests lists them (kernel cases need "
        "root and kmapbench.ko loaded)\n");
    return 2;
  }
  benchmark::Shutdown();
  return program.failed() ? 1 : 0;
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == kmapbench::entry::kSampler) {
    return kmapbench::RunProgram("kmap_bench", kmapbench::entry::SamplerMain, argc, argv);
  }
  return kmapbench::RunProgram("kmap_bench", kmapbench::Main, argc, argv);
}
