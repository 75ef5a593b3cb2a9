// SPDX-License-Identifier: Apache-2.0
//
// One group of perf events around what is measured, named as libpfm4 names them. Events that
// cannot be counted say why; none of them is ever a 0 that was not counted.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "unique_fd.h"

struct perf_event_attr;

namespace kmapbench {

// The calls into the kernel, so that tests can stand in for it. Each fails as the C library's do.
struct PerfCalls {
  // perf_event_open of this thread on whichever CPU; group: -1, or the leader's fd
  std::function<int(perf_event_attr* attr, int group)> open;
  std::function<int(int fd, unsigned long request)> control;  // ioctl, on the whole group
  std::function<ssize_t(int fd, void* data, size_t bytes)> read;
};

PerfCalls RealPerfCalls();

struct CounterValue {
  std::string name;
  // As counted. Where running is less than enabled, the PMU was shared, and value is of that
  // part of the time only.
  uint64_t value = 0;
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;
  std::string unavailable;  // why there is no value; empty where there is one
};

class CounterGroup {
 public:
  // Of this thread, and not counting yet.
  explicit CounterGroup(const std::vector<std::string>& events, PerfCalls calls = RealPerfCalls());

  // Counts from Start to Stop; several such stretches add up.
  void Start();
  void Stop();

  // In the order of the names given.
  std::vector<CounterValue> Read() const;

 private:
  struct Event {
    std::string name;
    UniqueFd fd;
    std::string unavailable;
  };

  void Open(Event& event);
  void GiveUp(const std::string& why);

  PerfCalls calls_;
  std::vector<Event> events_;
  int leader_ = -1;
  bool started_ = false;
};

// Counts while it lives; a null group is no group.
class Counting {
 public:
  explicit Counting(CounterGroup* group) : group_(group) {
    if (group_) group_->Start();
  }
  ~Counting() {
    if (group_) group_->Stop();
  }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

 private:
  CounterGroup* group_;
};

// Hardware events of the kernel and of user space apart, and software events.
std::vector<std::string> DefaultCounters();

// Names between commas.
std::vector<std::string> SplitCounters(const std::string& names);

// name: {value, enabled, running} or {unavailable: reason}.
nlohmann::ordered_json ToJson(const std::vector<CounterValue>& counters);

}  // namespace kmapbench
