// The reader of config/: what it says about mistakes, word for word, and that what we ship loads.
#include <sstream>

#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

TEST_F(SettingsFiles, RightOnesHaveNoProblemsAndFillTheStructs) {
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(settings_.node.name, "n");
  EXPECT_EQ(settings_.node.journal_directory(), "/tmp/state/journal");
  EXPECT_EQ(settings_.node.token_file(), "/tmp/state/operator.token");
  ASSERT_EQ(settings_.venues.size(), 1u);
  EXPECT_EQ(settings_.venues[0].entry.group, GroupId{1001});
  EXPECT_EQ(settings_.venues[0].dictionary, folder_ + "/dictionary.xml");
  ASSERT_EQ(settings_.instruments.size(), 1u);
  EXPECT_EQ(settings_.instruments[0].tick.str(), "0.01");
  const auto& firm = settings_.risk.limits.firm;
  EXPECT_EQ(firm.get(LimitKind::kOrderNotionalMax), 100'000'50000000);
  EXPECT_EQ(firm.get(LimitKind::kPriceCollar), 500);
  EXPECT_EQ(firm.get(LimitKind::kPreviousCloseAgeMax), 5 * 86'400'000'000'000);
  EXPECT_EQ(firm.get(LimitKind::kPassiveCollar), std::nullopt);
  EXPECT_EQ(settings_.risk.limits.desks.at(0).limits.get(LimitKind::kPositionMax),
            Quantity::whole(400).units);
  EXPECT_EQ(settings_.clients.at(0).accounts.at(0), Account("M1"));
}

TEST_F(SettingsFiles, AllThatWeShipLoad) {
  Problems found;
  const auto shipped = load_settings(tests::source_path("config"), {}, found);
  EXPECT_EQ(found.str(), "");
  EXPECT_EQ(shipped.instruments.at(0).symbol, Symbol("AAPL"));
  EXPECT_EQ(shipped.instruments.at(0).previous_close.str(), "585.74");
  EXPECT_EQ(shipped.instruments.at(0).previous_close_time.ns, 1'340'150'400'000'000'000);
  EXPECT_EQ(shipped.risk.limits.accounts.size(), 18u);
}

TEST_F(SettingsFiles, SeveralMistakesOfSeveralFilesComeInOnePass) {
  write("node.toml", R"([node]
name = 5
shards = 0
[journal]
durability = "disk"
snapshot_every_entries = "often"
[loops]
hot_lops = 2
[ingress]
port = 70000
request_deadline = 5
)");
  write("venues.toml", "[[venue]]\nname = \"XSIM\"\nport = 9880\n");
  write("clients.toml", std::string(kClients) + "secret = \"x\"\n");
  EXPECT_EQ(
      problems(),
      R"(clients.toml:5:1: unknown key "secret" in [[client]]; known are id credential_sha256 accounts
node.toml:1:1: [node] needs the key "state_directory": text of at most 4096 bytes
node.toml:2:8: name: expected 1 to 32 printable ASCII characters, found integer 5
node.toml:3:10: shards: expected an integer from 1 to 256, found integer 0
node.toml:5:14: durability: expected one of "memory" "fsynced", found text "disk"
node.toml:6:26: snapshot_every_entries: expected an integer from 100 to 100000000, found text "often"
node.toml:8:1: unknown key "hot_lops" in [loops]; did you mean "hot_loops"?
node.toml:10:8: port: expected an integer from 0 to 65535, found integer 70000
node.toml:11:20: request_deadline: expected a time like "20ms" (ns, us, ms, s, m, h, d) from "1ms" to "1m", found integer 5
venues.toml:1:1: [[venue]] XSIM needs the key "number": an integer from 0 to 63
venues.toml:1:1: [[venue]] XSIM needs the key "host": text of at most 253 bytes
venues.toml:1:1: [[venue]] XSIM needs the key "sender_comp_id": 1 to 40 printable ASCII characters
venues.toml:1:1: [[venue]] XSIM needs the key "target_comp_id": 1 to 40 printable ASCII characters
venues.toml:1:1: [[venue]] XSIM needs the key "dictionary": text of at most 4096 bytes
)");
}

TEST_F(SettingsFiles, SyntaxErrorNamesItsLineAndTheOtherFilesAreStillRead) {
  write("node.toml", "[node]\nname = \"n\nstate_directory = \"/tmp\"\n");
  spoil("clients.toml", kClients, "demo", "");
  const auto text = problems();
  EXPECT_THAT(text, testing::HasSubstr("node.toml:2:10: not valid TOML: "));
  EXPECT_THAT(text, testing::HasSubstr("clients.toml:2:6: id: expected 1 to 32 printable ASCII "
                                       "characters, found text \"\"\n"));
}

TEST_F(SettingsFiles, HeaderThatBeginsWithNoKeyNamesItsLine) {
  write("node.toml", "# a comment\n\n[=node]\nname = \"n\"\n");
  EXPECT_THAT(problems(), testing::HasSubstr("node.toml:3:1: not valid TOML: "));
}

TEST_F(SettingsFiles, MissingFileAndMissingFolderAreNamed) {
  fs::remove(folder_ + "/risk.toml");
  EXPECT_EQ(problems(), "risk.toml: cannot be read: No such file or directory\n");
  Problems found;
  load_settings(folder_ + "/nowhere", {}, found);
  EXPECT_EQ(found.str(), folder_ +
                             "/nowhere: is not a folder; expected one with node.toml, venues.toml, "
                             "instruments.toml, risk.toml and clients.toml\n");
}

TEST_F(SettingsFiles, MoneyIsExactAndExponentsAreRefused) {
  spoil("instruments.toml", kInstruments, "tick = 0.01", "tick = 1e-2");
  EXPECT_EQ(problems(),
            "instruments.toml:3:8: tick: expected a number of at least 0.00000001 with at most 8 "
            "decimals and no exponent, found a decimal number\n");
  spoil("instruments.toml", kInstruments, "tick = 0.01", "tick = 0.000000001");
  EXPECT_EQ(problems(),
            "instruments.toml:3:8: tick: expected a number of at least 0.00000001 with at most 8 "
            "decimals and no exponent, found 0.000000001\n");
  spoil("instruments.toml", kInstruments, "tick = 0.01", "tick = 0.1_0 # and a comment 7");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(settings_.instruments.at(0).tick.str(), "0.1");
  // A binary fraction would be off by one unit here.
  spoil("instruments.toml", kInstruments, "price_max = 1000", "price_max = 90071992.54740993");
  EXPECT_THAT(problems(), testing::HasSubstr("expected a multiple of the tick 0.01, found "
                                             "90071992.54740993"));
}

TEST_F(SettingsFiles, InstrumentOfAnUnknownVenueGetsTheNearestName) {
  spoil("instruments.toml", kInstruments, "[\"XSIM\"]", "[\"XSMI\", \"XSMI\"]");
  EXPECT_EQ(problems(),
            "instruments.toml:7:10: venues: \"XSMI\" is not in venues.toml; did you mean "
            "\"XSIM\"?\n"
            "instruments.toml:7:19: venues: \"XSMI\" is there twice\n");
}

TEST_F(SettingsFiles, PreviousCloseAndItsDateBelongTogether) {
  write("instruments.toml", std::string(kInstruments) + "previous_close = 585.74\n");
  EXPECT_EQ(problems(),
            "instruments.toml:1:1: [[instrument]] AAPL needs the key \"previous_close_date\": a "
            "date like 2012-06-20, without quotes\n");
  write("instruments.toml", std::string(kInstruments) + "previous_close_date = 2012-06-20\n");
  EXPECT_EQ(problems(),
            "instruments.toml:1:1: [[instrument]] AAPL needs the key \"previous_close\": the price "
            "that previous_close_date belongs to\n");
  write("instruments.toml", std::string(kInstruments) +
                                "previous_close = 1001\nprevious_close_date = \"2012-06-20\"\n");
  EXPECT_EQ(problems(),
            "instruments.toml:8:18: previous_close: expected at most price_max 1000, found 1001\n"
            "instruments.toml:9:23: previous_close_date: expected a date like 2012-06-20, without "
            "quotes, found text \"2012-06-20\"\n");
}

TEST_F(SettingsFiles, ScheduleNeedsAZoneThatExistsAndTimesOfDay) {
  write("venues.toml", std::string(kVenues) + R"([venue.schedule]
time_zone = "Mars/Olympus"
start = "8:00"
end = "25:00:00"
start_day = "sunday"
)");
  EXPECT_EQ(
      problems(),
      R"(venues.toml:10:13: time_zone: expected a time zone of /usr/share/zoneinfo like "America/New_York", found text "Mars/Olympus"
venues.toml:11:9: start: expected a time of day like "17:00:00", found text "8:00"
venues.toml:12:7: end: expected a time of day like "17:00:00", found text "25:00:00"
venues.toml:13:1: unknown key "start_day" in schedule of [[venue]] XSIM; known are time_zone start end
)");
  write("venues.toml", std::string(kVenues) + R"([venue.schedule]
time_zone = "UTC"
start = "08:00:00"
end = "17:30:05"
)");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(settings_.venues.at(0).schedule.value().end, 17u * 3600 + 30 * 60 + 5);
}

TEST_F(SettingsFiles, SessionRulesAreFilledAndChecked) {
  write("venues.toml", std::string(kVenues) +
                           "resend_age_max = \"3s\"\nin_flight_max = 7\nflag_resets = true\n"
                           "status_interval = \"1ms\"\n");
  EXPECT_EQ(problems(),
            "venues.toml:12:19: status_interval: expected a time like \"20ms\" (ns, us, ms, s, m, "
            "h, d) from \"100ms\" to \"1h\", found text \"1ms\"\n");
  const auto& rules = settings_.venues.at(0).rules;
  EXPECT_EQ(rules.venue, VenueName("XSIM"));
  EXPECT_EQ(rules.resend_age, Duration::seconds(3));
  EXPECT_EQ(rules.wait_age, Duration::seconds(3));
  EXPECT_EQ(rules.in_flight_max, 7u);
  EXPECT_TRUE(rules.flag_resets);
}

TEST_F(SettingsFiles, ADropCopyGoesToTheVenueItselfUnlessToldOtherwise) {
  write("venues.toml", std::string(kVenues) +
                           "cancel_on_disconnect = \"500ms\"\n[venue.drop_copy]\n"
                           "sender_comp_id = \"FIRM-DROP\"\nport = 9999\n");
  EXPECT_EQ(problems(), "");
  const auto& venue = settings_.venues.at(0);
  EXPECT_EQ(venue.rules.cancel_on_disconnect, Duration::milliseconds(500));
  ASSERT_TRUE(venue.drop_copy.has_value());
  EXPECT_EQ(venue.drop_copy->sender_comp_id, "FIRM-DROP");
  EXPECT_EQ(venue.drop_copy->target_comp_id, venue.target_comp_id);
  EXPECT_EQ(venue.drop_copy->host, venue.host);
  EXPECT_EQ(venue.drop_copy->port, 9999u);
  write("venues.toml", std::string(kVenues) + "[venue.drop_copy]\nsender_comp_id = \"" +
                           venue.sender_comp_id + "\"\n");
  EXPECT_NE(problems().find("another than the session's that trades"), std::string::npos);
}

TEST_F(SettingsFiles, RiskNamesTheLevelThatLacksALimit) {
  spoil("risk.toml", kRisk, "position_max = 500\n", "");
  EXPECT_EQ(problems(), "");  // the desk has one
  auto without = std::string(kRisk);
  without.erase(without.find("buying_power"), std::string("buying_power = 1_000_000\n").size());
  write("risk.toml", without);
  EXPECT_EQ(problems(),
            "risk.toml:15:8: buying_power is set neither for [[account]] M1, nor for its desk, nor "
            "in [firm]\n");
  spoil("risk.toml", kRisk, "desk = \"makers\"", "desk = \"maker\"\nprice_collar = 0");
  EXPECT_EQ(problems(),
            "risk.toml:17:8: desk: there is no [[desk]] \"maker\"; did you mean \"makers\"?\n"
            "risk.toml:18:16: price_collar: expected an integer from 1 to 1000000, as in 25 or "
            "\"25 bps\", found integer 0\n");
}

TEST_F(SettingsFiles, RestrictedSymbolMustBeAnInstrument) {
  write("risk.toml", std::string(kRisk) +
                         "[[restricted]]\nsymbol = \"AAPL\"\n[[restricted]]\n"
                         "symbol = \"APPL\"\n");
  EXPECT_EQ(problems(), "risk.toml:21:10: symbol: \"APPL\" is not in instruments.toml\n");
}

TEST_F(SettingsFiles, ClientWithAnAccountThatHasNoLimitsIsRefused) {
  spoil("clients.toml", kClients, "[\"M1\"]", "[\"M1\", \"M2\"]");
  EXPECT_EQ(problems(),
            "clients.toml:1:1: client \"demo\": the account \"M2\" has no limits in risk.toml; did "
            "you mean \"M1\"?\n");
  spoil("clients.toml", kClients, "e0a4", "E0A4");
  EXPECT_THAT(problems(),
              testing::HasSubstr("clients.toml:3:21: credential_sha256: expected 64 hex "
                                 "digits in lower case"));
}

TEST_F(SettingsFiles, OutsideLoopbackTlsIsDemanded) {
  write("node.toml", std::string(kNode) +
                         "[ingress]\naddress = \"0.0.0.0\"\n[operator_api]\n"
                         "address = \"0.0.0.0\"\nport = 1\n");
  EXPECT_EQ(problems(),
            "node.toml:5:11: address: outside loopback order entry demands client certificates; "
            "add [ingress.tls] with certificate, key and client_ca, or listen on 127.0.0.1\n"
            "node.toml:7:11: address: the operator API speaks plain HTTP and listens on loopback "
            "only; put a proxy that terminates TLS in front of it\n");
}

TEST_F(SettingsFiles, TelemetryIsOnUnlessToldOtherwiseAndItsNumbersAreBounded) {
  EXPECT_EQ(problems(), "");
  EXPECT_TRUE(settings_.node.telemetry.enabled);
  EXPECT_EQ(settings_.node.telemetry.interval, Duration::milliseconds(100));
  const auto with = [this](const std::string& lines) {
    write("node.toml", std::string(kNode) + "[telemetry]\n" + lines);
    return problems();
  };
  EXPECT_EQ(with("enabled = false\ninterval = \"1s\"\nretention = \"5m\"\n"
                 "otlp_endpoint = \"http://127.0.0.1:4318/v1/metrics\"\notlp_every = \"10s\"\n"),
            "");
  EXPECT_FALSE(settings_.node.telemetry.enabled);
  EXPECT_EQ(settings_.node.telemetry.otlp_every, Duration::seconds(10));
  EXPECT_THAT(with("interval = \"1ms\"\n"), testing::HasSubstr("interval"));
  EXPECT_THAT(with("retention = \"9h\"\n"), testing::HasSubstr("retention"));
  EXPECT_THAT(with("otlp_endpoint = \"file:///etc/passwd\"\n"),
              testing::HasSubstr("otlp_endpoint"));
  EXPECT_THAT(with("colour = 1\n"), testing::HasSubstr("colour"));
}

TEST_F(SettingsFiles, SpinningNeedsItsOwnCpus) {
  write("node.toml", std::string(kNode) + "[loops]\nhot_loops = 2\nspin = true\ncpus = [\"x\"]\n");
  EXPECT_EQ(problems(),
            "node.toml:6:8: spin: a spinning loop needs a core of its own; name it in cpus\n"
            "node.toml:7:8: cpus: expected CPU numbers as text below 1024, found \"x\"\n");
}

TEST_F(SettingsFiles, OverridesMovePortsAndTheStateFolderOnly) {
  const std::map<std::string, const char*> environment = {{"HOLDFAST_STATE_DIR", "/tmp/other"},
                                                          {"HOLDFAST_INGRESS_PORT", "0"},
                                                          {"HOLDFAST_OPERATOR_PORT", "9999"},
                                                          {"HOLDFAST_VENUE_PORTS", "XSIM=1234"}};
  Problems none;
  const auto overrides = overrides_from_environment(
      [&](const char* name) -> const char* {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second;
      },
      none);
  EXPECT_EQ(none.str(), "");
  EXPECT_EQ(problems(overrides), "");
  EXPECT_EQ(settings_.node.state_directory, "/tmp/other");
  EXPECT_EQ(settings_.node.operator_api.listen.port, 9999);
  EXPECT_EQ(settings_.venues.at(0).port, 1234);
}

TEST_F(SettingsFiles, MalformedOverridesAreProblems) {
  const std::map<std::string, const char*> environment = {{"HOLDFAST_INGRESS_PORT", "99999"},
                                                          {"HOLDFAST_VENUE_PORTS", "XSIM:1,=2"}};
  Problems found;
  overrides_from_environment(
      [&](const char* name) -> const char* {
        const auto at = environment.find(name);
        return at == environment.end() ? nullptr : at->second;
      },
      found);
  EXPECT_EQ(found.str(),
            "HOLDFAST_INGRESS_PORT: expected a port from 0 to 65535, found \"99999\"\n"
            "HOLDFAST_VENUE_PORTS: expected VENUE=PORT like XSIM=9880, found \"XSIM:1\"\n"
            "HOLDFAST_VENUE_PORTS: expected VENUE=PORT like XSIM=9880, found \"=2\"\n");
  Overrides unknown;
  unknown.venue_ports["YSIM"] = 1;
  EXPECT_EQ(problems(unknown), "venue port override: there is no venue \"YSIM\" in venues.toml\n");
}

TEST_F(SettingsFiles, RiskIsReadAloneForAReload) {
  fs::remove(folder_ + "/node.toml");
  Problems found;
  auto risk = load_risk(folder_, {"AAPL"}, found);
  EXPECT_EQ(found.str(), "");
  EXPECT_TRUE(validate(risk.limits));
  write("risk.toml", "[firm]\norder_quantity_max = 0\n");
  risk = load_risk(folder_, {}, found);
  EXPECT_THAT(found.str(), testing::HasSubstr("risk.toml:2:22: order_quantity_max: expected a "
                                              "number of at least 0.00000001"));
  EXPECT_THAT(found.str(), testing::HasSubstr("risk.toml: needs at least one [[account]]"));
}

TEST(Problems, KeepTheFirstHundredAndCountTheRest) {
  Problems problems;
  for (uint32_t i = 0; i < 150; ++i) problems.add({"f", i + 1, 1, "x"});
  EXPECT_EQ(problems.sorted().size(), Problems::kProblemsMax);
  EXPECT_TRUE(problems.str().ends_with("f:100:1: x\nand 50 more\n"));
}

TEST(Nearest, TakesOneTypingMistakeButNoStranger) {
  const std::vector<std::string> known = {"port", "address", "credits"};
  EXPECT_EQ(nearest("prot", known), "port");
  EXPECT_EQ(nearest("adress", known), "address");
  EXPECT_EQ(nearest("durability", known), "");
  EXPECT_EQ(nearest(std::string(10'000, 'a'), known), "");
}

TEST(InQuotes, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(in_quotes("a\x1b[31m\"\n"), "\"a\\x1b[31m\\\"\\x0a\"");
  EXPECT_EQ(in_quotes(std::string(80, 'x')), "\"" + std::string(60, 'x') + "…\"");
}

}  // namespace
}  // namespace holdfast::settings
