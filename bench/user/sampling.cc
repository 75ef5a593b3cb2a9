// SPDX-License-Identifier: Apache-2.0
#include "user/sampling.h"

#include <alloca.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "system/clock.h"
#include "user/protection.h"

namespace kmapbench::user {

namespace {

// The offsets of stack and task within a page change from sample to sample, by a number of cache
// lines: store forwarding and the sets of the first-level cache depend on these address bits. Two
// different odd steps give many combinations.
constexpr size_t kPlaces = kPageBytes / kLineBytes;
constexpr size_t kStackStride = 29;
constexpr size_t kTaskStride = 37;

constexpr size_t kWarmUpBlock = 16;
constexpr size_t kWarmUpBlocks = 40;
constexpr double kStable = 0.01;

// noinline, so that no code that computes the arguments is in the window.
[[gnu::noinline]] uint64_t Ticks(Body body, BodyContext* context, uint64_t ops) {
  const uint64_t begin = ClockBegin();
  body(context, ops);
  return ClockEnd() - begin;
}

// Times the four windows, with the stack moved down by stack_bytes.
[[gnu::noinline]] void TakeWindows(Body body, BodyContext* context, uint64_t ops,
                                   size_t stack_bytes, Sample& sample) {
  auto* const down = static_cast<volatile std::byte*>(alloca(stack_bytes + 1));
  *down = std::byte{0};
  sample.empty_n = Ticks(EmptyBody, context, ops);
  sample.empty_2n = Ticks(EmptyBody, context, 2 * ops);
  sample.case_n = Ticks(body, context, ops);
  sample.case_2n = Ticks(body, context, 2 * ops);
}

std::byte* Aligned(std::vector<std::byte>& memory, size_t bytes) {
  void* start = memory.data();
  size_t space = memory.size();
  return static_cast<std::byte*>(std::align(kPageBytes, bytes, start, space));
}

// CheckProtection() takes plain functions, which find here what they map.
thread_local const Model* checked = nullptr;
thread_local PageDescriptor* checked_page = nullptr;
thread_local void* checked_address = nullptr;

}  // namespace

PinnedToCpu::PinnedToCpu(int cpu) {
  if (cpu < 0 || sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(cpu), &one);
  pinned_ = sched_setaffinity(0, sizeof(one), &one) == 0;
}

PinnedToCpu::~PinnedToCpu() {
  if (pinned_) sched_setaffinity(0, sizeof(before_), &before_);
}

std::vector<int> AllowedCpus() {
  std::vector<int> cpus;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return {0};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<size_t>(cpu), &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

Sampler::Sampler(const Model& model, const AddressSpace& address_space)
    : model_(model), data_(address_space.data()), buffer_(2 * kPageBytes), tasks_(2 * kPageBytes) {
  context_.page = address_space.descriptors().data();
  context_.buffer = Aligned(buffer_, kPageBytes);
  context_.mask = std::max<size_t>(model.spots, 1) - 1;
}

void Sampler::Enter() {
  const size_t place = taken_ * kTaskStride % kPlaces * kLineBytes;
  user::Enter(reinterpret_cast<Task*>(Aligned(tasks_, kPageBytes) + place));
  if (model_.uses_pkru) WritePkru(kPkrsClosed);
  for (unsigned i = 0; i < model_.depth; ++i) model_.map(context_.page);
}

void Sampler::Leave() {
  for (unsigned i = 0; i < model_.depth; ++i) model_.unmap(data_);
}

Sample Sampler::Take(uint32_t ops) {
  const size_t stack_bytes = taken_ * kStackStride % kPlaces * kLineBytes;
  Sample sample;
  Enter();
  const double chain_before = ChainSlope();
  TakeWindows(model_.body, &context_, ops, stack_bytes, sample);
  sample.chain = (chain_before + ChainSlope()) / 2;
  Leave();
  ++taken_;
  return sample;
}

uint32_t Sampler::OpsFor(uint64_t target_ticks) {
  constexpr uint32_t kProbeOps = 64;
  uint64_t best = std::numeric_limits<uint64_t>::max();
  for (int i = 0; i < 16; ++i) best = std::min(best, Take(kProbeOps).case_n);
  const uint64_t ops = target_ticks * kProbeOps / (2 * std::max<uint64_t>(best, 1));
  return static_cast<uint32_t>(std::clamp<uint64_t>(ops, 1, 1u << 20));
}

void Sampler::WarmUp(uint32_t ops) {
  double last = std::numeric_limits<double>::quiet_NaN();
  for (size_t block = 0; block < kWarmUpBlocks; ++block) {
    std::vector<double> lengths;
    for (size_t i = 0; i < kWarmUpBlock; ++i) {
      const Sample sample = Take(ops);
      lengths.push_back(static_cast<double>(sample.case_2n) / *sample.chain);
    }
    const double median = Median(std::move(lengths));
    if (std::abs(median - last) <= kStable * last) return;
    last = median;
  }
}

void Sampler::Check(Record& record) {
  if (!model_.uses_pkru || record.oracle == Oracle::kFailed) return;
  Enter();
  checked = &model_;
  checked_page = context_.page;
  const Finding finding = CheckProtection(
      data_, [] { checked_address = checked->map(checked_page); },
      [] { checked->unmap(checked_address); });
  record.oracle = finding.oracle;
  if (finding.oracle == Oracle::kFailed) {
    record.status = Status::kFlagged;
    record.reason = finding.reason;
  }
}

}  // namespace kmapbench::user
