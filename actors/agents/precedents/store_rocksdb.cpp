#include "actors/agents/precedents/store_rocksdb.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>

#include "actors/agents/precedents/records_rocksdb.hpp"

namespace holdfast::precedents {
namespace {

namespace fs = std::filesystem;

enum Family : std::size_t { kMeta, kIncidents, kVectors, kPostings, kOutcomes, kFamilies };
constexpr const char* kFamilyNames[kFamilies] = {"default", "incidents", "vectors", "postings",
                                                 "outcomes"};
// The library ends the process when a disk fills up while it opens: look first.
constexpr uint64_t kRoomMin = 8u << 20;

Error damage(std::string what) {
  return {ErrorCode::kCorrupt, "the precedent store is damaged: " + std::move(what)};
}

Error error_of(const rocksdb::Status& status, const std::string& directory) {
  const auto text = "the precedent store in " + directory + ": " + status.ToString();
  if (status.IsIOError() && text.find("lock") != std::string::npos)
    return {ErrorCode::kConflict, text + ". Is another node running on this folder?"};
  if (status.IsNoSpace()) return {ErrorCode::kFull, text + ". Free disk space and start again."};
  if (status.IsCorruption() || status.IsInvalidArgument() || status.IsIOError())
    return damage(text);
  return {ErrorCode::kIo, text};
}

Result<> has_room(const std::string& directory) {
  struct statvfs room {};
  if (statvfs(directory.c_str(), &room) != 0)
    return Error{ErrorCode::kUnavailable,
                 "the precedent store: the folder " + directory + " can't be used"};
  if (uint64_t{room.f_bavail} * room.f_frsize < kRoomMin)
    return Error{ErrorCode::kUnavailable, "the precedent store: less than " +
                                              std::to_string(kRoomMin >> 20) +
                                              " MiB are free where " + directory + " is"};
  return success();
}

Result<> make_folder(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error)
    return Error{ErrorCode::kUnavailable, "the precedent store: the folder " + directory +
                                              " can't be made: " + error.message()};
  return has_room(directory);
}

rocksdb::Options options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.write_buffer_size = 1u << 20;
  options.max_open_files = 64;
  options.max_total_wal_size = 4u << 20;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1u << 20;
  options.max_background_jobs = 1;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return options;
}

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Result<> read_all(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::size_t key_bytes,
                  const std::function<bool(std::string_view, std::string_view)>& row) {
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator({}, family));
  for (at->SeekToFirst(); at->Valid(); at->Next())
    if (at->key().size() != key_bytes || !row(view(at->key()), view(at->value())))
      return damage("a row in " + family->GetName() + " is none that was written");
  if (!at->status().ok()) return damage(at->status().ToString());
  return success();
}

bool known_fault(uint16_t code) {
  const auto all = fault_classes();
  return std::find(all.begin(), all.end(), static_cast<FaultClass>(code)) != all.end();
}

}  // namespace

StoreRocksdb::StoreRocksdb(StoreSettings settings)
    : settings_(std::move(settings)), index_(settings_.index) {}

StoreRocksdb::~StoreRocksdb() { close(); }

void StoreRocksdb::close() {
  if (db_ == nullptr) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  handles_.clear();
  db_.reset();
}

Result<> StoreRocksdb::open_database() {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto* name : kFamilyNames)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions(options()));
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(rocksdb::DBOptions(options()), settings_.directory,
                                        families, &handles_, &db);
  if (!status.ok()) return error_of(status, settings_.directory);
  db_.reset(db);
  std::string format;
  const auto found = db_->Get({}, handles_[kMeta], "format", &format);
  if (found.IsNotFound()) {
    const std::unique_ptr<rocksdb::Iterator> any(db_->NewIterator({}, handles_[kIncidents]));
    any->SeekToFirst();
    if (any->Valid()) return damage("it says no format");
    rocksdb::WriteBatch batch;
    batch.Put(handles_[kMeta], "format", rows::kFormat);
    return write(batch);
  }
  if (!found.ok()) return error_of(found, settings_.directory);
  if (format != rows::kFormat) return damage("its format is " + format.substr(0, 40));
  return success();
}

Result<> StoreRocksdb::load() {
  std::map<uint64_t, Precedent> all;
  std::map<uint64_t, rows::IncidentRow> told;
  auto read = read_all(*db_, handles_[kIncidents], 8, [&](auto key, auto value) {
    const auto row = rows::parse_incident(value);
    if (!row || !known_fault(row->fault)) return false;
    auto& precedent = all[rows::number_in(key)];
    precedent.number = rows::number_in(key);
    precedent.learned = WallTime{row->learned};
    precedent.signature.fault = static_cast<FaultClass>(row->fault);
    precedent.note = row->note;
    precedent.actions.resize(row->actions);
    told[precedent.number] = *row;
    return row->actions <= limits::kPrecedentActionsMax;
  });
  if (!read) return read;
  std::size_t vectors = 0;
  read = read_all(*db_, handles_[kVectors], 8, [&](auto key, auto value) {
    const auto at = all.find(rows::number_in(key));
    auto features = rows::parse_vector(value);
    if (at == all.end() || !features) return false;
    at->second.signature.vector = std::move(*features);
    ++vectors;
    return true;
  });
  if (!read) return read;
  // Postings come in the order of their terms, so each bag is rising as it should be.
  read = read_all(*db_, handles_[kPostings], 12, [&](auto key, auto value) {
    const auto at = all.find(rows::number_in(key.substr(4)));
    uint32_t count = 0;
    if (at == all.end() || !rows::take(value, count) || !value.empty()) return false;
    const auto code = static_cast<uint32_t>(rows::number_in(key) >> 32);
    at->second.signature.tokens.push_back({{code}, count});
    return true;
  });
  if (!read) return read;
  std::map<uint64_t, std::set<uint8_t>> positions;
  read = read_all(*db_, handles_[kOutcomes], 9, [&](auto key, auto value) {
    const auto at = all.find(rows::number_in(key));
    uint8_t position = 0;
    ActionRecord record;
    if (at == all.end() || !rows::take(value, position) || !rows::take(value, record.succeeded) ||
        !rows::take(value, record.rolled_back) || !rows::take(value, record.failed) ||
        !value.empty())
      return false;
    const auto code = static_cast<uint8_t>(key[8]);
    if (code == 0 || code > kActionKinds || position >= at->second.actions.size()) return false;
    record.action = static_cast<ActionKind>(code);
    at->second.actions[position] = record;
    return positions[at->first].insert(position).second;
  });
  if (!read) return read;
  for (const auto& [number, row] : told)
    if (all[number].signature.tokens.size() != row.tokens ||
        positions[number].size() != row.actions)
      return damage("rows of incident " + std::to_string(number) + " are missing");
  if (vectors != all.size()) return damage("vectors are missing");
  for (auto& [number, precedent] : all) index_.put(std::move(precedent));
  return success();
}

Result<> StoreRocksdb::plant(const std::vector<Seed>& seeds) {
  rocksdb::WriteBatch batch;
  std::map<uint64_t, Precedent> wanted;
  for (const auto& seed : seeds)
    if (auto precedent = precedent_of(seed); !wanted.emplace(precedent.number, precedent).second)
      return Error{ErrorCode::kInvalid, "two precedents in the configuration have the number " +
                                            std::to_string(seed.number)};
  std::vector<uint64_t> gone;
  for (const auto* present : index_.list(FaultClass::kNone, SIZE_MAX)) {
    if (!is_seed(present->number)) continue;
    const auto at = wanted.find(present->number);
    if (at != wanted.end() && at->second == *present) {
      wanted.erase(at);
      continue;
    }
    drop(batch, *present);
    gone.push_back(present->number);
  }
  for (const auto& [number, precedent] : wanted) put(batch, precedent);
  for (const auto number : index_.surplus()) {
    drop(batch, *index_.get(number));
    gone.push_back(number);
  }
  if (batch.Count() == 0) return success();
  if (auto written = write(batch); !written) return written;
  for (const auto number : gone) index_.erase(number);
  for (auto& [number, precedent] : wanted) index_.put(std::move(precedent));
  return success();
}

void StoreRocksdb::put(rocksdb::WriteBatch& batch, const Precedent& p) const {
  const auto key = rows::key(p.number);
  batch.Put(handles_[kIncidents], key, rows::incident(p));
  batch.Put(handles_[kVectors], key, rows::vector(p.signature.vector));
  for (const auto& token : p.signature.tokens) {
    std::string count;
    rows::put(count, token.weight);
    batch.Put(handles_[kPostings], rows::posting_key(token.term, p.number), count);
  }
  for (std::size_t i = 0; i < p.actions.size(); ++i)
    batch.Put(handles_[kOutcomes], rows::outcome_key(p.number, p.actions[i].action),
              rows::outcome(i, p.actions[i]));
}

void StoreRocksdb::drop(rocksdb::WriteBatch& batch, const Precedent& p) const {
  const auto key = rows::key(p.number);
  batch.Delete(handles_[kIncidents], key);
  batch.Delete(handles_[kVectors], key);
  for (const auto& token : p.signature.tokens)
    batch.Delete(handles_[kPostings], rows::posting_key(token.term, p.number));
  for (const auto& record : p.actions)
    batch.Delete(handles_[kOutcomes], rows::outcome_key(p.number, record.action));
}

Result<> StoreRocksdb::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions durable;
  durable.sync = true;  // a few a day: a remedy that ended is worth an fsync
  const auto status = db_->Write(durable, &batch);
  if (status.ok()) return success();
  return Error{
      status.IsNoSpace() ? ErrorCode::kFull : ErrorCode::kIo,
      "the precedent store in " + settings_.directory + " can't be written: " + status.ToString()};
}

Result<StoreRocksdb::Opened> StoreRocksdb::open(StoreSettings settings,
                                                const std::vector<Seed>& seeds) {
  if (auto made = make_folder(settings.directory); !made) return made.error();
  Opened opened;
  for (const bool again : {false, true}) {
    opened.store.reset(new StoreRocksdb(settings));
    auto& store = *opened.store;
    auto ready = store.open_database();
    if (ready) ready = store.load();
    if (ready) ready = store.plant(seeds);
    if (ready) return opened;
    if (again || ready.error().code != ErrorCode::kCorrupt) return ready.error();
    store.close();
    // What was damaged is kept, the last one only: somebody may want to look at it.
    const auto aside = settings.directory + ".damaged";
    std::error_code error;
    fs::remove_all(aside, error);
    fs::rename(settings.directory, aside, error);
    if (error)
      return Error{ErrorCode::kUnavailable,
                   ready.error().text + "; it can't be moved aside: " + error.message()};
    opened.rebuilt = ready.error().text + "; it is kept in " + aside +
                     ", and the store begins again from the seeds";
    if (auto made = make_folder(settings.directory); !made) return made.error();
  }
  return Error{ErrorCode::kIo, "the precedent store can't be opened"};
}

std::vector<Match> StoreRocksdb::find(const Signature& signature, std::size_t k) const {
  const std::lock_guard lock(mutex_);
  return index_.find(signature, k);
}

Result<> StoreRocksdb::learn(const Incident& incident, ActionKind action, RemedyOutcome outcome,
                             WallTime now) {
  if (incident.number == 0 || is_seed(incident.number))
    return Error{ErrorCode::kInvalid, "an incident without a number can't be remembered"};
  if (!known_fault(static_cast<uint16_t>(incident.cause)))
    return Error{ErrorCode::kInvalid, "incident " + std::to_string(incident.number) +
                                          " has no cause and can't be remembered"};
  const std::lock_guard writing(writing_);
  const auto* known = index_.get(incident.number);
  Precedent precedent = known != nullptr ? *known : Precedent{};
  precedent.number = incident.number;
  precedent.learned = now;
  precedent.signature = signature_of(incident);
  if (!note_outcome(precedent, action, outcome, 1)) return success();
  rocksdb::WriteBatch batch;
  // What the incident looked like by then may have fewer tokens than the first time.
  if (known != nullptr) drop(batch, *known);
  put(batch, precedent);
  if (auto written = write(batch); !written) return written;
  {
    const std::lock_guard lock(mutex_);
    index_.put(std::move(precedent));
  }
  const auto surplus = index_.surplus();
  if (surplus.empty()) return success();
  rocksdb::WriteBatch trim;
  for (const auto number : surplus) drop(trim, *index_.get(number));
  auto trimmed = write(trim);
  const std::lock_guard lock(mutex_);
  if (trimmed)
    for (const auto number : surplus) index_.erase(number);
  return trimmed;
}

Result<Precedent> StoreRocksdb::get(uint64_t number) const {
  const std::lock_guard lock(mutex_);
  if (const auto* found = index_.get(number)) return *found;
  return Error{ErrorCode::kNotFound, "there is no precedent " + std::to_string(number)};
}

std::vector<Precedent> StoreRocksdb::list(FaultClass fault, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<Precedent> out;
  for (const auto* precedent : index_.list(fault, most)) out.push_back(*precedent);
  return out;
}

std::size_t StoreRocksdb::size() const {
  const std::lock_guard lock(mutex_);
  return index_.size();
}

}  // namespace holdfast::precedents
