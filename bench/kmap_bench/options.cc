// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/options.h"

#include <getopt.h>

#include <array>
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

constexpr uint32_t kMaxRepetitions = 1000;
constexpr uint32_t kMaxBootOrLaunch = 1000000;
constexpr uint32_t kMaxWriteCycles = 4000;

[[noreturn]] void Refuse(const std::string& message) {
  std::fprintf(stderr, "kmap_bench: %s\n", message.c_str());
  std::exit(2);
}

// An option as it was given.
struct Given {
  const char* name;  // without the leading "--"
  const char* value;
};

[[noreturn]] void RefuseValue(const Given& given, const std::string& allowed) {
  Refuse("--" + std::string(given.name) + "=" + given.value + ": give " + allowed);
}

uint32_t ToNumber(const Given& given, uint32_t low, uint32_t high) {
  const std::string_view text = given.value;
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    RefuseValue(given, "a number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return number;
}

Clock ToClock(const Given& given) {
  const std::string_view text = given.value;
  if (text == "icount") return Clock::kIcount;
  if (text == "tsc") return Clock::kTsc;
  RefuseValue(given, "icount or tsc");
}

IrqPolicy ToIrqPolicy(const Given& given) {
  const std::string_view text = given.value;
  for (const IrqPolicy policy : {IrqPolicy::kOff, IrqPolicy::kPreemptOff, IrqPolicy::kOn}) {
    if (text == ToString(policy)) return policy;
  }
  RefuseValue(given, "off, preempt_off or on");
}

bool ToAllCases(const Given& given) {
  const std::string_view text = given.value;
  if (text == "default" || text == "all") return text == "all";
  RefuseValue(given, "default or all");
}

void KeepOnly(const Given& given, Options& options) {
  const std::string_view text = given.value;
  if (text != "kernel" && text != "user") RefuseValue(given, "kernel or user");
  options.kernel_cases = text == "kernel";
  options.user_models = text == "user";
}

int ToBootOrLaunch(const Given& given) {
  return static_cast<int>(ToNumber(given, 1, kMaxBootOrLaunch));
}

// One option: all that kmap_bench knows about it.
struct OptionRow {
  const char* name;
  const char* value;  // how --help shows what comes after "="; null: the option takes no value
  void (*parse)(const Given& given, Options& options);
  const char* help;                 // null: the next option of --help is on the same line
  const char* long_name = nullptr;  // a second name, which --help does not show
};

// In the order of --help.
constexpr std::array kOptions = {
    OptionRow{"kmapbench_records", "<file>",
              [](const Given& given, Options& options) { options.records = given.value; },
              " one JSON record a case, each on disk as it is made"},
    OptionRow{"kmapbench_environment", "<file>",
              [](const Given& given, Options& options) { options.environment = given.value; },
              " what was measured on, as JSON"},
    OptionRow{"kmapbench_cases", "{default|all}",
              [](const Given& given, Options& options) { options.all_cases = ToAllCases(given); },
              " which cases there are to choose from"},
    OptionRow{"kmapbench_only", "{kernel|user}", KeepOnly,
              " kernel cases alone, or user models alone"},
    OptionRow{"kmapbench_device", KMAPBENCH_DEVICE,
              [](const Given& given, Options& options) { options.device = given.value; }, ""},
    OptionRow{"kmapbench_clock", "{icount|tsc}",
              [](const Given& given, Options& options) { options.origin.clock = ToClock(given); },
              " icount: an emulator that counts instructions"},
    OptionRow{"kmapbench_ops", "<n>",
              [](const Given& given, Options& options) {
                options.ops = ToNumber(given, 1, KMAPBENCH_MAX_OPS);
              },
              " operations a sample, default chosen for each case"},
    OptionRow{"kmapbench_samples", "<n>",
              [](const Given& given, Options& options) {
                options.samples = ToNumber(given, 1, kMaxKeptSamples);
              },
              " samples a repetition, default by the clock"},
    OptionRow{"kmapbench_repetitions", "<n>",
              [](const Given& given, Options& options) {
                options.repetitions = ToNumber(given, 1, kMaxRepetitions);
              },
              " default by the clock"},
    OptionRow{"kmapbench_irqs", "{off|preempt_off|on}",
              [](const Given& given, Options& options) { options.irqs = ToIrqPolicy(given); },
              " around each sample of a kernel case,\n"
              "default the first of them that the case takes"},
    OptionRow{"wrpkrs-cycles", "<n>",
              [](const Given& given, Options& options) {
                options.write_cycles = ToNumber(given, 1, kMaxWriteCycles);
              },
              " what a register write is assumed to take, of user models that\n"
              "stand for it by waiting; default 185, the one published figure",
              "kmapbench_wrpkrs_cycles"},
    OptionRow{
        "counters", "<event>,...",
        [](const Given& given, Options& options) { options.counters = SplitCounters(given.value); },
        " as libpfm4 names them, :k in the kernel and :u\n"
        "in user space; default instructions and cycles of each, what bench/system/events "
        "has\nfor this CPU, and software events; empty: none",
        "kmapbench_counters"},
    OptionRow{"kmapbench_dax_file", "<file>",
              [](const Given& given, Options& options) { options.dax_file = given.value; },
              " on a DAX file system, 2 MiB or more: kernel cases\n"
              "on a device page map a page of it"},
    OptionRow{"kmapbench_dax_device", "/dev/dax<X.Y>",
              [](const Given& given, Options& options) { options.dax_device = given.value; },
              " the same of cases on a tail page"},
    OptionRow{"kmapbench_variant", "<name>",
              [](const Given& given, Options& options) { options.origin.variant = given.value; },
              nullptr},
    OptionRow{
        "kmapbench_boot", "<n>",
        [](const Given& given, Options& options) { options.origin.boot = ToBootOrLaunch(given); },
        nullptr},
    OptionRow{
        "kmapbench_launch", "<n>",
        [](const Given& given, Options& options) { options.origin.launch = ToBootOrLaunch(given); },
        ""},
    OptionRow{"kmapbench_events", nullptr,
              [](const Given&, Options& options) { options.events = true; },
              " also write which case begins"},
};

// The table as getopt_long() takes it: an option's value is the index of its row.
std::vector<option> LongOptions() {
  std::vector<option> list;
  for (size_t row = 0; row < kOptions.size(); ++row) {
    const int argument = kOptions[row].value ? required_argument : no_argument;
    list.push_back({kOptions[row].name, argument, nullptr, static_cast<int>(row)});
    if (!kOptions[row].long_name) continue;
    list.push_back({kOptions[row].long_name, argument, nullptr, static_cast<int>(row)});
  }
  list.push_back({});
  return list;
}

Options Defaults() {
  Options options;
  options.device = KMAPBENCH_DEVICE;
  options.origin.variant = "host";
  options.counters = DefaultCounters();
  options.write_cycles = user::kPublishedWriteCycles;
  return options;
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  Options options = Defaults();
  const std::vector<option> long_options = LongOptions();
  opterr = 0;
  int index = 0;
  int row;
  while ((row = getopt_long(argc, argv, "", long_options.data(), &index)) != -1) {
    if (row == '?') {
      Refuse(std::string(argv[optind - 1]) +
             ": no such option, or its value is missing; see --help");
    }
    kOptions[static_cast<size_t>(row)].parse(
        {long_options[static_cast<size_t>(index)].name, optarg}, options);
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
  std::string text =
      "kmap_bench: the kmap path with and without WRPKRS, in the kernel and as a user model\n";
  const char* before = "\n          ";
  for (const OptionRow& row : kOptions) {
    text += std::string(before) + "[--" + row.name;
    if (row.value) text += std::string("=") + row.value;
    text += "]";
    for (const char* rest = row.help; rest && *rest; ++rest) {
      text += *rest;
      if (*rest == '\n') text += "              ";
    }
    before = row.help ? "\n          " : " ";
  }
  text += "\n\nand Google Benchmark's own options:\n";
  std::fputs(text.c_str(), stdout);
}

}  // namespace kmapbench
