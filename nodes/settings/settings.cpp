#include "nodes/settings/settings.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::settings {
ReferenceData Settings::reference() const {
  ReferenceData data;
  for (const auto& venue : venues) data.venues.push_back(venue.entry);
  data.instruments = instruments;
  return data;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

Result<> parse_venue_port(std::string_view text, std::map<std::string, uint16_t>& ports) {
  const auto equals = text.find('=');
  const auto port =
      equals == std::string_view::npos ? std::nullopt : parse_port(text.substr(equals + 1));
  if (equals == 0 || !port)
    return Error{ErrorCode::kInvalid,
                 "expected VENUE=PORT like XSIM=9880, found " + in_quotes(text)};
  ports[std::string(text.substr(0, equals))] = *port;
  return success();
}

Overrides overrides_from_environment(const std::function<const char*(const char*)>& get,
                                     Problems& problems) {
  Overrides overrides;
  const auto port = [&](const char* variable, std::optional<uint16_t>& into) {
    const char* text = get(variable);
    if (text == nullptr || *text == '\0') return;
    into = parse_port(text);
    if (!into)
      problems.add({variable, 0, 0, "expected a port from 0 to 65535, found " + in_quotes(text)});
  };
  port("HOLDFAST_INGRESS_PORT", overrides.ingress_port);
  port("HOLDFAST_OPERATOR_PORT", overrides.operator_port);
  if (const char* name = get("HOLDFAST_NODE"); name && *name) overrides.node_name = name;
  if (const char* folder = get("HOLDFAST_STATE_DIR"); folder && *folder)
    overrides.state_directory = folder;
  if (const char* healing = get("HOLDFAST_HEALING"); healing && *healing) {
    const std::string_view word = healing;
    if (word == "on" || word == "off")
      overrides.healing = word == "on";
    else
      problems.add({"HOLDFAST_HEALING", 0, 0,
                    "expected \"on\" or \"off\", found \"" + std::string(word) + "\""});
  }
  const char* venues = get("HOLDFAST_VENUE_PORTS");
  std::string_view rest = venues ? venues : "";
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (auto parsed = parse_venue_port(rest.substr(0, comma), overrides.venue_ports); !parsed)
      problems.add({"HOLDFAST_VENUE_PORTS", 0, 0, parsed.error().text});
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return overrides;
}

}  // namespace holdfast::settings
