#include "nodes/console/audit_linux.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>

#include "nodes/console/guard_linux.hpp"
#include "nodes/console/table.hpp"
#include "supervision/orchestrator/audit/audit_log_linux.hpp"
#include "supervision/orchestrator/audit/verification.hpp"

namespace holdfast::console {
namespace {

using audit::Hash;
using audit::SignedCheckpoint;

// Tells an error; a file that isn't there is a wrong word on the command line.
int refuse(const Console& console, const Error& error) {
  const bool missing = error.code == ErrorCode::kNotFound;
  return fail(console, missing ? kUsage : kNotClean, missing ? "not_found" : "not_clean",
              error.text, missing ? "name the folder that holds records.log" : "");
}

// The signed roots that a command goes by, and what did not fit among them.
struct Signed {
  audit::Verifier verifier;
  std::string key_file;
  bool own_key = false;  // the folder's own: whoever changed the log may have changed it
  std::vector<SignedCheckpoint> checkpoints;  // whose signatures hold
  std::vector<std::string> problems;
};

void take(const std::string& file, Signed& all) {
  const auto notes = audit::read_checkpoints(file);
  if (!notes) {
    all.problems.push_back(notes.error().text);
    return;
  }
  for (const auto& note : notes.value()) {
    if (auto good = audit::check_signature(note, all.verifier); !good)
      all.problems.push_back(file + ": the checkpoint of " + std::to_string(note.checkpoint.size) +
                             " records: " + good.error().text);
    else
      all.checkpoints.push_back(note);
  }
}

// A folder of another member's may hold no checkpoints of its own; one that was named must be
// there.
Result<Signed> read_signed(const AuditCommand& command) {
  Signed all;
  all.own_key = command.key.empty();
  all.key_file = all.own_key ? audit::public_key_file(command.directory) : command.key;
  const auto verifier = audit::read_verifier(all.key_file);
  if (!verifier) return verifier.error();
  all.verifier = verifier.value();
  if (!command.checkpoint.empty()) {
    std::error_code error;
    if (!std::filesystem::exists(command.checkpoint, error))
      return Error{ErrorCode::kNotFound, command.checkpoint + ": there is no such file"};
    take(command.checkpoint, all);
  }
  const auto own = audit::checkpoints_file(command.directory);
  std::error_code error;
  // With a key from elsewhere the folder's own checkpoints may be another member's.
  if ((all.own_key || command.checkpoint.empty()) && std::filesystem::exists(own, error))
    take(own, all);
  return all;
}

Json json_of(const audit::Record& record) {
  auto payload = Json::parse(record.payload, nullptr, false);
  if (payload.is_discarded()) payload = record.payload;
  return {{"sequence", record.sequence},
          {"time", audit::utc_text(record.at)},
          {"time_ns", record.at.ns},
          {"clock", to_text(record.clock)},
          {"clock_bound_us", record.clock_bound_us ? Json(*record.clock_bound_us) : Json(nullptr)},
          {"kind", to_text(record.kind)},
          {"incident", record.incident},
          {"actor", record.actor.view()},
          {"payload", payload}};
}

void show(const Console& console, const audit::Report& report, const Signed& all) {
  auto& out = *console.out;
  for (const auto& problem : report.problems)
    out << styled("NOT CLEAN", Style::kBad, console.screen) << "  "
        << styled(problem, Style::kPlain, console.screen) << "\n";
  if (report.problems_more > 0) out << "and " << report.problems_more << " more\n";
  out << report.records << " records, root " << audit::to_hex(report.root) << "\n";
  if (report.signed_records > 0)
    out << "records 1 to " << report.signed_records << " are as signed by " << all.verifier.name
        << " at " << audit::utc_text(report.signed_at) << " (" << report.checkpoints
        << " checkpoints)\n";
  const auto rest = report.records - report.signed_records;
  if (rest > 0 && report.clean())
    out << rest << " records after that are in no checkpoint: a change of them would not show\n";
  if (all.own_key)
    out << "the key is the folder's own, " << all.key_file
        << "; keep a copy elsewhere and name it with --key\n";
  if (report.clean()) out << styled("clean", Style::kGood, console.screen) << "\n";
}

}  // namespace

int run_audit_verify(const Console& console, const AuditCommand& command) {
  auto reader = audit::LogReader::open(command.directory);
  if (!reader) return refuse(console, reader.error());
  const auto all = read_signed(command);
  if (!all) return refuse(console, all.error());
  std::vector<audit::Checkpoint> checkpoints;
  for (const auto& note : all.value().checkpoints) checkpoints.push_back(note.checkpoint);
  audit::Verification verification(audit::sha256, checkpoints);
  auto& log = reader.value();
  auto offset = audit::kLogHeader.size();
  while (const auto bytes = log.next()) {
    verification.take(*bytes, offset);
    offset = log.offset();
  }
  auto report = verification.finish(log.damage(), log.offset(), log.unfinished());
  for (const auto& problem : all.value().problems) report.add(problem);
  // A log that nothing was signed of has proved nothing.
  if (checkpoints.empty() && report.records > 0 && all.value().problems.empty())
    report.add("there is no checkpoint: nothing says that this is the log that was written");
  if (console.json)
    *console.out << Json{{"clean", report.clean()},
                         {"records", report.records},
                         {"root", audit::to_hex(report.root)},
                         {"checkpoints", report.checkpoints},
                         {"signed_records", report.signed_records},
                         {"signed_by", all.value().verifier.name},
                         {"own_key", all.value().own_key},
                         {"problems", report.problems},
                         {"problems_more", report.problems_more}}
                        .dump(2)
                 << "\n";
  else
    show(console, report, all.value());
  return report.clean() ? kClean : kNotClean;
}

int run_audit_export(const Console& console, const AuditCommand& command) {
  auto reader = audit::LogReader::open(command.directory);
  if (!reader) return refuse(console, reader.error());
  auto& log = reader.value();
  Json list = Json::array();
  uint64_t place = 0, found = 0;
  while (const auto bytes = log.next()) {
    ++place;
    const auto record = audit::decode(*bytes);
    if (!record)
      return refuse(console, {ErrorCode::kCorrupt,
                              "record " + std::to_string(place) + ": " + record.error().text});
    if (record.value().incident != command.incident) continue;
    ++found;
    auto json = json_of(record.value());
    json["leaf_hash"] = audit::to_hex(audit::leaf_hash(audit::sha256, *bytes));
    if (console.json)
      list.push_back(std::move(json));
    else
      *console.out << json.dump() << "\n";
  }
  if (console.json)
    *console.out << Json{{"incident", command.incident}, {"records", list}}.dump(2) << "\n";
  if (!log.damage().empty())
    return refuse(console, {ErrorCode::kCorrupt, "the log is damaged after record " +
                                                     std::to_string(place) + ": " + log.damage()});
  if (found > 0) return kClean;
  *console.err << "holdfast: no record of incident " << command.incident << " among " << place
               << "\n";
  return kNotClean;
}

int run_audit_prove(const Console& console, const AuditCommand& command) {
  auto reader = audit::LogReader::open(command.directory);
  if (!reader) return refuse(console, reader.error());
  const auto all = read_signed(command);
  if (!all) return refuse(console, all.error());
  const auto wrong = [&](const std::string& text) {
    return refuse(console, {ErrorCode::kCorrupt, text});
  };
  if (!all.value().problems.empty()) return wrong(all.value().problems.front());
  const SignedCheckpoint* longest = nullptr;
  for (const auto& note : all.value().checkpoints)
    if (longest == nullptr || note.checkpoint.size > longest->checkpoint.size) longest = &note;
  if (longest == nullptr || longest->checkpoint.size < command.record)
    return wrong("no checkpoint covers record " + std::to_string(command.record) +
                 (longest == nullptr
                      ? std::string()
                      : "; the longest is of " + std::to_string(longest->checkpoint.size)));
  const auto& checkpoint = longest->checkpoint;
  std::vector<Hash> leaves;
  std::string record_bytes;
  auto& log = reader.value();
  while (leaves.size() < checkpoint.size) {
    const auto bytes = log.next();
    if (!bytes) break;
    leaves.push_back(audit::leaf_hash(audit::sha256, *bytes));
    if (leaves.size() == command.record) record_bytes = *bytes;
  }
  if (leaves.size() < checkpoint.size)
    return wrong("the log has " + std::to_string(leaves.size()) + " whole records, but " +
                 std::to_string(checkpoint.size) +
                 " were signed; `holdfast audit verify` tells more");
  const auto index = command.record - 1;
  const auto proof = audit::inclusion_proof(audit::sha256, leaves, index);
  if (!audit::proves_inclusion(audit::sha256, leaves[index], index, checkpoint.size, proof,
                               checkpoint.root))
    return wrong(
        "the log is not what was signed: the proof does not lead to the signed root; "
        "`holdfast audit verify` tells more");
  Json path = Json::array();
  for (const auto& hash : proof) path.push_back(audit::to_hex(hash));
  const auto decoded = audit::decode(record_bytes);
  const Json json = {{"record", decoded ? json_of(decoded.value()) : Json(nullptr)},
                     {"record_base64", audit::to_base64(record_bytes)},
                     {"leaf_index", index},
                     {"leaf_hash", audit::to_hex(leaves[index])},
                     {"tree_size", checkpoint.size},
                     {"root", audit::to_hex(checkpoint.root)},
                     {"proof", path},
                     {"checkpoint", text_of(*longest)},
                     {"key", text_of(audit::sha256, all.value().verifier)}};
  if (console.json) {
    *console.out << json.dump(2) << "\n";
    return kClean;
  }
  auto& out = *console.out;
  out << "record " << command.record << " is in the log of " << checkpoint.size << " records that "
      << longest->name << " signed\n";
  out << "leaf " << index << "  " << audit::to_hex(leaves[index]) << "\n";
  for (const auto& hash : proof) out << "with    " << audit::to_hex(hash) << "\n";
  out << "root    " << audit::to_hex(checkpoint.root) << "\n\n" << text_of(*longest);
  return kClean;
}

void add_audit_commands(CLI::App& app, const AddCommand& add) {
  auto words = std::make_shared<AuditCommand>();
  auto* parent =
      app.add_subcommand("audit", "The audit log: verify, export, prove")->require_subcommand(1);
  parent->fallthrough();
  parent->footer(
      "\nReads files only, on any machine. DIR holds records.log and checkpoints; without it the "
      "state\ndirectory's `audit` is taken. Examples:\n"
      "  holdfast audit verify /backups/audit --key audit-colo-a.pub --checkpoint monday.txt\n"
      "  holdfast audit export --incident 7 | jq .payload\n"
      "  holdfast audit prove --record 4200 --json");
  const auto with = [words](auto run) {
    return [words, run](Console& console) {
      if (words->directory.empty())
        words->directory =
            guard_directory(console.where.state_directory, console.environment) + "/audit";
      return run(console, *words);
    };
  };
  const auto add_place = [words](CLI::App* command) {
    command->add_option("DIR", words->directory, "The log's folder");
  };
  const auto add_signed = [words](CLI::App* command) {
    command->add_option("--checkpoint", words->checkpoint,
                        "Checkpoints that were kept elsewhere (the folder's own are read too)");
    command->add_option("--key", words->key,
                        "The public key file to trust (default: the folder's audit.pub)");
  };
  auto* verify =
      add(parent, "verify", "Is the log whole, and is it what was signed", with(run_audit_verify));
  add_place(verify);
  add_signed(verify);
  auto* all = add(parent, "export", "Everything about one incident, a JSON object a line",
                  with(run_audit_export));
  add_place(all);
  all->add_option("--incident,-i", words->incident, "Its number; 0: what belongs to none")
      ->required();
  auto* prove = add(parent, "prove", "The inclusion proof of one record", with(run_audit_prove));
  add_place(prove);
  add_signed(prove);
  prove->add_option("--record,-n", words->record, "Its sequence number, from 1")
      ->required()
      ->check(CLI::Range(uint64_t{1}, UINT64_MAX));
}

}  // namespace holdfast::console
