#include "supervision/replication/entry.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace holdfast::replication {

namespace {
constexpr uint32_t kMagic = 0x54464c48;  // "HLFT" in little endian
constexpr uint16_t kEpochStart = 1;
constexpr uint16_t kRaises = 2;

// Little endian, fixed offsets: magic 0, format 4, flags 6, group 8, body size 12, epoch 16, index
// 24, time 32, previous hash 40..55, 64-bit checksum of everything else 56; from format 2 on
// committed 64, digest 72. The body follows.
template <typename T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

constexpr std::size_t kChecksumAt = 56, kChecksummedFrom = 64;

uint64_t checksum(ByteView bytes) {
  const uint64_t head = XXH3_64bits(bytes.data(), kChecksumAt);
  return XXH3_64bits_withSeed(bytes.data() + kChecksummedFrom, bytes.size() - kChecksummedFrom,
                              head);
}
}  // namespace

ChainHash hash_of(ByteView bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

ChainHash encode_entry(const EntryHeader& header, ByteView body, Bytes& out) {
  const std::size_t head = entry_header_bytes(header.format);
  CHECK(body.size() + head <= limits::kEntryBytesMax);
  const std::size_t start = out.size();
  out.resize(start + head + body.size());
  std::byte* at = out.data() + start;
  put<uint32_t>(at, kMagic);
  put<uint16_t>(at + 4, header.format);
  // Builds that do not know the second flag take such an entry for what has no events either.
  put<uint16_t>(at + 6, header.raises        ? kEpochStart | kRaises
                        : header.epoch_start ? kEpochStart
                                             : 0);
  put<uint32_t>(at + 8, header.group.value);
  put<uint32_t>(at + 12, static_cast<uint32_t>(body.size()));
  put<uint64_t>(at + 16, header.at.epoch.value);
  put<uint64_t>(at + 24, header.at.index.value);
  put<int64_t>(at + 32, header.at.time.ns);
  put<uint64_t>(at + 40, header.previous.high);
  put<uint64_t>(at + 48, header.previous.low);
  if (header.format >= 2) {
    put<uint64_t>(at + 64, header.committed.value);
    put<uint64_t>(at + 72, header.digest);
  }
  if (!body.empty()) std::memcpy(at + head, body.data(), body.size());
  const ByteView whole{at, head + body.size()};
  put<uint64_t>(at + 56, checksum(whole));
  return hash_of(whole);
}

Result<EntryView> decode_entry(ByteView bytes) {
  const auto corrupt = [](const char* what) {
    return Error{ErrorCode::kCorrupt, std::string("journal entry: ") + what};
  };
  if (bytes.size() < entry_header_bytes(kEntryFormatLowest))
    return corrupt("shorter than its header");
  const std::byte* at = bytes.data();
  if (get<uint32_t>(at) != kMagic) return corrupt("wrong magic number");
  EntryView view;
  view.header.format = get<uint16_t>(at + 4);
  if (view.header.format < kEntryFormatLowest || view.header.format > kEntryFormat)
    return Error{ErrorCode::kInvalid,
                 "journal entry of format " + std::to_string(view.header.format) +
                     ", this build reads formats " + std::to_string(kEntryFormatLowest) + " to " +
                     std::to_string(kEntryFormat)};
  const std::size_t head = entry_header_bytes(view.header.format);
  if (bytes.size() < head) return corrupt("shorter than its header");
  view.header.raises = (get<uint16_t>(at + 6) & kRaises) != 0;
  view.header.epoch_start = !view.header.raises && (get<uint16_t>(at + 6) & kEpochStart) != 0;
  view.header.group = {get<uint32_t>(at + 8)};
  if (get<uint32_t>(at + 12) != bytes.size() - head) return corrupt("size does not match");
  view.header.at = {{get<uint64_t>(at + 16)}, {get<uint64_t>(at + 24)}, {get<int64_t>(at + 32)}};
  view.header.previous = {get<uint64_t>(at + 40), get<uint64_t>(at + 48)};
  if (get<uint64_t>(at + 56) != checksum(bytes)) return corrupt("checksum does not match");
  if (view.header.format >= 2) {
    view.header.committed = {get<uint64_t>(at + 64)};
    view.header.digest = get<uint64_t>(at + 72);
  }
  view.body = bytes.subspan(head);
  view.hash = hash_of(bytes);
  return view;
}

}  // namespace holdfast::replication
