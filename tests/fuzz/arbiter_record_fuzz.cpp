// The arbiter's records, as anybody may have edited them: any bytes are a consistent record or an
// error, and a record that was taken is written and read back as the same.

// runs: 100000
// links: holdfast_replication

#include <cstdint>
#include <string_view>

#include "messages/check.hpp"
#include "supervision/replication/protocol/record.hpp"

using namespace holdfast;
using namespace holdfast::replication;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = decode_record(text); record.ok()) {
    FATAL_UNLESS(check_record(record.value()).ok());
    const auto again = decode_record(encode_record(record.value()));
    FATAL_UNLESS(again.ok() && again.value() == record.value());
  }
  if (const auto one = parse_incarnation(text); one.ok())
    FATAL_UNLESS(parse_incarnation(to_text(one.value())).value() == one.value());
  return 0;
}
