#include "actors/ingress/client/address.hpp"

#include <charconv>

namespace holdfast::client {

Result<Address> parse_address(std::string_view text) {
  const auto bad = [&](const char* why) {
    return Error{ErrorCode::kInvalid, "address \"" + std::string(text) + "\": " + why +
                                          "; expected HOST:PORT, [IPV6]:PORT or unix:PATH"};
  };
  Address address;
  if (text.starts_with("unix:")) {
    address.unix_socket = true;
    address.host = text.substr(5);
    if (address.host.empty()) return bad("the path is empty");
    return address;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("the port is missing");
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return bad("the host is empty");
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size())
    return bad("the port is no number from 0 to 65535");
  address.host = host;
  return address;
}

}  // namespace holdfast::client
