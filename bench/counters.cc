// SPDX-License-Identifier: Apache-2.0
#include "counters.h"

#include <perfmon/pfmlib_perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace kmapbench {

namespace {

constexpr char kParanoid[] = "/proc/sys/kernel/perf_event_paranoid";

// Empty where libpfm4 can turn the name into an event.
std::string Encode(const std::string& name, perf_event_attr& attr) {
  static const int initialized = pfm_initialize();
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
  attr.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return "";
}

std::string Paranoid() {
  std::string level;
  std::ifstream(kParanoid) >> level;
  return level.empty() ? "kernel.perf_event_paranoid" : "kernel.perf_event_paranoid is " + level;
}

std::string WhyNotOpened(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
      return "there is no PMU that counts it: virtual machines often have none";
    case EACCES:
    case EPERM:
      return "not allowed: " + Paranoid() + "; as root, or: sysctl kernel.perf_event_paranoid=1";
    case ENOSYS:
      return "this kernel has no perf events (CONFIG_PERF_EVENTS)";
    case EINVAL:
      return "the PMU cannot count it beside the others of the group";
    case EBUSY:
      return "the PMU is taken by somebody else";
    default:
      return std::string("perf_event_open: ") + std::strerror(error);
  }
}

}  // namespace

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
    events_.push_back({name, UniqueFd(), ""});
    Open(events_.back());
  }
}

void CounterGroup::Open(Event& event) {
  perf_event_attr attr;
  event.unavailable = Encode(event.name, attr);
  if (!event.unavailable.empty()) return;
  // The whole group waits for its leader.
  attr.disabled = leader_ < 0;
  event.fd = UniqueFd(calls_.open(&attr, leader_));
  if (!event.fd.ok()) {
    event.unavailable = WhyNotOpened(errno);
  } else if (leader_ < 0) {
    leader_ = event.fd.get();
  }
}

void CounterGroup::GiveUp(const std::string& why) {
  for (Event& event : events_) {
    if (event.unavailable.empty()) event.unavailable = why;
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

std::vector<CounterValue> CounterGroup::Read() const {
  // How many, time enabled, time running, then the values in the order of opening.
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
      // A group in error state reads as nothing.
      unread = "the kernel gave no values for the group";
    } else if (data[2] == 0) {
      unread = "never counted: the PMU was taken, or too small for the group";
    }
  }

  std::vector<CounterValue> values;
  size_t next = kHead;
  for (const Event& event : events_) {
    CounterValue value{event.name, 0, 0, 0, event.unavailable};
    const size_t slot = event.fd.ok() ? next++ : 0;
    if (value.unavailable.empty()) value.unavailable = unread;
    if (value.unavailable.empty()) {
      value.value = data[slot];
      value.enabled_ns = data[1];
      value.running_ns = data[2];
    }
    values.push_back(std::move(value));
  }
  return values;
}

std::vector<std::string> DefaultCounters() {
  return {"instructions:k", "instructions:u", "cycles:k",         "cycles:u",
          "task-clock",     "page-faults",    "context-switches", "cpu-migrations"};
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
      json[counter.name] = {{"value", counter.value},
                            {"enabled", counter.enabled_ns},
                            {"running", counter.running_ns}};
    } else {
      json[counter.name] = {{"unavailable", counter.unavailable}};
    }
  }
  return json;
}

}  // namespace kmapbench
