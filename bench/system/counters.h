// SPDX-License-Identifier: Apache-2.0
//
// A group of perf events that count during measuring, with libpfm4's names. An event that cannot be
// counted has a reason instead of a value, never a 0.
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

// The system calls, which tests replace. They fail as those of the C library do: -1 and errno.
struct PerfCalls {
  // perf_event_open() for this thread on any CPU; group: -1, or the leader's fd
  std::function<int(perf_event_attr* attr, int group)> open;
  std::function<int(int fd, unsigned long request)> control;  // ioctl, on the whole group
  std::function<ssize_t(int fd, void* data, size_t bytes)> read;
};

// The system calls of this kernel.
PerfCalls RealPerfCalls();

enum class CounterState {
  kCounted,
  kMultiplexed,  // counted for part of the time, because the PMU was shared
  kUnknown,      // libpfm4 has no such event for this CPU
  kNoPmu,        // no PMU here counts it
  kNotAllowed,   // by kernel.perf_event_paranoid
  kRefused,      // the PMU has it, but not now or not together with the others
  kFailed,       // it was opened, but has no value
};

// Names as in records.
const char* ToString(CounterState state);

struct CounterValue {
  std::string name;
  CounterState state = CounterState::kCounted;
  // The count in the time that the event ran; not scaled.
  uint64_t value = 0;
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;
  std::string unavailable;  // why there is no value; empty if there is one

  // The sum, for two threads. Without a value in one of them the sum has none.
  CounterValue& operator+=(const CounterValue& other);
};

// Fills attr with the event of that name on such a CPU, and returns an empty string; or returns why
// there is none. An event of another CPU's PMU is refused, because its code would count something
// else here.
std::string Encode(const std::string& name, perf_event_attr& attr, const CpuIdentity& cpu);

class CounterGroup {
 public:
  // Opens counters for the thread that calls this. They do not count yet. Reports no errors: Read()
  // has them.
  explicit CounterGroup(const std::vector<std::string>& events, PerfCalls calls = RealPerfCalls());

  // Counts from Start() to Stop(). Several such stretches add up.
  void Start();
  void Stop();

  // Opens the same events for the thread that calls this.
  CounterGroup OfThisThread() const;
  // Adds the counts of another group of the same events to what Read() returns.
  void Add(const CounterGroup& other);

  // The counts, in the order of the names given to the constructor.
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

// A group counts from construction to destruction of this object. The group may be null.
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

// Splits names at commas.
std::vector<std::string> SplitCounters(const std::string& names);

// Returns an object of name: {state, value, enabled, running} or {state, unavailable: reason}.
// Times are in nanoseconds.
nlohmann::ordered_json ToJson(const std::vector<CounterValue>& counters);

}  // namespace kmapbench
