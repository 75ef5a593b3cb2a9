// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "kmap_bench/options.h"
#include "kmap_bench/registry.h"
#include "record/record.h"
#include "record/record_writer.h"

namespace kmapbench {

// The record of a control. One that is wrong by a clock of time is measured again, five times at
// most: what disturbed the machine for a moment passes, a loop that is wrong stays so. A count is
// the same each time, and is measured once.
// Throws what measuring throws the last time.
Record MeasureControl(const BenchCase& control, Clock clock, uint32_t ops, uint32_t samples);

// Measures the controls, whose length is known, in the same way as the cases after them. If one of
// them is wrong, no later result of this process can be trusted.
class ControlCheck {
 public:
  // samples: number of samples per control. The arguments have to outlive this object.
  ControlCheck(const Options& options, const CaseRegistry& registry, uint32_t samples,
               RecordWriter& writer);

  // Measures the controls of a side and writes their records, at the first call for that side.
  // Throws std::system_error and std::runtime_error.
  void MeasureOnce(BenchCase::Side side);

  // Flags an otherwise good record if a control was wrong before it.
  void FlagIfUntrusted(Record& record) const;

  // Whether a control was wrong.
  bool failed() const { return !problem_.empty(); }

 private:
  bool CanJudge() const;

  const Options& options_;
  const CaseRegistry& registry_;
  uint32_t samples_;
  RecordWriter& writer_;
  std::set<BenchCase::Side> measured_;
  std::string problem_;  // of the first control that was wrong
};

}  // namespace kmapbench
