// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/unique_fd.h"

namespace kmapbench {

// Appends JSON objects to a file, one per line. Each is on disk before the call returns, so that a
// process that is killed later has lost none. The file may also be a pipe or a character device,
// such as the lab's channel out of the guest.
class RecordWriter {
 public:
  // With an empty path nothing is written. Throws std::system_error if the file cannot be opened.
  explicit RecordWriter(const std::string& path);

  // Throws std::system_error if the line cannot be written in full.
  void Write(const nlohmann::ordered_json& object);

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace kmapbench
