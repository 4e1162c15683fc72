#include "actors/orders/report_stream.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::orders {

namespace {

// A packed report: flags (two bytes), order, then what the flags say is there, each a number of
// seven bits a byte, the lowest first. Most amounts are whole hundredths: they are written without
// their last six digits, shifted by one mark bit; the others follow a zero.
constexpr int64_t kCommonDivisor = 1'000'000;
constexpr std::size_t kRecordBytesMax = 160;
static_assert(kRecordBytesMax * 64 <= UINT16_MAX);
static_assert(2 + 5 + 5 + 3 + 4 + 6 * 11 + 10 + 1 + limits::kVenueTextBytes <= kRecordBytesMax);

// Flags: two bits for each amount, one each for a request and a reason.
enum Amount : unsigned { kPrice, kQuantity, kCumulative, kLeaves, kLastQuantity, kLastPrice };
enum Kind : unsigned { kZero = 0, kAlike = 1, kWritten = 2 };  // alike: as another one
constexpr unsigned kRequestFlag = 1u << 12, kReasonFlag = 1u << 13;

uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

class Packer {
 public:
  explicit Packer(uint8_t* at) : begin_(at), at_(at + 2) {}
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<uint8_t>(value) | 0x80;
    *at_++ = static_cast<uint8_t>(value);
  }
  void flag(unsigned bit) { flags_ |= bit; }
  void amount(Amount which, int64_t units, int64_t other = 0) {
    const Kind kind = units == 0 ? kZero : units == other ? kAlike : kWritten;
    flags_ |= kind << 2 * which;
    if (kind != kWritten) return;
    if (units % kCommonDivisor == 0) {
      number(zigzag(units / kCommonDivisor) << 1 | 1);  // shrunk: room for the mark
    } else {
      number(0);
      number(zigzag(units));
    }
  }
  void text(std::string_view text) {
    *at_++ = static_cast<uint8_t>(text.size());
    for (const char c : text) *at_++ = static_cast<uint8_t>(c);
  }
  /// Where the record ends.
  uint8_t* finish() {
    begin_[0] = static_cast<uint8_t>(flags_);
    begin_[1] = static_cast<uint8_t>(flags_ >> 8);
    return at_;
  }

 private:
  uint8_t* const begin_;
  uint8_t* at_;
  unsigned flags_ = 0;
};

class Unpacker {
 public:
  explicit Unpacker(const uint8_t* at)
      : flags_(at[0] | static_cast<unsigned>(at[1]) << 8), at_(at + 2) {}
  uint64_t number() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t byte = *at_++;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  bool flag(unsigned bit) const { return (flags_ & bit) != 0; }
  int64_t amount(Amount which, int64_t other = 0) {
    const unsigned kind = flags_ >> 2 * which & 3;
    if (kind != kWritten) return kind == kAlike ? other : 0;
    const uint64_t value = number();
    return value != 0 ? unzigzag(value >> 1) * kCommonDivisor : unzigzag(number());
  }
  std::string_view text() {
    const std::size_t size = *at_++;
    const auto* const begin = reinterpret_cast<const char*>(at_);
    at_ += size;
    return {begin, size};
  }

 private:
  const unsigned flags_;
  const uint8_t* at_;
};

uint8_t* pack(const ReportRecord& r, int64_t base, uint8_t* at) {
  Packer packer(at);
  packer.number(r.order);
  packer.number(static_cast<uint64_t>(r.type));
  packer.number(static_cast<uint64_t>(r.state));
  if (r.request != 0) packer.flag(kRequestFlag), packer.number(r.request);
  if (r.reason != Reason::kNone)
    packer.flag(kReasonFlag), packer.number(static_cast<uint64_t>(r.reason));
  packer.amount(kPrice, r.price.units);
  packer.amount(kQuantity, r.quantity.units);
  packer.amount(kCumulative, r.cumulative.units, r.quantity.units);
  packer.amount(kLeaves, r.leaves.units, r.quantity.units);
  packer.amount(kLastQuantity, r.last_quantity.units, r.cumulative.units);
  packer.amount(kLastPrice, r.last_price.units, r.price.units);
  const auto later = static_cast<uint64_t>(r.time.ns) - static_cast<uint64_t>(base);
  packer.number(zigzag(static_cast<int64_t>(later)));
  packer.text(r.exec_id.view());
  return packer.finish();
}

ReportRecord unpack(const uint8_t* at, int64_t base) {
  Unpacker unpacker(at);
  ReportRecord r;
  r.order = static_cast<Ref>(unpacker.number());
  r.type = static_cast<ExecType>(unpacker.number());
  r.state = static_cast<OrderState>(unpacker.number());
  if (unpacker.flag(kRequestFlag)) r.request = static_cast<Ref>(unpacker.number());
  if (unpacker.flag(kReasonFlag)) r.reason = static_cast<Reason>(unpacker.number());
  r.price.units = unpacker.amount(kPrice);
  r.quantity.units = unpacker.amount(kQuantity);
  r.cumulative.units = unpacker.amount(kCumulative, r.quantity.units);
  r.leaves.units = unpacker.amount(kLeaves, r.quantity.units);
  r.last_quantity.units = unpacker.amount(kLastQuantity, r.cumulative.units);
  r.last_price.units = unpacker.amount(kLastPrice, r.price.units);
  const auto later = static_cast<uint64_t>(unzigzag(unpacker.number()));
  r.time.ns = static_cast<int64_t>(static_cast<uint64_t>(base) + later);
  r.exec_id = ExecId(unpacker.text());
  return r;
}

}  // namespace

// The block of `last_`; makes it when this is the first report in it.
ReportStream::Block& ReportStream::newest_block() {
  const uint64_t number = last_ / kBlock;
  if (blocks_.empty()) first_block_ = number;
  const std::size_t place = (number - first_block_) % kBlocksMax;
  if (kept_ != 0 && last_ % kBlock != 0) return blocks_[place];
  open_.clear();
  if (place == blocks_.size()) blocks_.emplace_back();
  blocks_[place] = Block{};
  return blocks_[place];
}

ReportSeq ReportStream::push(const ReportRecord& report, const ReasonText& text) {
  last_ += 1;
  Block& block = newest_block();
  if (open_.empty()) block.time = report.time.ns;
  uint8_t packed[kRecordBytesMax];
  const uint8_t* const end = pack(report, block.time, packed);
  block.starts[last_ % kBlock] = static_cast<uint16_t>(open_.size());
  open_.insert(open_.end(), static_cast<const uint8_t*>(packed), end);
  if (last_ % kBlock == kBlock - 1) {
    block.size = static_cast<uint32_t>(open_.size());
    block.bytes = std::make_unique<uint8_t[]>(block.size);
    std::copy(open_.begin(), open_.end(), block.bytes.get());
  }
  if (kept_ < limits::kReportsKeptPerAccount) kept_ += 1;
  while (!texts_.empty() && texts_.begin()->first < first_kept().value)
    texts_.erase(texts_.begin());
  if (!text.empty()) texts_.emplace(last_, text);
  return {last_};
}

ReportRecord ReportStream::at(ReportSeq seq) const {
  CHECK(seq >= first_kept() && seq <= last());
  const Block& block = blocks_[(seq.value / kBlock - first_block_) % kBlocksMax];
  const uint8_t* const bytes = block.bytes ? block.bytes.get() : open_.data();
  return unpack(bytes + block.starts[seq.value % kBlock], block.time);
}

const ReasonText* ReportStream::text_of(ReportSeq seq) const {
  const auto it = texts_.find(seq.value);
  return it == texts_.end() ? nullptr : &it->second;
}

void ReportStream::restore(ReportSeq before) {
  CHECK(kept_ == 0);
  last_ = before.value;
}

std::size_t ReportStream::bytes() const {
  std::size_t sum = open_.capacity() + blocks_.capacity() * sizeof(Block);
  for (const Block& block : blocks_) sum += block.size;
  return sum;
}

}  // namespace holdfast::orders
