#include "nodes/node/api/router.hpp"

namespace holdfast::operator_api {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// Whether the path fits the pattern; fills what stands for {name}.
bool fits(std::string_view pattern, const std::vector<std::string>& have,
          std::map<std::string, std::string>& names) {
  const auto want = segments_of(pattern);
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (i >= have.size() || have[i].empty()) return false;
    if (want[i].starts_with('{'))
      names[std::string(want[i].substr(1, want[i].size() - 2))] = have[i];
    else if (want[i] != have[i])
      return false;
  }
  return want.size() == have.size();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return Error{ErrorCode::kInvalid, "the address holds a bad percent escape"};
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return Error{ErrorCode::kInvalid, "the address holds a control character"};
    out += c;
  }
  return out;
}

}  // namespace

void Router::add(Route route) {
  CHECK(route.pattern.starts_with('/') && route.handler);
  routes_.push_back(std::move(route));
}

Router::Match Router::match(std::string_view method,
                            const std::vector<std::string>& segments) const {
  Match match;
  for (const auto& route : routes_) {
    std::map<std::string, std::string> names;
    if (!fits(route.pattern, segments, names)) continue;
    if (route.method == method) {
      match.route = &route;
      match.names = std::move(names);
      return match;
    }
    match.allowed += (match.allowed.empty() ? "" : ", ") + route.method;
  }
  return match;
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return Error{ErrorCode::kInvalid, "the address must start with /"};
  Target parsed;
  const auto mark = std::min(target.find('?'), target.size());
  auto path = decode(target.substr(0, mark), false);
  if (!path) return path.error();
  parsed.path = std::move(path).value();
  for (const auto segment : segments_of(target.substr(0, mark)))
    parsed.segments.push_back(decode(segment, false).value());  // the whole decoded, so each does
  auto rest = target.substr(std::min(mark + 1, target.size()));
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals), true);
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name) return name.error();
    if (!value) return value.error();
    if (!parsed.query.emplace(name.value(), value.value()).second)
      return Error{ErrorCode::kInvalid, "the parameter " + name.value() + " comes twice"};
  }
  return parsed;
}

}  // namespace holdfast::operator_api
