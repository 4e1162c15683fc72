#include "nodes/node/healing/audit_words.hpp"

#include <optional>

#include "messages/check.hpp"

namespace holdfast::node {

namespace {
// What each begins with; the last character is the version.
constexpr std::string_view kWantHead = "HFAUDW1";
constexpr std::string_view kGivenHead = "HFAUDG1";
// One record may be larger than what is else given at once.
constexpr std::size_t kGivenWordMax = kGivenBytesMax + audit::kRecordBytesMax + (64u << 10);

template <typename N>
void put(std::string& out, N number) {
  for (std::size_t i = 0; i < sizeof(N); ++i)
    out += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
}

/// Takes from the front; once it has failed it stays so.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  bool head(std::string_view expected) { return take(expected.size()) == expected; }
  template <typename N>
  N number() {
    N out = 0;
    const auto bytes = take(sizeof(N));
    for (std::size_t i = bytes.size(); i-- > 0;)
      out = static_cast<N>(out << 8 | static_cast<unsigned char>(bytes[i]));
    return out;
  }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) short_ = true;
    if (short_) return {};
    const auto out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  bool whole() const { return !short_ && bytes_.empty(); }
  bool ran_short() const { return short_; }

 private:
  std::string_view bytes_;
  bool short_ = false;
};

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("audit word: ") + what};
}
}  // namespace

std::string encode(const WantRecords& want) {
  std::string out(kWantHead);
  put(out, want.ask);
  put(out, want.from);
  put(out, want.upto);
  return out;
}

Result<WantRecords> decode_want(std::string_view bytes) {
  Cursor in(bytes);
  if (!in.head(kWantHead)) return corrupt("no wish for records");
  WantRecords want;
  want.ask = in.number<uint64_t>();
  want.from = in.number<uint64_t>();
  want.upto = in.number<uint64_t>();
  if (!in.whole()) return corrupt("a wish of another length");
  if (want.from == 0 || want.upto < want.from) return corrupt("a wish for no records");
  return want;
}

std::string encode(const GivenRecords& given) {
  CHECK(given.records.size() <= kGivenRecordsMax);
  CHECK(given.next != 0 || given.records.empty());
  std::string out(kGivenHead);
  put(out, given.ask);
  put(out, given.from);
  put(out, given.next);
  put(out, static_cast<uint32_t>(given.records.size()));
  uint64_t number = given.next;
  for (const auto& record : given.records) {
    CHECK(record.sequence == number++);
    const auto bytes = audit::encode(record);
    put(out, static_cast<uint32_t>(bytes.size()));
    out += bytes;
  }
  CHECK(out.size() <= kGivenWordMax);
  return out;
}

Result<GivenRecords> decode_given(std::string_view bytes) {
  if (bytes.size() > kGivenWordMax) return corrupt("records that are too many");
  Cursor in(bytes);
  if (!in.head(kGivenHead)) return corrupt("no records");
  GivenRecords given;
  given.ask = in.number<uint64_t>();
  given.from = in.number<uint64_t>();
  given.next = in.number<uint64_t>();
  const auto count = in.number<uint32_t>();
  if (in.ran_short()) return corrupt("half an answer");
  if (count > kGivenRecordsMax) return corrupt("records that are too many");
  if (given.from == 0 || (given.next != 0 && given.next < given.from) ||
      (given.next == 0) != (count == 0))
    return corrupt("records out of their place");
  for (uint32_t i = 0; i < count; ++i) {
    auto record = audit::decode(in.take(in.number<uint32_t>()));
    if (!record) return record.error();
    if (record.value().sequence != given.next + i) return corrupt("records that do not follow");
    given.records.push_back(std::move(record).value());
  }
  if (!in.whole()) return corrupt("bytes after the records");
  return given;
}

}  // namespace holdfast::node
