// The report stream of one account: execution reports under numbers without gaps, the newest kept,
// so that a subscriber resumes where it stopped. They are most of what an order costs in memory, so
// each is packed into some 40 bytes, 64 to a block, and unpacked when it is asked for.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "messages/execution.hpp"

namespace holdfast::orders {

/// A number of a record in its table, from 1. Zero: none.
using Ref = uint32_t;

/// One execution report without what the order's record says.
struct ReportRecord {
  Ref order = 0, request = 0;
  ExecType type = ExecType::kNew;
  OrderState state = OrderState::kNew;
  Reason reason = Reason::kNone;
  Price price;
  Quantity quantity;
  Quantity last_quantity;
  Price last_price;
  Quantity cumulative, leaves;
  WallTime time;
  ExecId exec_id;
  friend bool operator==(const ReportRecord&, const ReportRecord&) = default;
};

/// The newest limits::kReportsKeptPerAccount reports of an account.
class ReportStream {
 public:
  ReportSeq last() const { return {last_}; }
  /// The oldest that is kept; last + 1 when none is.
  ReportSeq first_kept() const { return {last_ - kept_ + 1}; }
  std::size_t kept() const { return kept_; }
  /// Appends; returns its sequence. `text` is kept only when it says more than the reason.
  ReportSeq push(const ReportRecord& report, const ReasonText& text);
  /// CHECKs that it is kept.
  ReportRecord at(ReportSeq seq) const;
  const ReasonText* text_of(ReportSeq seq) const;
  /// For snapshots: the stream's end before the kept reports are pushed again. Only of a stream
  /// that holds none.
  void restore(ReportSeq before);
  const std::map<uint64_t, ReasonText>& texts() const { return texts_; }
  std::size_t bytes() const;

 private:
  static constexpr std::size_t kBlock = 64;  // reports in one
  // One more than is kept: the oldest and the newest block are partly filled.
  static constexpr std::size_t kBlocksMax = limits::kReportsKeptPerAccount / kBlock + 1;

  struct Block {
    std::unique_ptr<uint8_t[]> bytes;  // none while it is the newest: then `open_` has them
    int64_t time = 0;                  // of its first report; the others say how much later
    uint32_t size = 0;
    std::array<uint16_t, kBlock> starts{};
  };
  Block& newest_block();

  std::vector<Block> blocks_;  // by rising sequence, then used in a circle
  uint64_t first_block_ = 0;   // number (sequence / kBlock) of blocks_[0] when it was made
  std::vector<uint8_t> open_;
  uint64_t last_ = 0;
  std::size_t kept_ = 0;
  std::map<uint64_t, ReasonText> texts_;
};

}  // namespace holdfast::orders
