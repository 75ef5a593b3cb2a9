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

// Core cycles a pair of a body, in the world of a model.
double CoreCycles(Model model, Body body, const World& world, uint64_t target_ticks) {
  model.body = body;
  Sampler sampler(model, world);
  const uint32_t ops = sampler.OpsFor(target_ticks);
  sampler.WarmUp(ops);
  std::vector<Sample> samples;
  for (uint32_t i = 0; i < kCalibrationSamples; ++i) samples.push_back(sampler.Take(ops));
  return *CostOf(samples, ops).core_cycles;
}

void CalibrateDelay(const Model& model, const World& world, const Effort& effort) {
  const double without = CoreCycles(model, model.without_write, world, effort.target_ticks);
  const auto with = [&](uint32_t adds) {
    SetDelayAdds(adds);
    return CoreCycles(model, model.body, world, effort.target_ticks);
  };
  const double with_few = with(kFewDelayAdds);
  const double with_many = with(kManyDelayAdds);
  SetDelayAdds(DelayAdds(effort.write_cycles, without, with_few, with_many));
}

void TakeAlone(const Model& model, const World& world, const Effort& effort, CounterGroup& counters,
               Record& record) {
  const PinnedToCpu pinned(AllowedCpus().front());
  if (model.without_write) {
    CalibrateDelay(model, world, effort);
    record.assumed_write_cycles = effort.write_cycles;
  }
  Sampler sampler(model, world);
  sampler.Check(record);
  record.ops = effort.ops ? effort.ops : sampler.OpsFor(effort.target_ticks);
  sampler.WarmUp(record.ops);
  {
    const Counting counting(&counters);
    for (uint32_t i = 0; i < effort.samples; ++i) {
      record.samples.push_back(sampler.Take(record.ops));
    }
  }
  sampler.Check(record);
}

// All threads take each sample at the same time; its windows are then beside each other's.
void TakeTogether(const Model& model, const World& world, const Effort& effort,
                  CounterGroup& counters, Record& record) {
  std::vector<int> cpus = AllowedCpus();
  cpus.resize(model.threads);
  {
    const PinnedToCpu pinned(cpus.front());
    record.ops = effort.ops ? effort.ops : Sampler(model, world).OpsFor(effort.target_ticks);
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
      Sampler sampler(model, world);
      sampler.WarmUp(record.ops);
      const Counting counting(&groups[i].emplace(counters.OfThisThread()));
      for (uint32_t sample = 0; sample < effort.samples; ++sample) {
        together.arrive_and_wait();
        mine.samples.push_back(sampler.Take(record.ops));
      }
    });
  }
  threads.clear();  // joins
  for (const auto& group : groups) counters.Add(*group);
  for (const ThreadSamples& one : record.threads) {
    record.samples.insert(record.samples.end(), one.samples.begin(), one.samples.end());
  }
}

}  // namespace

Record Measure(const Model& model, const Effort& effort, CounterGroup& counters) {
  Record record;
  record.name = model.name;
  record.stand_in = model.stand_in;
  record.known = model.known;
  record.reason = Refusal(model);
  if (!record.reason.empty()) {
    record.status = Status::kSkipped;
    return record;
  }
  const World world(model.world);
  if (model.spots) record.pages = static_cast<uint32_t>(model.world.count);
  if (model.threads == 1) {
    TakeAlone(model, world, effort, counters, record);
  } else {
    TakeTogether(model, world, effort, counters, record);
  }
  return record;
}

}  // namespace kmapbench::user
