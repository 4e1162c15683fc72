// `holdfast audit` and `holdfast policy`: the real command on real files, and how each tampering is
// named.
#include "tests/integration/audit/audit_fixture.hpp"
#include "tests/source_path.hpp"

namespace holdfast::audit {
namespace {

using testing::HasSubstr;

class AuditCli : public AuditFiles {
 protected:
  Outcome verify(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"audit", "verify", settings_.directory};
    words.insert(words.end(), more.begin(), more.end());
    return holdfast(words);
  }
  // The log's frames, header left out.
  std::vector<std::string> frames() const {
    std::vector<std::string> out;
    auto reader = LogReader::open(settings_.directory);
    while (const auto bytes = reader.value().next()) out.push_back(frame(*bytes));
    return out;
  }
  void write(const std::vector<std::string>& frames) const {
    auto bytes = std::string(kLogHeader);
    for (const auto& each : frames) bytes += each;
    spill(log_file(), bytes);
  }
};

TEST_F(AuditCli, VerifiesAnHonestLog) {
  fill(10, 4);
  const auto outcome = verify();
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("10 records, root "));
  EXPECT_THAT(outcome.out, HasSubstr("records 1 to 10 are as signed by colo-a"));
  EXPECT_THAT(outcome.out, HasSubstr("the key is the folder's own"));
  const auto json = verify({"--json"}).json();
  EXPECT_EQ(json["clean"], true);
  EXPECT_EQ(json["records"], 10);
  EXPECT_EQ(json["signed_records"], 10);
  EXPECT_EQ(json["checkpoints"], 3);
}

TEST_F(AuditCli, NamesEveryFlippedByte) {
  fill(3, 1);
  const auto whole = slurp(log_file());
  // A stride that meets every field of a record somewhere.
  for (std::size_t at = 0; at < whole.size(); at += 11) {
    auto spoilt = whole;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x10);
    spill(log_file(), spoilt);
    const auto outcome = verify();
    EXPECT_EQ(outcome.code, 1) << at;
    EXPECT_THAT(outcome.out, HasSubstr("NOT CLEAN  ")) << at;
  }
}

TEST_F(AuditCli, NamesWhatWasDoneWithAnEyeToTheForm) {
  fill(8, 4);
  const auto honest = frames();
  auto changed = honest;
  auto record = decode(changed[5].substr(kFrameHeadBytes)).value();
  record.payload = "{\"n\":0}";
  changed[5] = frame(encode(record));
  write(changed);
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("one of records 5 to 8 was changed"));
  auto removed = honest;
  removed.erase(removed.begin() + 5);
  write(removed);
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("record 6 was removed or moved"));
  auto moved = honest;
  std::swap(moved[1], moved[2]);
  write(moved);
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("after record 1 comes record 3"));
  auto inserted = honest;
  inserted.insert(inserted.begin() + 2, honest[2]);
  write(inserted);
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("a record was inserted, repeated or moved"));
  auto shorter = honest;
  shorter.resize(6);
  write(shorter);
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("records 7 to 8 are missing"));
  write(honest);
  EXPECT_EQ(verify().code, 0);
}

TEST_F(AuditCli, ACheckpointKeptElsewhereFindsWhatTheFolderHides) {
  fill(8, 4);
  const auto key = folder_ + "/kept.pub", kept = folder_ + "/kept";
  fs::copy(public_key_file(settings_.directory), key);
  fs::copy(checkpoints_file(settings_.directory), kept);
  // The end is cut off, and the checkpoints with it: by itself the folder is in order.
  auto shorter = frames();
  shorter.resize(4);
  write(shorter);
  const auto notes = slurp(kept);
  spill(checkpoints_file(settings_.directory), notes.substr(0, notes.size() / 2));
  EXPECT_EQ(verify().code, 0);
  const auto outcome = verify({"--checkpoint", kept, "--key", key});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("records 5 to 8 are missing"));
}

TEST_F(AuditCli, AnotherKeyOrAForgedCheckpointIsNamed) {
  fill(4);
  const auto own = public_key_file(settings_.directory), kept = folder_ + "/kept.pub";
  fs::copy(own, kept);
  // Somebody writes a log of their own, with a key of their own.
  fs::remove_all(settings_.directory);
  fill(5);
  EXPECT_EQ(verify().code, 0);
  const auto outcome = verify({"--key", kept});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("signed with another key of \"colo-a\""));
  auto notes = slurp(checkpoints_file(settings_.directory));
  notes.replace(notes.find("\n5\n"), 3, "\n4\n");
  spill(checkpoints_file(settings_.directory), notes);
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("its signature is not over these words"));
  fs::remove(checkpoints_file(settings_.directory));
  EXPECT_EQ(verify().code, 1);
  EXPECT_THAT(verify().out, HasSubstr("there is no checkpoint"));
}

TEST_F(AuditCli, WhereNothingIsTheUsageIsWrong) {
  EXPECT_EQ(verify().code, 2);
  EXPECT_THAT(verify().err, HasSubstr("records.log"));
  fill(1);
  EXPECT_EQ(verify({"--key", folder_ + "/none"}).code, 2);
  EXPECT_EQ(verify({"--checkpoint", folder_ + "/none"}).code, 2);
  EXPECT_EQ(holdfast({"audit", "prove", settings_.directory, "--record", "0"}).code, 2);
  EXPECT_EQ(holdfast({"audit", "export", settings_.directory}).code, 2);
}

TEST_F(AuditCli, FindsTheLogInTheStateDirectory) {
  fill(2);
  EXPECT_EQ(holdfast({"--state-dir", folder_, "audit", "verify"}).code, 0);
}

TEST_F(AuditCli, ExportsOneIncident) {
  fill(7);
  const auto outcome = holdfast({"audit", "export", settings_.directory, "--incident", "2"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::vector<nlohmann::json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]["sequence"], 3);
  EXPECT_EQ(records[0]["kind"], "finding");
  EXPECT_EQ(records[0]["clock"], "unsynchronised");
  EXPECT_EQ(records[0]["clock_bound_us"], nullptr);
  EXPECT_EQ(records[0]["time"], "2026-11-20 14:30:00.003 UTC");
  EXPECT_EQ(records[0]["actor"], "agent/cpu/1");
  EXPECT_EQ(records[0]["payload"]["n"], 3);
  EXPECT_EQ(records[1]["sequence"], 6);
  const auto json = holdfast({"audit", "export", settings_.directory, "-i", "2", "--json"}).json();
  EXPECT_EQ(json["records"].size(), 2u);
  const auto none = holdfast({"audit", "export", settings_.directory, "-i", "9"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no record of incident 9"));
}

TEST_F(AuditCli, ProvesARecordToWhoeverHasTheRoot) {
  fill(11, 5);
  for (uint64_t n = 1; n <= 11; ++n) {
    const auto outcome =
        holdfast({"audit", "prove", settings_.directory, "-n", std::to_string(n), "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.err;
    const auto json = outcome.json();
    Proof proof;
    for (const auto& hash : json["proof"])
      proof.push_back(hash_from_hex(hash.get<std::string>()).value());
    const auto note = parse_checkpoint(json["checkpoint"].get<std::string>()).value();
    const auto key = parse_verifier(sha256, json["key"].get<std::string>()).value();
    EXPECT_TRUE(check_signature(note, key));
    const auto bytes = from_base64(json["record_base64"].get<std::string>()).value();
    EXPECT_TRUE(proves_inclusion(sha256, leaf_hash(sha256, bytes), n - 1, note.checkpoint.size,
                                 proof, note.checkpoint.root));
    EXPECT_EQ(json["record"]["sequence"], n);
  }
  EXPECT_EQ(holdfast({"audit", "prove", settings_.directory, "-n", "12"}).code, 1);
  EXPECT_THAT(holdfast({"audit", "prove", settings_.directory, "-n", "4"}).out,
              HasSubstr("record 4 is in the log of 11 records that colo-a signed"));
}

TEST_F(AuditCli, ProvesNothingOfALogThatWasChanged) {
  fill(6);
  auto changed = frames();
  auto record = decode(changed[2].substr(kFrameHeadBytes)).value();
  record.payload = "{}";
  changed[2] = frame(encode(record));
  write(changed);
  const auto outcome = holdfast({"audit", "prove", settings_.directory, "-n", "5"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("not what was signed"));
}

class PolicyCli : public AuditFiles {
 protected:
  // The default configuration with one file of the test's own.
  std::string configuration(const std::string& file, const std::string& text) {
    const auto folder = folder_ + "/config";
    fs::copy(tests::source_path("config"), folder, fs::copy_options::recursive);
    spill(folder + "/" + file, text);
    return folder;
  }
};

TEST_F(PolicyCli, TheDefaultPolicyPassesItsTests) {
  const auto outcome = holdfast({"policy", "test", tests::source_path("config")});
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("cases, 0 otherwise than expected"));
}

TEST_F(PolicyCli, ACaseThatEndsOtherwiseIsNamedWithItsLine) {
  const auto folder = configuration("policy_tests.toml",
                                    "[[case]]\nname = \"drains\"\naction = \"drain\"\n"
                                    "verdict = \"allow\"\nrule = \"drain-one-node\"\n");
  const auto outcome = holdfast({"policy", "test", folder});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("policy_tests.toml:1: drains: expected allow by "
                                     "drain-one-node, found deny by crowd"));
  const auto json = holdfast({"policy", "test", folder, "--json"}).json();
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["cases"][0]["verdict"], "deny");
}

TEST_F(PolicyCli, MistakesAreToldAsConfigCheckTellsThem) {
  const auto folder = configuration("policy.toml", "[[rule]]\nname = \"r\"\nthen = \"perhaps\"\n");
  const auto outcome = holdfast({"policy", "test", folder});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("policy.toml:3:8: then: expected one of"));
  EXPECT_EQ(holdfast({"config", "check", folder}).code, 1);
}

TEST_F(PolicyCli, NoTestsAreNoPass) {
  const auto folder = configuration("policy_tests.toml", "");
  EXPECT_EQ(holdfast({"policy", "test", folder}).code, 1);
}

TEST_F(PolicyCli, ExplainsWhichRuleAndWhyNoneBefore) {
  const std::vector<std::string> words = {
      "policy",   "explain",         "--config", tests::source_path("config"),
      "--action", "promote",         "--set",    "group=venues/XSIM",
      "--set",    "to_in_sync=true", "--set",    "in_sync_left=1",
      "--set",    "in_flight=0",     "-s",       "fault=gray_failure"};
  const auto outcome = holdfast(words);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("allow by hand-over-in-sync"));
  EXPECT_THAT(outcome.out, HasSubstr("in_sync_left is 1, above 0"));
  EXPECT_THAT(outcome.out, HasSubstr("action is promote, not restart_actor"));
  auto json_words = words;
  json_words.push_back("--json");
  const auto json = holdfast(json_words).json();
  EXPECT_EQ(json["verdict"], "allow");
  EXPECT_EQ(json["rule"], "hand-over-in-sync");
  EXPECT_EQ(json["level"], "autonomous");
  EXPECT_EQ(json["steps"].back()["matches"], "yes");
}

TEST_F(PolicyCli, KeysThatAreNoneAreUsage) {
  const auto explain = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"policy", "explain", "--config",
                                      tests::source_path("config")};
    words.insert(words.end(), more.begin(), more.end());
    return holdfast(words).code;
  };
  EXPECT_EQ(explain({}), 2);
  EXPECT_EQ(explain({"--action", "dig"}), 2);
  EXPECT_EQ(explain({"--action", "drain", "--set", "speed=1"}), 2);
  EXPECT_EQ(explain({"--action", "drain", "--set", "speed"}), 2);
  EXPECT_EQ(explain({"--action", "drain", "-s", "amount=1", "-s", "amount=2"}), 2);
}

}  // namespace
}  // namespace holdfast::audit
