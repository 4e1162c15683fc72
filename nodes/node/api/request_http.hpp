// Reading the operator API's requests and answering them, as all its endpoints do: parameters and
// bodies of which only known ones may be there, every command with its reason, a mistake told once
// as a 400 that says what to do. What the words mean is the endpoints' own.
#pragma once

#include "nodes/node/api/endpoints_http.hpp"

namespace holdfast::operator_api {

inline const std::string kCorrectIt =
    "correct the request and send it again; GET /v1 lists every endpoint";

/// Thrown by the readers below and turned into a 400 by `checked`; never leaves it.
struct BadRequest {
  std::string text, what_to_do = kCorrectIt;
};

/// The query parameters of a request, of which only known ones may be there. The request outlives
/// it.
class Query {
 public:
  Query(const Request& request, std::vector<std::string> known);
  /// "" when it is not there.
  std::string text(const std::string& name) const;
  /// From 1 to `most`.
  uint64_t number(const std::string& name, uint64_t otherwise, uint64_t most) const;
  bool flag(const std::string& name) const;

 private:
  const std::map<std::string, std::string>& query_;
};

/// A command's JSON body: an object of known keys with a reason.
class Body {
 public:
  Body(const Request& request, std::vector<std::string> known);
  const std::string& reason() const { return reason_; }
  bool has(const std::string& key) const { return json_.contains(key) && !json_[key].is_null(); }
  /// "" when it is not there.
  std::string text(const std::string& key) const;
  bool flag(const std::string& key) const;
  uint64_t number(const std::string& key) const;
  /// As it came; null when it is not there.
  Json value(const std::string& key) const { return has(key) ? json_[key] : Json(nullptr); }

 private:
  Json json_;
  std::string reason_;
};

template <typename T>
T name_from(const std::string& what, const std::string& word) {
  auto parsed = T::parse(word);
  if (!parsed) throw BadRequest{what + ": " + parsed.error().text};
  return parsed.value();
}

/// An Answer that shows the backend's view (or error) as JSON, rendered on the server's thread.
template <typename T>
Answer<T> shown(const Reply& reply) {
  return [reply](Result<T> result) {
    auto held = std::make_shared<Result<T>>(std::move(result));
    reply([held] {
      return held->ok() ? json_response(to_json(held->value())) : error_response(held->error());
    });
  };
}

Call call_of(const Request& request, std::string reason = "");

/// Runs `body`; a BadRequest becomes a 400.
Handler checked(Handler body);

}  // namespace holdfast::operator_api
