// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/options.h"

#include <getopt.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace kmapbench {
namespace {

// Words as main() gets them.
class Arguments {
 public:
  Arguments(std::initializer_list<const char*> words) : words_(words.begin(), words.end()) {
    words_.insert(words_.begin(), "kmap_bench");
    for (std::string& word : words_) argv_.push_back(word.data());
    argv_.push_back(nullptr);
    count = static_cast<int>(words_.size());
  }

  char** argv() { return argv_.data(); }
  int count;

 private:
  std::vector<std::string> words_;
  std::vector<char*> argv_;
};

Options Parsed(std::initializer_list<const char*> words) {
  Arguments arguments(words);
  optind = 0;  // getopt_long() begins anew
  return ParseOptions(arguments.count, arguments.argv());
}

void ExpectRefused(const char* word, const std::string& message) {
  EXPECT_EXIT(Parsed({word}), ::testing::ExitedWithCode(2), "^kmap_bench: " + message + "\n$")
      << word;
}

TEST(ParseOptions, StoresEachOptionWhereItBelongs) {
  EXPECT_EQ(Parsed({"--kmapbench_records=r"}).records, "r");
  EXPECT_EQ(Parsed({"--kmapbench_environment=e"}).environment, "e");
  EXPECT_TRUE(Parsed({"--kmapbench_cases=all"}).all_cases);
  EXPECT_FALSE(Parsed({"--kmapbench_cases=default"}).all_cases);
  EXPECT_FALSE(Parsed({"--kmapbench_only=user"}).kernel_cases);
  EXPECT_FALSE(Parsed({"--kmapbench_only=kernel"}).user_models);
  EXPECT_EQ(Parsed({"--kmapbench_device", "/d"}).device, "/d");
  EXPECT_EQ(Parsed({"--kmapbench_clock=icount"}).origin.clock, Clock::kIcount);
  EXPECT_EQ(Parsed({"--kmapbench_ops=7"}).ops, 7u);
  EXPECT_EQ(Parsed({"--kmapbench_samples=8"}).samples, 8u);
  EXPECT_EQ(Parsed({"--kmapbench_repetitions=9"}).repetitions, 9u);
  EXPECT_EQ(Parsed({"--kmapbench_irqs=preempt_off"}).irqs, IrqPolicy::kPreemptOff);
  EXPECT_EQ(Parsed({"--kmapbench_dax_file=f"}).dax_file, "f");
  EXPECT_EQ(Parsed({"--kmapbench_dax_device=x"}).dax_device, "x");
  EXPECT_EQ(Parsed({"--kmapbench_variant=v"}).origin.variant, "v");
  EXPECT_EQ(Parsed({"--kmapbench_boot=3"}).origin.boot, 3);
  EXPECT_EQ(Parsed({"--kmapbench_launch=4"}).origin.launch, 4);
  EXPECT_TRUE(Parsed({"--kmapbench_events"}).events);
}

TEST(ParseOptions, KnowsTwoOptionsByTheirLongNamesToo) {
  for (const char* word : {"--wrpkrs-cycles=200", "--kmapbench_wrpkrs_cycles=200"}) {
    EXPECT_EQ(Parsed({word}).write_cycles, 200) << word;
  }
  for (const char* word : {"--counters=a,b", "--kmapbench_counters=a,b"}) {
    EXPECT_EQ(Parsed({word}).counters, (std::vector<std::string>{"a", "b"})) << word;
  }
  EXPECT_TRUE(Parsed({"--counters="}).counters.empty());
}

TEST(ParseOptions, RefusesValuesByTheNameThatWasGiven) {
  ExpectRefused("--wrpkrs-cycles=0", "--wrpkrs-cycles=0: give a number from 1 to 4000");
  ExpectRefused("--kmapbench_wrpkrs_cycles=4001",
                "--kmapbench_wrpkrs_cycles=4001: give a number from 1 to 4000");
  ExpectRefused("--kmapbench_ops=7x", "--kmapbench_ops=7x: give a number from 1 to [0-9]+");
  ExpectRefused("--kmapbench_irqs=none", "--kmapbench_irqs=none: give off, preempt_off or on");
  ExpectRefused("--kmapbench_only=", "--kmapbench_only=: give kernel or user");
}

TEST(ParseOptions, RefusesWhatIsNoOptionOrLacksItsValue) {
  ExpectRefused("--nothing", "--nothing: no such option, or its value is missing; see --help");
  ExpectRefused("--kmapbench_ops",
                "--kmapbench_ops: no such option, or its value is missing; see --help");
  ExpectRefused("word", "word: not an option; see --help");
}

TEST(PrintOptionsHelp, NamesEachOptionOnce) {
  ::testing::internal::CaptureStdout();
  PrintOptionsHelp();
  const std::string help = ::testing::internal::GetCapturedStdout();
  for (const char* name :
       {"kmapbench_records=", "kmapbench_environment=", "kmapbench_cases=", "kmapbench_only=",
        "kmapbench_device=", "kmapbench_clock=", "kmapbench_ops=", "kmapbench_samples=",
        "kmapbench_repetitions=", "kmapbench_irqs=", "wrpkrs-cycles=", "counters=",
        "kmapbench_dax_file=", "kmapbench_dax_device=", "kmapbench_variant=", "kmapbench_boot=",
        "kmapbench_launch=", "kmapbench_events]"}) {
    const size_t first = help.find("[--" + std::string(name));
    ASSERT_NE(first, std::string::npos) << name;
    EXPECT_EQ(help.find("[--" + std::string(name), first + 1), std::string::npos) << name;
  }
  EXPECT_EQ(help.find("kmapbench_counters"), std::string::npos);
}

TEST(ReadGBenchFlags, RemovesTheWarmUpAndNothingElse) {
  Arguments arguments({"--benchmark_min_time=0.5", "--benchmark_min_warmup_time=2",
                       "--benchmark_repetitions=3", "--benchmark_list_tests=true"});
  const GBenchFlags flags = ReadGBenchFlags(arguments.count, arguments.argv());
  EXPECT_EQ(flags.min_seconds, 0.5);
  EXPECT_EQ(flags.warm_up_seconds, 2);
  EXPECT_EQ(flags.repetitions, 3u);
  EXPECT_TRUE(flags.list);
  ASSERT_EQ(arguments.count, 4);
  EXPECT_STREQ(arguments.argv()[2], "--benchmark_repetitions=3");
  EXPECT_EQ(arguments.argv()[4], nullptr);
}

}  // namespace
}  // namespace kmapbench
