// SPDX-License-Identifier: Apache-2.0
#include "record/record_writer.h"

#include <fcntl.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "common/json_text.h"

namespace kmapbench {

namespace {

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

RecordWriter::RecordWriter(const std::string& path) : path_(path) {
  if (path.empty()) return;
  fd_ = UniqueFd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd_.ok()) ThrowErrno(path_);
}

void RecordWriter::Write(const nlohmann::ordered_json& object) {
  if (!fd_.ok()) return;
  const std::string line = JsonText(object) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(fd_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowErrno(path_);
    rest.remove_prefix(static_cast<size_t>(written));
  }
  // Pipes and character devices have nothing to sync, and return EINVAL.
  if (fdatasync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS) ThrowErrno(path_);
}

}  // namespace kmapbench
