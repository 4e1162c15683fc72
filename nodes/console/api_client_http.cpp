#include "nodes/console/api_client_http.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "nodes/settings/settings.hpp"

namespace holdfast::console {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

constexpr uint64_t kAnswerBytesMax = 64u << 20;
const std::vector<std::string> kStateDirectories = {"build/state", "/var/lib/holdfast"};

std::string or_empty(const char* text) { return text ? text : ""; }

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream || stream.bad())
    return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 path + ": " + std::strerror(errno ? errno : EIO)};
  return text.str();
}

// Host and port of "http://host:port".
Result<Target> parse_url(std::string_view url, const std::string& from) {
  const auto wrong = [&] {
    return Error{
        ErrorCode::kInvalid,
        from + ": expected a URL like http://127.0.0.1:9780, found \"" + std::string(url) + "\""};
  };
  auto rest = url;
  if (!rest.starts_with("http://")) return wrong();
  rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong();
  auto host = rest.substr(0, colon);
  const auto port = settings::parse_port(rest.substr(colon + 1));
  if (!port || *port == 0 || host.find('/') != std::string_view::npos) return wrong();
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Target{std::string(host), std::to_string(*port), "", ""};
}

// The token of a file: `role name token` a line, or a bare token. Of several lines the one named
// `as`, else the first.
Result<std::string> token_in(const std::string& path, const std::string& as) {
  auto text = read_file(path);
  if (!text)
    return Error{text.error().code,
                 "the token file can't be read: " + text.error().text +
                     (text.error().code == ErrorCode::kNotFound
                          ? "; make one with `deploy/install token " + path + "`"
                          : "; run as the node's user, or name another with --token-file")};
  std::istringstream lines(text.value());
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string role, name, token;
    words >> role >> name >> token;
    if (role.empty()) continue;
    if (name.empty()) token = role;
    if (token.empty() || (!as.empty() && name != as)) continue;
    return token;
  }
  return Error{ErrorCode::kNotFound,
               as.empty() ? path + " holds no token" : path + " holds no token of " + as};
}

void add_token(Target& target, const std::string& path, const std::string& as) {
  auto token = token_in(path, as);
  if (token)
    target.token = std::move(token).value();
  else
    target.token_problem = token.error().text;
}

std::string state_directory_of(const Where& where,
                               const std::function<const char*(const char*)>& get) {
  return where.state_directory.empty() ? or_empty(get("HOLDFAST_STATE_DIR"))
                                       : where.state_directory;
}

// One try after the other; the last problem is told.
struct Exchange {
  asio::io_context context{1};
  beast::tcp_stream stream{context};

  /// Runs what was started; false when it did not end in time.
  bool run(Duration within) {
    context.restart();
    context.run_for(std::chrono::nanoseconds(within.ns));
    if (context.stopped()) return true;
    beast::error_code ignored;
    stream.socket().close(ignored);
    context.run();
    return false;
  }
};

}  // namespace

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  return out;
}

Result<Target> find_node(const Where& where, const std::function<const char*(const char*)>& get) {
  const auto url = where.url.empty() ? or_empty(get("HOLDFAST_URL")) : where.url;
  auto token_file =
      where.token_file.empty() ? or_empty(get("HOLDFAST_TOKEN_FILE")) : where.token_file;
  const auto named = state_directory_of(where, get);
  if (!url.empty()) {
    auto target = parse_url(url, where.url.empty() ? "HOLDFAST_URL" : "--url");
    if (!target) return target;
    if (token_file.empty() && !named.empty()) token_file = named + "/operator.token";
    if (token_file.empty())
      target.value().token_problem =
          "no token; name its file with --token-file or HOLDFAST_TOKEN_FILE";
    else
      add_token(target.value(), token_file, where.as);
    return target;
  }
  const auto places = named.empty() ? kStateDirectories : std::vector<std::string>{named};
  std::string looked;
  for (const auto& place : places) {
    const auto file = place + "/operator.json";
    const auto text = read_file(file);
    looked += (looked.empty() ? "" : ", ") + file;
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return Error{ErrorCode::kUnavailable, text.error().text};
    const auto json = Json::parse(text.value(), nullptr, false);
    if (!json.is_object() || !json.contains("url") || !json["url"].is_string())
      return Error{ErrorCode::kUnavailable,
                   file + " is damaged; restart the node, it writes it anew"};
    auto target = parse_url(json["url"].get<std::string>(), file);
    if (!target) return target;
    if (token_file.empty()) token_file = json.value("token_file", place + "/operator.token");
    add_token(target.value(), token_file, where.as);
    return target;
  }
  return Error{
      ErrorCode::kUnavailable,
      "no node found (looked for " + looked +
          "). Is it running? Name its state folder with --state-dir or HOLDFAST_STATE_DIR, or "
          "its address with --url and --token-file"};
}

Result<ApiAnswer> call(const Target& target, const std::string& method, const std::string& path,
                       const Json& body, Duration within) {
  const auto peer = target.host + ":" + target.port;
  Exchange exchange;
  beast::error_code error;
  tcp::resolver resolver(exchange.context);
  const auto endpoints = resolver.resolve(target.host, target.port, error);
  if (error)
    return Error{ErrorCode::kUnavailable, "can't resolve " + target.host + ": " + error.message()};
  constexpr Duration kConnectWithin = Duration::seconds(3);
  exchange.stream.async_connect(endpoints, [&](beast::error_code e, const auto&) { error = e; });
  if (!exchange.run(kConnectWithin)) error = asio::error::timed_out;
  if (error)
    return Error{
        ErrorCode::kUnavailable,
        "can't reach the node at " + peer + ": " + error.message() +
            ". Is it running, and is that its port? (its guard's log tells; a node that died "
            "leaves an old operator.json behind)"};

  http::request<http::string_body> request(http::string_to_verb(method), path, 11);
  request.set(http::field::host, peer);
  if (!target.token.empty()) request.set(http::field::authorization, "Bearer " + target.token);
  if (!body.is_null()) {
    request.set(http::field::content_type, "application/json");
    request.body() = body.dump();
  }
  request.keep_alive(false);
  request.prepare_payload();
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerBytesMax);
  http::async_write(exchange.stream, request, [&](beast::error_code e, std::size_t) {
    error = e;
    // A refusal may come before the server has read everything: what it says counts.
    http::async_read(exchange.stream, buffer, parser,
                     [&](beast::error_code read, std::size_t) { error = read; });
  });
  const bool in_time = exchange.run(within);
  if (!in_time)
    return Error{ErrorCode::kUnavailable, "the node at " + peer + " did not answer within " +
                                              std::to_string(within.ms()) +
                                              " ms; is it hanging? `holdfast guard status` tells"};
  if (error)
    return Error{ErrorCode::kUnavailable, "the node at " + peer + " broke off: " + error.message() +
                                              "; if it is being restarted, try again"};
  ApiAnswer answer;
  answer.status = parser.get().result_int();
  answer.text = parser.get().body();
  answer.body = Json::parse(answer.text, nullptr, false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  return answer;
}

}  // namespace holdfast::console
