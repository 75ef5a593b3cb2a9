// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/options.h"

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kmapbench.h"
#include "system/counters.h"
#include "system/event_tables.h"
#include "user/delay.h"

namespace kmapbench {

namespace {

enum Flag {
  kRecords,
  kCases,
  kOnly,
  kEnvironment,
  kDevice,
  kEvents,
  kOps,
  kSamples,
  kRepetitions,
  kIrqs,
  kCounters,
  kWriteCycles,
  kDaxFile,
  kDaxDevice,
  kVariant,
  kBoot,
  kLaunch,
  kClock
};

constexpr option kFlags[] = {
    {"kmapbench_records", required_argument, nullptr, kRecords},
    {"kmapbench_cases", required_argument, nullptr, kCases},
    {"kmapbench_only", required_argument, nullptr, kOnly},
    {"kmapbench_environment", required_argument, nullptr, kEnvironment},
    {"kmapbench_device", required_argument, nullptr, kDevice},
    {"kmapbench_events", no_argument, nullptr, kEvents},
    {"kmapbench_ops", required_argument, nullptr, kOps},
    {"kmapbench_samples", required_argument, nullptr, kSamples},
    {"kmapbench_repetitions", required_argument, nullptr, kRepetitions},
    {"kmapbench_irqs", required_argument, nullptr, kIrqs},
    {"kmapbench_counters", required_argument, nullptr, kCounters},
    {"counters", required_argument, nullptr, kCounters},
    {"kmapbench_wrpkrs_cycles", required_argument, nullptr, kWriteCycles},
    {"wrpkrs-cycles", required_argument, nullptr, kWriteCycles},
    {"kmapbench_dax_file", required_argument, nullptr, kDaxFile},
    {"kmapbench_dax_device", required_argument, nullptr, kDaxDevice},
    {"kmapbench_variant", required_argument, nullptr, kVariant},
    {"kmapbench_boot", required_argument, nullptr, kBoot},
    {"kmapbench_launch", required_argument, nullptr, kLaunch},
    {"kmapbench_clock", required_argument, nullptr, kClock},
    {nullptr, 0, nullptr, 0},
};

constexpr uint32_t kMaxWriteCycles = 4000;

[[noreturn]] void Refuse(const std::string& message) {
  std::fprintf(stderr, "kmap_bench: %s\n", message.c_str());
  std::exit(2);
}

uint32_t Number(const char* flag, std::string_view text, uint32_t low, uint32_t high) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    Refuse("--" + std::string(flag) + "=" + std::string(text) + ": give a number from " +
           std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

Clock ToClock(std::string_view text) {
  if (text == "icount") return Clock::kIcount;
  if (text == "tsc") return Clock::kTsc;
  Refuse("--kmapbench_clock=" + std::string(text) + ": give icount or tsc");
}

IrqPolicy ToIrqPolicy(std::string_view text) {
  for (const IrqPolicy policy : {IrqPolicy::kOff, IrqPolicy::kPreemptOff, IrqPolicy::kOn}) {
    if (text == ToString(policy)) return policy;
  }
  Refuse("--kmapbench_irqs=" + std::string(text) + ": give off, preempt_off or on");
}

bool AllCases(std::string_view text) {
  if (text == "default" || text == "all") return text == "all";
  Refuse("--kmapbench_cases=" + std::string(text) + ": give default or all");
}

void KeepOnly(std::string_view text, Options& options) {
  if (text != "kernel" && text != "user") {
    Refuse("--kmapbench_only=" + std::string(text) + ": give kernel or user");
  }
  options.kernel_cases = text == "kernel";
  options.user_models = text == "user";
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  Options options;
  options.device = KMAPBENCH_DEVICE;
  options.origin.variant = "host";
  options.counters = DefaultCounters();
  options.write_cycles = user::kPublishedWriteCycles;
  opterr = 0;
  int index = 0;
  int flag;
  while ((flag = getopt_long(argc, argv, "", kFlags, &index)) != -1) {
    const auto number = [&](uint32_t low, uint32_t high) {
      return Number(kFlags[index].name, optarg, low, high);
    };
    switch (flag) {
      case kRecords:
        options.records = optarg;
        break;
      case kCases:
        options.all_cases = AllCases(optarg);
        break;
      case kOnly:
        KeepOnly(optarg, options);
        break;
      case kEnvironment:
        options.environment = optarg;
        break;
      case kDevice:
        options.device = optarg;
        break;
      case kEvents:
        options.events = true;
        break;
      case kOps:
        options.ops = number(1, KMAPBENCH_MAX_OPS);
        break;
      case kSamples:
        options.samples = number(1, kMaxKeptSamples);
        break;
      case kRepetitions:
        options.repetitions = number(1, 1000);
        break;
      case kIrqs:
        options.irqs = ToIrqPolicy(optarg);
        break;
      case kCounters:
        options.counters = SplitCounters(optarg);
        break;
      case kWriteCycles:
        options.write_cycles = number(1, kMaxWriteCycles);
        break;
      case kDaxFile:
        options.dax_file = optarg;
        break;
      case kDaxDevice:
        options.dax_device = optarg;
        break;
      case kVariant:
        options.origin.variant = optarg;
        break;
      case kBoot:
        options.origin.boot = static_cast<int>(number(1, 1000000));
        break;
      case kLaunch:
        options.origin.launch = static_cast<int>(number(1, 1000000));
        break;
      case kClock:
        options.origin.clock = ToClock(optarg);
        break;
      default:
        Refuse(std::string(argv[optind - 1]) +
               ": no such option, or its value is missing; see --help");
    }
  }
  if (optind < argc) Refuse(std::string(argv[optind]) + ": not an option; see --help");
  return options;
}

GBenchFlags ReadGBenchFlags(int& argc, char** argv) {
  GBenchFlags flags;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [argument](std::string_view option) {
      return argument.starts_with(option) ? argument.data() + option.size() : nullptr;
    };
    if (const char* text = value("--benchmark_list_tests")) {
      flags.list =
          *text == '\0' || std::string_view(text) == "=true" || std::string_view(text) == "=1";
    }
    if (const char* text = value("--benchmark_repetitions=")) {
      flags.repetitions = static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
    }
    if (const char* text = value("--benchmark_min_time=")) {
      flags.min_seconds = std::strtod(text, nullptr);
    }
    if (const char* text = value("--benchmark_min_warmup_time=")) {
      flags.warm_up_seconds = std::strtod(text, nullptr);
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  argv[argc] = nullptr;
  return flags;
}

void PrintOptionsHelp() {
  std::fputs(
      "kmap_bench: the kmap path with and without WRPKRS, in the kernel and as a user model\n"
      "\n"
      "          [--kmapbench_records=<file>] one JSON record a case, each on disk as it is made\n"
      "          [--kmapbench_environment=<file>] what was measured on, as JSON\n"
      "          [--kmapbench_cases={default|all}] which cases there are to choose from\n"
      "          [--kmapbench_only={kernel|user}] kernel cases alone, or user models alone\n"
      "          [--kmapbench_device=/dev/kmapbench]\n"
      "          [--kmapbench_clock={icount|tsc}] icount: an emulator that counts instructions\n"
      "          [--kmapbench_ops=<n>] operations a sample, default chosen for each case\n"
      "          [--kmapbench_samples=<n>] samples a repetition, default by the clock\n"
      "          [--kmapbench_repetitions=<n>] default by the clock\n"
      "          [--kmapbench_irqs={off|preempt_off|on}] around each sample of a kernel case,\n"
      "              default the first of them that the case takes\n"
      "          [--wrpkrs-cycles=<n>] what a register write is assumed to take, of user models "
      "that\n"
      "              stand for it by waiting; default 185, the one published figure\n"
      "          [--counters=<event>,...] as libpfm4 names them, :k in the kernel and "
      ":u\n"
      "              in user space; default instructions and cycles of each, what "
      "bench/system/events "
      "has\n"
      "              for this CPU, and software events; empty: none\n"
      "          [--kmapbench_dax_file=<file>] on a DAX file system, 2 MiB or more: kernel cases\n"
      "              on a device page map a page of it\n"
      "          [--kmapbench_dax_device=/dev/dax<X.Y>] the same of cases on a tail page\n"
      "          [--kmapbench_variant=<name>] [--kmapbench_boot=<n>] [--kmapbench_launch=<n>]\n"
      "          [--kmapbench_events] also write which case begins\n"
      "\n"
      "and Google Benchmark's own options:\n",
      stdout);
}

}  // namespace kmapbench
