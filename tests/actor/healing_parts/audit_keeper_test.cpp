// Audit keepers of several members with real logs in a folder of the test's, over a mesh that is
// the test's: whatever one is told, and whenever, all end with the same bytes. Scheduler and clock
// are in the test's hands; the logs' own threads are waited for.
#include "nodes/node/healing/audit_keeper_actor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "nodes/node/healing/audit_words.hpp"
#include "supervision/orchestrator/audit/notes.hpp"
#include "supervision/runtime/test_scheduler_actor.hpp"

namespace holdfast::node {
namespace {

namespace fs = std::filesystem;
using orchestrator::ClockSource;
using orchestrator::healing::Note;
using orchestrator::healing::NoteKind;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Note note(uint64_t number) {
  Note out;
  out.number = number;
  out.at = {1'700'000'000'000'000'000 + static_cast<int64_t>(number) * 1'000'000};
  out.kind = NoteKind::kIncident;
  out.incident = 1 + number / 10;
  out.text = "{\"event\":\"ranked\",\"number\":" + std::to_string(number) + "}";
  out.clock = {ClockSource::kNtp, 250};
  return out;
}
Note page(uint64_t number) {
  Note out = note(number);
  out.kind = NoteKind::kPage;
  out.page = true;
  out.text = "{\"event\":\"paged\",\"text\":\"it does not \\\"end\\\"\"}";
  return out;
}

class AuditKeepers : public ::testing::Test {
 protected:
  struct Member {
    std::string name;
    ActorHandle root;
    std::weak_ptr<audit::AuditLog> log;
    uint64_t durable = 0, durable_told = 0;
    std::vector<std::string> lines, alarms;
  };

  void SetUp() override {
    char name[] = "/tmp/holdfast-keepers-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
  }
  void TearDown() override {
    for (auto& [name, member] : members) stop(member);
    registry.reset();
    scheduler.advance(Duration::seconds(1'000));
    fs::remove_all(folder);
  }

  std::string directory(const std::string& name) const { return folder + "/" + name; }
  audit::AuditSettings settings_of(const std::string& name) const {
    audit::AuditSettings settings;
    settings.directory = directory(name);
    settings.origin = "holdfast/audit/test";
    settings.name = name;
    settings.checkpoint_interval = Duration::seconds(3'600);
    return settings;
  }
  /// `of`: all members' names.
  Member& start(const std::string& name, const std::vector<std::string>& of) {
    Member& member = members[name];
    member.name = name;
    AuditKeeperSetup setup;
    setup.log = settings_of(name);
    for (const auto& other : of)
      if (other != name) setup.others.push_back(other);
    setup.send = [this, name](const std::string& to, const std::string& topic, std::string bytes) {
      sent += 1;
      if (away.contains(to) || away.contains(name)) return;
      if (auto keeper = find(to)) anon_send(keeper, MeshWord{name, topic, std::move(bytes)});
    };
    setup.durable = [&member](uint64_t upto) {
      EXPECT_GE(upto, member.durable);
      member.durable = upto;
      member.durable_told += 1;
    };
    setup.say = [&member](const std::string& line, bool alarm) {
      (alarm ? member.alarms : member.lines).push_back(line);
    };
    setup.mono = [this] { return scheduler.now(); };
    setup.open =
        [&member](
            const audit::AuditSettings& settings) -> Result<std::shared_ptr<audit::AuditLog>> {
      auto opened = audit::AuditLog::open(settings);
      if (!opened) return opened.error();
      std::shared_ptr<audit::AuditLog> log = std::move(opened).value();
      member.log = log;
      return log;
    };
    SupervisorSetup root;
    root.path = name;
    root.spec.backoff.jitter_permille = 0;
    root.registry = registry;
    root.children.push_back(audit_child(std::move(setup)));
    member.root = spawn_supervisor(system.get(), std::move(root));
    pass(Duration::milliseconds(200));
    return member;
  }
  void stop(Member& member) {
    if (member.root) send_kill(member.root);
    member.root = nullptr;
    scheduler.settle();
  }
  ActorHandle find(const std::string& name) {
    return registry ? registry->find(name + "/audit") : ActorHandle{};
  }
  /// Virtual time, with the disks as fast as it takes.
  void pass(Duration span) {
    for (int64_t left = span.ms(); left > 0; left -= 100) {
      scheduler.advance(Duration::milliseconds(100));
      for (auto& [name, member] : members)
        if (const auto log = member.log.lock()) (void)log->flush();
    }
    scheduler.advance(Duration::milliseconds(100));
  }
  void tell(Member& member, std::vector<Note> notes, bool leads = false, uint64_t last = 0) {
    anon_send(find(member.name),
              KeepNotes{std::make_shared<const std::vector<Note>>(std::move(notes)), last, leads});
    scheduler.settle();
  }
  static std::vector<Note> notes(uint64_t from, uint64_t upto) {
    std::vector<Note> out;
    for (; from <= upto; ++from) out.push_back(note(from));
    return out;
  }
  void send_word(Member& to, const std::string& from, const std::string& topic,
                 const std::string& bytes) {
    anon_send(find(to.name), MeshWord{from, topic, bytes});
    scheduler.settle();
  }
  AuditKeeperView view(const Member& member) {
    AuditKeeperView found;
    system.get().spawn([&](EventBasedActor* self) {
      request_within(self, find(member.name), {"view", Duration::seconds(5)}, AuditKeeperQuery{})
          .then([&](const AuditKeeperAnswer& answer) { found = *answer; },
                [](const ActorError& error) { ADD_FAILURE() << describe(error); });
    });
    scheduler.settle();
    return found;
  }
  /// The bytes of the log's file, which is what has to be equal.
  std::string bytes(const Member& member) const {
    std::ifstream stream(audit::records_file(directory(member.name)), std::ios::binary);
    return {(std::istreambuf_iterator<char>(stream)), {}};
  }
  std::vector<audit::Record> records(const Member& member) const {
    auto read = audit::read_records(directory(member.name), 1, 100'000);
    EXPECT_TRUE(read) << read.error().text;
    return read ? read.value() : std::vector<audit::Record>{};
  }
  /// All of them hold the first `count` records, and the same ones.
  void expect_same(uint64_t count) {
    const auto& first = members.begin()->second;
    for (const auto& [name, member] : members) {
      const auto stands = view(member);
      EXPECT_EQ(stands.log.durable, count) << name;
      EXPECT_EQ(audit::to_hex(stands.log.root), audit::to_hex(view(first).log.root)) << name;
      EXPECT_EQ(bytes(member), bytes(first)) << name;
      EXPECT_THAT(records(member), SizeIs(count)) << name;
    }
  }

  std::string folder;
  ActorSystem system{{.deterministic = true}};
  TestScheduler scheduler{system};
  std::shared_ptr<RefRegistry> registry = std::make_shared<RefRegistry>();
  std::map<std::string, Member> members;
  std::set<std::string> away;
  uint64_t sent = 0;
};

TEST_F(AuditKeepers, MembersThatAreToldTheSameInAnyPiecesKeepTheSameLog) {
  Member& a = start("a", {"a", "b"});
  Member& b = start("b", {"a", "b"});
  for (uint64_t n = 1; n <= 40; ++n) tell(a, {note(n)}, true);
  tell(b, notes(21, 40));
  tell(b, notes(1, 30));
  tell(b, notes(1, 40));
  pass(Duration::seconds(1));
  expect_same(40);
  EXPECT_EQ(a.durable, 40u);
  EXPECT_EQ(b.durable, 40u);
  EXPECT_THAT(a.alarms, IsEmpty());
  EXPECT_THAT(b.alarms, IsEmpty());
  const auto kept = records(b);
  EXPECT_EQ(kept.front(), audit::record_of(note(1), audit::Redactor({})));
  EXPECT_EQ(kept.back().clock_bound_us, 250u);
}

TEST_F(AuditKeepers, WhoWasAwayFetchesWhatItsJournalNoLongerTells) {
  Member& a = start("a", {"a", "b"});
  for (uint64_t n = 1; n <= 3'000; n += 500) {
    tell(a, notes(n, n + 499), true);
    pass(Duration::milliseconds(200));
  }
  Member& b = start("b", {"a", "b"});
  const uint64_t before = sent;
  tell(b, notes(2'990, 3'000));
  pass(Duration::seconds(2));
  expect_same(3'000);
  EXPECT_EQ(view(b).fetched, 2'989u);
  EXPECT_EQ(view(a).served, 2'989u);
  EXPECT_LE(sent - before, 2 * 10u);  // batches, not records
  EXPECT_EQ(view(b).missing_from, 0u);
  EXPECT_EQ(b.durable, 3'000u);
  EXPECT_THAT(b.alarms, IsEmpty());
}

TEST_F(AuditKeepers, TheLastNumberAloneIsEnoughToFetchTheRest) {
  Member& a = start("a", {"a", "b"});
  Member& b = start("b", {"a", "b"});
  tell(a, notes(1, 10), true);
  pass(Duration::milliseconds(300));
  tell(b, {}, false, 10);
  pass(Duration::milliseconds(500));
  expect_same(10);
}

TEST_F(AuditKeepers, TheNextOneIsAskedWhereOneSaysNothing) {
  Member& a = start("a", {"a", "b", "c"});
  Member& c = start("c", {"a", "b", "c"});  // b is not there at all
  tell(c, notes(1, 10));
  pass(Duration::milliseconds(300));
  tell(a, notes(8, 10), true);
  pass(Duration::milliseconds(800));
  EXPECT_EQ(view(a).log.durable, 0u);  // b has a second to answer
  pass(Duration::seconds(1));
  expect_same(10);
}

TEST_F(AuditKeepers, AKeeperThatDiesGoesOnWhereItsLogEnds) {
  Member& a = start("a", {"a"});
  tell(a, notes(1, 20), true);
  pass(Duration::milliseconds(300));
  send_kill(find("a"));
  pass(Duration::milliseconds(300));
  ASSERT_NE(find("a"), nullptr);
  EXPECT_EQ(view(a).log.durable, 20u);
  const uint64_t told = a.durable_told;
  tell(a, notes(15, 25), true);
  pass(Duration::seconds(1));
  expect_same(25);
  EXPECT_EQ(a.durable, 25u);
  EXPECT_GT(a.durable_told, told);
  EXPECT_EQ(view(a).conflicts, 0u);
  EXPECT_THAT(a.alarms, IsEmpty());
}

TEST_F(AuditKeepers, ALeaderThatRepeatsWhatIsDurableHearsSoAgain) {
  Member& a = start("a", {"a"});
  tell(a, notes(1, 5));
  pass(Duration::milliseconds(300));
  ASSERT_EQ(a.durable, 5u);
  const uint64_t told = a.durable_told;
  tell(a, notes(1, 5));  // follows: whoever leads hears of its own log
  pass(Duration::seconds(2));
  EXPECT_EQ(a.durable_told, told);
  for (int i = 0; i < 20; ++i) {
    tell(a, notes(1, 5), true);
    pass(Duration::milliseconds(100));
  }
  EXPECT_GT(a.durable_told, told);
  EXPECT_LE(a.durable_told, told + 5);
}

TEST_F(AuditKeepers, AnotherRecordUnderANumberStopsTheWritingAndNotTheServing) {
  {
    auto log = audit::AuditLog::open(settings_of("a"));
    ASSERT_TRUE(log) << log.error().text;
    for (uint64_t n = 1; n <= 6; ++n) {
      auto record = audit::record_of(note(n), audit::Redactor({}));
      if (n == 5) record.payload = "{\"forged\":true}";
      ASSERT_TRUE(log.value()->append(record));
    }
  }
  Member& a = start("a", {"a", "b"});
  tell(a, notes(3, 8), true);
  tell(a, notes(3, 8), true);
  pass(Duration::seconds(1));
  EXPECT_EQ(view(a).log.appended, 6u);
  EXPECT_EQ(view(a).conflicts, 1u);
  ASSERT_THAT(a.alarms, SizeIs(1));
  EXPECT_THAT(a.alarms[0], HasSubstr("record 5"));
  EXPECT_THAT(a.alarms[0], HasSubstr("move records.log"));
  EXPECT_THAT(view(a).trouble, HasSubstr("record 5"));
  // Those before it are good, those from it on are nobody's.
  Member& b = start("b", {"a", "b"});
  tell(b, notes(7, 8));
  pass(Duration::seconds(3));
  EXPECT_EQ(view(b).log.durable, 4u);
  EXPECT_THAT(b.alarms, IsEmpty());
}

TEST_F(AuditKeepers, ADamagedLogIsNotTouchedAndIsFilledAnewOnceItIsMovedAway) {
  Member& a = start("a", {"a", "b"});
  Member& b = start("b", {"a", "b"});
  tell(a, notes(1, 50), true);
  tell(b, notes(1, 50));
  pass(Duration::milliseconds(300));
  stop(b);
  auto damaged = bytes(b);
  damaged[damaged.size() / 2] ^= 0x40;
  std::ofstream(audit::records_file(directory("b")), std::ios::binary | std::ios::trunc) << damaged;
  start("b", {"a", "b"});
  tell(b, notes(51, 52));
  tell(a, notes(51, 52), true);
  pass(Duration::seconds(25));
  EXPECT_EQ(bytes(b), damaged);
  EXPECT_FALSE(view(b).open);
  ASSERT_THAT(b.alarms, SizeIs(1));  // and not each time it is tried
  EXPECT_THAT(b.alarms[0], HasSubstr("move records.log and checkpoints"));
  fs::remove(audit::records_file(directory("b")));
  fs::remove(audit::checkpoints_file(directory("b")));
  pass(Duration::seconds(12));
  expect_same(52);
  EXPECT_TRUE(view(b).open);
  EXPECT_EQ(view(b).trouble, "");
}

TEST_F(AuditKeepers, WhatNobodyHasIsMarkedAsLostByAllInTheSameWay) {
  Member& a = start("a", {"a", "b", "c"});
  Member& b = start("b", {"a", "b", "c"});
  Member& c = start("c", {"a", "b", "c"});
  tell(a, notes(1, 4), true);
  tell(b, notes(1, 4));
  // c knows more, and later ones than the others.
  tell(c, notes(1, 5));
  tell(a, notes(8, 9), true);
  tell(b, notes(9, 9));
  tell(c, notes(9, 9));
  pass(Duration::seconds(50));
  EXPECT_EQ(view(a).log.durable, 5u);  // c's
  for (const Member* member : {&a, &b, &c}) EXPECT_THAT(member->alarms, IsEmpty());
  pass(Duration::seconds(15));
  expect_same(9);
  for (const Member* member : {&a, &b, &c}) {
    ASSERT_THAT(member->alarms, SizeIs(1)) << member->name;
    EXPECT_THAT(member->alarms[0], HasSubstr("from 6 to 7"));
  }
  const auto kept = records(a);
  EXPECT_EQ(kept[4].kind, audit::RecordKind::kIncident);
  EXPECT_EQ(kept[5].kind, audit::RecordKind::kLost);
  EXPECT_EQ(kept[6].kind, audit::RecordKind::kLost);
  EXPECT_EQ(kept[6].at, note(8).at);
  EXPECT_EQ(kept[7].kind, audit::RecordKind::kIncident);
}

TEST_F(AuditKeepers, WhereNobodyAnswersTheOthersMayHoldIt) {
  Member& a = start("a", {"a", "b"});
  tell(a, notes(3, 4), true);
  pass(Duration::seconds(120));
  EXPECT_EQ(view(a).log.durable, 0u);
  EXPECT_EQ(view(a).missing_from, 1u);
  EXPECT_THAT(a.alarms, IsEmpty());
  EXPECT_THAT(a.lines, SizeIs(1));
  Member& b = start("b", {"a", "b"});
  tell(b, notes(1, 4));
  pass(Duration::seconds(4));
  expect_same(4);
  EXPECT_THAT(a.alarms, IsEmpty());
}

TEST_F(AuditKeepers, ANodeByItselfWaitsForNobody) {
  Member& a = start("a", {"a"});
  tell(a, notes(3, 4), true);
  pass(Duration::seconds(3));
  tell(a, notes(2, 2), true);  // late, and still taken
  pass(Duration::seconds(8));
  expect_same(4);
  const auto kept = records(a);
  EXPECT_EQ(kept[0].kind, audit::RecordKind::kLost);
  EXPECT_EQ(kept[1].kind, audit::RecordKind::kIncident);
  EXPECT_THAT(a.alarms, SizeIs(1));
  EXPECT_EQ(view(a).lost, 1u);
  EXPECT_EQ(sent, 0u);
}

TEST_F(AuditKeepers, WordsOfTheMeshThatMakeNoSenseAreCountedAndIgnored) {
  Member& a = start("a", {"a", "b"});
  tell(a, notes(1, 3), true);
  tell(a, notes(6, 6), true);  // so that records are asked for
  away.insert("b");
  pass(Duration::milliseconds(300));
  GivenRecords forged;
  forged.ask = 12'345;
  forged.from = forged.next = 4;
  forged.records = {audit::record_of(note(4), audit::Redactor({}))};
  const std::string want = encode(WantRecords{1, 1, 3}), given = encode(forged);
  uint64_t bad = 0;
  const auto send_bad = [&](const std::string& from, const std::string& topic,
                            const std::string& word) {
    send_word(a, from, topic, word);
    bad += 1;
  };
  send_bad("b", "audit", want);
  send_bad("mallory", kAuditWantTopic, want);
  send_bad("b", kAuditRecordsTopic, given);  // not what was asked
  send_bad("b", kAuditRecordsTopic, want);
  send_bad("b", kAuditWantTopic, given);
  for (std::size_t size = 0; size < want.size(); ++size)
    send_bad("b", kAuditWantTopic, want.substr(0, size));
  for (std::size_t size = 0; size < given.size(); size += 7)
    send_bad("b", kAuditRecordsTopic, given.substr(0, size));
  send_bad("b", kAuditWantTopic, std::string(100'000, '\xff'));
  send_bad("b", kAuditWantTopic, encode(WantRecords{1, 0, 3}));
  send_bad("b", kAuditWantTopic, encode(WantRecords{1, 7, 3}));
  pass(Duration::milliseconds(300));
  EXPECT_EQ(view(a).ignored, bad);
  EXPECT_EQ(view(a).log.durable, 3u);
  EXPECT_EQ(view(a).missing_from, 4u);
  EXPECT_THAT(a.alarms, IsEmpty());
}

TEST_F(AuditKeepers, RecordsOfAnotherMemberNeverTakeTheJournalsPlace) {
  Member& a = start("a", {"a", "b"});
  away = {"b"};
  tell(a, notes(2, 3), true);
  pass(Duration::milliseconds(200));
  // b answers the first question with another record 3.
  GivenRecords given;
  given.ask = given.from = given.next = 1;
  for (uint64_t n = 1; n <= 3; ++n)
    given.records.push_back(audit::record_of(note(n), audit::Redactor({})));
  given.records[2].payload = "{\"forged\":true}";
  send_word(a, "b", kAuditRecordsTopic, encode(given));
  pass(Duration::milliseconds(500));
  EXPECT_EQ(records(a).back(), audit::record_of(note(3), audit::Redactor({})));
  EXPECT_EQ(view(a).conflicts, 1u);
  ASSERT_THAT(a.alarms, SizeIs(1));
  EXPECT_THAT(a.alarms[0], HasSubstr("audit.toml"));
}

TEST_F(AuditKeepers, APageIsToldOnceAndOnlyWhereItsNodeLeads) {
  Member& a = start("a", {"a", "b"});
  Member& b = start("b", {"a", "b"});
  for (int i = 0; i < 3; ++i) {
    tell(a, {note(1), page(2), page(3)}, true);
    tell(b, {note(1), page(2), page(3)}, false);
    pass(Duration::milliseconds(200));
  }
  EXPECT_THAT(a.alarms, ElementsAre("page: incident 1: it does not \"end\"",
                                    "page: incident 1: it does not \"end\""));
  EXPECT_THAT(b.alarms, IsEmpty());
}

TEST_F(AuditKeepers, MoreThanItHoldsIsTakenWhenItIsToldAgain) {
  Member& a = start("a", {"a", "b"});
  tell(a, notes(2, 9'000), true);  // all beyond a gap
  pass(Duration::milliseconds(200));
  EXPECT_LE(view(a).pending, 8'192u);
  tell(a, notes(1, 1), true);
  pass(Duration::milliseconds(300));
  EXPECT_EQ(view(a).pending, 0u);
  EXPECT_GE(view(a).log.durable, 8'000u);
  tell(a, notes(2, 9'000), true);
  pass(Duration::milliseconds(300));
  EXPECT_EQ(view(a).log.durable, 9'000u);
  EXPECT_EQ(view(a).conflicts, 0u);
}

}  // namespace
}  // namespace holdfast::node
