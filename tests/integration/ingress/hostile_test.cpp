// Slow, dead and malformed clients: each is told, cut off or counted, and harms nobody else.
#include <capnp/rpc-twoparty.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/ingress/client/client_capnp.hpp"
#include "actors/ingress/client/frame_stream_capnp.hpp"
#include "actors/ingress/client/loop_capnp.hpp"
#include "messages/codecs/order_entry_capnp.hpp"
#include "tests/integration/ingress/node_fixture.hpp"

namespace holdfast::ingress::tests {
namespace {

using client::CloseCause;
using client::FrameStream;
using client::Loop;

/// A socket without any protocol on it.
class RawSocket {
 public:
  explicit RawSocket(const Node& node) {
    auto address = client::parse_address(node.address());
    fd_ = client::begin_connect(address.value()).value();
  }
  ~RawSocket() { ::close(fd_); }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  bool closed_by_peer() const {
    char byte;
    const auto n = ::recv(fd_, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
  }
  int take() { return std::exchange(fd_, ::dup(fd_)); }

 private:
  int fd_;
};

/// A sink that the test acknowledges by hand, or never.
class Sink final : public wire::ReportSink::Server {
 public:
  struct Heard {
    std::vector<uint64_t> sequences;
    std::vector<kj::Own<kj::PromiseFulfiller<void>>> open;
    bool acknowledge = false;
    bool refuse = false;
    bool ended = false;
    wire::Reason reason = wire::Reason::NONE;
    std::string text;
    uint64_t last_sent = 0;
  };
  explicit Sink(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}
  kj::Promise<void> reports(ReportsContext context) override {
    for (const auto report : context.getParams().getReports())
      heard_->sequences.push_back(report.getSequence());
    if (heard_->refuse) KJ_FAIL_REQUIRE("no more of this");
    if (heard_->acknowledge) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    heard_->open.push_back(kj::mv(paf.fulfiller));
    return kj::mv(paf.promise);
  }
  kj::Promise<void> ended(EndedContext context) override {
    const auto params = context.getParams();
    heard_->ended = true;
    heard_->reason = params.getReason();
    heard_->text = params.getText().cStr();
    heard_->last_sent = params.getLastSent();
    return kj::READY_NOW;
  }

 private:
  std::shared_ptr<Heard> heard_;
};

/// The protocol by hand, as another language's program would speak it.
class RawClient {
 public:
  RawClient(Loop& loop, const Node& node)
      : loop_(loop),
        stream_(loop.impl(), client::plain_transport(RawSocket(node).take())),
        network_(stream_, capnp::rpc::twoparty::Side::CLIENT),
        rpc_(capnp::makeRpcClient(network_)) {
    stream_.on_closed([this](CloseCause, const std::string&) { closed = true; });
  }
  ~RawClient() { stream_.on_closed({}); }

  wire::OrderEntry::Client bootstrap() {
    capnp::MallocMessageBuilder message;
    auto id = message.initRoot<capnp::rpc::twoparty::VatId>();
    id.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc_.bootstrap(id).castAs<wire::OrderEntry>();
  }
  auto open_request(const Node& node, uint32_t schema = wire::SCHEMA_VERSION) {
    auto request = bootstrap().openRequest();
    request.setClientId("tester");
    request.setCredential(node.credential().c_str());
    request.setSchemaVersion(schema);
    return request;
  }
  wire::Session::Client session(const Node& node) {
    return open_request(node).send().getSession();  // pipelined
  }
  /// Polls until the promise is done. Throws what it threw.
  template <typename T>
  T wait(kj::Promise<T> promise) {
    std::optional<T> result;
    kj::Maybe<kj::Exception> failure;
    bool done = false;
    auto watched = promise
                       .then(
                           [&](T&& value) {
                             result.emplace(kj::mv(value));
                             done = true;
                           },
                           [&](kj::Exception&& e) {
                             failure = kj::mv(e);
                             done = true;
                           })
                       .eagerlyEvaluate(nullptr);
    const MonoTime until = loop_.now() + Duration::seconds(240);
    while (!done && loop_.now() < until) loop_.poll(Duration::milliseconds(5));
    KJ_IF_MAYBE (e, failure) kj::throwFatalException(kj::mv(*e));
    if (!done) throw std::runtime_error("not within four minutes");
    return kj::mv(*result);
  }
  FrameStream& stream() { return stream_; }
  bool closed = false;

 private:
  Loop& loop_;
  FrameStream stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

uint64_t closed_as(Node& node, CloseCause cause) {
  return node.stats().connections.closed[static_cast<std::size_t>(cause)];
}

/// A well-behaved client, which must not notice what the others do.
class IngressHostile : public testing::Test {
 protected:
  void expect_service(Node& node) {
    client::ClientOptions options;
    options.address = node.address();
    options.client_id = "tester";
    options.credential = node.credential();
    auto made = client::Client::connect(loop, options);
    ASSERT_TRUE(made.value()->wait_open(Duration::seconds(240)).ok());
    NewOrder order;
    order.account = Account("B");
    order.client_order_id = ClientOrderId("good-" + std::to_string(++good_));
    bool answered = false;
    made.value()->submit(order, [&](const client::Answer& a) { answered = a.reply.accepted; });
    ASSERT_TRUE(until([&] { return answered; }));
  }
  template <typename F>
  testing::AssertionResult until(F done) {
    const MonoTime limit = loop.now() + Duration::seconds(240);
    while (!done()) {
      if (loop.now() > limit) return testing::AssertionFailure() << "not within four minutes";
      loop.poll(Duration::milliseconds(5));
    }
    return testing::AssertionSuccess();
  }
  Loop loop;
  int good_ = 0;
};

void fill(wire::NewOrder::Builder order, const std::string& id) {
  order.setAccount("A");
  order.setClientOrderId(id.c_str());
  order.setSymbol("AAPL");
  order.setSide(wire::Side::BUY);
  order.setType(wire::OrderType::LIMIT);
  order.setPrice(1);
  order.setQuantity(1);
}

TEST_F(IngressHostile, GarbageClosesItsConnectionAndIsCounted) {
  Node node(quick_settings());
  RawSocket http(node), binary(node);
  http.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  binary.send(std::string(1'000, '\xff'));
  ASSERT_TRUE(until([&] { return http.closed_by_peer() && binary.closed_by_peer(); }));
  EXPECT_EQ(closed_as(node, CloseCause::kGarbage), 2u);
  expect_service(node);
}

TEST_F(IngressHostile, AMessageAboveTheLimitClosesItsConnection) {
  Node node(quick_settings());
  RawSocket socket(node);
  const uint32_t header[2] = {0, 1u << 30};  // one segment of 8 GiB
  socket.send({reinterpret_cast<const char*>(header), sizeof header});
  ASSERT_TRUE(until([&] { return socket.closed_by_peer(); }));
  EXPECT_EQ(closed_as(node, CloseCause::kOversize), 1u);
  expect_service(node);
}

TEST_F(IngressHostile, AFrameThatIsNoRpcClosesItsConnection) {
  Node node(quick_settings());
  RawSocket socket(node);
  // A struct pointer far outside of its segment of one word.
  const uint64_t frame[2] = {uint64_t{1} << 32, 0x00010001'7ffffff0ull};
  socket.send({reinterpret_cast<const char*>(frame), sizeof frame});
  ASSERT_TRUE(until([&] { return socket.closed_by_peer(); }));
  EXPECT_EQ(closed_as(node, CloseCause::kGarbage), 1u);
  expect_service(node);
}

TEST_F(IngressHostile, AHalfMessageThenSilenceRunsIntoTheLoginLimit) {
  auto settings = quick_settings();
  settings.login_within = Duration::milliseconds(20);
  Node node(settings);
  RawSocket half(node), mute(node);
  half.send({"\0\0\0\0\5\0\0\0abc", 11});
  ASSERT_TRUE(until([&] { return half.closed_by_peer() && mute.closed_by_peer(); }));
  EXPECT_EQ(closed_as(node, CloseCause::kLogin), 2u);
}

TEST_F(IngressHostile, ASilentSessionIsTakenForDead) {
  auto settings = quick_settings();
  settings.silence_limit = Duration::milliseconds(20);
  Node node(settings);
  RawClient raw(loop, node);
  auto session = raw.session(node);
  raw.wait(session.heartbeatRequest().send().then([](auto&&) { return 0; }));
  ASSERT_TRUE(until([&] { return raw.closed; }));
  ASSERT_TRUE(until([&] { return node.stats().sessions.sessions == 0; }));
  EXPECT_EQ(closed_as(node, CloseCause::kSilent), 1u);
}

TEST_F(IngressHostile, ConnectionsThatDoNotLogInAreLimitedInNumber) {
  auto settings = quick_settings();
  settings.unauthenticated_max = 3;
  Node node(settings);
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 5; ++i) sockets.push_back(std::make_unique<RawSocket>(node));
  ASSERT_TRUE(until([&] { return node.stats().connections.evicted == 2; }));
  ASSERT_TRUE(until([&] { return node.stats().connections.unauthenticated == 3; }));
  EXPECT_TRUE(sockets[0]->closed_by_peer()) << "the oldest goes";
  EXPECT_FALSE(sockets[4]->closed_by_peer());
  expect_service(node);  // though all places are taken
  sockets.clear();
  ASSERT_TRUE(until([&] { return node.stats().connections.connections == 0; }));
  expect_service(node);
}

TEST_F(IngressHostile, TooManySessionsAreRefusedInWords) {
  auto settings = quick_settings();
  settings.sessions_max = 1;
  Node node(settings);
  RawClient first(loop, node), second(loop, node);
  auto session = first.session(node);
  first.wait(session.heartbeatRequest().send().then([](auto&&) { return 0; }));
  auto opened = second.wait(second.open_request(node).send().then(
      [](auto&& r) { return std::pair(r.getStatus(), std::string(r.getText().cStr())); }));
  EXPECT_EQ(opened.first, wire::OpenStatus::FULL);
  EXPECT_NE(opened.second.find("sessions"), std::string::npos) << opened.second;
}

TEST_F(IngressHostile, AWrongSchemaVersionIsRefusedInWords) {
  Node node(quick_settings());
  for (const uint32_t version : {0u, wire::SCHEMA_VERSION + 1}) {
    RawClient raw(loop, node);
    auto [status, text, ours] = raw.wait(raw.open_request(node, version).send().then([](auto&& r) {
      return std::tuple(r.getStatus(), std::string(r.getText().cStr()), r.getSchemaVersion());
    }));
    EXPECT_EQ(status, wire::OpenStatus::WRONG_SCHEMA);
    EXPECT_EQ(ours, static_cast<uint32_t>(wire::SCHEMA_VERSION));
    EXPECT_FALSE(text.empty());
  }
  EXPECT_EQ(node.stats().connections.wrong_schema, 2u);
}

TEST_F(IngressHostile, ASecondOpenOnAConnectionIsRefused) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto first = raw.session(node);
  const auto status =
      raw.wait(raw.open_request(node).send().then([](auto&& r) { return r.getStatus(); }));
  EXPECT_EQ(status, wire::OpenStatus::ALREADY_OPEN);
}

TEST_F(IngressHostile, CallsPipelinedOnARefusedSessionFail) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto open = raw.open_request(node);
  open.setCredential("00");
  auto session = open.send().getSession();
  EXPECT_THROW(raw.wait(session.heartbeatRequest().send().then([](auto&&) { return 0; })),
               kj::Exception);
  EXPECT_EQ(node.memory().requests, 0u);
}

TEST_F(IngressHostile, CallsMayBePipelinedOnOpen) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto request = raw.session(node).submitRequest();
  fill(request.initOrder(), "o1");
  const bool accepted =
      raw.wait(request.send().then([](auto&& r) { return r.getOutcome().getAccepted(); }));
  EXPECT_TRUE(accepted);
}

TEST_F(IngressHostile, AMalformedRequestIsAnsweredWithTheField) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto session = raw.session(node);
  auto request = session.submitRequest();
  fill(request.initOrder(), "o1");
  request.getOrder().setSymbol("a symbol longer than sixteen");
  auto [reason, text] = raw.wait(request.send().then([](auto&& r) {
    return std::pair(r.getOutcome().getReason(), std::string(r.getOutcome().getText().cStr()));
  }));
  EXPECT_EQ(reason, wire::Reason::MALFORMED);
  EXPECT_NE(text.find("symbol"), std::string::npos) << text;

  auto batch = session.submitBatchRequest();
  auto list = batch.initRequests(2);
  fill(list[0].initNewOrder(), "o2");
  list[1].initNewOrder();
  auto reasons = raw.wait(batch.send().then([](auto&& r) {
    std::vector<wire::Reason> found;
    for (const auto outcome : r.getOutcomes()) found.push_back(outcome.getReason());
    return found;
  }));
  EXPECT_EQ(reasons, (std::vector<wire::Reason>(2, wire::Reason::MALFORMED)));
  EXPECT_EQ(node.memory().requests, 0u);

  auto query = session.queryRequest();
  query.setAccount("tab\t");
  const auto asked = raw.wait(query.send().then([](auto&& r) { return r.getReason(); }));
  EXPECT_EQ(asked, wire::Reason::MALFORMED);
  auto subscribe = session.subscribeRequest();
  subscribe.setAccount("A");
  const auto no_sink = raw.wait(subscribe.send().then([](auto&& r) { return r.getReason(); }));
  EXPECT_EQ(no_sink, wire::Reason::MALFORMED);
  EXPECT_EQ(node.stats().connections.malformed, 5u);
}

TEST_F(IngressHostile, AShardThatDoesNotAnswerIsAnsweredForByTheDeadline) {
  auto settings = quick_settings();
  settings.request_deadline = Duration::milliseconds(10);
  settings.answer_deadline = Duration::milliseconds(20);
  Node node(settings);
  node.memory().silent = true;
  RawClient raw(loop, node);
  auto request = raw.session(node).submitRequest();
  fill(request.initOrder(), "o1");
  auto [reason, text] = raw.wait(request.send().then([](auto&& r) {
    return std::pair(r.getOutcome().getReason(), std::string(r.getOutcome().getText().cStr()));
  }));
  EXPECT_EQ(reason, wire::Reason::NOT_SERVING);
  EXPECT_NE(text.find("same client order id"), std::string::npos) << text;
  EXPECT_EQ(node.stats().sessions.answered_by_deadline, 1u);
}

TEST_F(IngressHostile, ASlowSubscriberIsCutOffAndResumesWithoutAGap) {
  auto settings = quick_settings();
  settings.report_backlog_max = 3'000;
  Node node(settings);
  RawClient raw(loop, node);
  auto session = raw.session(node);
  auto slow = std::make_shared<Sink::Heard>();
  const auto subscribe = [&](uint64_t from, std::shared_ptr<Sink::Heard> heard) {
    auto request = session.subscribeRequest();
    request.setAccount("A");
    request.setFromSequence(from);
    request.setSink(kj::heap<Sink>(std::move(heard)));
    return raw.wait(request.send().then([](auto&& r) { return r.getSubscription(); }));
  };
  auto subscription = subscribe(1, slow);
  node.emit(Account("A"), 500);
  ASSERT_TRUE(until([&] { return !slow->sequences.empty(); }));
  for (int i = 0; i < 19; ++i) node.emit(Account("A"), 500);
  ASSERT_TRUE(until([&] { return slow->ended; }));
  EXPECT_EQ(slow->reason, wire::Reason::FULL);
  EXPECT_NE(slow->text.find("too slow"), std::string::npos) << slow->text;
  ASSERT_FALSE(slow->sequences.empty());
  EXPECT_EQ(slow->last_sent, slow->sequences.back());
  EXPECT_EQ(node.stats().sessions.subscribers_cut_off, 1u);
  EXPECT_EQ(node.stats().sessions.report_backlog, 0u);

  auto better = std::make_shared<Sink::Heard>();
  better->acknowledge = true;
  subscription = subscribe(slow->sequences.back() + 1, better);
  ASSERT_TRUE(until([&] { return slow->sequences.size() + better->sequences.size() == 10'000; }));
  slow->sequences.insert(slow->sequences.end(), better->sequences.begin(), better->sequences.end());
  for (uint64_t i = 0; i < 10'000; ++i) ASSERT_EQ(slow->sequences[i], i + 1);
}

TEST_F(IngressHostile, NoMoreThanAFewCallbacksAreInFlight) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto session = raw.session(node);
  auto heard = std::make_shared<Sink::Heard>();
  auto request = session.subscribeRequest();
  request.setAccount("A");
  request.setSink(kj::heap<Sink>(heard));
  auto subscription = raw.wait(request.send().then([](auto&& r) { return r.getSubscription(); }));
  node.emit(Account("A"), 5'000);
  const std::size_t most = limits::kReportCallbacksInFlightMax;
  ASSERT_TRUE(until([&] { return heard->open.size() == most; }));
  expect_service(node);  // time for a fifth to come
  EXPECT_EQ(heard->open.size(), most);
  heard->acknowledge = true;
  for (auto& open : heard->open) open->fulfill();
  ASSERT_TRUE(until([&] { return heard->sequences.size() == 5'000; }));
}

TEST_F(IngressHostile, ASinkThatThrowsIsUnsubscribedAndTold) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto session = raw.session(node);
  auto heard = std::make_shared<Sink::Heard>();
  heard->refuse = true;
  auto request = session.subscribeRequest();
  request.setAccount("A");
  request.setSink(kj::heap<Sink>(heard));
  auto subscription = raw.wait(request.send().then([](auto&& r) { return r.getSubscription(); }));
  node.emit(Account("A"), 5);
  ASSERT_TRUE(until([&] { return heard->ended; }));
  EXPECT_NE(heard->text.find("no more of this"), std::string::npos) << heard->text;
  ASSERT_TRUE(until([&] { return node.stats().sessions.subscriptions == 0; }));
  expect_service(node);
}

TEST_F(IngressHostile, DroppingTheSubscriptionUnsubscribes) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto session = raw.session(node);
  auto heard = std::make_shared<Sink::Heard>();
  auto request = session.subscribeRequest();
  request.setAccount("A");
  request.setSink(kj::heap<Sink>(heard));
  {
    auto subscription = raw.wait(request.send().then([](auto&& r) { return r.getSubscription(); }));
    EXPECT_EQ(node.stats().sessions.subscriptions, 1u);
  }
  ASSERT_TRUE(until([&] { return node.stats().sessions.subscriptions == 0; }));
  EXPECT_FALSE(heard->ended);
}

TEST_F(IngressHostile, AClientThatDoesNotReadIsCutOff) {
  auto settings = quick_settings();
  settings.unsent_bytes_max = 256 << 10;
  // The system buffers little on a Unix socket; on TCP it may take megabytes.
  settings.listen =
      "unix:" + testing::TempDir() + "holdfast-unread-" + std::to_string(::getpid()) + ".sock";
  Node node(settings);
  // Speaks only: calls pile up answers that it never takes from its socket.
  RawSocket socket(node);
  const int fd = socket.take();
  std::vector<std::string> frames;
  {
    // The bytes of a session that asks for much, recorded from a real one.
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    FrameStream stream(loop.impl(), client::plain_transport(pair[0]));
    capnp::TwoPartyVatNetwork network(stream, capnp::rpc::twoparty::Side::CLIENT);
    auto rpc = capnp::makeRpcClient(network);
    capnp::MallocMessageBuilder message;
    auto id = message.initRoot<capnp::rpc::twoparty::VatId>();
    id.setSide(capnp::rpc::twoparty::Side::SERVER);
    auto request = rpc.bootstrap(id).castAs<wire::OrderEntry>().openRequest();
    request.setClientId("tester");
    request.setCredential(node.credential().c_str());
    request.setSchemaVersion(wire::SCHEMA_VERSION);
    auto session = request.send().getSession();
    std::vector<kj::Promise<void>> calls;
    for (int i = 0; i < 10'000; ++i) {
      auto submit = session.submitRequest();  // no order in it: malformed, answered with words
      calls.push_back(submit.send().ignoreResult().eagerlyEvaluate(nullptr));
    }
    std::string bytes(64 << 10, '\0');
    for (int quiet = 0; quiet < 3;) {
      loop.poll();
      const auto n = ::recv(pair[1], bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (n > 0) frames.push_back(bytes.substr(0, static_cast<std::size_t>(n)));
      quiet = n > 0 ? 0 : quiet + 1;
    }
    ::close(pair[1]);
    loop.poll();
  }
  for (const auto& frame : frames)
    for (std::size_t at = 0; at < frame.size();) {
      const auto n = ::send(fd, frame.data() + at, frame.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) at += static_cast<std::size_t>(n);
      if (n < 0 && errno != EAGAIN) break;
    }
  ASSERT_TRUE(until([&] { return closed_as(node, CloseCause::kUnsent) == 1; }));
  ::close(fd);
  expect_service(node);
}

TEST_F(IngressHostile, AClientThatNeverFinishesItsCallsIsCutOff) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto session = raw.session(node);
  // A response that is kept is a call that is not finished.
  std::vector<capnp::Response<wire::Session::HeartbeatResults>> kept;
  std::vector<kj::Promise<void>> calls;
  for (std::size_t i = 0; i < limits::kRpcOpenAnswersMax + 10 && !raw.closed; ++i) {
    calls.push_back(session.heartbeatRequest()
                        .send()
                        .then([&](auto&& response) { kept.push_back(kj::mv(response)); })
                        .eagerlyEvaluate([](kj::Exception&&) {}));
    if (i % 1'000 == 0) loop.poll();
  }
  ASSERT_TRUE(until([&] { return raw.closed; }));
  EXPECT_EQ(closed_as(node, CloseCause::kOpenAnswers), 1u);
  expect_service(node);
}

TEST_F(IngressHostile, ManyCallsThatAreFinishedAreNoOffence) {
  Node node(quick_settings());
  RawClient raw(loop, node);
  auto session = raw.session(node);
  std::size_t answered = 0;
  std::vector<kj::Promise<void>> calls;
  for (std::size_t i = 0; i < limits::kRpcOpenAnswersMax + 4'000; ++i) {
    calls.push_back(session.heartbeatRequest()
                        .send()
                        .then([&](auto&&) { ++answered; })
                        .eagerlyEvaluate([](kj::Exception&&) {}));
    ASSERT_TRUE(i % 1'000 != 0 || until([&] { return answered == i + 1; }));
  }
  ASSERT_TRUE(until([&] { return answered == calls.size(); }));
  EXPECT_FALSE(raw.closed);
}

TEST_F(IngressHostile, ADisconnectInTheMiddleOfCallsHarmsNobody) {
  Node node(quick_settings());
  node.memory().silent = true;
  for (int round = 0; round < 10; ++round) {
    RawClient raw(loop, node);
    auto session = raw.session(node);
    std::vector<kj::Promise<void>> calls;
    for (int i = 0; i < 20; ++i) {
      auto request = session.submitRequest();
      fill(request.initOrder(), "o" + std::to_string(i));
      calls.push_back(request.send().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {}));
    }
    for (int polls = 0; polls < round; ++polls) loop.poll(Duration::milliseconds(1));
  }
  ASSERT_TRUE(until([&] {
    const auto stats = node.stats();
    return stats.sessions.sessions == 0 && stats.sessions.in_flight == 0 &&
           stats.connections.connections == 0;
  }));
  {
    const std::lock_guard lock(node.memory().mutex);
    node.memory().silent = false;
  }
  expect_service(node);
}

TEST_F(IngressHostile, RandomBytesAfterAGoodStartHarmNobody) {
  Node node(quick_settings());
  std::srand(7);
  for (int round = 0; round < 50; ++round) {
    RawSocket socket(node);
    std::string bytes(8, '\0');  // a frame header that is in order: one small segment
    bytes[4] = static_cast<char>(1 + std::rand() % 16);
    for (int i = 0; i < 8 * 16; ++i) bytes += static_cast<char>(std::rand() % 4 ? 0 : std::rand());
    socket.send(bytes);
    loop.poll(Duration::milliseconds(1));
  }
  ASSERT_TRUE(until([&] { return node.stats().connections.connections == 0; }));
  expect_service(node);
}

TEST(IngressSettings, ListeningOutsideLoopbackDemandsCertificates) {
  auto settings = quick_settings();
  settings.listen = "0.0.0.0:0";
  const auto text = Node::start_error(settings);
  EXPECT_NE(text.find("certificates"), std::string::npos) << text;
}

TEST(IngressSettings, ABusyPortIsSaidInWords) {
  Node node(quick_settings());
  auto settings = quick_settings();
  settings.listen = node.address();
  const auto text = Node::start_error(settings);
  EXPECT_NE(text.find("another node"), std::string::npos) << text;
}

}  // namespace
}  // namespace holdfast::ingress::tests
