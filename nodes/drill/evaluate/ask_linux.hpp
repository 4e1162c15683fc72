// One HTTP request over a connection of its own, to a node's operator API on loopback. What is
// looked at each second is asked this way: a process for each question would be load of its own.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "messages/time.hpp"

namespace holdfast::drill::evaluate {

/// Where and as whom.
struct Door {
  uint16_t port = 0;  // on loopback
  std::string token;
};

struct HttpAnswer {
  int status = 0;  // 0: none came within the limit
  std::string body;
};
/// `body`: JSON, sent where it is not empty. Waits at most `limit` for each part of the answer.
HttpAnswer ask_http(const Door& door, const std::string& method, const std::string& path,
                    const std::string& body, Duration limit);
/// The JSON of a GET; null where the answer is none, or not 200.
nlohmann::json get_json(const Door& door, const std::string& path);

}  // namespace holdfast::drill::evaluate
