#include "tests/integration/ingress/node_fixture.hpp"

#include <gtest/gtest.h>

#include <future>

namespace holdfast::ingress::tests {

FakeShard::FakeShard(ActorConfig& config, std::shared_ptr<ShardMemory> memory)
    : LoopActor(config), memory_(std::move(memory)) {}

OrderReply FakeShard::decide(const OrderRequest& request) {
  memory_->requests += 1;
  const auto id = std::visit([](const auto& b) { return b.client_order_id; }, request.body);
  const auto key = account_of(request).str() + "/" + id.str();
  OrderReply reply;
  if (const auto known = memory_->outcomes.find(key); known != memory_->outcomes.end()) {
    reply = known->second;
    reply.duplicate = true;
  } else {
    memory_->orders += 1;
    reply.accepted = true;
    reply.order = {memory_->orders};
    reply.state = OrderState::kRouted;
    if (id.view().starts_with("bad")) {
      reply.accepted = false;
      reply.reason = Reason::kMaxOrderQuantity;
      reply.text = ReasonText("quantity 10 above the limit 9");
    }
    memory_->outcomes[key] = reply;
  }
  reply.ticket = request.ticket;
  return reply;
}

void FakeShard::report(const Account& account, std::size_t count, const ClientOrderId& id) {
  auto& kept = memory_->reports[account];
  auto batch = std::make_shared<std::vector<ExecutionReport>>();
  for (std::size_t i = 0; i < count; ++i) {
    ExecutionReport r;
    r.sequence = {kept.size() + 1};
    r.account = account;
    r.client_order_id = id;
    r.symbol = Symbol("AAPL");
    kept.push_back(r);
    batch->push_back(r);
  }
  for (const auto& subscriber : subscribers_[account])
    send(subscriber.ingress, ReportsForSession{subscriber.session, account, batch});
}

Behavior FakeShard::make_behavior() {
  return {
      [this](const OrderRequestBatch& batch) {
        const std::lock_guard lock(memory_->mutex);
        memory_->batches += 1;
        auto replies = std::make_shared<std::vector<OrderReply>>();
        for (const auto& request : *batch) {
          auto reply = decide(request);
          if (!reply.duplicate && std::holds_alternative<NewOrder>(request.body))
            report(account_of(request), 1, std::get<NewOrder>(request.body).client_order_id);
          replies->push_back(std::move(reply));
        }
        if (memory_->silent) return;
        send(caf::actor_cast<ActorHandle>(current_sender()), OrderReplyBatch(replies));
      },
      [this](const OrderQuery& query) {
        const std::lock_guard lock(memory_->mutex);
        const auto found =
            memory_->outcomes.find(query.account.str() + "/" + query.client_order_id.str());
        OrderQueryReply reply{query.ticket, found != memory_->outcomes.end(), Reason::kNone, {}};
        if (reply.found) {
          reply.view.order = found->second.order;
          reply.view.state = found->second.state;
          reply.view.request.account = query.account;
        } else {
          reply.reason = Reason::kUnknownOrder;
        }
        send(caf::actor_cast<ActorHandle>(current_sender()), reply);
      },
      [this](const SubscribeReports& subscribe) {
        const std::lock_guard lock(memory_->mutex);
        const auto ingress = caf::actor_cast<ActorHandle>(current_sender());
        const auto& kept = memory_->reports[subscribe.account];
        send(ingress, ReportsSubscribed{subscribe.session, subscribe.account, ReportSeq{1},
                                        ReportSeq{kept.size()}});
        // The past in pieces, as a shard would.
        for (std::size_t at = subscribe.from.value - 1; at < kept.size(); at += 1'000) {
          const auto end = std::min(kept.size(), at + 1'000);
          send(ingress, ReportsForSession{subscribe.session, subscribe.account,
                                          std::make_shared<const std::vector<ExecutionReport>>(
                                              kept.begin() + static_cast<std::ptrdiff_t>(at),
                                              kept.begin() + static_cast<std::ptrdiff_t>(end))});
        }
        auto& list = subscribers_[subscribe.account];
        std::erase_if(list, [&](const auto& s) { return s.session == subscribe.session; });
        list.push_back({subscribe.session, ingress});
      },
      [this](const UnsubscribeReports& unsubscribe) {
        std::erase_if(subscribers_[unsubscribe.account],
                      [&](const auto& s) { return s.session == unsubscribe.session; });
      },
      [this](const EmitReports& emit) {
        const std::lock_guard lock(memory_->mutex);
        report(emit.account, emit.count, ClientOrderId("emitted"));
      },
  };
}

Settings quick_settings() {
  Settings settings;
  settings.server_version = "test";
  return settings;
}

Node::Node(Settings settings) : settings_(std::move(settings)) {
  credential_ = make_credential();
  if (settings_.clients.empty()) {
    ClientEntry entry;
    entry.id = ClientId("tester");
    entry.accounts = {Account("A"), Account("B"), Account("C")};
    settings_.clients.push_back(entry);
  }
  for (uint32_t i = 0; i < settings_.shards; ++i)
    memories_.push_back(std::make_shared<ShardMemory>());
  start();
}

Node::Node(Settings settings, const Node& fellow)
    : settings_(std::move(settings)), credential_(fellow.credential_), memories_(fellow.memories_) {
  settings_.clients = fellow.settings_.clients;
  start();
}

void Node::start() {
  for (auto& client : settings_.clients)
    client.credential_sha256 = hash_credential(credential_).value();
  for (uint32_t i = 0; i < settings_.shards; ++i) {
    shards_.emplace_back();
    start_shard(i);
  }
  // The loop is closed where it ran: promises belong to one thread.
  std::promise<void> running;
  thread_ = std::thread([this] {
    loop_.run();
    loop_.close();
  });
  start_ingress();
}

Node::~Node() {
  loop_.stop();
  thread_.join();
}

void Node::start_ingress() {
  IngressActorSetup setup;
  setup.settings = settings_;
  setup.make_front = make_server;
  setup.port = port_;
  setup.find_shard = [this](uint32_t shard) {
    const std::lock_guard lock(mutex_);
    return shards_[shard];
  };
  setup.leader_of = [this](uint32_t shard) {
    const std::lock_guard lock(mutex_);
    const auto found = led_by_.find(shard);
    return found == led_by_.end() ? std::string() : found->second;
  };
  auto listening = std::make_shared<std::promise<uint16_t>>();
  auto port = listening->get_future();
  setup.on_listening = [listening](uint16_t p) { listening->set_value(p); };
  ingress_ = spawn_on<IngressActor>(system_.get(), loop_, setup);
  ASSERT_EQ(port.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  address_ = settings_.listen.starts_with("unix:") ? settings_.listen
                                                   : "127.0.0.1:" + std::to_string(port.get());
}

void Node::restart_ingress() {
  ScopedActor self{system_.get()};
  self->monitor(ingress_);
  send_kill(ingress_);
  self->receive([](const DownMessage&) {});
  start_ingress();
}

void Node::kill_shard(uint32_t shard) {
  ActorHandle victim;
  {
    const std::lock_guard lock(mutex_);
    victim = std::exchange(shards_[shard], nullptr);
  }
  ScopedActor self{system_.get()};
  self->monitor(victim);
  send_kill(victim);
  self->receive([](const DownMessage&) {});
}

void Node::start_shard(uint32_t shard) {
  auto made = spawn_on<FakeShard>(system_.get(), loop_, memories_[shard]);
  const std::lock_guard lock(mutex_);
  shards_[shard] = std::move(made);
}

void Node::emit(const Account& account, std::size_t count) {
  const std::lock_guard lock(mutex_);
  anon_send(shards_[shard_of(account, settings_.shards)], EmitReports{account, count});
}

void Node::stop_intake(bool stopped) { anon_send(ingress_, StopIntake{stopped}); }

void Node::lead(uint32_t shard, bool here, const std::string& address) {
  {
    const std::lock_guard lock(mutex_);
    led_by_.erase(shard);
    if (!here) led_by_.emplace(shard, address);
  }
  anon_send(ingress_, LeadershipChanged{shard, here, address});
}

IngressStats Node::stats() {
  ScopedActor self{system_.get()};
  IngressStats result;
  self->request(ingress_, std::chrono::seconds(30), IngressStatsQuery{})
      .receive([&](const IngressStats& stats) { result = stats; },
               [&](const ActorError& error) { ADD_FAILURE() << describe(error); });
  return result;
}

std::string Node::start_error(const Settings& settings) {
  ActorSystem system;
  HotLoop loop;
  IngressActorSetup setup;
  setup.settings = settings;
  setup.make_front = make_server;
  setup.find_shard = [](uint32_t) { return ActorHandle(); };
  std::string text;
  std::thread thread([&] {
    loop.run();
    loop.close();
  });
  {
    ScopedActor self{system.get()};
    auto ingress = spawn_on<IngressActor>(system.get(), loop, setup);
    self->monitor(ingress);
    self->receive([&](const DownMessage& down) { text = explain_exit(down.reason).text; });
  }
  loop.stop();
  thread.join();
  return text;
}

}  // namespace holdfast::ingress::tests
