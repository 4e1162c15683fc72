// A node made by hand for the API's and the CLI's tests: fixed answers, every call recorded, and
// switches that make it slow, silent or refusing.
#pragma once

#include <atomic>
#include <mutex>

#include "nodes/node/api/operator_backend.hpp"
#include "tests/integration/operator_api/healing_fixture.hpp"

namespace holdfast::operator_api {

inline WallTime at(int64_t seconds) {
  return {(1'800'000'000 + seconds) * 1'000'000'000 + 123'456'789};
}

class FakeBackend : public OperatorBackend {
 public:
  std::atomic<bool> ready{true};
  std::atomic<bool> part_missing{false};  // a fan-out stays incomplete
  std::atomic<bool> remediation_off{false};
  std::atomic<bool> quiet{false};  // nothing is found to be wrong

  /// What was asked, one line a call: "kill account M1 full by ann: fat finger".
  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  void health(const Call&, Answer<HealthView> answer) override {
    HealthView view;
    view.live = true;
    view.ready = ready;
    view.node = "node-1";
    view.version = "0.1.0";
    view.started = at(0);
    view.now = at(60);
    view.checks = {{"journal", true, "committing"},
                   {"venue XSIM", ready, ready ? "open" : "down since 18:00; is the venue up?"}};
    answer(view);
  }

  void tree(const Call& call, const TreeQuery& query, Answer<TreeNodeView> answer) override {
    record("tree " + query.path + " " + std::to_string(query.depth), call);
    if (query.path == "nowhere") return answer(Error{ErrorCode::kNotFound, "no actor nowhere"});
    TreeNodeView root{"node", "node", "supervisor one_for_one", "running", 0, 0, 10, 1, at(0),
                      "",     {}};
    TreeNodeView orders{
        "node/orders", "orders", "supervisor one_for_all", "running", 0, 0, 5, 0, at(0), "", {}};
    orders.children.push_back({"node/orders/shard-0",
                               "shard-0",
                               "order shard",
                               "running",
                               2,
                               17,
                               123'456,
                               5'210,
                               at(30),
                               "CHECK failed: leaves >= 0",
                               {}});
    root.children.push_back(orders);
    root.children.push_back({"node/venues/XSIM",
                             "XSIM",
                             "venue gateway",
                             "backing off",
                             1,
                             0,
                             99,
                             0,
                             at(50),
                             "connection refused",
                             {}});
    answer(root);
  }

  void orders(const Call& call, const OrdersQuery& query, Answer<OrderPage> answer) override {
    record("orders " + query.account.str() + " " + query.symbol.str() + " " +
               (query.state ? std::string(name_of(*query.state)) : "-") +
               (query.open_only ? " open" : "") + " " + std::to_string(query.limit) + " after " +
               std::to_string(query.after.value),
           call);
    OrderPage page;
    page.as_of = {{GroupId{1}, "orders/0", Epoch{3}, Index{77}}};
    for (uint64_t n = query.after.value + 1; n <= 3; ++n) {
      if (page.orders.size() == query.limit) {
        page.more = true;
        page.next = page.orders.back().order;
        break;
      }
      page.orders.push_back(order_view(n));
    }
    answer(page);
  }

  void order(const Call& call, const OrderHistoryQuery& query,
             Answer<OrderHistory> answer) override {
    record("order " + std::to_string(query.order.value) + " " + query.account.str() + " " +
               query.client_order_id.str(),
           call);
    if (query.order.value > 3) return answer(Error{ErrorCode::kNotFound, "there is no order 0-9"});
    OrderHistory history;
    history.found = true;
    history.group = GroupId{1};
    history.as_of = Index{77};
    history.order = order_view(1);
    history.limits = LimitsVersion{4};
    history.checks = {{Reason::kPriceCollar, true, 58'600'000'000, 64'431'400'000}};
    history.wire_ids = {"H1-1"};
    OrderStep step;
    step.index = Index{70};
    step.time = at(1);
    step.event = OrderEvent::kFill;
    step.from = OrderState::kAccepted;
    step.to = OrderState::kPartiallyFilled;
    step.last_quantity = Quantity::whole(40);
    step.last_price = Price::whole(586);
    history.steps = {step};
    answer(history);
  }

  void risk(const Call& call, const ShardRiskQuery& query, Answer<RiskView> answer) override {
    record("risk " + query.account.str(), call);
    RiskView view;
    view.shards_total = 2;
    view.shards = {risk_shard(0), risk_shard(1)};
    if (part_missing) view.shards.pop_back();
    answer(view);
  }

  void venues(const Call& call, Answer<VenuesView> answer) override {
    record("venues", call);
    answer(VenuesView{{venue_view("XSIM")}});
  }

  void journal(const Call& call, Answer<JournalView> answer) override {
    record("journal", call);
    JournalView view;
    view.directory = "/var/lib/holdfast/journal";
    view.disk_free_bytes = 9ull << 30;
    view.disk_total_bytes = 20ull << 30;
    view.disk_free_bytes_min = 256ull << 20;
    view.groups = {{GroupId{1}, "orders/0", "leader", Epoch{3}, Index{78}, Index{77}, Index{78},
                    Index{50}, Index{1}, 1}};
    view.bytes = 4'096;
    answer(view);
  }

  void metrics(const Call&, Answer<std::string> answer) override {
    answer(std::string("# HELP holdfast_orders_open orders\n"));
  }

  void set_kill(const Call& call, const KillRequest& request, Answer<FanOutView> answer) override {
    const KillSwitch& kill = request.kill;
    if (kill.name.view() == "M9" && !request.force)
      return answer(Error{ErrorCode::kNotFound, "risk.toml names no account 'M9'"});
    record("kill " + std::string(name_of(kill.scope)) + " " + kill.name.str() + " " +
               std::string(name_of(kill.mode)) + " by " + kill.operator_name.str(),
           call);
    answer(fan_out());
  }

  void reload_risk(const Call& call, const ReloadRequest& request,
                   Answer<ReloadView> answer) override {
    record(std::string("reload") + (request.dry_run ? " dry" : ""), call);
    ReloadView view;
    view.dry_run = request.dry_run;
    view.from = LimitsVersion{4};
    view.to = LimitsVersion{request.dry_run ? 4u : 5u};
    view.changes = {{"account M1: order_quantity_max", "100", "200"}};
    if (!request.dry_run) view.applied = fan_out();
    answer(view);
  }

  void reconciliation(const Call& call, const VenueName& venue,
                      Answer<ReconciliationAnswer> answer) override {
    record("reconciliation " + venue.str(), call);
    if (venue.view() != "XSIM")
      return answer(Error{ErrorCode::kNotFound, "there is no venue " + venue.str()});
    auto view = std::make_shared<ReconciliationView>();
    view->venue = venue;
    view->group = {1001};
    view->state = VenueSessionState::kRecovering;
    view->counters.doubted = 2;
    view->counters.by_drop_copy = 1;
    view->counters.asked = 3;
    view->counters.copies_used = 1;
    Reconciliation open;
    open.order = {42};
    open.wire = "H1-1";
    open.account = "ACC1";
    open.symbol = "AAPL";
    open.since = WallTime{1'700'000'000'000'000'000};
    open.asked = 3;
    Reconciliation settled = open;
    settled.order = {41};
    settled.cause = DoubtCause::kAway;
    settled.by = SettledBy::kDropCopy;
    settled.venue_state = OrderState::kFilled;
    settled.settled = WallTime{1'700'000'001'000'000'000};
    view->rows = {open, settled};
    view->drop_copy.configured = view->drop_copy.connected = true;
    view->drop_copy.sender = "HOLDFAST-DROP";
    view->drop_copy.received = 7;
    view->drop_copy.matched = 6;
    answer(ReconciliationAnswer(std::move(view)));
  }
  void venue_command(const Call& call, const VenueName& venue, const VenueCommand& command,
                     Answer<VenueCommandAnswer> answer) override {
    record("venue " + venue.str() + " " + std::string(name_of(command.kind)) + " " +
               std::to_string(command.number),
           call);
    if (venue.view() != "XSIM")
      return answer(Error{ErrorCode::kNotFound, "there is no venue " + venue.str()});
    VenueCommandAnswer done;
    done.accepted = command.kind != VenueCommandKind::kResetSequence;
    if (!done.accepted) done.text = "the session is open; log it out first";
    done.view = venue_view(venue);
    answer(done);
  }

  void healing(const Call&, Answer<HealingBoard> answer) override {
    HealingBoard board = healing_board();
    if (remediation_off) {
      auto view = std::make_shared<orchestrator::HealingView>(*board.view);
      view->killed = true;
      view->killed_by = "ann";
      view->killed_at = night(100);
      board.view = std::move(view);
    }
    if (quiet) {
      auto view = std::make_shared<orchestrator::HealingView>();
      view->as_of = 4'711;
      board.view = std::move(view);
    }
    answer(std::move(board));
  }
  PlaceNames place_names() const override { return healing_board().names; }
  void healing_command(const Call& call, const orchestrator::healing::Command& command,
                       Answer<orchestrator::HealingTaken> answer) override {
    namespace healing = orchestrator::healing;
    uint64_t remedy = 12;
    if (const auto* approve = std::get_if<healing::Approve>(&command.what)) {
      remedy = approve->remedy;
      record("approve " + std::to_string(remedy) + " by " + approve->identity.str(), call);
    } else if (const auto* reject = std::get_if<healing::Reject>(&command.what)) {
      remedy = reject->remedy;
      record("reject " + std::to_string(remedy) + " by " + reject->identity.str() + " as " +
                 reject->reason,
             call);
    } else if (const auto* kill = std::get_if<healing::KillSwitch>(&command.what)) {
      record(std::string("remediation ") + (kill->on ? "off" : "on") + " by " +
                 kill->identity.str() + " as " + kill->reason,
             call);
    } else if (const auto* propose = std::get_if<healing::Propose>(&command.what)) {
      const auto& action = propose->proposal.action;
      record("propose " + std::string(to_text(action.kind)) + " member " +
                 std::to_string(action.target.member.value) + " group " +
                 std::to_string(action.target.group.value) + " instance " +
                 action.target.instance.str() + " to " + std::to_string(action.to.value) +
                 " amount " + std::to_string(action.amount) + " incident " +
                 std::to_string(propose->proposal.incident) + " by " + propose->identity.str(),
             call);
    }
    if (remedy == 99) return answer(Error{ErrorCode::kNotFound, "there is no remedy 99"});
    if (remedy == 11)
      return answer(Error{ErrorCode::kConflict, "remedy 11 waits for nobody: it is ended"});
    answer(orchestrator::HealingTaken{true, "journaled by node-2", 4'712, {}});
  }

  void backup(const Call& call, const BackupRequest& request, Answer<BackupView> answer) override {
    record("backup " + request.directory, call);
    answer(BackupView{request.directory, 4'096, {{GroupId{1}, "orders/0", Epoch{3}, Index{77}}}});
  }

  void restart(const Call& call, const std::string& path, Answer<RestartView> answer) override {
    record("restart " + path, call);
    answer(RestartView{path, "restarting"});
  }
  void kill(const Call& call, const std::string& path, Answer<RestartView> answer) override {
    record("kill-actor " + path, call);
    answer(RestartView{path, "killed"});
  }

 private:
  static OrderView order_view(uint64_t number) {
    OrderView view;
    view.order = OrderId{number};
    view.request.account = "M1";
    view.request.client_order_id = ClientOrderId(std::string("c-") + std::to_string(number));
    view.client_order_id = view.request.client_order_id;
    view.request.symbol = "AAPL";
    view.state = OrderState::kPartiallyFilled;
    view.price = Price::parse("586.25").value();
    view.quantity = Quantity::whole(100);
    view.cumulative_quantity = Quantity::whole(40);
    view.leaves_quantity = Quantity::whole(60);
    view.venue = "XSIM";
    view.created = at(0);
    view.updated = at(1);
    view.as_of = Index{77};
    return view;
  }

  static VenueSessionView venue_view(const VenueName& name) {
    VenueSessionView view;
    view.venue = name;
    view.group = GroupId{1001};
    view.state = VenueSessionState::kOpen;
    view.since = at(5);
    view.sender = "HOLDFAST";
    view.target = "XSIM";
    view.endpoint = "127.0.0.1:9880";
    view.next_outbound = 42;
    view.next_inbound = 43;
    view.in_flight = 2;
    view.in_flight_limit = 1024;
    view.open_orders = 312;
    return view;
  }

  // Both shards know both accounts; each has its own numbers only for those that are its own.
  static ShardRiskView risk_shard(uint32_t shard) {
    ShardRiskView view;
    view.group = GroupId{1 + shard};
    view.as_of = Index{77 + shard};
    view.limits_version = LimitsVersion{4};
    for (const auto* name : {"M1", "M2"}) {
      AccountRiskView account;
      account.account = name;
      account.desk = "makers";
      account.configured = true;
      account.limits[static_cast<std::size_t>(LimitKind::kOrderQuantityMax)] =
          Quantity::whole(10'000).units;
      account.limits[static_cast<std::size_t>(LimitKind::kPriceCollar)] = 1'000;
      account.limits[static_cast<std::size_t>(LimitKind::kBuyingPower)] =
          Notional::whole(1'000'000).units;
      if (shard_of(account.account, 2) == shard) {
        account.buying_power_used = Notional::whole(23'440);
        account.messages_in_window = 12;
        PositionView position;
        position.symbol = "AAPL";
        position.position = Quantity::whole(-40);
        position.cost = Notional::whole(-23'440);
        position.open_buy = Quantity::whole(100);
        account.positions = {position};
      }
      view.accounts.push_back(account);
    }
    view.symbols = {
        {"AAPL", false, Price::whole(586), Price::parse("585.74").value(), at(shard), at(-90'000)},
        {"HALT", true, {}, Price::whole(10), {}, at(-90'000)}};
    view.kills = {
        {KillSwitch{KillScope::kAccount, "M2", KillMode::kReduceOnly, "ann", "drill"}, at(20)}};
    return view;
  }

  FanOutView fan_out() const {
    FanOutView view;
    view.complete = !part_missing;
    view.parts = {{"orders/0", true, "", 12, Index{80}},
                  {"venue/XSIM", !part_missing, part_missing ? "no answer in time" : "", 0,
                   Index{part_missing ? 0u : 9u}}};
    return view;
  }

  void record(std::string line, const Call& call) {
    if (!call.reason.empty()) line += ": " + call.reason;
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(line));
  }

  std::mutex mutex_;
  std::vector<std::string> calls_;
};

}  // namespace holdfast::operator_api
