// The CLI's side of the operator API: finds the node (address and token) and makes one HTTP call
// with a limit on every wait. Says what to do when there is no node, no token, or no answer.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast::console {

using Json = nlohmann::ordered_json;

/// What the command line says about where the node is; empty: look for it.
struct Where {
  std::string url, token_file, state_directory;
  std::string as;  // the name of the token's line to use, when the file has several
};

/// A node's address and what we prove ourselves with.
struct Target {
  std::string host, port;
  std::string token;  // empty: none was found; only /v1/health answers then
  std::string token_problem;
};

/// The command line first, then HOLDFAST_URL, HOLDFAST_TOKEN_FILE, then operator.json in the state
/// directory (--state-dir, HOLDFAST_STATE_DIR, build/state, /var/lib/holdfast). kUnavailable: no
/// node was found; the text says where it was looked for and what to do.
Result<Target> find_node(const Where& where, const std::function<const char*(const char*)>& get);

struct ApiAnswer {
  unsigned status = 0;
  Json body;         // null when it is not JSON
  std::string text;  // as it came
};

/// One request and its answer. kUnavailable: could not connect, or no whole answer within `within`.
Result<ApiAnswer> call(const Target& target, const std::string& method, const std::string& path,
                       const Json& body, Duration within);

/// `text` so that it can stand in a path segment or a query value.
std::string percent_encode(std::string_view text);

}  // namespace holdfast::console
