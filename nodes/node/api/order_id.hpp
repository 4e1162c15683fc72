// How an order id is written for people and in JSON: "SHARD-NUMBER", "0-42". The plain 64-bit
// number would lose digits in JavaScript and tell nobody anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/ids.hpp"

namespace holdfast::operator_api {

std::string format_order_id(OrderId id);
/// From "SHARD-NUMBER"; nothing for any other text, zero included.
std::optional<OrderId> parse_order_id(std::string_view text);

}  // namespace holdfast::operator_api
