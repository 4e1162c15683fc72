#include "nodes/node/operator_actor.hpp"

#include <algorithm>
#include <filesystem>
#include <future>
#include <unordered_map>

#include "actors/ingress/ingress_actor.hpp"
#include "actors/risk/view.hpp"
#include "nodes/node/api/metrics.hpp"
#include "nodes/node/files_linux.hpp"
#include "nodes/node/gather.hpp"
#include "nodes/node/operator/healing_metrics.hpp"
#include "nodes/node/operator/healing_views_actor.hpp"
#include "nodes/node/operator/ingress_metrics.hpp"
#include "nodes/node/operator/kill_names.hpp"
#include "nodes/node/operator/tree_views.hpp"
#include "nodes/node/orchestrator_part_actor.hpp"
#include "nodes/node/setup_linux.hpp"
#include "nodes/node/telemetry/telemetry_metrics.hpp"
#include "nodes/node/telemetry/telemetry_part_actor.hpp"
#include "nodes/node/trading_metrics.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::node {

using namespace operator_api;  // its views are what this file is about

namespace {
class OperatorActor;
/// Work for the operator's actor, from the API server's thread.
using Job = std::function<void(OperatorActor&)>;
}  // namespace
}  // namespace holdfast::node
HOLDFAST_LOCAL_MESSAGE(holdfast::node::Job)

namespace holdfast::node {
namespace {

class OperatorActor final : public PoolActor {
 public:
  OperatorActor(ActorConfig& config) : PoolActor(config) {}
  Behavior make_behavior() override {
    return {[this](const Job& job) { job(*this); }};
  }
  const char* name() const override { return "operator"; }

  /// Asks `target`; `done` is called once, with the answer, or with kUnavailable and why.
  template <typename T, typename Message>
  void ask(const ActorHandle& target, Duration within, Message message,
           std::function<void(Result<T>)> done) {
    if (!target)
      return done(Error{ErrorCode::kUnavailable, "is not running now (restarting?): try again"});
    request_within(this, target, {"operator question", within}, std::move(message))
        .then([done](const T& answer) { done(answer); },
              [done](const ActorError& error) {
                done(Error{ErrorCode::kUnavailable, describe(error)});
              });
  }
};

/// Rows of a worker (orders of a shard) that its part of the tree shows.
constexpr uint64_t kLeavesShown = 200;
/// A scrape does not wait longer for what is beside the order path.
constexpr Duration kTelemetryWithin = Duration::milliseconds(500);

/// Leaves time to put the parts together before the caller is told that there was no answer.
Duration share_of(const Call& call) { return Duration{call.within.ns * 4 / 5}; }

class NodeOperator final : public OperatorBackend {
 public:
  explicit NodeOperator(OperatorSetup setup)
      : setup_(std::move(setup)), actor_(setup_.system->spawn<OperatorActor>()) {}
  ~NodeOperator() override { send_kill(actor_); }

  void health(const Call& call, Answer<HealthView> answer) override {
    run([this, call, answer](OperatorActor& self) {
      ask_gateways<VenueSessionView>(
          self, share_of(call), VenueSessionQuery{}, [this, &self, call, answer](auto venues) {
            ask_shards<ShardViewAnswer>(
                self, share_of(call), ShardQuery{},
                [this, answer, venues](auto shards) { answer(health_of(venues, shards)); });
          });
    });
  }

  void tree(const Call& call, const operator_api::TreeQuery& query,
            Answer<TreeNodeView> answer) override {
    run([this, call, query, answer](OperatorActor& self) {
      self.ask<TreeNode>(
          setup_.root(), share_of(call), holdfast::TreeQuery{},
          [this, &self, call, query, answer](Result<TreeNode> root) {
            if (!root) return answer(root.error());
            const TreeNode* from = find_in_tree(root.value(), query.path);
            if (!from)
              return answer(
                  Error{ErrorCode::kNotFound,
                        "there is no '" + query.path + "' in the tree; `holdfast tree` shows it"});
            TreeNodeView view = trees_.view(*from, query.depth, setup_.wall());
            trees_.remember(root.value(), setup_.wall());
            if (from->leaves == 0 || query.depth == 0) return answer(std::move(view));
            // A worker that was named shows what it holds: the orders of a shard.
            self.ask<LeafPage>(setup_.root(), share_of(call),
                               LeafQuery{from->path, 0, kLeavesShown},
                               [this, view, answer](Result<LeafPage> page) mutable {
                                 if (page)
                                   for (const auto& row : page.value().rows)
                                     view.children.push_back(trees_.view(row, 0, setup_.wall()));
                                 answer(std::move(view));
                               });
          });
    });
  }

  void orders(const Call& call, const OrdersQuery& query, Answer<OrderPage> answer) override {
    run([this, call, query, answer](OperatorActor& self) {
      ask_shards<OrdersPageAnswer>(self, share_of(call), query, [this, query, answer](auto parts) {
        OrderPage page;
        for (auto& part : parts) {
          if (!part.answer)
            return answer(
                Error{ErrorCode::kUnavailable, part.name + ": " + part.answer.error().text});
          const OrdersPage& one = *part.answer.value();
          page.orders.insert(page.orders.end(), one.orders.begin(), one.orders.end());
          page.more = page.more || one.more;
          page.as_of.push_back({one.group, part.name, one.epoch, one.as_of});
        }
        std::sort(page.orders.begin(), page.orders.end(),
                  [](const OrderView& a, const OrderView& b) { return a.order < b.order; });
        if (page.orders.size() > query.limit) {
          page.orders.resize(query.limit);
          page.more = true;
        }
        if (!page.orders.empty()) page.next = page.orders.back().order;
        answer(std::move(page));
      });
    });
  }

  void order(const Call& call, const OrderHistoryQuery& query,
             Answer<OrderHistory> answer) override {
    run([this, call, query, answer](OperatorActor& self) {
      ask_shards<OrderHistoryAnswer>(self, share_of(call), query, [answer](auto parts) {
        std::string missing;
        for (auto& part : parts) {
          if (part.answer && part.answer.value()->found) return answer(*part.answer.value());
          if (!part.answer) missing += (missing.empty() ? "" : ", ") + part.name;
        }
        if (!missing.empty())
          return answer(Error{ErrorCode::kUnavailable, missing + " did not answer: try again"});
        answer(Error{ErrorCode::kNotFound, "there is no such order"});
      });
    });
  }

  void risk(const Call& call, const ShardRiskQuery& query, Answer<RiskView> answer) override {
    run([this, call, query, answer](OperatorActor& self) {
      ask_shards<std::shared_ptr<const ShardRiskView>>(
          self, share_of(call), query, [answer](auto parts) {
            RiskView view;
            view.shards_total = static_cast<uint32_t>(parts.size());
            for (auto& part : parts)
              if (part.answer) view.shards.push_back(*part.answer.value());
            answer(std::move(view));
          });
    });
  }

  void venues(const Call& call, Answer<VenuesView> answer) override {
    run([this, call, answer](OperatorActor& self) {
      ask_gateways<VenueSessionView>(self, share_of(call), VenueSessionQuery{},
                                     [this, answer](auto parts) {
                                       VenuesView view;
                                       for (std::size_t i = 0; i < parts.size(); ++i) {
                                         VenueSessionView one;
                                         if (parts[i].answer) {
                                           one = std::move(parts[i].answer).value();
                                         } else {
                                           one.venue = setup_.settings->venues[i].entry.name;
                                           one.group = setup_.settings->venues[i].entry.group;
                                           one.last_error = parts[i].answer.error().text;
                                         }
                                         view.venues.push_back(std::move(one));
                                       }
                                       answer(std::move(view));
                                     });
    });
  }

  void journal(const Call&, Answer<JournalView> answer) override {
    run([this, answer](OperatorActor&) { answer(journal_view()); });
  }

  void metrics(const Call& call, Answer<std::string> answer) override {
    run([this, call, answer](OperatorActor& self) {
      self.ask<ingress::IngressStats>(
          setup_.registry->find(std::string(kRootPath) + "/ingress"), share_of(call),
          ingress::IngressStatsQuery{}, [this, &self, call, answer](auto ingress) {
            ask_gateways<VenueSessionView>(
                self, share_of(call), VenueSessionQuery{},
                [this, &self, call, answer, ingress](auto venues) {
                  ask_shards<ShardViewAnswer>(self, share_of(call), ShardQuery{},
                                              [this, &self, answer, ingress, venues](auto shards) {
                                                MetricsText text = metrics_of(venues, shards);
                                                if (ingress) add_ingress(text, ingress.value());
                                                add_beside(self, std::move(text), answer);
                                              });
                });
          });
    });
  }

  void set_kill(const Call& call, const KillRequest& request, Answer<FanOutView> answer) override {
    run([this, call, request, answer](OperatorActor& self) {
      const KillSwitch& kill = request.kill;
      if (auto known = request.force ? success() : known_name(limits_now(), kill); !known)
        return answer(known.error());
      SetKill command;
      command.kill = kill;
      // Gateways first: they are the last check before the wire.
      ask_gateways<VenueKillApplied>(
          self, share_of(call), kill, [this, &self, call, command, answer](auto venues) {
            ask_shards<ShardCommandDone>(self, share_of(call), command,
                                         [answer, venues](auto shards) {
                                           FanOutView view;
                                           view.complete = true;
                                           for (auto& part : venues) {
                                             PartView one{part.name, part.answer.ok(), "", 0, {}};
                                             if (part.answer)
                                               one.index = part.answer.value().index;
                                             else
                                               one.text = part.answer.error().text;
                                             view.complete = view.complete && one.confirmed;
                                             view.parts.push_back(std::move(one));
                                           }
                                           for (auto& part : shards) add_part(view, part);
                                           answer(std::move(view));
                                         });
          });
    });
  }

  void reload_risk(const Call& call, const ReloadRequest& request,
                   Answer<ReloadView> answer) override {
    run([this, call, request, answer](OperatorActor& self) {
      reload(self, call, request, answer);
    });
  }

  void venue_command(const Call& call, const VenueName& venue, const VenueCommand& command,
                     Answer<VenueCommandAnswer> answer) override {
    ask_venue<VenueCommandAnswer>(call, venue, command, std::move(answer));
  }
  void reconciliation(const Call& call, const VenueName& venue,
                      Answer<ReconciliationAnswer> answer) override {
    ask_venue<ReconciliationAnswer>(call, venue, ReconciliationQuery{}, std::move(answer));
  }

  void backup(const Call&, const BackupRequest& request, Answer<BackupView> answer) override {
    // Hard links and one copy of the log: short, but disk I/O, so not on a worker.
    std::thread([this, request, answer] { answer(back_up(request)); }).detach();
  }

  void restart(const Call& call, const std::string& path, Answer<RestartView> answer) override {
    order_tree(call, TreeAction::kRestart, {path, "restarting"}, std::move(answer));
  }
  void kill(const Call& call, const std::string& path, Answer<RestartView> answer) override {
    order_tree(call, TreeAction::kKill, {path, "killed"}, std::move(answer));
  }

 private:
  void run(Job job) { anon_send(actor_, std::move(job)); }

  void order_tree(const Call& call, TreeAction action, RestartView done,
                  Answer<RestartView> answer) {
    run([this, call, action, done, answer](OperatorActor& self) {
      self.ask<TreeReply>(setup_.root(), share_of(call),
                          TreeCommand{action, done.path, call.who.name, call.reason},
                          [done, answer](Result<TreeReply> reply) {
                            if (!reply) return answer(reply.error());
                            if (!reply.value().ok)
                              return answer(Error{ErrorCode::kConflict, reply.value().text});
                            answer(done);
                          });
    });
  }

  template <typename T, typename Message>
  void ask_venue(const Call& call, const VenueName& venue, const Message& message,
                 Answer<T> answer) {
    run([this, call, venue, message, answer](OperatorActor& self) {
      for (const auto& known : setup_.settings->venues)
        if (known.entry.name == venue)
          return self.ask<T>(setup_.registry->find(gateway_path(venue)), share_of(call), message,
                             [answer](Result<T> done) { answer(std::move(done)); });
      answer(Error{ErrorCode::kNotFound,
                   "there is no venue '" + venue.str() + "'; `holdfast venues` lists them"});
    });
  }

  template <typename T, typename Message>
  void ask_shards(OperatorActor& self, Duration within, const Message& message,
                  typename Gather<T>::Done done) {
    std::vector<std::string> names;
    for (uint32_t shard = 0; shard < setup_.settings->node.shards; ++shard)
      names.push_back(group_name(*setup_.settings, shard_group(shard)));
    auto gather = Gather<T>::make(std::move(names), std::move(done));
    for (uint32_t shard = 0; shard < setup_.settings->node.shards; ++shard)
      self.ask<T>(setup_.registry->find(manager_path(shard)), within, message,
                  [gather, shard](Result<T> answer) { gather->put(shard, std::move(answer)); });
  }

  template <typename T, typename Message>
  void ask_gateways(OperatorActor& self, Duration within, const Message& message,
                    typename Gather<T>::Done done) {
    std::vector<std::string> names;
    for (const auto& venue : setup_.settings->venues)
      names.push_back("venue/" + venue.entry.name.str());
    auto gather = Gather<T>::make(std::move(names), std::move(done));
    for (std::size_t i = 0; i < setup_.settings->venues.size(); ++i)
      self.ask<T>(setup_.registry->find(gateway_path(setup_.settings->venues[i].entry.name)),
                  within, message,
                  [gather, i](Result<T> answer) { gather->put(i, std::move(answer)); });
  }

  static void add_part(FanOutView& view, const Gathered<ShardCommandDone>& part) {
    PartView one{part.name, false, "", 0, {}};
    if (part.answer) {
      const auto& done = part.answer.value();
      one.confirmed = done.ok;
      one.text = done.text;
      one.orders = done.cancelled;
      one.index = done.index;
    } else {
      one.text = part.answer.error().text;
    }
    view.complete = view.complete && one.confirmed;
    view.parts.push_back(std::move(one));
  }

  const RiskLimits& limits_now() const {
    return (in_force_ ? *in_force_ : setup_.settings->risk).limits;
  }

  void groups(const Call&, Answer<ReplicaGroupsView> answer) override {
    answer(setup_.groups ? setup_.groups() : ReplicaGroupsView{});
  }

  void orchestrator(const Call& call, Answer<OrchestratorView> answer) override {
    run([this, call, answer](OperatorActor& self) {
      ask_orchestrator(self, *setup_.settings, *setup_.registry, share_of(call), answer);
    });
  }

  void healing(const Call& call, Answer<HealingBoard> answer) override {
    run([this, call, answer](OperatorActor& self) {
      healing_.ask(self, share_of(call), setup_.wall(), [this, answer](auto view) {
        if (!view) return answer(view.error());
        const auto groups = setup_.groups ? setup_.groups() : ReplicaGroupsView{};
        answer(board_of(std::move(view).value(), *setup_.settings, groups, setup_.wall()));
      });
    });
  }
  PlaceNames place_names() const override { return node::place_names(*setup_.settings); }
  void healing_command(const Call& call, const orchestrator::healing::Command& command,
                       Answer<orchestrator::HealingTaken> answer) override {
    run([this, call, command, answer](OperatorActor& self) {
      healing_.command(self, share_of(call), setup_.wall(), command, answer);
    });
  }

  void telemetry(const Call& call, const telemetry::TelemetryQuery& query,
                 Answer<telemetry::SharedView> answer) override {
    run([this, call, query, answer](OperatorActor& self) {
      ask_telemetry(self, *setup_.registry, share_of(call), query, answer);
    });
  }
  MemberId member_named(std::string_view name) const override {
    const auto& cluster = setup_.settings->cluster;
    const auto* member = cluster ? cluster->find(std::string(name)) : nullptr;
    return member ? member->id : MemberId{};
  }
  void take_samples(const Call& call, telemetry::OutsideSamples samples,
                    Answer<telemetry::OutsideTaken> answer) override {
    run([this, call, samples, answer](OperatorActor& self) {
      hand_in_samples(self, *setup_.registry, share_of(call), samples, answer);
    });
  }

  void hand_over(const Call& call, const HandOverRequest& request,
                 Answer<HandOverView> answer) override {
    if (!setup_.hand_over)
      return answer(Error{ErrorCode::kNotFound, "this node is no member of a cluster"});
    run([this, call, request, answer](OperatorActor& self) {
      const auto begin = [this, request, answer](uint64_t orders) {
        setup_.hand_over(request, [this, request, answer, orders](Result<> begun) {
          if (!begun) return answer(begun.error());
          HandOverView view{request.group, request.to, "begun", request.fast, 0, orders, {}};
          for (const auto& group : setup_.groups().groups)
            if (group.name == request.group) {
              view.entries_in_flight = group.entries_in_flight;
              view.within = group.hand_over_left;
            }
          answer(std::move(view));
        });
      };
      if (request.fast) return begin(0);
      for (const auto& venue : setup_.settings->venues)
        if (request.group == "venue/" + venue.entry.name.str())
          return self.ask<VenueSessionView>(
              setup_.registry->find(gateway_path(venue.entry.name)), share_of(call),
              VenueSessionQuery{},
              [begin](auto view) { begin(view ? view.value().in_flight : 0); });
      for (uint32_t shard = 0; shard < setup_.settings->node.shards; ++shard)
        if (request.group == group_name(*setup_.settings, shard_group(shard)))
          return self.ask<ShardViewAnswer>(
              setup_.registry->find(manager_path(shard)), share_of(call), ShardQuery{},
              [begin](auto view) { begin(view ? view.value()->waiting : 0); });
      begin(0);
    });
  }

  HealthView health_of(const std::vector<Gathered<VenueSessionView>>& venues,
                       const std::vector<Gathered<ShardViewAnswer>>& shards) {
    HealthView view;
    view.node = setup_.settings->node.name;
    view.version = HOLDFAST_VERSION;
    view.durability = setup_.settings->node.journal.durability;
    view.started = setup_.started;
    view.now = setup_.wall();
    view.live = true;
    view.ready = true;
    const auto check = [&view](std::string name, bool ok, std::string text) {
      view.ready = view.ready && ok;
      view.checks.push_back({std::move(name), ok, std::move(text)});
    };
    // A member that follows is as healthy as the one that leads.
    std::unordered_map<std::string, std::string> follows;
    if (setup_.groups)
      for (const auto& group : setup_.groups().groups)
        if (group.state == "following" && !group.leader.empty())
          follows[group.name] = "standby of " + group.leader;
    for (const auto& shard : shards) {
      if (const auto standby = follows.find(shard.name); standby != follows.end()) {
        check(shard.name, true, standby->second);
        continue;
      }
      const bool serving = shard.answer && shard.answer.value()->serving;
      check(shard.name, serving,
            serving        ? "serving"
            : shard.answer ? "recovering or stopped: see `holdfast tree`"
                           : shard.answer.error().text);
    }
    for (const auto& venue : venues) {
      if (const auto standby = follows.find(venue.name); standby != follows.end()) {
        check(venue.name, true, standby->second);
        continue;
      }
      const bool open = venue.answer && venue.answer.value().state == VenueSessionState::kOpen;
      check(venue.name, open,
            !venue.answer ? venue.answer.error().text
            : open        ? "session open"
                          : std::string(name_of(venue.answer.value().state)) +
                         (venue.answer.value().last_error.empty()
                              ? ""
                              : ": " + venue.answer.value().last_error));
    }
    const auto free = setup_.journal->free_bytes();
    const auto wanted = setup_.settings->node.journal.disk_free_bytes_min;
    check("disk", free && free.value() >= wanted,
          free ? std::to_string(free.value() >> 20) + " MiB free, intake stops below " +
                     std::to_string(wanted >> 20)
               : free.error().text);
    return view;
  }

  Result<JournalView> journal_view() {
    auto extents = setup_.journal->extents();
    if (!extents) return extents.error();
    JournalView view;
    for (const auto& extent : extents.value()) {
      GroupJournalView one;
      one.group = extent.group;
      one.name = group_name(*setup_.settings, extent.group);
      one.role = "leader";
      one.epoch = extent.epoch;
      one.appended = one.committed = one.applied = extent.last;
      one.snapshot = extent.snapshot;
      one.first = extent.first;
      view.groups.push_back(one);
    }
    view.durability = setup_.settings->node.journal.durability;
    view.directory = setup_.journal->directory();
    view.bytes = bytes_in(view.directory);
    std::error_code ec;
    const auto space = std::filesystem::space(view.directory, ec);
    if (!ec) {
      view.disk_free_bytes = space.available;
      view.disk_total_bytes = space.capacity;
    }
    view.disk_free_bytes_min = setup_.settings->node.journal.disk_free_bytes_min;
    view.intake_stopped = setup_.intake_stopped();
    return view;
  }

  Result<BackupView> back_up(const BackupRequest& request) {
    auto done = setup_.journal->backup(request.directory);
    if (!done) return done.error();
    BackupView view;
    view.directory = request.directory;
    view.bytes = bytes_in(request.directory);
    auto extents = setup_.journal->extents();
    if (extents)
      for (const auto& extent : extents.value())
        view.groups.push_back(
            {extent.group, group_name(*setup_.settings, extent.group), extent.epoch, extent.last});
    return view;
  }

  void reload(OperatorActor& self, const Call& call, const ReloadRequest& request,
              Answer<ReloadView> answer) {
    std::vector<Symbol> known;
    for (const auto& instrument : setup_.settings->instruments) known.push_back(instrument.symbol);
    settings::Problems problems;
    const auto fresh = settings::load_risk(setup_.settings->directory, known, problems);
    ReloadView view;
    view.dry_run = request.dry_run;
    if (!problems.none()) {
      for (const auto& problem : problems.sorted()) view.errors.push_back(problem.str());
      return answer(std::move(view));
    }
    const auto& now = in_force_ ? *in_force_ : setup_.settings->risk;
    for (const auto& changes :
         {risk::diff(now.limits, fresh.limits), risk::diff(now.restricted, fresh.restricted)})
      for (const auto& change : changes)
        view.changes.push_back({change.where + ": " + change.what, change.from, change.to});
    view.applied.complete = true;
    if (request.dry_run || view.changes.empty()) return answer(std::move(view));
    LoadRisk command;
    command.limits = std::make_shared<const RiskLimits>(fresh.limits);
    command.restricted = std::make_shared<const RestrictedList>(fresh.restricted);
    ask_shards<ShardCommandDone>(self, share_of(call), command,
                                 [this, view, fresh, answer](auto parts) mutable {
                                   for (const auto& part : parts) add_part(view.applied, part);
                                   if (view.applied.complete)
                                     in_force_ = std::make_unique<settings::RiskSettings>(fresh);
                                   answer(std::move(view));
                                 });
  }

  /// What is beside the order path: telemetry, the self-healing loop.
  void add_beside(OperatorActor& self, MetricsText text, Answer<std::string> answer) {
    ask_telemetry(self, *setup_.registry, kTelemetryWithin, {},
                  [this, &self, text, answer](auto view) mutable {
                    if (view) add_telemetry(text, *view.value());
                    healing_.ask(self, kTelemetryWithin, setup_.wall(),
                                 [text, answer](auto loop) mutable {
                                   if (loop) add_healing(text, *loop.value());
                                   answer(std::move(text).take());
                                 });
                  });
  }

  MetricsText metrics_of(const std::vector<Gathered<VenueSessionView>>& venues,
                         const std::vector<Gathered<ShardViewAnswer>>& shards) {
    MetricsText text;
    add_shards(text, shards);
    add_venues(text, venues);
    text.counter("holdfast_journal_writes_total", "Batches written.", setup_.journal->writes());
    text.counter("holdfast_journal_syncs_total", "Syncs to disk.", setup_.journal->syncs());
    text.counter("holdfast_journal_snapshots_total", "Snapshots made.", setup_.snapshots->made());
    text.counter("holdfast_journal_snapshot_failures_total", "Snapshots that failed.",
                 setup_.snapshots->failed());
    text.counter("holdfast_node_loop_progress_total", "Turns of the hot loop.",
                 setup_.loop_progress());
    if (auto free = setup_.journal->free_bytes())
      text.gauge("holdfast_journal_disk_free_bytes", "Free space of the journal's file system.",
                 static_cast<int64_t>(free.value()));
    return text;
  }

  const OperatorSetup setup_;
  ActorHandle actor_;
  // Only in the actor:
  std::unique_ptr<settings::RiskSettings> in_force_;  // after a reload
  TreeViews trees_;
  HealingViews healing_{*setup_.registry};
};

}  // namespace

std::unique_ptr<OperatorBackend> make_operator_backend(OperatorSetup setup) {
  return std::make_unique<NodeOperator>(std::move(setup));
}

}  // namespace holdfast::node
