// Rows of the book as packed bytes, a page of up to kPageRows rows at a time: numbers are as short
// as their values and mostly differences to the row before. A page depends on its own rows only, so
// rows that have not changed give the same bytes in the next snapshot. Reading is total: any bytes
// give rows or the first thing that is wrong. Internal to the shard's codec.
#pragma once

#include <array>
#include <limits>
#include <span>

#include "actors/orders/order_book_of_record.hpp"
#include "actors/orders/shard/shard_fields_capnp.hpp"
#include "supervision/replication/entry.hpp"

namespace holdfast::orders {

inline constexpr std::size_t kPageRows = 1'024;

/// Appends bytes. Reused from page to page.
class PageWriter {
 public:
  void clear() { size_ = 0; }
  std::span<const uint8_t> bytes() const { return {bytes_.data(), size_}; }

  /// Room for a row, before its fields are put.
  void room(std::size_t bytes) {
    if (bytes_.size() < size_ + bytes) bytes_.resize((size_ + bytes) * 2);
  }
  void byte(unsigned value) { bytes_[size_++] = static_cast<uint8_t>(value); }
  void number(uint64_t value) {
    while (value >= 0x80) {
      byte(static_cast<uint8_t>(value) | 0x80u);
      value >>= 7;
    }
    byte(static_cast<unsigned>(value));
  }
  void fixed(uint64_t value) {
    std::memcpy(bytes_.data() + size_, &value, sizeof value);
    size_ += sizeof value;
  }
  /// value - from, around the end if need be.
  void difference(uint64_t value, uint64_t from) { number(zigzag(value - from)); }
  /// As difference, in hundredths when it comes out even.
  void money(int64_t value, int64_t from = 0) {
    const auto difference =
        static_cast<int64_t>(static_cast<uint64_t>(value) - static_cast<uint64_t>(from));
    const int64_t cents = difference / kCent;
    if (cents * kCent == difference) return number(zigzag(static_cast<uint64_t>(cents)) << 1);
    number(1);
    number(zigzag(static_cast<uint64_t>(difference)));
  }
  /// What is new since `before`.
  template <std::size_t N>
  void text(const Text<N>& value, const Text<N>& before) {
    const std::string_view now = value.view(), old = before.view();
    std::size_t same = 0;
    while (same < now.size() && same < old.size() && now[same] == old[same]) ++same;
    byte(static_cast<unsigned>(same));
    byte(static_cast<unsigned>(now.size() - same));
    std::memcpy(bytes_.data() + size_, now.data() + same, now.size() - same);
    size_ += now.size() - same;
  }

  static constexpr int64_t kCent = kScale / 100;

 private:
  static uint64_t zigzag(uint64_t value) { return value << 1 ^ (0 - (value >> 63)); }
  std::vector<uint8_t> bytes_;
  std::size_t size_ = 0;
};

/// Takes bytes in the order in which they were put. Past the end, and after a field that is wrong,
/// everything is zero and `wrong` says why.
class PageReader {
 public:
  PageReader(std::span<const uint8_t> bytes, Wrong& wrong)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), wrong_(wrong) {}
  bool at_end() const { return at_ == end_ || wrong_.any(); }

  unsigned byte() {
    if (at_ == end_) return short_of_bytes();
    return *at_++;
  }
  uint64_t number() {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return long_number();
  }
  uint64_t fixed() {
    uint64_t value = 0;
    if (end_ - at_ < static_cast<std::ptrdiff_t>(sizeof value)) return short_of_bytes();
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  uint64_t difference(uint64_t from) { return from + unzigzag(number()); }
  int64_t money(int64_t from = 0) {
    const uint64_t first = number();
    uint64_t difference = 0;
    if (first == 1)
      difference = unzigzag(number());
    else if (first & 1)
      wrong_.say("amount", "of a form that this build does not know");
    else
      difference = unzigzag(first >> 1) * static_cast<uint64_t>(PageWriter::kCent);
    return static_cast<int64_t>(static_cast<uint64_t>(from) + difference);
  }
  /// A number that fits T.
  template <typename T>
  void small(T& to, const char* field) {
    const uint64_t value = number();
    if (value > std::numeric_limits<T>::max())
      wrong_.say(field, "no number of its size");
    else
      to = static_cast<T>(value);
  }
  template <typename E>
  void enumerator(uint64_t value, E& to, const char* field) {
    if (value <= std::numeric_limits<std::underlying_type_t<E>>::max())
      take(static_cast<std::underlying_type_t<E>>(value), to, field, wrong_);
    else
      wrong_.say(field, "no number of its size");
  }
  template <std::size_t N>
  void text(Text<N>& to, const Text<N>& before, const char* field) {
    const std::size_t same = byte(), fresh = byte();
    if (same > before.size() || same + fresh > N || static_cast<std::size_t>(end_ - at_) < fresh)
      return wrong_.say(field, "is longer than its place");
    char bytes[N];
    std::memcpy(bytes, before.view().data(), same);
    std::memcpy(bytes + same, at_, fresh);
    at_ += fresh;
    auto parsed = Text<N>::parse({bytes, same + fresh});
    if (parsed)
      to = parsed.value();
    else
      wrong_.say(field, parsed.error().text);
  }
  Wrong& wrong() { return wrong_; }

 private:
  static uint64_t unzigzag(uint64_t value) { return value >> 1 ^ (0 - (value & 1)); }
  uint64_t long_number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return short_of_bytes();
      const uint64_t byte = *at_++;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    wrong_.say("number", "has more than 64 bits");
    return 0;
  }
  unsigned short_of_bytes() {
    wrong_.say("page", "ends in the middle of a row");
    return 0;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  Wrong& wrong_;
};

/// An order with what the book keeps beside its record.
struct OrderInPage {
  OrderRecord record;
  ReasonText text;
  unsigned steps = 0;
  std::array<StepRecord, OrderBookOfRecord::kStepsMax> step;
};

/// Writes and reads the rows of one page in their order; a new one for each page. Reading returns
/// false when something is wrong.
class OrderPage {
 public:
  void put(const OrderBookOfRecord& book, Ref order, PageWriter& to);
  /// References are not checked.
  bool take(PageReader& from, OrderInPage& to);

 private:
  OrderRecord before_;
};
class RequestPage {
 public:
  void put(const RequestRecord& request, PageWriter& to);
  bool take(PageReader& from, RequestRecord& to);

 private:
  RequestRecord before_;
};
class ExecutionPage {
 public:
  void put(const ExecutionRecord& execution, PageWriter& to);
  bool take(PageReader& from, ExecutionRecord& to);

 private:
  ExecutionRecord before_;
};
class ReportPage {
 public:
  void put(const ReportRecord& report, const ReasonText* text, PageWriter& to);
  bool take(PageReader& from, ReportRecord& to, ReasonText& text);

 private:
  ReportRecord before_;
};

}  // namespace holdfast::orders
