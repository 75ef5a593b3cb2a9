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

namespace kmapbench::elsewhere {

namespace {

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Windows of all processes so far: an observer counts them on.
uint64_t windows = 0;

// In the child: nothing of this process goes over, and nothing of it lies at random. Without the
// personality (a sandbox may refuse it) figures differ a little from launch to launch.
[[noreturn]] void Become(int out, char** arguments) {
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

// What a sampler says, as JSON.
std::string RunSampler(const std::string& name, const Effort& effort) {
  std::vector<std::string> words = {"kmap_bench", std::string(kSampler), name};
  for (const uint64_t number :
       {uint64_t{effort.ops}, uint64_t{effort.samples}, effort.target_ticks})
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
  if (child == 0) Become(writer.get(), arguments.data());
  writer = UniqueFd();
  std::string text = ReadAll(reader.get());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw std::runtime_error(name + ": the process that takes samples failed");
  return text;
}

}  // namespace

Record Measure(const std::string& name, const Effort& effort) {
  if (windows == 0) MarkPresent();
  const auto said = nlohmann::json::parse(RunSampler(name, effort));
  Record record;
  record.name = name;
  record.irqs = IrqPolicy::kOn;
  record.varies = true;
  record.ops = said.at("ops");
  record.rejected = said.at("rejected");
  record.reason = said.at("reason");
  for (const auto& one : said.at("samples")) {
    record.samples.push_back({one[0], one[1], one[2], one[3], one[4].get<double>(), {}});
  }
  if (!record.reason.empty()) {
    record.status = record.samples.empty() ? Status::kSkipped : Status::kFlagged;
  }
  if (!record.samples.empty()) {
    record.first_user_window = windows + said.at("first_window").get<uint64_t>();
  }
  windows += said.at("windows").get<uint64_t>();
  return record;
}

}  // namespace kmapbench::elsewhere
