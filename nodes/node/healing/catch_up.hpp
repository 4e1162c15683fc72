// Whom an audit keeper asks for the records that it lacks, and when it may take them for lost. One
// member is asked at a time, the next one when it answers without them or says nothing; nothing is
// lost before everybody who can be reached has said that it holds none. Pure: the clock comes in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/time.hpp"
#include "nodes/node/healing/audit_words.hpp"

namespace holdfast::node {

inline constexpr Duration kAuditAnswerWithin = Duration::seconds(1);  // then the next is asked
inline constexpr Duration kAuditAskFor = Duration::seconds(60);       // at least, before it is lost
/// … where nobody answers at all: the others may hold it.
inline constexpr Duration kAuditAskForAlone = Duration::seconds(600);
/// A node by itself: notes come in any order, this long.
inline constexpr Duration kAuditLostByItself = Duration::seconds(5);

class CatchUp {
 public:
  explicit CatchUp(std::vector<std::string> others) : others_(std::move(others)) {}

  /// The numbers that are missing now, both ends included. Another `from` than before is another
  /// gap, and what was said of the last one is forgotten.
  void missing(uint64_t from, uint64_t upto, MonoTime now);
  void nothing_missing();

  struct Ask {
    std::string to;
    WantRecords want;
  };
  /// Whom to ask now; nothing: an answer is awaited, or it is too early to begin anew.
  std::optional<Ask> next(MonoTime now);
  /// Takes note of an answer. False: nobody asked for it, and nothing in it is to be used.
  bool take(const std::string& member, const GivenRecords& given);
  /// The missing numbers up to this one are nowhere to be had; 0: not so, or not yet.
  uint64_t lost_upto(MonoTime now) const;

  uint64_t from() const { return from_; }  // 0: nothing is missing

 private:
  struct Member {
    uint64_t ask = 0, asked_from = 0;  // the last question, as long as it has no answer
    bool answered = false;             // in this gap
    uint64_t holds = 0;                // the first from from_ on that it holds; 0: none
  };
  bool is(const std::string& member) const { return others_[turn_ % others_.size()] == member; }
  std::vector<std::string> others_;
  std::map<std::string, Member> members_;
  uint64_t from_ = 0, upto_ = 0, last_ask_ = 0;
  std::size_t turn_ = 0;      // of others_, who is asked next, or was while waiting_
  std::size_t in_round_ = 0;  // so many were asked since the last pause
  bool waiting_ = false;
  MonoTime began_, asked_, round_;
};

}  // namespace holdfast::node
