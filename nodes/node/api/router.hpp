// The table of what the operator API answers: method, path, the role it needs, and the handler.
// Pages and streams of the web console join it the same way. Pure: no sockets, no JSON; a handler
// is given a decoded request and a way to reply from any thread.
#pragma once

#include <functional>
#include <map>

#include "messages/time.hpp"
#include "nodes/node/api/roles.hpp"

namespace holdfast::operator_api {

/// An HTTP answer as handlers make it.
struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// A request that has passed authentication and the route's role.
struct Request {
  std::string method, path;                  // path without the query, percent-decoded
  std::vector<std::string> segments;         // of the path
  std::map<std::string, std::string> names;  // what stands for {name} in the route's pattern
  std::map<std::string, std::string> query;  // decoded; a name that comes twice is refused
  std::string body;
  std::optional<Identity> who;  // absent only on open routes
  Duration within;              // the route's time to answer
};

/// Makes the response, on the server's thread. Handed to Reply so that rendering never runs on the
/// thread that answered.
using Render = std::function<Response()>;
/// Takes the one reply to a request, from any thread; later ones are ignored.
using Reply = std::function<void(Render)>;
using Handler = std::function<void(const Request&, const Reply&)>;

/// What a command does to trading, which decides whether it may go on when it can't be logged.
enum class Effect : uint8_t {
  kNone,        // a question
  kProtective,  // stops or limits: goes on even when the audit log is not writable
  kOther,       // changes anything else: needs its line in the audit log first
};

struct Route {
  std::string method, pattern;  // "GET", "/v1/orders/{id}"
  std::optional<Role> role;     // none: open to all, with or without a token
  Effect effect = Effect::kNone;
  Duration within = Duration::seconds(5);
  std::string summary;  // one line for people, shown by GET /v1
  Handler handler;
  std::size_t body_bytes_max = 0;  // 0: as the server has it for all
};

/// Filled before the server starts, then only read.
class Router {
 public:
  void add(Route route);

  struct Match {
    const Route* route = nullptr;  // null: see `allowed`
    std::map<std::string, std::string> names;
    std::string allowed;  // methods that this path knows, "GET, POST"; empty: no such path
  };
  /// The route of a method and a path's decoded segments.
  Match match(std::string_view method, const std::vector<std::string>& segments) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

/// A request target split and percent-decoded; kInvalid on a bad escape, a control character, a
/// query name that comes twice.
struct Target {
  std::string path;                   // decoded, for people
  std::vector<std::string> segments;  // split, then decoded: an escaped slash divides nothing
  std::map<std::string, std::string> query;
};
Result<Target> parse_target(std::string_view target);

}  // namespace holdfast::operator_api
