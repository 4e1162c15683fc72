// Keys of the journal's column families. They sort by group, then index: group (4 bytes), index (8
// bytes), big endian; a snapshot's chunks add 4 more.
#pragma once

#include <cstddef>

#include "messages/ids.hpp"

namespace holdfast::replication {

template <typename T>
void put_big_endian(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    at[i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * (sizeof(T) - 1 - i)));
}
template <typename T>
T get_big_endian(const char* at) {
  uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = value << 8 | static_cast<unsigned char>(at[i]);
  return static_cast<T>(value);
}

struct JournalKey {
  char bytes[16];
  std::size_t size;
};
inline JournalKey entry_key(GroupId group, Index index) {
  JournalKey key{{}, 12};
  put_big_endian(key.bytes, group.value);
  put_big_endian(key.bytes + 4, index.value);
  return key;
}
inline JournalKey chunk_key(GroupId group, Index index, uint32_t chunk) {
  JournalKey key = entry_key(group, index);
  put_big_endian(key.bytes + 12, chunk);
  key.size = 16;
  return key;
}

}  // namespace holdfast::replication
