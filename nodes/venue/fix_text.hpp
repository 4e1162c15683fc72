// FIX 4.4 as bytes, both ways: cutting a stream into messages before anything is buffered on their
// word, and writing ExecutionReports and OrderCancelRejects without QuickFIX's field maps (a tenth
// of their cost). Pure. Sessions, sequence numbers and parsing of fields are QuickFIX's.
#pragma once

#include <string>
#include <string_view>

#include "messages/time.hpp"
#include "nodes/venue/record_line.hpp"
#include "nodes/venue/reports.hpp"

namespace holdfast::exchange {

/// What the head of a receive buffer holds.
struct Frame {
  enum class Kind { kIncomplete, kMessage, kGarbage };
  Kind kind = Kind::kIncomplete;
  std::size_t bytes = 0;  // of the message, when there is one
  const char* why = "";   // of garbage
};

/// Looks at the bytes received so far: a whole message, one still incomplete, or bytes that can
/// never become a message of at most `bytes_max`. BodyLength is judged as soon as it is there, so
/// that nobody makes us wait for, or hold, more than `bytes_max`. The checksum's value is not
/// judged here.
Frame next_frame(std::string_view received, std::size_t bytes_max);

/// Writes "YYYYMMDD-HH:MM:SS.sss"; keeps the text of the last second.
class TimestampText {
 public:
  /// The text of `now`, valid until the next call.
  std::string_view of(WallTime now);

 private:
  int64_t second_ = -1;
  char text_[32] = {};
};

/// Who sends to whom under which number.
struct FixHeader {
  std::string_view sender;
  std::string_view target;
  uint64_t sequence = 0;
  WallTime now;
};

/// Encodes reports. Not for more than one thread.
class ReportEncoder {
 public:
  explicit ReportEncoder(const IdSpelling& ids) : ids_(ids) {}
  /// The whole message; valid until the next call. `copy` marks it as a drop copy (797=Y).
  const std::string& encode(const FixHeader& header, const Report& report, bool copy);
  const std::string& encode(const FixHeader& header, const Refusal& refusal);

 private:
  void begin(const FixHeader& header, char type);
  const std::string& finish();
  void field(std::string_view tag_and_equals, std::string_view value);
  void optional_field(std::string_view tag_and_equals, std::string_view value);
  void field(std::string_view tag_and_equals, char value);
  void number(std::string_view tag_and_equals, uint64_t value);
  void decimal(std::string_view tag_and_equals, int64_t units);
  void order_id(OrderNumber number);

  const IdSpelling& ids_;
  TimestampText time_;
  std::string body_;
  std::string message_;
};

}  // namespace holdfast::exchange
