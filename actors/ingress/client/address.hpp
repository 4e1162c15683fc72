// Where an order entry port is: the text form that configuration, command lines and clients use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace holdfast::client {

/// "127.0.0.1:7001", "[::1]:7001", "host.name:7001" or "unix:/path".
struct Address {
  bool unix_socket = false;
  std::string host;  // or the path
  uint16_t port = 0;
};
/// kInvalid says what is wrong and what is expected.
Result<Address> parse_address(std::string_view text);

}  // namespace holdfast::client
