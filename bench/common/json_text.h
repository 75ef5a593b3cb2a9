// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace kmapbench {

// The text of a JSON object, on one line or, with an indent, on several. Bytes that are no UTF-8,
// as firmware's names may have, become U+FFFD.
inline std::string JsonText(const nlohmann::ordered_json& object, int indent = -1) {
  return object.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace kmapbench
