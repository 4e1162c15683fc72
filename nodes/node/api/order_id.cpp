#include "nodes/node/api/order_id.hpp"

#include <charconv>

namespace holdfast::operator_api {
namespace {

constexpr unsigned kNumberBits = 48;
constexpr uint64_t kNumberMask = (uint64_t{1} << kNumberBits) - 1;

std::optional<uint64_t> whole(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string format_order_id(OrderId id) {
  return std::to_string(id.value >> kNumberBits) + "-" + std::to_string(id.value & kNumberMask);
}

std::optional<OrderId> parse_order_id(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto shard = whole(text.substr(0, dash)), number = whole(text.substr(dash + 1));
  if (!shard || !number || *shard > 0xffff || *number == 0 || *number > kNumberMask)
    return std::nullopt;
  return OrderId{*shard << kNumberBits | *number};
}

}  // namespace holdfast::operator_api
