// The venue's side of connections and of the FIX session.
#include "tests/simulation/cluster/venue.hpp"

namespace holdfast::cluster_simulation {

namespace {
// HeartBtInt (108), a little over it, and when a connection counts as dead.
constexpr Duration kHeartbeat = ms(2'000), kTest = ms(2'400), kDead = ms(4'800);
}  // namespace

void Venue::start() { heartbeat(); }

Venue::Connection* Venue::find(uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

/// When something that is sent now arrives: in order, late when the path is stalled.
MonoTime Venue::arrival(MonoTime& last) {
  Duration delay = sim_.random().between(us(40), us(250));
  if (sim_.faulty() && sim_.random().one_in(200)) delay = sim_.random().between({}, ms(40));
  last = std::max({last, sim_.now() + delay, stalled_until_});
  return last;
}

// ---- connections

void Venue::connect(uint32_t node, uint64_t connection, Peer peer) {
  Connection c;
  c.id = connection;
  c.node = node;
  c.peer = std::move(peer);
  const bool reachable = !cut_off(node) && !refusing_;
  const Connection& there = connections_[connection] = std::move(c);
  if (cut_off(node)) {
    sim_.at(ms(200), [this, connection, closed = there.peer.closed] {
      connections_.erase(connection);
      closed(connection, "no answer");
    });
    return;
  }
  sim_.at(sim_.random().between(us(60), us(400)), [this, connection, reachable] {
    Connection* c = find(connection);
    if (c == nullptr || !c->near_end) return;
    const Peer peer = c->peer;
    if (reachable && !refusing_) return peer.connected(connection);
    connections_.erase(connection);
    peer.closed(connection, "connection refused");
  });
}

void Venue::send(uint64_t connection, FixText message) {
  Connection* c = find(connection);
  if (c == nullptr || !c->near_end) return;
  const MonoTime when = arrival(c->to_venue);
  sim_.at(when - sim_.now(), [this, connection, message] { receive(connection, *message); });
}

/// Half of the time what is on its way still arrives.
void Venue::reset(uint64_t connection, const char* why) {
  Connection* c = find(connection);
  if (c == nullptr || !c->near_end) return;
  c->near_end = false;
  sim_.say(c->node, "its connection to the venue is reset", connection, 0, why);
  const bool flushes = sim_.random().one_in(2);
  if (cut_off(c->node)) return;  // the venue learns of it by its own timer
  if (!flushes) {
    end_far(*c, why);
    return;
  }
  const MonoTime when = arrival(c->to_venue);
  sim_.at(when - sim_.now(), [this, connection, why] {
    if (Connection* there = find(connection)) end_far(*there, why);
  });
}

void Venue::process_died(uint32_t node) {
  std::vector<uint64_t> ids;
  for (const auto& [id, c] : connections_)
    if (c.node == node && c.near_end) ids.push_back(id);
  for (const uint64_t id : ids) reset(id, "its process died");
}

/// The venue sees the end, or makes it.
void Venue::end_far(Connection& connection, const std::string& why) {
  const uint64_t id = connection.id;
  if (!connection.far_end) return;
  connection.far_end = false;
  if (session_ == id) session_ = 0;
  if (!connection.near_end || cut_off(connection.node)) return;
  const MonoTime when = arrival(connection.to_gateway);
  sim_.at(when - sim_.now(), [this, id, why] {
    Connection* c = find(id);
    if (c == nullptr || !c->near_end || cut_off(c->node)) return;
    c->near_end = false;
    const Peer peer = c->peer;
    peer.closed(id, why);
  });
}

void Venue::cut(uint32_t node, bool cut) {
  if (cut) {
    cuts_.insert(node);
    return;
  }
  cuts_.erase(node);
  // Each end that still believes in a connection whose other end is gone learns of it now.
  for (auto& [id, c] : connections_) {
    if (c.node != node) continue;
    if (c.far_end && (!c.near_end || c.lost_in || c.lost_out)) {
      end_far(c, "reset by peer");
    } else if (c.near_end && !c.far_end) {
      c.far_end = true;
      end_far(c, "reset by peer");
    }
  }
}

void Venue::stall(Duration how_long) { stalled_until_ = sim_.now() + how_long; }

void Venue::disconnect() {
  if (Connection* c = find(session_)) end_far(*c, "the venue reset the connection");
}

void Venue::log_out() {
  if (session_ == 0) return;
  put('5', [](FixWriter& message) { message.add(58, "end of service"); });
  const uint64_t id = session_;
  sim_.at(ms(20), [this, id] {
    if (Connection* c = find(id)) end_far(*c, "logged out");
  });
}

void Venue::heartbeat() {
  sim_.at(ms(100), [this] { heartbeat(); });
  if (session_ == 0) return;
  Connection* c = find(session_);
  if (sim_.now() - heard_ > kDead) {
    sim_.sometimes("the venue gave up a silent connection");
    sim_.say(0, "venue: a silent connection is ended", session_);
    return end_far(*c, "silent");
  }
  if (sim_.now() - heard_ > kTest && !test_sent_) {
    test_sent_ = true;
    put('1', [](FixWriter& message) { message.add(112, "VENUE"); });
  }
  if (sim_.now() - said_ >= kHeartbeat) put('0', [](FixWriter&) {});
}

// ---- messages

void Venue::receive(uint64_t id, const std::string& text) {
  Connection* c = find(id);
  if (c == nullptr || !c->far_end) return;
  c->lost_in = c->lost_in || cut_off(c->node);
  if (c->lost_in) return;
  take(*c, FixMessage(text), text);
}

void Venue::take(Connection& c, const FixMessage& message, const std::string& text) {
  if (message.type() == 'A') return take_logon(c, message);
  if (c.id != session_) return end_far(c, "not logged on");
  heard_ = sim_.now();
  test_sent_ = false;
  const uint32_t number = message.sequence();
  if (message.type() == '2')
    resend(c, static_cast<uint32_t>(message.number(7)), static_cast<uint32_t>(message.number(16)));
  if (number < next_in_) {
    if (!check_repeat(message, text)) return;
    if (message.possible_duplicate()) return;
    put('5', [](FixWriter& logout) { logout.add(58, "MsgSeqNum too low"); });
    sim_.say(0, "venue: a number is too low", number, next_in_);
    return end_far(c, "MsgSeqNum too low");
  }
  if (number > next_in_) return ask_resend(c);
  if (message.type() == '4') {
    next_in_ = std::max(next_in_, static_cast<uint32_t>(message.number(36)));
    return;
  }
  next_in_ = number + 1;
  if (message.type() == 'D' || message.type() == 'F' || message.type() == 'G')
    taken_[number] = std::string(message.get(11));
  process(c, message);
}

/// What comes again under a number has to be what came before.
bool Venue::check_repeat(const FixMessage& message, const std::string&) {
  const char type = message.type();
  if (type != 'D' && type != 'F' && type != 'G') return true;
  const auto before = taken_.find(message.sequence());
  if (before != taken_.end() && before->second == message.get(11)) return true;
  sim_.fail("the venue was sent another message under number " +
            std::to_string(message.sequence()) + " than before");
  return false;
}

void Venue::take_logon(Connection& c, const FixMessage& message) {
  if (session_ != 0 && session_ != c.id) {
    sim_.sometimes("the venue refused a second logon");
    return end_far(c, "the session is logged on already");
  }
  const uint32_t number = message.sequence();
  session_ = c.id;
  logons_ += 1;
  heard_ = sim_.now();
  test_sent_ = false;
  asked_for_ = 0;
  sim_.say(0, "venue: Logon, expected", number, next_in_);
  if (number < next_in_) {
    put('5', [](FixWriter& logout) { logout.add(58, "MsgSeqNum too low"); });
    return end_far(c, "MsgSeqNum too low");
  }
  put('A', [](FixWriter& logon) { logon.add(108, 2); });
  if (number > next_in_) return ask_resend(c);
  next_in_ = number + 1;
}

void Venue::process(Connection& c, const FixMessage& message) {
  switch (message.type()) {
    case 'D':
      return new_order(message);
    case 'F':
      return cancel(message);
    case 'G':
      return replace(message);
    case 'H':
      return status(message);
    case '1':
      return put('0', [&](FixWriter& beat) { beat.add(112, message.get(112)); });
    case '5':
      put('5', [](FixWriter&) {});
      return end_far(c, "logged out");
    default:
      return;
  }
}

void Venue::ask_resend(Connection&) {
  if (asked_for_ == next_in_) return;
  asked_for_ = next_in_;
  sim_.sometimes("the venue asked for a resend");
  put('2', [this](FixWriter& message) { message.add(7, next_in_).add(16, uint64_t{0}); });
}

void Venue::resend(Connection& c, uint32_t begin, uint32_t end) {
  const uint32_t last = end == 0 || end >= next_out_ ? next_out_ - 1 : end;
  sim_.say(0, "venue: sends again from, to", begin, last);
  uint32_t hole = begin;
  for (auto it = sent_.lower_bound(begin); it != sent_.end() && it->first <= last; ++it) {
    if (hole < it->first) transmit(c, gap_fill(hole, it->first));
    transmit(c, sent_again(it->second));
    hole = it->first + 1;
  }
  if (hole <= last) transmit(c, gap_fill(hole, last + 1));
}

/// A message under the next number; kept for resends when it is about an order.
void Venue::put(char type, std::function<void(FixWriter&)> fill) {
  FixWriter writer(type, next_out_);
  fill(writer);
  const FixText text = writer.done();
  if (type == '8' || type == '9') sent_[next_out_] = *text;
  next_out_ += 1;
  Connection* c = find(session_);
  if (c != nullptr) transmit(*c, text);
}

void Venue::transmit(Connection& c, FixText message) {
  said_ = sim_.now();
  const MonoTime when = arrival(c.to_gateway);
  sim_.at(when - sim_.now(), [this, id = c.id, message] {
    Connection* there = find(id);
    if (there == nullptr || !there->near_end) return;
    there->lost_out = there->lost_out || cut_off(there->node);
    if (there->lost_out) return;
    const Peer peer = there->peer;
    peer.received(id, *message);
  });
}

}  // namespace holdfast::cluster_simulation
