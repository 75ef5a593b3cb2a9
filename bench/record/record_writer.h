// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/unique_fd.h"

namespace kmapbench {

// Appends JSON objects to a file, one a line, each on disk before the call returns: what
// is killed later keeps what was made before. The file may also be a pipe or a character
// device (the lab's channel out of the guest).
class RecordWriter {
 public:
  // An empty path writes nothing. Throws std::system_error where the file cannot be opened.
  explicit RecordWriter(const std::string& path);

  // Throws std::system_error where the line cannot be written in full.
  void Write(const nlohmann::ordered_json& object);

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace kmapbench
