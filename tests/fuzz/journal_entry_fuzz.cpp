// Stored journal entries: any bytes are an entry or an error; what was encoded is read back; and no
// byte of an entry can change without its reader noticing.

// runs: 150000
// links: holdfast_replication

#include <cstdint>

#include "messages/check.hpp"
#include "supervision/replication/entry.hpp"

using namespace holdfast;
using namespace holdfast::replication;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  if (const auto entry = decode_entry(input))
    FATAL_UNLESS(entry.value().body.size() + entry_header_bytes(entry.value().header.format) ==
                 size);

  EntryHeader header;
  header.group = GroupId{7};
  header.at = {Epoch{3}, Index{size + 1}, WallTime{1'000}};
  header.previous = hash_of(input);
  Bytes stored;
  const auto hash = encode_entry(header, input, stored);
  const auto again = decode_entry(stored);
  FATAL_UNLESS(again.ok());
  FATAL_UNLESS(again.value().hash == hash && again.value().header.at == header.at);
  FATAL_UNLESS(again.value().header.previous == header.previous);
  FATAL_UNLESS(
      std::equal(input.begin(), input.end(), again.value().body.begin(), again.value().body.end()));

  // The input itself says which byte is damaged, and how.
  if (size < 3) return 0;
  const std::size_t at = (data[0] * 256u + data[1]) % stored.size();
  const auto flip = static_cast<std::byte>(data[2] == 0 ? 1 : data[2]);
  stored[at] ^= flip;
  FATAL_UNLESS(!decode_entry(stored).ok());
  stored[at] ^= flip;
  stored.resize(stored.size() - 1 - data[2] % stored.size());
  FATAL_UNLESS(!decode_entry(stored).ok());
  return 0;
}
