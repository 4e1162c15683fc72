#include "tests/conformance/fix/test_venue.hpp"

#include "actors/venues/fix/fix_text.hpp"
#include "tests/conformance/fix/simulated_clock.hpp"

namespace holdfast::venues::testing {

namespace {
std::string get(const FIX::FieldMap& map, int tag) {
  return map.isSetField(tag) ? map.getField(tag) : std::string();
}
}  // namespace

std::string field(const std::string& message, int tag) {
  const auto value = field_of(message, static_cast<uint32_t>(tag));
  return value ? std::string(*value) : std::string();
}

TestVenue::TestVenue() {
  const FIX::SessionID id("FIX.4.4", "VENUE", "FIRM");
  session_ = std::make_unique<FIX::Session>(
      *this, stores_, id, FIX::DataDictionaryProvider(),
      FIX::TimeRange(FIX::UtcTimeOnly(0, 0, 0), FIX::UtcTimeOnly(0, 0, 0), 1, 1), 0, nullptr);
}

TestVenue::~TestVenue() { connected_ = false; }

void TestVenue::connect() {
  out.clear();
  connected_ = true;
  session_->setResponder(this);
}

void TestVenue::disconnect() {
  if (!connected_) return;
  connected_ = false;
  session_->setResponder(nullptr);
  session_->disconnect();
}

bool TestVenue::send(const std::string& bytes) {
  out.push_back(bytes);
  return true;
}

void TestVenue::receive(const std::string& message) {
  raw.push_back(message);
  if (!connected_) return;
  now_taking_ = message;
  session_->next(message, FIX::UtcTimeStamp());
}

void TestVenue::tick() {
  if (connected_) session_->next();
}

void TestVenue::forget_numbers(int next_out, int next_in) {
  session_->setNextSenderMsgSeqNum(next_out);
  session_->setNextTargetMsgSeqNum(next_in);
}

FIX::Message TestVenue::report(const std::string& wire, char exec_type, char status,
                               const std::string& original) {
  const auto found = orders.find(original.empty() ? wire : original);
  const Order order =
      found == orders.end() ? Order{"", "AAPL", "1", "100", "1", '0', wire} : found->second;
  FIX::Message message;
  message.getHeader().setField(35, "8");
  message.setField(11, wire);
  if (!original.empty()) message.setField(41, original);
  message.setField(37, order.id.empty() ? "NONE" : order.id);
  message.setField(17, exec_type == 'I' ? "0" : "E" + std::to_string(++executions));
  message.setField(150, std::string(1, exec_type));
  message.setField(39, std::string(1, status));
  message.setField(55, order.symbol);
  message.setField(54, order.side);
  message.setField(38, order.quantity);
  const bool fill = exec_type == 'F';
  message.setField(32, fill ? order.quantity : "0");
  message.setField(31, fill ? order.price : "0");
  message.setField(14, fill ? order.quantity : "0");
  const bool open = status == '0' || status == '5' || status == '1';
  message.setField(151, open ? order.quantity : "0");
  message.setField(6, "0");
  message.setField(60, utc_timestamp(simulated_now()));
  return message;
}

void TestVenue::fromApp(const FIX::Message& message, const FIX::SessionID&) {
  app_messages.push_back(now_taking_);
  if (forgets_requests) return;
  const std::string type = get(message.getHeader(), 35);
  if (type == "D") take_new(message);
  if (type == "F") take_cancel(message, false);
  if (type == "G") take_cancel(message, true);
  if (type == "H") take_status(message);
}

void TestVenue::take_new(const FIX::Message& message) {
  const std::string wire = get(message, 11);
  new_orders[wire] += 1;
  Order& order = orders[wire];
  order = {"O" + std::to_string(orders.size()),
           get(message, 55),
           get(message, 54),
           get(message, 38),
           get(message, 44),
           '0',
           wire};
  if (!answers_orders) return;
  say(report(wire, '0', '0'));
  if (!fills) return;
  orders[wire].status = '2';
  say(report(wire, 'F', '2'));
}

void TestVenue::take_cancel(const FIX::Message& message, bool replace) {
  const std::string wire = get(message, 11), original = get(message, 41);
  const auto found = orders.find(original);
  (replace ? replaces : cancels) += 1;
  if (found == orders.end() || found->second.status == '4' || found->second.status == '2') {
    unknown_cancels += 1;
    FIX::Message reject;
    reject.getHeader().setField(35, "9");
    reject.setField(37, found == orders.end() ? "NONE" : found->second.id);
    reject.setField(11, wire);
    reject.setField(41, original);
    reject.setField(39, found == orders.end() ? "8" : std::string(1, found->second.status));
    reject.setField(434, replace ? "2" : "1");
    reject.setField(102, found == orders.end() ? "1" : "0");
    reject.setField(58, "no such open order");
    if (answers_orders) say(reject);
    return;
  }
  found->second.status = replace ? '0' : '4';
  if (replace) {
    found->second.quantity = get(message, 38);
    found->second.price = get(message, 44);
    found->second.wire = wire;
  }
  orders[wire] = found->second;
  if (answers_orders) say(report(wire, replace ? '5' : '4', replace ? '0' : '4', original));
}

void TestVenue::take_status(const FIX::Message& message) {
  if (!answers_status) return;
  const std::string wire = get(message, 11);
  const auto found = orders.find(wire);
  if (found != orders.end()) return say(report(wire, 'I', found->second.status));
  FIX::Message answer = report(wire, 'I', '8');
  answer.setField(103, "5");
  answer.setField(58, "unknown order");
  say(answer);
}

}  // namespace holdfast::venues::testing
