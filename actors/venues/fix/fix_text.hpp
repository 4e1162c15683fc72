// FIX tag=value text without a FIX library: framing of a byte stream, a look at a message's header,
// UTC times. Total on any bytes: what is not FIX is skipped and counted, and nothing grows beyond
// its cap. It knows nothing of sessions or orders.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/limits.hpp"
#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast::venues {

inline constexpr char kSoh = '\x01';

/// Cuts a byte stream into FIX messages: "8=…|9=LENGTH|…|10=NNN|", length and checksum right, at
/// most kFixMessageBytesMax bytes. Anything else is skipped up to the next "8=FIX" and counted.
class FixFramer {
 public:
  /// Adds received bytes. Holds at most kFixReceiveBufferBytes: call next() until it is empty after
  /// each push; what does not fit is dropped and counted.
  void push(std::string_view bytes);
  /// The next whole message, valid until the next call; nothing when more bytes are needed.
  std::optional<std::string_view> next();
  /// Forgets what is buffered: for a new connection.
  void clear();
  /// Stretches of bytes that were no message, and their bytes, since the start.
  uint64_t garbage() const { return garbage_; }
  uint64_t garbage_bytes() const { return garbage_bytes_; }

 private:
  void skip(std::size_t count);
  std::string buffer_;
  std::size_t at_ = 0;
  uint64_t garbage_ = 0, garbage_bytes_ = 0;
  bool in_garbage_ = false;
};

/// What a message's header says, as far as we look before QuickFIX does.
struct FixHeader {
  std::string_view type;            // MsgType (35)
  uint32_t number = 0;              // MsgSeqNum (34); 0 when it is missing or no number
  bool possible_duplicate = false;  // PossDupFlag (43)
  bool reset = false;               // ResetSeqNumFlag (141)
};
/// Looks through the fields of a framed message; the views point into it.
FixHeader header_of(std::string_view message);
/// The value of the first field with this tag; nothing when there is none.
std::optional<std::string_view> field_of(std::string_view message, uint32_t tag);

/// An unsigned decimal of at most 9 digits.
std::optional<uint32_t> parse_number(std::string_view text);

/// "YYYYMMDD-HH:MM:SS.mmm" (UTCTimestamp) of a time.
std::string utc_timestamp(WallTime time);
/// A UTCTimestamp with no, 3, 6 or 9 decimals; kInvalid when it is none.
Result<WallTime> parse_utc_timestamp(std::string_view text);
/// yyyymmdd of a time, in UTC.
uint32_t utc_date(WallTime time);

/// A whole message from its body ("35=0|34=…|", SOH separated), with BeginString, BodyLength and
/// CheckSum.
std::string frame(std::string_view begin_string, std::string_view body);

}  // namespace holdfast::venues
