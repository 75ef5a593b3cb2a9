// SPDX-License-Identifier: Apache-2.0
#include "system/counters.h"

#include <perfmon/pfmlib_perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <tuple>
#include <utility>

namespace kmapbench {

namespace {

constexpr char kParanoid[] = "/proc/sys/kernel/perf_event_paranoid";

std::string Paranoid() {
  std::string level;
  std::ifstream(kParanoid) >> level;
  return level.empty() ? "kernel.perf_event_paranoid" : "kernel.perf_event_paranoid is " + level;
}

// Why an event was not opened, by the errno.
std::pair<CounterState, std::string> WhyNotOpened(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
      return {CounterState::kNoPmu,
              "there is no PMU that counts it: virtual machines often have none"};
    case ENOSYS:
      return {CounterState::kNoPmu, "this kernel has no perf events (CONFIG_PERF_EVENTS)"};
    case EACCES:
    case EPERM:
      return {CounterState::kNotAllowed,
              "not allowed: " + Paranoid() + "; as root, or: sysctl kernel.perf_event_paranoid=1"};
    case EINVAL:
      return {CounterState::kRefused, "the PMU cannot count it beside the others of the group"};
    case EBUSY:
      return {CounterState::kRefused, "the PMU is taken by somebody else"};
    default:
      return {CounterState::kRefused, std::string("perf_event_open: ") + std::strerror(error)};
  }
}

// Whether an event of libpfm4 belongs to a PMU that such a CPU has.
bool IsOf(const CpuIdentity& cpu, int event) {
  pfm_event_info_t info{};
  info.size = sizeof(info);
  pfm_pmu_info_t pmu{};
  pmu.size = sizeof(pmu);
  if (pfm_get_event_info(event, PFM_OS_PERF_EVENT, &info) != PFM_SUCCESS ||
      pfm_get_pmu_info(info.pmu, &pmu) != PFM_SUCCESS) {
    return false;
  }
  const EventTable* const table = EventTableOf(cpu);
  return pmu.is_present || (table && table->pmu == pmu.name);
}

int InitializePfm() {
  // Also tables of other CPUs: a CPU that libpfm4 does not know uses those of a similar one.
  setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
  return pfm_initialize();
}

}  // namespace

std::string Encode(const std::string& name, perf_event_attr& attr, const CpuIdentity& cpu) {
  static const int initialized = InitializePfm();
  if (initialized != PFM_SUCCESS) return std::string("libpfm4: ") + pfm_strerror(initialized);
  attr = {};
  attr.size = sizeof(attr);
  pfm_perf_encode_arg_t arg{};
  arg.size = sizeof(arg);
  arg.attr = &attr;
  const int error =
      pfm_get_os_event_encoding(name.c_str(), PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
  if (error != PFM_SUCCESS) {
    return std::string("libpfm4 does not know it on this machine: ") + pfm_strerror(error);
  }
  if (!IsOf(cpu, arg.idx)) return "it is an event of another CPU";
  attr.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return "";
}

const char* ToString(CounterState state) {
  switch (state) {
    case CounterState::kCounted:
      return "counted";
    case CounterState::kMultiplexed:
      return "multiplexed";
    case CounterState::kUnknown:
      return "unknown";
    case CounterState::kNoPmu:
      return "no_pmu";
    case CounterState::kNotAllowed:
      return "not_allowed";
    case CounterState::kRefused:
      return "refused";
    case CounterState::kFailed:
      return "failed";
  }
  return "";
}

CounterValue& CounterValue::operator+=(const CounterValue& other) {
  if (!unavailable.empty()) return *this;
  if (!other.unavailable.empty()) return *this = other;
  state = std::max(state, other.state);
  value += other.value;
  enabled_ns += other.enabled_ns;
  running_ns += other.running_ns;
  return *this;
}

PerfCalls RealPerfCalls() {
  return {
      [](perf_event_attr* attr, int group) {
        return static_cast<int>(
            syscall(SYS_perf_event_open, attr, 0, -1, group, PERF_FLAG_FD_CLOEXEC));
      },
      [](int fd, unsigned long request) { return ioctl(fd, request, PERF_IOC_FLAG_GROUP); },
      [](int fd, void* data, size_t bytes) { return read(fd, data, bytes); },
  };
}

CounterGroup::CounterGroup(const std::vector<std::string>& events, PerfCalls calls)
    : calls_(std::move(calls)) {
  for (const std::string& name : events) {
    events_.push_back({name, UniqueFd(), CounterState::kCounted, ""});
    Open(events_.back());
  }
}

void CounterGroup::Open(Event& event) {
  perf_event_attr attr;
  event.unavailable = Encode(event.name, attr, ThisCpu());
  if (!event.unavailable.empty()) {
    event.state = CounterState::kUnknown;
    return;
  }
  // The whole group counts when its leader does.
  attr.disabled = leader_ < 0;
  event.fd = UniqueFd(calls_.open(&attr, leader_));
  if (!event.fd.ok()) {
    std::tie(event.state, event.unavailable) = WhyNotOpened(errno);
  } else if (leader_ < 0) {
    leader_ = event.fd.get();
  }
}

void CounterGroup::GiveUp(const std::string& why) {
  for (Event& event : events_) {
    if (!event.unavailable.empty()) continue;
    event.state = CounterState::kFailed;
    event.unavailable = why;
  }
}

void CounterGroup::Start() {
  if (leader_ < 0) return;
  started_ = true;
  if (calls_.control(leader_, PERF_EVENT_IOC_ENABLE) != 0) {
    GiveUp(std::string("cannot be started: ") + std::strerror(errno));
  }
}

void CounterGroup::Stop() {
  if (leader_ < 0) return;
  if (calls_.control(leader_, PERF_EVENT_IOC_DISABLE) != 0) {
    GiveUp(std::string("cannot be stopped: ") + std::strerror(errno));
  }
}

std::vector<CounterValue> CounterGroup::ReadOwn() const {
  // The kernel writes the number of events, the times enabled and running, and then the values in
  // the order of opening.
  constexpr size_t kHead = 3;
  std::vector<uint64_t> data(kHead + events_.size());
  size_t opened = 0;
  for (const Event& event : events_) opened += event.fd.ok();

  std::string unread;
  if (!started_) {
    unread = "was never started";
  } else {
    const size_t bytes = (kHead + opened) * sizeof(uint64_t);
    const ssize_t got = calls_.read(leader_, data.data(), bytes);
    if (got < 0) {
      unread = std::string("cannot be read: ") + std::strerror(errno);
    } else if (static_cast<size_t>(got) != bytes || data[0] != opened) {
      // A group in error state returns no bytes.
      unread = "the kernel gave no values for the group";
    } else if (data[2] == 0) {
      unread = "never counted: the PMU was taken, or too small for the group";
    }
  }

  std::vector<CounterValue> values;
  size_t next = kHead;
  for (const Event& event : events_) {
    CounterValue value{event.name, event.state, 0, 0, 0, event.unavailable};
    const size_t slot = event.fd.ok() ? next++ : 0;
    if (value.unavailable.empty() && !unread.empty()) {
      value.state = CounterState::kFailed;
      value.unavailable = unread;
    }
    if (value.unavailable.empty()) {
      value.value = data[slot];
      value.enabled_ns = data[1];
      value.running_ns = data[2];
      if (value.running_ns < value.enabled_ns) value.state = CounterState::kMultiplexed;
    }
    values.push_back(std::move(value));
  }
  return values;
}

CounterGroup CounterGroup::OfThisThread() const {
  std::vector<std::string> names;
  for (const Event& event : events_) names.push_back(event.name);
  return CounterGroup(names, calls_);
}

void CounterGroup::Add(const CounterGroup& other) {
  std::vector<CounterValue> values = other.Read();
  for (size_t i = 0; i < added_.size(); ++i) values[i] += added_[i];
  added_ = std::move(values);
}

std::vector<CounterValue> CounterGroup::Read() const {
  if (added_.empty()) return ReadOwn();
  std::vector<CounterValue> values = added_;
  if (started_) {
    const std::vector<CounterValue> own = ReadOwn();
    for (size_t i = 0; i < values.size(); ++i) values[i] += own[i];
  }
  return values;
}

std::vector<std::string> SplitCounters(const std::string& names) {
  std::vector<std::string> split;
  std::istringstream stream(names);
  for (std::string name; std::getline(stream, name, ',');) split.push_back(name);
  return split;
}

nlohmann::ordered_json ToJson(const std::vector<CounterValue>& counters) {
  auto json = nlohmann::ordered_json::object();
  for (const CounterValue& counter : counters) {
    if (counter.unavailable.empty()) {
      json[counter.name] = {{"state", ToString(counter.state)},
                            {"value", counter.value},
                            {"enabled", counter.enabled_ns},
                            {"running", counter.running_ns}};
    } else {
      json[counter.name] = {{"state", ToString(counter.state)},
                            {"unavailable", counter.unavailable}};
    }
  }
  return json;
}

}  // namespace kmapbench
