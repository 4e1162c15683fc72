#include "nodes/node/healing/catch_up.hpp"

#include <algorithm>

namespace holdfast::node {

void CatchUp::missing(uint64_t from, uint64_t upto, MonoTime now) {
  upto_ = upto;
  if (from == from_) return;
  from_ = from;
  began_ = now;
  // Whoever gave the records before has these too: it stays who is asked, and at once.
  waiting_ = false;
  in_round_ = 0;
  for (auto& [name, member] : members_) member.answered = false;
}

void CatchUp::nothing_missing() {
  from_ = upto_ = 0;
  waiting_ = false;
}

std::optional<CatchUp::Ask> CatchUp::next(MonoTime now) {
  if (from_ == 0 || others_.empty()) return std::nullopt;
  if (waiting_) {
    if (now - asked_ < kAuditAnswerWithin) return std::nullopt;
    waiting_ = false;
    turn_ += 1;
  }
  if (in_round_ >= others_.size()) {
    if (now - round_ < kAuditAnswerWithin) return std::nullopt;
    in_round_ = 0;
  }
  if (in_round_ == 0) round_ = now;
  in_round_ += 1;
  waiting_ = true;
  asked_ = now;
  const std::string& to = others_[turn_ % others_.size()];
  members_[to].ask = ++last_ask_;
  members_[to].asked_from = from_;
  return Ask{to, {last_ask_, from_, upto_}};
}

bool CatchUp::take(const std::string& name, const GivenRecords& given) {
  const auto found = members_.find(name);
  if (found == members_.end()) return false;
  Member& member = found->second;
  if (member.ask == 0 || given.ask != member.ask || given.from != member.asked_from) return false;
  member.ask = 0;
  if (given.from != from_) return true;  // late: the gap is another one by now
  member.answered = true;
  member.holds = given.next;
  if (waiting_ && is(name)) {
    waiting_ = false;
    if (given.next != from_) turn_ += 1;
  }
  return true;
}

uint64_t CatchUp::lost_upto(MonoTime now) const {
  if (from_ == 0) return 0;
  const Duration asked_for = now - began_;
  if (others_.empty()) return asked_for >= kAuditLostByItself ? upto_ : 0;
  bool any = false;
  uint64_t upto = upto_;
  for (const auto& [name, member] : members_) {
    if (!member.answered) continue;
    any = true;
    if (member.holds != 0) upto = std::min(upto, member.holds - 1);
  }
  if (asked_for < (any ? kAuditAskFor : kAuditAskForAlone) || upto < from_) return 0;
  return upto;
}

}  // namespace holdfast::node
