// Decimal text and short texts from outside: any bytes are a value or an error, and an accepted
// number prints as a text that reads back as the same number.

// runs: 300000
// links: holdfast_messages

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "messages/fixed_point.hpp"
#include "messages/ids.hpp"

using namespace holdfast;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto units = fixed_point::parse(input)) {
    const auto again = fixed_point::parse(fixed_point::format(units.value()));
    FATAL_UNLESS(again.ok() && again.value() == units.value());
  } else {
    FATAL_UNLESS(!units.error().text.empty() && units.error().text.size() < 200);
  }
  if (auto symbol = Symbol::parse(input))
    FATAL_UNLESS(symbol.value().view() == input);
  else
    FATAL_UNLESS(!symbol.error().text.empty());
  return 0;
}
