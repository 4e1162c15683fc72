#include "nodes/node/api/request_http.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::operator_api {

Query::Query(const Request& request, std::vector<std::string> known) : query_(request.query) {
  for (const auto& [name, value] : query_)
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string list;
      for (const auto& word : known) list += " " + word;
      throw BadRequest{"unknown parameter " + name,
                       known.empty() ? "this endpoint takes none" : "known are:" + list};
    }
}

std::string Query::text(const std::string& name) const {
  const auto found = query_.find(name);
  return found == query_.end() ? "" : found->second;
}

uint64_t Query::number(const std::string& name, uint64_t otherwise, uint64_t most) const {
  const auto word = text(name);
  if (word.empty()) return otherwise;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || number == 0 || number > most)
    throw BadRequest{name + ": expected a number from 1 to " + std::to_string(most)};
  return number;
}

bool Query::flag(const std::string& name) const {
  const auto word = text(name);
  if (word.empty() || word == "false") return false;
  if (word != "true") throw BadRequest{name + ": expected true or false"};
  return true;
}

Body::Body(const Request& request, std::vector<std::string> known) {
  known.push_back("reason");
  json_ = Json::parse(request.body, nullptr, false);
  std::string list;
  for (const auto& word : known) list += " " + word;
  if (!json_.is_object())
    throw BadRequest{"the body is not a JSON object",
                     "send {\"reason\": \"…\"}; known are:" + list};
  for (const auto& [key, value] : json_.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw BadRequest{"unknown key " + key + " in the body", "known are:" + list};
  reason_ = text("reason");
  if (reason_.empty())
    throw BadRequest{"a command needs a reason", "add \"reason\": it is kept in the audit log"};
  if (auto short_enough = ReasonText::parse(reason_); !short_enough)
    throw BadRequest{"reason: " + short_enough.error().text};
}

std::string Body::text(const std::string& key) const {
  if (!json_.contains(key)) return "";
  if (!json_[key].is_string()) throw BadRequest{key + ": expected text"};
  return json_[key].get<std::string>();
}

bool Body::flag(const std::string& key) const {
  if (!json_.contains(key)) return false;
  if (!json_[key].is_boolean()) throw BadRequest{key + ": expected true or false"};
  return json_[key].get<bool>();
}

uint64_t Body::number(const std::string& key) const {
  if (!json_.contains(key) || !json_[key].is_number_unsigned() || json_[key].get<uint64_t>() == 0)
    throw BadRequest{key + ": expected a number from 1 on"};
  return json_[key].get<uint64_t>();
}

Call call_of(const Request& request, std::string reason) {
  return {request.who.value_or(Identity{}), std::move(reason), request.within};
}

Handler checked(Handler body) {
  return [body = std::move(body)](const Request& request, const Reply& reply) {
    try {
      body(request, reply);
    } catch (const BadRequest& bad) {
      reply([bad] { return error_response(400, "bad_request", bad.text, bad.what_to_do); });
    }
  };
}

}  // namespace holdfast::operator_api
