// SPDX-License-Identifier: Apache-2.0
#include "entry/entry_cases.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "common/markers.h"
#include "common/unique_fd.h"

namespace kmapbench::entry {

namespace {

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Marked windows of all sampling processes so far: the observer numbers them through.
uint64_t windows = 0;

// Turns the child into the sampling process, which inherits nothing but `out` and whose addresses
// are not random. A sandbox may refuse the personality: results then differ a little from launch to
// launch.
[[noreturn]] void ExecSampler(int out, char** arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  personality(ADDR_NO_RANDOMIZE);
  if (dup2(out, kSamplerOut) >= 0 && close_range(kSamplerOut + 1, ~0u, 0) == 0) {
    char* const no_environment[] = {nullptr};
    execve("/proc/self/exe", arguments, no_environment);
  }
  _exit(127);
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> part;
  ssize_t got;
  while ((got = read(fd, part.data(), part.size())) != 0) {
    if (got > 0) {
      text.append(part.data(), static_cast<size_t>(got));
    } else if (errno != EINTR) {
      ThrowErrno("reading samples");
    }
  }
  return text;
}

// Returns what the sampling process writes: JSON.
std::string RunSampler(const std::string& name, const SamplingPlan& plan) {
  std::vector<std::string> words = {"kmap_bench", std::string(kSampler), name};
  for (const uint64_t number : {uint64_t{plan.ops}, uint64_t{plan.samples}, plan.target_ticks})
    words.push_back(std::to_string(number));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) ThrowErrno("pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = fork();
  if (child < 0) ThrowErrno("fork");
  if (child == 0) ExecSampler(writer.get(), arguments.data());
  writer = UniqueFd();
  std::string text = ReadAll(reader.get());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw std::runtime_error(name + ": the process that takes samples failed");
  return text;
}

}  // namespace

Record Measure(const std::string& name, const SamplingPlan& plan) {
  if (windows == 0) MarkPresent();
  const auto result = nlohmann::json::parse(RunSampler(name, plan));
  Record record;
  record.name = name;
  record.irqs = IrqPolicy::kOn;
  record.varies = true;
  record.ops = result.at("ops");
  record.rejected = result.at("rejected");
  record.reason = result.at("reason");
  for (const auto& sample : result.at("samples")) {
    record.samples.push_back(
        {sample[0], sample[1], sample[2], sample[3], sample[4].get<double>(), {}});
  }
  if (!record.reason.empty()) {
    record.status = record.samples.empty() ? Status::kSkipped : Status::kFlagged;
  }
  if (!record.samples.empty()) {
    record.first_user_window = windows + result.at("first_window").get<uint64_t>();
  }
  windows += result.at("windows").get<uint64_t>();
  return record;
}

}  // namespace kmapbench::entry
