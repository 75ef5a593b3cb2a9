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

#include "common/unique_fd.h"
#include "system/event_tables.h"

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

enum class CounterState {
  kCounted,
  kMultiplexed,  // counted for a part of the time: the PMU was shared
  kUnknown,      // libpfm4 knows no such event, or not of this CPU
  kNoPmu,        // nothing here counts it
  kNotAllowed,   // by kernel.perf_event_paranoid
  kRefused,      // the PMU has it, and not now or not beside the others
  kFailed,       // opened, and then no value
};

const char* ToString(CounterState state);

struct CounterValue {
  std::string name;
  CounterState state = CounterState::kCounted;
  // As counted, in the time that it ran. Nothing is scaled.
  uint64_t value = 0;
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;
  std::string unavailable;  // why there is no value; empty where there is one

  // Both counted together, as of two threads. One that has no value has none together.
  CounterValue& operator+=(const CounterValue& other);
};

// The event that libpfm4 turns the name into on such a CPU; empty, or why there is none. A name
// of another CPU's PMU is refused: its code would count something else.
std::string Encode(const std::string& name, perf_event_attr& attr, const CpuIdentity& cpu);

class CounterGroup {
 public:
  // Of this thread, and not counting yet.
  explicit CounterGroup(const std::vector<std::string>& events, PerfCalls calls = RealPerfCalls());

  // Counts from Start to Stop; several such stretches add up.
  void Start();
  void Stop();

  // The same events, of the thread that calls this.
  CounterGroup OfThisThread() const;
  // Counts of another group of the same events, to be in what is read from now on.
  void Add(const CounterGroup& other);

  // In the order of the names given.
  std::vector<CounterValue> Read() const;

 private:
  struct Event {
    std::string name;
    UniqueFd fd;
    CounterState state;
    std::string unavailable;
  };

  void Open(Event& event);
  void GiveUp(const std::string& why);
  std::vector<CounterValue> ReadOwn() const;

  PerfCalls calls_;
  std::vector<Event> events_;
  int leader_ = -1;
  bool started_ = false;
  std::vector<CounterValue> added_;
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

// Names between commas.
std::vector<std::string> SplitCounters(const std::string& names);

// name: {state, value, enabled, running} or {state, unavailable: reason}.
nlohmann::ordered_json ToJson(const std::vector<CounterValue>& counters);

}  // namespace kmapbench
