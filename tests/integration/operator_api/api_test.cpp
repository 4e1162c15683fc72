// The operator API over a real socket, with a hand-made node behind it: who may do what, what each
// endpoint says, and what malformed, slow and greedy clients get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "nodes/node/api/files_linux.hpp"
#include "nodes/node/api/order_id.hpp"
#include "tests/integration/operator_api/api_fixture.hpp"

namespace holdfast::operator_api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// ---- who may do what

TEST_F(OperatorApi, HealthTellsStrangersOnlyWhetherItIsReady) {
  auto answer = get("/v1/health", "");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.json(), Json::parse(R"({"live": true, "ready": true})"));
  backend_.ready = false;
  answer = get("/v1/health", "");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_EQ(answer.json()["ready"], false);
  answer = get("/v1/health");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_EQ(answer.json()["checks"][1]["text"], "down since 18:00; is the venue up?");
  EXPECT_EQ(answer.json()["you"], Json::parse(R"({"name": "vic", "role": "viewer"})"));
}

TEST_F(OperatorApi, NothingElseWithoutAKnownToken) {
  for (const auto* target : {"/v1/tree", "/v1/orders", "/metrics", "/v1", "/nothing/here"}) {
    EXPECT_EQ(get(target, "").status, 401u) << target;
    EXPECT_EQ(get(target, std::string(64, 'x')).status, 401u) << target;
  }
  EXPECT_EQ(get("/v1/health", std::string(64, 'x')).status, 401u);
  EXPECT_EQ(get("/v1/tree", kViewer.substr(1)).status, 401u);
  EXPECT_EQ(get("/v1/tree", kViewer + "a").status, 401u);
  EXPECT_EQ(get("/v1/tree", std::string(4'000, 'a')).status, 401u);
  const auto answer = get("/v1/tree", "");
  EXPECT_THAT(answer.head, HasSubstr("WWW-Authenticate: Bearer"));
  EXPECT_EQ(answer.error_code(), "unauthenticated");
  EXPECT_NE(answer.json()["error"]["what_to_do"], "");
  EXPECT_TRUE(backend_.calls().empty());
}

TEST_F(OperatorApi, BodyIsNotReadFromWhoHasNoToken) {
  RawClient client(server_->port());
  // A large body is announced and never sent: the answer comes all the same.
  client.send("POST /v1/risk/kill HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
  EXPECT_EQ(parse(client.read_answer()).status, 401u);
}

TEST_F(OperatorApi, EveryEndpointDemandsItsRole) {
  const std::string tokens[] = {kViewer, kOperator, kApprover, kAdmin};
  const auto index = get("/v1").json()["endpoints"];
  std::size_t guarded = 0;
  for (const auto& endpoint : index) {
    if (endpoint["role"].is_null()) continue;
    std::string path = endpoint["path"];
    for (const auto* name : {"{id}", "{account}", "{client_order_id}", "{name}", "{number}"})
      if (const auto found = path.find(name); found != std::string::npos)
        path.replace(found, std::string(name).size(), "X");
    const auto needed = static_cast<int>(*role_of(endpoint["role"].get<std::string>()));
    for (int role = 1; role <= 4; ++role) {
      // No body: whoever passes the role meets a 400 at worst, and nothing is changed.
      const auto answer = raw(request(endpoint["method"], path, tokens[role - 1]));
      if (role < needed)
        EXPECT_EQ(answer.error_code(), "forbidden") << path << " " << role;
      else
        EXPECT_NE(answer.status, 403u) << path << " " << role;
      guarded += role < needed;
    }
  }
  EXPECT_EQ(guarded, 31u);
  EXPECT_EQ(metric("holdfast_operator_api_forbidden_total"), "31");
}

TEST_F(OperatorApi, CommandNeedsAReasonAndIsLoggedWithItsAuthor) {
  EXPECT_EQ(post("/v1/risk/kill", {{"scope", "firm"}}).status, 400u);
  EXPECT_EQ(post("/v1/risk/kill", {{"scope", "firm"}, {"reason", std::string(121, 'x')}}).status,
            400u);
  EXPECT_TRUE(backend_.calls().empty());
  const auto answer = post(
      "/v1/risk/kill",
      {{"scope", "account"}, {"name", "M1"}, {"mode", "reduce-only"}, {"reason", "fat finger"}},
      kOperator);
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(answer.json()["complete"], true);
  EXPECT_EQ(answer.json()["parts"][0]["orders"], 12);
  EXPECT_THAT(backend_.calls(), ElementsAre("kill account M1 reduce-only by ann: fat finger"));
  const auto lines = audit();
  ASSERT_EQ(lines.size(), 6u);
  const auto asked = Json::parse(lines[4]), answered = Json::parse(lines[5]);
  EXPECT_EQ(asked["stage"], "asked");
  EXPECT_EQ(asked["name"], "ann");
  EXPECT_EQ(asked["reason"], "fat finger");
  EXPECT_EQ(asked["time"], "2027-01-15T08:01:40.123456789Z");
  EXPECT_THAT(asked["body"].get<std::string>(), HasSubstr("reduce-only"));
  EXPECT_EQ(answered["stage"], "answered");
  EXPECT_EQ(answered["status"], 200);
  EXPECT_EQ(Json::parse(lines[1])["status"], 400);
}

TEST_F(OperatorApi, WithoutAnAuditLogOnlyProtectiveCommandsGoOn) {
  audit_fails_ = true;
  EXPECT_EQ(post("/v1/risk/resume", {{"scope", "firm"}, {"reason", "r"}}).status, 503u);
  EXPECT_EQ(post("/v1/venues/XSIM/resume", {{"reason", "r"}}).status, 503u);
  EXPECT_TRUE(backend_.calls().empty());
  EXPECT_EQ(post("/v1/risk/kill", {{"scope", "firm"}, {"reason", "r"}}).status, 200u);
  EXPECT_EQ(post("/v1/venues/XSIM/halt", {{"reason", "r"}}).status, 200u);
  EXPECT_EQ(backend_.calls().size(), 2u);
}

// ---- what the endpoints say
TEST_F(OperatorApi, TreeIsNestedAndTakesPathAndDepth) {
  const auto json = get("/v1/tree?path=node%2Forders&depth=2").json();
  EXPECT_THAT(backend_.calls(), ElementsAre("tree node/orders 2"));
  const auto& shard = json["children"][0]["children"][0];
  EXPECT_EQ(shard["name"], "shard-0");
  EXPECT_EQ(shard["restarts"], 2);
  EXPECT_EQ(shard["mailbox_depth"], 17);
  EXPECT_EQ(shard["messages_per_second"], 5'210);
  EXPECT_EQ(get("/v1/tree?path=nowhere").status, 404u);
  EXPECT_EQ(get("/v1/tree?depth=0").status, 400u);
  EXPECT_EQ(get("/v1/tree?depth=17").status, 400u);
  EXPECT_EQ(get("/v1/tree?deep=1").status, 400u);
}

TEST_F(OperatorApi, OrdersArePagedAndSayWhatTheyShow) {
  auto json = get("/v1/orders?account=M1&state=open&limit=2").json();
  EXPECT_EQ(json["orders"].size(), 2u);
  EXPECT_EQ(json["more"], true);
  EXPECT_EQ(json["next"], "0-2");
  EXPECT_EQ(json["as_of"][0]["index"], 77);
  EXPECT_EQ(json["orders"][0]["order"], "0-1");
  EXPECT_EQ(json["orders"][0]["price"], "586.25");
  EXPECT_EQ(json["orders"][0]["state"], "PartiallyFilled");
  json = get("/v1/orders?symbol=AAPL&state=PartiallyFilled&after=0-2").json();
  EXPECT_EQ(json["orders"].size(), 1u);
  EXPECT_EQ(json["more"], false);
  EXPECT_EQ(json["next"], nullptr);
  EXPECT_THAT(backend_.calls(), ElementsAre("orders M1  - open 2 after 0",
                                            "orders  AAPL PartiallyFilled 100 after 2"));
}

TEST_F(OperatorApi, OrderParametersAreChecked) {
  for (const auto* query : {"state=Dead", "limit=0", "limit=1001", "limit=ten", "after=7",
                            "after=0-0", "account=ABCDEFGHIJKLMNOPQ", "account=%00",
                            "account=M1&account=M2", "colour=red", "account=%zz", "account=%4"})
    EXPECT_EQ(get("/v1/orders?" + std::string(query)).status, 400u) << query;
  EXPECT_EQ(get("/v1/orders/7").status, 400u);
  EXPECT_EQ(get("/v1/orders/0-9").status, 404u);
  EXPECT_EQ(get("/v1/orders/").status, 404u);
}

TEST_F(OperatorApi, OrderHistoryByIdOrByClientOrderId) {
  const auto json = get("/v1/orders/0-1").json();
  EXPECT_EQ(json["order"]["client_order_id"], "c-1");
  EXPECT_EQ(json["steps"][0]["event"], "Filled");
  EXPECT_EQ(json["steps"][0]["last_price"], "586");
  EXPECT_EQ(json["checks"][0]["policy"], "PriceCollar");
  EXPECT_EQ(json["limits_version"], 4);
  EXPECT_EQ(get("/v1/accounts/M1/orders/c%2f1").status, 200u);
  EXPECT_THAT(backend_.calls(), ElementsAre("order 1  ", "order 0 M1 c/1"));
}

TEST_F(OperatorApi, RiskReloadAndResume) {
  auto json = get("/v1/risk?account=M1").json();
  EXPECT_EQ(json["version"], 4);
  EXPECT_EQ(json["kills"][0]["mode"], "reduce-only");
  EXPECT_EQ(json["kills"].size(), 1u);
  EXPECT_EQ(json["kills"][0]["shards"], 2);
  ASSERT_EQ(json["accounts"].size(), 2u);
  for (const auto& account : json["accounts"])  // from its own shard, where it has a position
    EXPECT_EQ(account["positions"][0]["position"], "-40");
  EXPECT_EQ(json["accounts"][0]["limits"]["price_collar"], "1000 bps");
  EXPECT_EQ(json["symbols"][0]["last_trade_time"], "2027-01-15T08:00:01.123456789Z");
  EXPECT_EQ(json["symbols"][1]["last_trade"], nullptr);
  json = post("/v1/risk/reload", {{"dry_run", true}, {"reason", "check"}}).json();
  EXPECT_EQ(json["to_version"], 4);
  EXPECT_EQ(json["changes"][0]["to"], "200");
  EXPECT_EQ(post("/v1/risk/resume", {{"scope", "desk"}, {"name", "x"}, {"reason", "ok"}}).status,
            200u);
  EXPECT_EQ(post("/v1/risk/resume", {{"scope", "desk"}, {"reason", "ok"}}).status, 400u);
  EXPECT_EQ(post("/v1/risk/kill", {{"scope", "planet"}, {"reason", "ok"}}).status, 400u);
  EXPECT_EQ(post("/v1/risk/kill", {{"scope", "firm"}, {"mode", "soft"}, {"reason", "ok"}}).status,
            400u);
  EXPECT_THAT(backend_.calls(),
              ElementsAre("risk M1", "reload dry: check", "kill desk x none by root: ok"));
}

TEST_F(OperatorApi, VenueCommands) {
  EXPECT_EQ(get("/v1/venues").json()["venues"][0]["next_outbound"], 42);
  EXPECT_EQ(post("/v1/venues/XSIM/halt", {{"reason", "r"}}).status, 200u);
  EXPECT_EQ(post("/v1/venues/XSIM/set-outbound", {{"reason", "r"}}).status, 400u);
  EXPECT_EQ(post("/v1/venues/XSIM/set-outbound", {{"number", 7}, {"reason", "r"}}).status, 200u);
  EXPECT_EQ(post("/v1/venues/YSIM/halt", {{"reason", "r"}}).status, 404u);
  const auto refused = post("/v1/venues/XSIM/reset-sequence", {{"reason", "r"}});
  EXPECT_EQ(refused.status, 409u);
  EXPECT_EQ(refused.json()["error"]["text"], "the session is open; log it out first");
  EXPECT_THAT(backend_.calls(),
              ElementsAre("venues", "venue XSIM halt 0: r", "venue XSIM set-outbound 7: r",
                          "venue YSIM halt 0: r", "venue XSIM reset-sequence 0: r"));
}

TEST_F(OperatorApi, ReconciliationTellsWhatWasUnknownAndWhatSettledIt) {
  const auto json = get("/v1/venues/XSIM/reconciliation").json();
  EXPECT_EQ(json["open"], 1);
  EXPECT_EQ(json["settled_by"]["drop_copy"], 1);
  ASSERT_EQ(json["orders"].size(), 2u);
  EXPECT_EQ(json["orders"][0]["cause"], "GapFilled");
  EXPECT_EQ(json["orders"][1]["settled_by"], "DropCopy");
  EXPECT_EQ(get("/v1/venues/YSIM/reconciliation").status, 404u);
}

TEST_F(OperatorApi, JournalBackupRestartAndMetrics) {
  EXPECT_EQ(get("/v1/journal").json()["groups"][0]["committed"], 77);
  EXPECT_EQ(post("/v1/backup", {{"directory", "relative"}, {"reason", "r"}}).status, 400u);
  EXPECT_EQ(post("/v1/backup", {{"directory", "/b"}, {"reason", "r"}}).json()["bytes"], 4'096);
  const Json x = {{"path", "node/x"}, {"reason", "r"}};
  EXPECT_EQ(post("/v1/tree/restart", x).json()["state"], "restarting");
  EXPECT_EQ(post("/v1/tree/kill", x).json()["state"], "killed");
  EXPECT_EQ(post("/v1/tree/kill", {{"reason", "r"}}).status, 400u);
  const auto metrics = get("/metrics");
  EXPECT_THAT(metrics.head, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_TRUE(metrics.body.starts_with("# HELP holdfast_orders_open orders\n")) << metrics.body;
  EXPECT_THAT(metrics.body, HasSubstr("# TYPE holdfast_operator_api_requests_total counter\n"));
}

TEST_F(OperatorApi, BodyMustBeAnObjectOfKnownKeys) {
  for (const auto* body : {"", "[]", "{", "null", "{\"reason\": 5}",
                           "{\"reason\": \"r\", \"force\": true}", "{\"reason\": \"r\\u0000\"}"})
    EXPECT_EQ(raw(request("POST", "/v1/venues/XSIM/halt", kAdmin, body)).status, 400u) << body;
  // Deeply nested JSON is refused, not recursed into until the stack ends.
  const auto deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_EQ(raw(request("POST", "/v1/venues/XSIM/halt", kAdmin, deep)).status, 400u);
  EXPECT_TRUE(backend_.calls().empty());
}

// ---- paths, methods, bad HTTP

TEST_F(OperatorApi, UnknownPathsAndMethods) {
  EXPECT_EQ(get("/v2/health").error_code(), "not_found");
  const auto answer = raw(request("DELETE", "/v1/risk", kAdmin));
  EXPECT_EQ(answer.status, 405u);
  EXPECT_THAT(answer.head, HasSubstr("Allow: GET"));
}

TEST_F(OperatorApi, GarbageGetsA400AndIsCounted) {
  EXPECT_EQ(raw("\x16\x03\x01 hello\r\n\r\n").status, 400u);
  EXPECT_EQ(raw("GET /v1/tree\r\n\r\n").status, 400u);
  EXPECT_EQ(raw("GET tree HTTP/1.1\r\nHost: x\r\n\r\n").status, 400u);
  EXPECT_EQ(raw("POST /v1/risk/kill HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n").status,
            400u);
  EXPECT_EQ(metric("holdfast_operator_api_malformed_total"), "4");
  EXPECT_EQ(get("/v1/venues").status, 200u);
}

TEST_F(OperatorApi, OversizeHeaderAndBodyAreRefused) {
  EXPECT_EQ(raw("GET /v1/tree HTTP/1.1\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n").status,
            431u);
  const std::string big(70'000, 'x');
  EXPECT_EQ(raw(request("POST", "/v1/risk/kill", kAdmin, big)).status, 413u);
  RawClient chunked(server_->port());
  chunked.send("POST /v1/risk/kill HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + kAdmin +
               "\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + big + "\r\n0\r\n\r\n");
  EXPECT_EQ(parse(chunked.read_answer()).status, 413u);
  EXPECT_TRUE(backend_.calls().empty());
}

TEST_F(OperatorApi, KeepsAConnectionAliveAndAnswersPipelinedRequestsInOrder) {
  RawClient client(server_->port());
  client.send(request("GET", "/v1/venues", kViewer) + request("GET", "/v1/journal", kViewer));
  EXPECT_THAT(client.read_answer(), HasSubstr("\"venues\""));
  EXPECT_THAT(client.read_answer(), HasSubstr("\"groups\""));
  client.send("GET /v1/health HTTP/1.0\r\n\r\n");
  EXPECT_EQ(parse(client.read_to_end()).status, 200u);
}

TEST_F(OperatorApi, ContinueIsSentToWhoWaitsForIt) {
  RawClient client(server_->port());
  const std::string body = R"({"reason": "r"})";
  client.send(
      "POST /v1/venues/XSIM/halt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "Authorization: Bearer " +
      kAdmin + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_THAT(client.read_answer(), HasSubstr("100 Continue"));
  client.send(body);
  EXPECT_EQ(parse(client.read_answer()).status, 200u);
}

// ---- slow, silent, greedy

TEST_F(OperatorApi, SlowHeaderIsCutWhateverIsDribbled) {
  ServerSettings settings;
  settings.read_within = Duration::milliseconds(50);
  server_.reset();
  start(settings);
  RawClient client(server_->port());
  // The client sends a byte and waits for the end; the limit is for the whole header.
  client.send("G");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(metric("holdfast_operator_api_timeouts_total"), "1");
}

TEST_F(OperatorApi, SlowBodyIsCut) {
  ServerSettings settings;
  settings.read_within = Duration::milliseconds(50);
  server_.reset();
  start(settings);
  RawClient client(server_->port());
  client.send("POST /v1/risk/kill HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + kAdmin +
              "\r\nContent-Length: 100\r\n\r\n{");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(backend_.calls().empty());
}

TEST_F(OperatorApi, ConnectionsThatOnlyWaitMakeRoomForWhoAsks) {
  ServerSettings settings;
  settings.connections_max = 4;
  server_.reset();
  start(settings);
  std::vector<std::unique_ptr<RawClient>> squatters;
  for (int i = 0; i < 20; ++i) {
    squatters.push_back(std::make_unique<RawClient>(server_->port()));
    ASSERT_TRUE(squatters.back()->connected());
  }
  EXPECT_EQ(get("/v1/venues").status, 200u);
  EXPECT_EQ(squatters.front()->read_to_end(), "");
  EXPECT_LE(std::stoi(metric("holdfast_operator_api_connections_open")), 4);
  EXPECT_GE(std::stoi(metric("holdfast_operator_api_connections_evicted_total")), 17);
}

TEST_F(OperatorApi, NodeThatDoesNotAnswerGivesA504AndItsLateAnswerIsIgnored) {
  // The wait of a real endpoint is seconds: one of its own makes the test short.
  Router router;
  Reply late;
  router.add({"GET", "/slow", Role::kViewer, Effect::kNone, Duration::milliseconds(-450), "",
              [&late](const Request&, const Reply& reply) { late = reply; }});
  auto tokens = Tokens::parse("viewer vic " + kViewer, "t");
  auto server = Server::start(
      {}, std::move(tokens).value(), router, std::make_shared<ServerCounters>(),
      [](const std::string&) { return true; }, [] { return at(0); });
  ASSERT_TRUE(server);
  RawClient client(server.value()->port());
  client.send(request("GET", "/slow", kViewer));
  EXPECT_EQ(parse(client.read_answer()).error_code(), "no_answer");
  late([] { return Response{200, "text/plain", "late"}; });
  client.send(request("GET", "/nothing", kViewer));
  EXPECT_EQ(parse(client.read_answer()).status, 404u);
  server.value()->stop();
  late([] { return Response{200, "text/plain", "after the end"}; });
}

TEST_F(OperatorApi, SecondAnswerIsIgnored) {
  Router router;
  router.add({"GET", "/twice", Role::kViewer, Effect::kNone, Duration::seconds(5), "",
              [](const Request&, const Reply& reply) {
                reply([] { return Response{200, "text/plain", "first"}; });
                reply([] { return Response{200, "text/plain", "second"}; });
              }});
  auto tokens = Tokens::parse("viewer vic " + kViewer, "t");
  auto server = Server::start(
      {}, std::move(tokens).value(), router, std::make_shared<ServerCounters>(),
      [](const std::string&) { return true; }, [] { return at(0); });
  ASSERT_TRUE(server);
  RawClient client(server.value()->port());
  for (int i = 0; i < 3; ++i) {
    client.send(request("GET", "/twice", kViewer));
    EXPECT_EQ(parse(client.read_answer()).body, "first");
  }
}

TEST_F(OperatorApi, HandlerThatThrowsHarmsOnlyItsOwnRequest) {
  Router router;
  router.add({"GET", "/bug", Role::kViewer, Effect::kNone, Duration::seconds(5), "",
              [](const Request&, const Reply&) { throw std::runtime_error("planted"); }});
  router.add({"GET", "/fine", Role::kViewer, Effect::kNone, Duration::seconds(5), "",
              [](const Request&, const Reply& reply) {
                reply([] { return Response{200, "text/plain", "fine"}; });
              }});
  auto tokens = Tokens::parse("viewer vic " + kViewer, "t");
  auto counters = std::make_shared<ServerCounters>();
  auto server = Server::start(
      {}, std::move(tokens).value(), router, counters, [](const std::string&) { return true; },
      [] { return at(0); });
  ASSERT_TRUE(server);
  RawClient unlucky(server.value()->port()), other(server.value()->port());
  unlucky.send(request("GET", "/bug", kViewer));
  EXPECT_EQ(parse(unlucky.read_answer()).status, 500u);
  other.send(request("GET", "/fine", kViewer));
  EXPECT_EQ(parse(other.read_answer()).body, "fine");
  EXPECT_EQ(counters->bugs, 1u);
}

TEST_F(OperatorApi, BusyPortIsAClearError) {
  ServerSettings settings;
  settings.port = server_->port();
  auto second = start_operator_api(
      settings, Tokens::parse("viewer v " + kViewer, "t").value(), backend_,
      [](const std::string&) { return true; }, [] { return at(0); });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().text, HasSubstr("Address already in use; set another port"));
  settings.address = "nonsense";
  EXPECT_EQ(start_operator_api(
                settings, Tokens::parse("viewer v " + kViewer, "t").value(), backend_,
                [](const std::string&) { return true; }, [] { return at(0); })
                .error()
                .code,
            ErrorCode::kInvalid);
}

// ---- tokens and files

TEST(TokenFile, MustBeReadableByItsOwnerOnly) {
  char folder[] = "/tmp/holdfast-token-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const auto path = std::string(folder) + "/tokens";
  EXPECT_EQ(read_token_file(path).error().code, ErrorCode::kNotFound);
  std::ofstream(path) << "admin root " << kAdmin << "\n";
  ::chmod(path.c_str(), 0640);
  const auto open = read_token_file(path);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::kDenied);
  EXPECT_THAT(open.error().text,
              HasSubstr("has mode 0640: others may read the tokens; run `chmod 600"));
  ::chmod(path.c_str(), 0600);
  const auto tokens = read_token_file(path);
  ASSERT_TRUE(tokens) << tokens.error().text;
  EXPECT_EQ(tokens.value().find(kAdmin)->name, "root");
  EXPECT_FALSE(tokens.value().find(kViewer));
  std::filesystem::remove_all(folder);
}

TEST(Tokens, MistakesNameTheirLineAndNeverTheToken) {
  const auto error = [](const std::string& text) {
    auto tokens = Tokens::parse(text, "f");
    return tokens.ok() ? "none" : tokens.error().text;
  };
  EXPECT_EQ(error("# none\n\n").substr(0, 19), "f: holds no token; ");
  EXPECT_EQ(error("admin root"), "f:1: expected `role name token`, three words");
  EXPECT_EQ(error("\nadmin root x y"), "f:2: expected `role name token`, three words");
  EXPECT_EQ(error("boss root " + kAdmin),
            "f:1: expected the role viewer, operator, approver or admin as first word");
  EXPECT_EQ(error("admin root short"),
            "f:1: expected a token of 32 to 128 printable characters, found 5");
  EXPECT_EQ(error("admin root " + kAdmin + "\nviewer vic " + kAdmin),
            "f:2: this token is there twice; each needs its own");
  EXPECT_EQ(error("admin root " + kAdmin + " # comment\r\n"), "none");
}

TEST(AuditFile, AppendsLinesThatOnlyItsOwnerReads) {
  char folder[] = "/tmp/holdfast-audit-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const auto path = std::string(folder) + "/audit";
  for (const auto* line : {"one", "two"}) {
    auto file = AuditFile::open(path);
    ASSERT_TRUE(file);
    EXPECT_TRUE(file.value()->append(line));
  }
  std::ifstream stream(path);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  EXPECT_EQ(text, "one\ntwo\n");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  EXPECT_FALSE(AuditFile::open(std::string(folder) + "/no/such/folder"));
  std::filesystem::remove_all(folder);
}

TEST(AuditFile, MovesOnWhenItIsFullAndKeepsAFewOfThem) {
  char folder[] = "/tmp/holdfast-audit-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const auto path = std::string(folder) + "/audit";
  const auto text = [](const std::string& name) {
    std::ifstream stream(name);
    return std::string((std::istreambuf_iterator<char>(stream)), {});
  };
  {
    auto file = AuditFile::open(path, {.bytes_max = 10, .kept = 2});
    ASSERT_TRUE(file);
    for (const auto* line : {"1111", "2222", "3333", "4444", "5555"})
      EXPECT_TRUE(file.value()->append(line));
  }
  auto again = AuditFile::open(path, {.bytes_max = 10, .kept = 2});  // knows what is there
  for (const auto* line : {"6666", "longer than the bound", "7777"})
    EXPECT_TRUE(again.value()->append(line));
  EXPECT_EQ(text(path), "7777\n");
  EXPECT_EQ(text(path + ".1"), "longer than the bound\n");
  EXPECT_EQ(text(path + ".2"), "5555\n6666\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".3"));
  std::filesystem::remove_all(folder);
}

TEST(OrderIdText, NamesShardAndNumber) {
  EXPECT_EQ(format_order_id(OrderId{(uint64_t{3} << 48) | 42}), "3-42");
  EXPECT_EQ(parse_order_id("3-42"), (OrderId{(uint64_t{3} << 48) | 42}));
  for (const auto* text :
       {"", "42", "0-0", "-1", "1-", "70000-1", "1-281474976710656", "1-2-3", "a-1"})
    EXPECT_EQ(parse_order_id(text), std::nullopt) << text;
}

TEST(MetricsText, HelpComesOnceAndLabelsAreEscaped) {
  MetricsText text;
  text.counter("holdfast_a_total", "as", 1, {{"venue", "X\"\\\n"}});
  text.counter("holdfast_a_total", "as", 2, {{"venue", "Y"}, {"side", "buy"}});
  text.gauge("holdfast_b", "bs", -3);
  EXPECT_EQ(std::move(text).take(),
            "# HELP holdfast_a_total as\n# TYPE holdfast_a_total counter\n"
            "holdfast_a_total{venue=\"X\\\"\\\\\\n\"} 1\n"
            "holdfast_a_total{venue=\"Y\",side=\"buy\"} 2\n"
            "# HELP holdfast_b bs\n# TYPE holdfast_b gauge\nholdfast_b -3\n");
}

}  // namespace
}  // namespace holdfast::operator_api
