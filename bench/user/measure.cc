// SPDX-License-Identifier: Apache-2.0
#include "user/measure.h"

#include <barrier>
#include <optional>
#include <thread>
#include <vector>

#include "user/delay.h"
#include "user/sampling.h"

namespace kmapbench::user {

namespace {

constexpr uint32_t kCalibrationSamples = 64;

// Measures the core cycles of a pair, with another body in the address space of a model.
double CoreCycles(Model model, Body body, const AddressSpace& address_space,
                  uint64_t target_ticks) {
  model.body = body;
  Sampler sampler(model, address_space);
  const uint32_t ops = sampler.OpsFor(target_ticks);
  sampler.WarmUp(ops);
  std::vector<Sample> samples;
  for (uint32_t i = 0; i < kCalibrationSamples; ++i) samples.push_back(sampler.Take(ops));
  return *CostOf(samples, ops).core_cycles;
}

// Sets the number of adds with which a write takes plan.write_cycles.
void CalibrateDelay(const Model& model, const AddressSpace& address_space,
                    const SamplingPlan& plan) {
  const double without = CoreCycles(model, model.without_write, address_space, plan.target_ticks);
  const auto with = [&](uint32_t adds) {
    SetDelayAdds(adds);
    return CoreCycles(model, model.body, address_space, plan.target_ticks);
  };
  const double with_few = with(kFewDelayAdds);
  const double with_many = with(kManyDelayAdds);
  SetDelayAdds(DelayAdds(plan.write_cycles, without, with_few, with_many));
}

void TakeAlone(const Model& model, const AddressSpace& address_space, const SamplingPlan& plan,
               CounterGroup& counters, Record& record) {
  const PinnedToCpu pinned(AllowedCpus().front());
  if (model.without_write) {
    CalibrateDelay(model, address_space, plan);
    record.assumed_write_cycles = plan.write_cycles;
  }
  Sampler sampler(model, address_space);
  sampler.Check(record);
  record.ops = plan.ops ? plan.ops : sampler.OpsFor(plan.target_ticks);
  sampler.WarmUp(record.ops);
  {
    const Counting counting(&counters);
    for (uint32_t i = 0; i < plan.samples; ++i) {
      record.samples.push_back(sampler.Take(record.ops));
    }
  }
  sampler.Check(record);
}

// All threads take each sample at the same time, so that its windows overlap in time.
void TakeTogether(const Model& model, const AddressSpace& address_space, const SamplingPlan& plan,
                  CounterGroup& counters, Record& record) {
  std::vector<int> cpus = AllowedCpus();
  cpus.resize(model.threads);
  {
    const PinnedToCpu pinned(cpus.front());
    record.ops = plan.ops ? plan.ops : Sampler(model, address_space).OpsFor(plan.target_ticks);
  }
  std::barrier together(static_cast<std::ptrdiff_t>(model.threads));
  record.threads.resize(model.threads);
  std::vector<std::optional<CounterGroup>> groups(model.threads);
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < model.threads; ++i) {
    threads.emplace_back([&, i] {
      const PinnedToCpu pinned(cpus[i]);
      ThreadSamples& mine = record.threads[i];
      mine.cpu = cpus[i];
      Sampler sampler(model, address_space);
      sampler.WarmUp(record.ops);
      const Counting counting(&groups[i].emplace(counters.OfThisThread()));
      for (uint32_t sample = 0; sample < plan.samples; ++sample) {
        together.arrive_and_wait();
        mine.samples.push_back(sampler.Take(record.ops));
      }
    });
  }
  threads.clear();  // joins
  for (const auto& group : groups) counters.Add(*group);
  for (const ThreadSamples& thread : record.threads) {
    record.samples.insert(record.samples.end(), thread.samples.begin(), thread.samples.end());
  }
}

}  // namespace

Record Measure(const Model& model, const SamplingPlan& plan, CounterGroup& counters) {
  Record record;
  record.name = model.name;
  record.stand_in = model.stand_in;
  record.known = model.known;
  record.reason = SkipReason(model);
  if (!record.reason.empty()) {
    record.status = Status::kSkipped;
    return record;
  }
  const AddressSpace address_space(model.address_space);
  if (model.spots) record.pages = static_cast<uint32_t>(model.address_space.count);
  if (model.threads == 1) {
    TakeAlone(model, address_space, plan, counters, record);
  } else {
    TakeTogether(model, address_space, plan, counters, record);
  }
  return record;
}

}  // namespace kmapbench::user
