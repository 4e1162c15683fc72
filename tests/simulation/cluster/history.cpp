#include "tests/simulation/cluster/history.hpp"

#include <algorithm>

namespace holdfast::cluster_simulation {

namespace {

uint64_t digest_of(const ExecutionReport& r) {
  uint64_t hash = 1469598103934665603ull;
  for (const uint64_t n :
       {r.order.value, static_cast<uint64_t>(r.type), static_cast<uint64_t>(r.state),
        static_cast<uint64_t>(r.cumulative_quantity.units),
        static_cast<uint64_t>(r.last_quantity.units), static_cast<uint64_t>(r.reason)})
    hash = (hash ^ n) * 1099511628211ull;
  for (const char c : r.client_order_id.view())
    hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  return hash;
}

}  // namespace

void History::led(GroupId group, Epoch epoch, uint64_t who) {
  const auto [it, fresh] = leaders_.try_emplace({group.value, epoch.value}, who);
  if (!fresh && it->second != who)
    sim_.fail("two leaders of epoch " + std::to_string(epoch.value) + " of group " +
              std::to_string(group.value));
}

void History::committed(GroupId group, Index index, replication::ChainHash hash, uint32_t node) {
  auto& entries = committed_[group.value];
  if (entries.size() < index.value) entries.resize(index.value);
  uint64_t& there = entries[index.value - 1];
  if (there != 0 && there != hash.low)
    sim_.fail("node " + std::to_string(node) + " has another committed entry " +
              std::to_string(index.value) + " of group " + std::to_string(group.value) +
              " than others");
  there = hash.low;
}

uint64_t History::committed_entries(GroupId group) const {
  const auto found = committed_.find(group.value);
  return found == committed_.end() ? 0 : found->second.size();
}

std::size_t History::invoke(Operation operation) {
  operation.invoked = sim_.now();
  submits_ += operation.kind == OperationKind::kSubmit ? 1 : 0;
  operations_.push_back(std::move(operation));
  return operations_.size() - 1;
}

void History::answer(std::size_t index, const Outcome& outcome) {
  Operation& operation = operations_[index];
  if (!operation.returned) {
    operation.returned = sim_.now();
    operation.outcome = outcome;
    return;
  }
  const Outcome& before = operation.outcome;
  sim_.sometimes("an answer came twice");
  if (before.accepted != outcome.accepted || before.order != outcome.order ||
      (!outcome.accepted && before.reason != outcome.reason))
    sim_.fail("request " + operation.request + " on " + operation.key +
              " was answered in two ways");
}

void History::heard(const ExecutionReport& report) {
  const uint64_t digest = digest_of(report);
  auto& stream = reports_[report.account.str()];
  const auto [it, fresh] = stream.try_emplace(report.sequence.value, digest);
  if (!fresh && it->second != digest)
    sim_.fail("report " + std::to_string(report.sequence.value) + " of account " +
              report.account.str() + " was told in two ways");
}

void History::check_report(const ExecutionReport& report) {
  const auto stream = reports_.find(report.account.str());
  if (stream == reports_.end()) return;
  const auto told = stream->second.find(report.sequence.value);
  if (told != stream->second.end() && told->second != digest_of(report))
    sim_.fail("report " + std::to_string(report.sequence.value) + " of account " +
              report.account.str() + " is not what was told");
}

// ---- linearizability, a client order id at a time

namespace {

/// What one client order id may be: nothing, or one order whose fills only grow and whose end
/// stays.
struct Register {
  bool present = false, accepted = false, accepted_known = false, ended = false;
  uint64_t order = 0;  // zero: not known yet
  int64_t filled = 0;
  OrderState state = OrderState::kNew;

  bool same_order(uint64_t id) {
    if (order == 0) order = id;
    return id == 0 || order == id;
  }
};

/// The register after an answered operation, if it can have said so.
std::optional<Register> step(Register r, const Operation& operation) {
  const Outcome& said = operation.outcome;
  switch (operation.kind) {
    case OperationKind::kSubmit:
      if (said.order == 0) return r;  // refused without a trace
      if (!r.present) r.present = true;
      if (r.accepted_known && r.accepted != said.accepted) return std::nullopt;
      r.accepted = said.accepted;
      r.accepted_known = true;
      return r.same_order(said.order) ? std::optional(r) : std::nullopt;
    case OperationKind::kCancel:
    case OperationKind::kReplace:
      if (said.found != r.present) return std::nullopt;
      return !r.present || r.same_order(said.order) ? std::optional(r) : std::nullopt;
    case OperationKind::kQuery:
      if (said.found != r.present) return std::nullopt;
      if (!r.present) return r;
      if (!r.same_order(said.order) || said.filled < r.filled) return std::nullopt;
      if (r.ended && (said.state != r.state || said.filled != r.filled)) return std::nullopt;
      r.ended = is_terminal(said.state);
      r.state = said.state;
      r.filled = said.filled;
      return r;
  }
  return std::nullopt;
}

/// Wing and Gong's search: some order in which each takes effect between its question and its
/// answer.
class Search {
 public:
  explicit Search(const std::vector<const Operation*>& operations) : operations_(operations) {}
  bool finds(uint64_t done, const Register& r) {
    bool answered_left = false;
    MonoTime first_return{INT64_MAX};
    for (std::size_t i = 0; i < operations_.size(); ++i)
      if (!(done >> i & 1) && operations_[i]->returned) {
        answered_left = true;
        first_return = std::min(first_return, *operations_[i]->returned);
      }
    if (!answered_left) return true;
    if (++steps_ > 200'000) return true;  // undecided: no verdict
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (done >> i & 1 || operations_[i]->invoked > first_return) continue;
      const Operation& operation = *operations_[i];
      if (operation.returned) {
        if (const auto next = step(r, operation); next && finds(done | 1ull << i, *next))
          return true;
      } else if (operation.kind == OperationKind::kSubmit && !r.present) {
        Register taken = r;
        taken.present = true;
        if (finds(done | 1ull << i, taken)) return true;
      }
    }
    return false;
  }

 private:
  const std::vector<const Operation*>& operations_;
  uint64_t steps_ = 0;
};

}  // namespace

void History::check_linearizable() {
  std::map<std::string, std::vector<const Operation*>> by_key;
  for (const Operation& operation : operations_) by_key[operation.key].push_back(&operation);
  for (const auto& [key, operations] : by_key) check_key(key, operations);
}

void History::check_key(const std::string& key, const std::vector<const Operation*>& operations) {
  const std::vector<const Operation*> some(
      operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(
                                                   std::min<std::size_t>(operations.size(), 60)));
  if (Search(some).finds(0, {})) return;
  std::string text = "the history of " + key + " is not linearizable:";
  for (const Operation* o : some)
    text += "\n  kind " + std::to_string(static_cast<int>(o->kind)) + " from " +
            std::to_string(o->invoked.ns) + " to " +
            (o->returned ? std::to_string(o->returned->ns) : std::string("never")) + " found " +
            std::to_string(o->outcome.found) + " accepted " + std::to_string(o->outcome.accepted) +
            " order " + std::to_string(o->outcome.order) + " " +
            std::string(name_of(o->outcome.state)) + " filled " +
            std::to_string(o->outcome.filled / kScale);
  sim_.fail(text);
}

// ---- what became of everything

void History::check_outcomes(const std::map<std::string, OrderView>& book,
                             const std::vector<VenueOrderRecord>& venue) {
  std::map<std::string, const VenueOrderRecord*> executed;
  for (const VenueOrderRecord& order : venue) {
    const std::string key = order.account + "/" + order.client_order_id;
    if (!executed.emplace(key, &order).second)
      sim_.fail("the venue has executed " + key + " twice");
    if (!book.contains(key))
      sim_.fail("the venue has an order " + key + " (" + order.wire + ") that the shard has not");
  }
  for (const Operation& operation : operations_) {
    if (operation.kind != OperationKind::kSubmit) continue;
    if (!operation.returned) {
      sim_.fail("the submission of " + operation.key + " was never answered");
      continue;
    }
    if (operation.outcome.order == 0) continue;
    const auto found = book.find(operation.key);
    if (found == book.end())
      sim_.fail("order " + operation.key + " was acknowledged and is lost");
    else if (found->second.order.value != operation.outcome.order)
      sim_.fail("order " + operation.key + " is another than was acknowledged");
  }
  for (const auto& [key, view] : book) {
    const auto there = executed.find(key);
    check_order(key, view, there == executed.end() ? nullptr : there->second);
  }
}

void History::check_order(const std::string& key, const OrderView& view,
                          const VenueOrderRecord* venue) {
  const auto bad = [&](const std::string& why) {
    sim_.fail("order " + key + " is " + std::string(name_of(view.state)) + " here, filled " +
              view.cumulative_quantity.str() + "; at the venue " +
              (venue ? std::string("OrdStatus ") + venue->status + ", filled " +
                           std::to_string(venue->filled / static_cast<uint64_t>(kScale))
                     : std::string("unknown")) +
              ": " + why);
  };
  const auto filled = static_cast<uint64_t>(view.cumulative_quantity.units);
  const auto agree = [&](std::string_view statuses) {
    if (venue == nullptr) return bad("the venue never had it");
    if (statuses.find(venue->status) == std::string_view::npos) return bad("they contradict");
    if (venue->filled != filled) return bad("they contradict in what was executed");
  };
  switch (view.state) {
    case OrderState::kBlocked:
    case OrderState::kNotSent:
      if (venue != nullptr) bad("it never was to be there");
      return;
    case OrderState::kRejected:
      if (venue != nullptr && venue->status != '8') bad("they contradict");
      return;
    case OrderState::kFilled:
      return agree("2");
    case OrderState::kCancelled:
      return agree("4");
    case OrderState::kExpired:
      return agree("C");
    case OrderState::kAccepted:
    case OrderState::kPartiallyFilled:
      return agree("01");
    default:
      return bad("it is in no state that says what became of it");
  }
}

}  // namespace holdfast::cluster_simulation
