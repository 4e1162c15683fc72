#include "tests/simulation/cluster/clients.hpp"

#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

Clients::Clients(Simulation& simulation, History& history,
                 std::vector<std::unique_ptr<Node>>& nodes)
    : sim_(simulation), history_(history), nodes_(nodes) {
  for (const char* account : kAccounts) clients_.push_back({account, 0, 1, 0, {}});
}

void Clients::start() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    connect(clients_[i], static_cast<uint32_t>(1 + i % nodes_.size()));
    work(i);
  }
}

void Clients::connect(Client& client, uint32_t node) {
  client.node = node;
  client.session = ++sessions_ * 16 + static_cast<uint64_t>(&client - clients_.data());
}

bool Clients::current(uint64_t session) const { return clients_[session % 16].session == session; }

void Clients::work(std::size_t client) {
  if (stopped_) return;
  switch (sim_.random().below(12)) {
    case 0:
    case 1:
      change_order(client);
      break;
    case 2:
    case 3:
      query_order(client);
      break;
    default:
      submit_order(client);
  }
  sim_.at(sim_.random().between(ms(30), ms(290)), [this, client] { work(client); });
}

// ---- what they ask

void Clients::submit_order(std::size_t client) {
  Client& c = clients_[client];
  const std::string id = "o" + std::to_string(++c.numbers);
  c.ids.push_back(id);
  NewOrder order;
  order.account = Account(c.account);
  order.client_order_id = ClientOrderId(id);
  order.symbol = "AAPL";
  order.side = sim_.random().one_in(2) ? Side::kBuy : Side::kSell;
  // Buys below sells: an account never meets itself. Now and then risk has to refuse.
  const int64_t price = order.side == Side::kBuy
                            ? 90 + static_cast<int64_t>(sim_.random().below(8))
                            : 100 + static_cast<int64_t>(sim_.random().below(8));
  order.price = Price::whole(sim_.random().one_in(25) ? price * 9 : price);
  order.quantity = Quantity::whole(1 + static_cast<int64_t>(sim_.random().below(300)));
  if (sim_.random().one_in(10)) order.time_in_force = TimeInForce::kImmediateOrCancel;
  OrderRequest request;
  request.body = order;
  OrderQuery query;
  query.account = order.account;
  query.client_order_id = order.client_order_id;
  keys_[c.account + "/" + id] = query;
  begin(client, OperationKind::kSubmit, id, request, {});
}

void Clients::change_order(std::size_t client) {
  Client& c = clients_[client];
  if (c.ids.empty()) return;
  const std::size_t recent = std::min<std::size_t>(c.ids.size(), 8);
  const std::string about = c.ids[c.ids.size() - 1 - sim_.random().below(recent)];
  const std::string id = "c" + std::to_string(++c.numbers);
  OrderRequest request;
  if (sim_.random().one_in(3)) {
    ReplaceOrder replace;
    replace.account = Account(c.account);
    replace.client_order_id = ClientOrderId(id);
    replace.original = ClientOrderId(about);
    replace.price = Price::whole(95);
    replace.quantity = Quantity::whole(50 + static_cast<int64_t>(sim_.random().below(300)));
    request.body = replace;
    return begin(client, OperationKind::kReplace, about, request, {});
  }
  request.body = CancelOrder{Account(c.account), ClientOrderId(id), ClientOrderId(about), {}};
  begin(client, OperationKind::kCancel, about, request, {});
}

void Clients::query_order(std::size_t client) {
  Client& c = clients_[client];
  if (c.ids.empty()) return;
  const std::size_t recent = std::min<std::size_t>(c.ids.size(), 5);
  OrderQuery query;
  query.account = Account(c.account);
  query.client_order_id = ClientOrderId(c.ids[c.ids.size() - 1 - sim_.random().below(recent)]);
  begin(client, OperationKind::kQuery, query.client_order_id.str(), {}, query);
}

namespace {
std::string own_id(const OrderRequest& request) {
  return std::visit([](const auto& body) { return body.client_order_id.str(); }, request.body);
}
}  // namespace

void Clients::begin(std::size_t client, OperationKind kind, const std::string& about,
                    OrderRequest request, std::optional<OrderQuery> query) {
  Operation operation;
  operation.kind = kind;
  operation.key = clients_[client].account + "/" + about;
  if (!query) operation.request = own_id(request);
  const uint64_t ticket = ++tickets_;
  Open& open = open_[ticket];
  open.client = client;
  open.operation = history_.invoke(operation);
  open.request = std::move(request);
  open.query = std::move(query);
  ticket_operations_[ticket] = open.operation;
  ask(ticket);
}

/// Sends what is open to the node that its client is connected to; again, if nothing is heard.
void Clients::ask(uint64_t ticket) {
  const auto found = open_.find(ticket);
  if (found == open_.end()) return;
  Open& open = found->second;
  Client& client = clients_[open.client];
  open.tries += 1;
  if (open.tries > 1) sim_.sometimes("a client asked again");
  Node& node = *nodes_[client.node - 1];
  RequestTicket name{{client.session}, ticket};
  if (open.query) open.query->ticket = name;
  open.request.ticket = name;
  const auto arrive = [query = open.query, request = open.request](Process& p) {
    query ? p.shard().take(*query) : p.shard().take(request);
  };
  sim_.at(sim_.random().between(us(40), us(200)),
          [&node, life = node.life, arrive] { node.enter(life, arrive); });
  sim_.at(ms(400) + ms(static_cast<int64_t>(sim_.random().below(300))),
          [this, ticket, session = client.session, tries = open.tries] {
            const auto still = open_.find(ticket);
            if (still == open_.end() || still->second.tries != tries) return;
            Client& c = clients_[still->second.client];
            if (c.session == session) connect(c, 1 + c.node % static_cast<uint32_t>(nodes_.size()));
            ask(ticket);
          });
}

void Clients::again(uint64_t ticket, Duration after) {
  const auto open = open_.find(ticket);
  if (open != open_.end() && open->second.tries > 6) after = after * 6;
  sim_.at(after, [this, ticket] { ask(ticket); });
}

void Clients::node_died(uint32_t node) {
  for (Client& client : clients_)
    if (client.node == node) connect(client, 1 + node % static_cast<uint32_t>(nodes_.size()));
  for (const auto& [ticket, open] : open_) again(ticket, sim_.random().between(ms(1), ms(10)));
}

// ---- what they hear

void Clients::replied(uint64_t session, const OrderReply& reply) {
  sim_.at(sim_.random().between(us(40), us(200)), [this, session, reply] {
    if (!current(session)) return;  // its connection is gone
    const uint64_t ticket = reply.ticket.request;
    const auto open = open_.find(ticket);
    if (reply.reason == Reason::kNotServing && !reply.order) {
      if (open == open_.end()) return;
      Client& client = clients_[open->second.client];
      if (client.session == session)
        connect(client, 1 + client.node % static_cast<uint32_t>(nodes_.size()));
      return again(ticket, sim_.random().between(ms(1), ms(15)));
    }
    Outcome outcome;
    outcome.accepted = reply.accepted;
    outcome.found = static_cast<bool>(reply.order);
    outcome.reason = reply.reason;
    outcome.order = reply.order.value;
    outcome.state = reply.state;
    if (reply.duplicate) sim_.sometimes("a reply was that of a duplicate");
    history_.answer(ticket_operations_.at(ticket), outcome);
    if (open != open_.end()) open_.erase(open);
  });
}

void Clients::answered(uint64_t session, const OrderQueryReply& reply) {
  sim_.at(sim_.random().between(us(40), us(200)), [this, session, reply] {
    if (!current(session)) return;
    const uint64_t ticket = reply.ticket.request;
    const auto open = open_.find(ticket);
    if (open == open_.end()) return;
    if (reply.reason == Reason::kNotServing) {
      Client& client = clients_[open->second.client];
      if (client.session == session)
        connect(client, 1 + client.node % static_cast<uint32_t>(nodes_.size()));
      return again(ticket, sim_.random().between(ms(1), ms(15)));
    }
    Outcome outcome;
    outcome.found = reply.found;
    outcome.order = reply.view.order.value;
    outcome.state = reply.view.state;
    outcome.filled = reply.view.cumulative_quantity.units;
    history_.answer(open->second.operation, outcome);
    open_.erase(open);
  });
}

}  // namespace holdfast::cluster_simulation
