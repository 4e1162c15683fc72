#include "supervision/replication/arbiter/etcd_etcd.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <random>

#include "messages/limits.hpp"
#include "supervision/replication/arbiter/etcd_calls_etcd.hpp"
#include "supervision/replication/arbiter/etcd_watch_etcd.hpp"

namespace holdfast::replication {

namespace {
using etcd::Clock;
using etcd::Completion;
namespace pb = etcd::pb;

constexpr auto kRestartPause = std::chrono::milliseconds(10);  // a watch that ends again at once
constexpr auto kRecoverPause = Duration::milliseconds(200);    // after a probe that failed

Clock::duration span(Duration d) { return std::chrono::nanoseconds(d.ns); }
std::string number(uint64_t value) { return std::to_string(value); }

/// Told apart from every other process's, by chance alone.
std::string random_mark() {
  std::random_device device;
  std::string mark;
  for (int i = 0; i < 4; ++i) mark += number(device()) + "-";
  return mark;
}

struct ReadCall : etcd::Call {
  GroupId group;
  Arbiter::ReadCallback answer;
};

struct CasCall : etcd::Call {
  GroupRecord proposed;
  uint64_t expected = 0;
  std::optional<std::string> base;  // the stored text that has the expected version
  std::string mark;                 // written beside the record: this call and no other did it
  Arbiter::CasCallback answer;
};

class EtcdArbiter final : public Arbiter {
 public:
  EtcdArbiter(EtcdSettings settings, Post post, etcd::Endpoints endpoints)
      : settings_(std::move(settings)),
        post_(std::move(post)),
        keys_(settings_.key_prefix + "/" + settings_.cluster + "/groups/"),
        marks_(settings_.key_prefix + "/" + settings_.cluster + "/writers/"),
        keys_end_(keys_.substr(0, keys_.size() - 1) + static_cast<char>('/' + 1)),
        calls_(std::move(endpoints), settings_,
               {.contact = [this](const std::string& address) { contact(address); },
                .trouble = [this](const Error& error) { trouble(error); },
                .late = [this] { count(&ArbiterStats::late); },
                .timers = [this] { return run_timers(); },
                .stopped = [this] { cancel_watch(); }}) {
    stats_.engine = "etcd " + calls_.endpoint(0).address;
    calls_.start();
  }

  ~EtcdArbiter() override { calls_.stop(); }

  void read(GroupId group, ReadCallback done) override {
    auto call = std::make_shared<ReadCall>();
    call->group = group;
    call->answer = std::move(done);
    count(&ArbiterStats::reads);
    if (!admit()) {
      count(&ArbiterStats::read_errors);
      return post_([call] { call->answer(too_many()); });
    }
    call->deadline = Clock::now() + span(settings_.deadline);
    calls_.post([this, call] { begin(call); });
  }

  using Arbiter::compare_and_set;
  void compare_and_set(const GroupRecord& proposed, uint64_t expected, std::optional<Victim> victim,
                       CasCallback done) override {
    auto call = std::make_shared<CasCall>();
    call->proposed = proposed;
    call->expected = expected;
    call->answer = std::move(done);
    count(&ArbiterStats::cas);
    auto valid = check_proposal(*call, victim.has_value());
    if (valid.ok() && !admit()) valid = too_many();
    if (!valid.ok()) return tell_caller(call, refused(valid.error()));
    call->deadline = Clock::now() + span(settings_.deadline);
    calls_.post([this, call] { begin(call); });
  }

  void watch(GroupId group, WatchCallback changed) override {
    {
      const std::lock_guard hold(mutex_);
      watches_[group] = Watch{std::make_shared<WatchCallback>(std::move(changed)), 0};
    }
    // A probe that is under way may have passed this group by: one more after it.
    calls_.post([this] {
      next_probe_ = Clock::now();
      probe_again_ = probe_ != nullptr;
    });
  }

  void unwatch(GroupId group) override {
    const std::lock_guard hold(mutex_);
    watches_.erase(group);
  }

  bool fences() const override { return false; }

  ArbiterStats stats() const override {
    const std::lock_guard hold(mutex_);
    return stats_;
  }

 private:
  struct Watch {
    std::shared_ptr<WatchCallback> changed;
    uint64_t told = 0;  // the version last told
  };
  struct Known {
    uint64_t version = 0;
    std::string text;
  };

  // ---- callers

  static Error too_many() {
    return {ErrorCode::kFull, number(limits::kArbiterCallsMax) + " calls wait already"};
  }
  static CasResult refused(Error error) {
    return {CasOutcome::kRefused, std::nullopt, std::move(error)};
  }

  bool admit() {
    const std::lock_guard hold(mutex_);
    if (stats_.calls_waiting >= limits::kArbiterCallsMax) return false;
    ++stats_.calls_waiting;
    return true;
  }

  void tell_caller(const std::shared_ptr<CasCall>& call, CasResult result) {
    {
      const std::lock_guard hold(mutex_);
      switch (result.outcome) {
        case CasOutcome::kWon:
          ++stats_.won;
          break;
        case CasOutcome::kLost:
          ++stats_.lost;
          break;
        case CasOutcome::kUnknown:
          ++stats_.unknown;
          break;
        case CasOutcome::kRefused:
          ++stats_.refused;
          stats_.last_error = result.error.text;
          break;
      }
    }
    post_([call, result = std::move(result)]() mutable { call->answer(std::move(result)); });
  }

  void answer(const std::shared_ptr<CasCall>& call, CasResult result) {
    finish(call);
    tell_caller(call, std::move(result));
  }

  void answer(const std::shared_ptr<ReadCall>& call, Result<std::optional<GroupRecord>> result) {
    finish(call);
    if (!result.ok()) {
      const std::lock_guard hold(mutex_);
      ++stats_.read_errors;
      stats_.last_error = result.error().text;
    }
    post_([call, result = std::move(result)]() mutable { call->answer(std::move(result)); });
  }

  void finish(const etcd::CallPtr& call) {
    calls_.done(call);
    const std::lock_guard hold(mutex_);
    --stats_.calls_waiting;
  }

  Result<> check_proposal(const CasCall& call, bool victim) const {
    if (auto valid = check_record(call.proposed); !valid.ok())
      return Error{ErrorCode::kInvalid, "the proposed record: " + valid.error().text};
    if (call.proposed.cluster != settings_.cluster)
      return Error{ErrorCode::kDenied, "the proposed record is of cluster " +
                                           call.proposed.cluster + ", not " + settings_.cluster};
    if (call.proposed.version != call.expected + 1)
      return Error{ErrorCode::kInvalid,
                   "the proposed record has version " + number(call.proposed.version) +
                       ", which is not one more than the expected " + number(call.expected)};
    if (victim)
      return Error{ErrorCode::kInvalid,
                   "etcd kills no process: only the arbiter of one machine can"};
    return success();
  }

  void count(uint64_t ArbiterStats::*what) {
    const std::lock_guard hold(mutex_);
    ++(stats_.*what);
  }
  void contact(const std::string& address) {
    const std::lock_guard hold(mutex_);
    stats_.healthy = true;
    stats_.last_ok.ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
            .count();
    stats_.engine = "etcd " + address;
  }
  void trouble(const Error& error) {
    const std::lock_guard hold(mutex_);
    stats_.last_error = error.text;
    stats_.healthy = false;
  }

  // ---- records

  std::string key_of(GroupId group) const { return keys_ + number(group.value); }
  std::string mark_of(GroupId group) const { return marks_ + number(group.value); }

  /// The record in a value, checked; remembers its text for the next comparison.
  Result<GroupRecord> decode(GroupId group, const pb::KeyValue& kv) {
    auto record = decode_record(kv.value());
    if (!record.ok()) {
      const std::lock_guard hold(mutex_);
      ++stats_.invalid_records;
      return Error{record.error().code, kv.key() + ": " + record.error().text};
    }
    if (record.value().cluster != settings_.cluster || record.value().group != group) {
      const std::lock_guard hold(mutex_);
      ++stats_.foreign_records;
      return Error{ErrorCode::kDenied, kv.key() + ": is group " +
                                           number(record.value().group.value) + " of cluster " +
                                           record.value().cluster + ", not ours"};
    }
    known_[group] = {record.value().version, kv.value()};
    return record;
  }

  /// If there is one and it is sound. kNotFound: there is none.
  Result<GroupRecord> decode(GroupId group, const pb::RangeResponse& range) {
    if (range.kvs().empty()) return Error{ErrorCode::kNotFound, "no record"};
    return decode(group, range.kvs(0));
  }

  /// Asks for a range of keys; the closures it makes live as long as the call.
  void send_range(const etcd::CallPtr& call, std::size_t at, const std::string& key,
                  const std::string& range_end,
                  std::function<void(const pb::RangeResponse&)> answered) {
    pb::RangeRequest request;
    request.set_key(key);
    request.set_range_end(range_end);
    calls_.remote<pb::RangeResponse>(
        call, at,
        [&](auto* context) {
          return calls_.endpoint(at).kv->AsyncRange(context, request, &calls_.queue());
        },
        std::move(answered));
  }

  // ---- read

  void begin(const std::shared_ptr<ReadCall>& call) {
    call->send = [this, weak = std::weak_ptr(call)](std::size_t at) {
      const auto call = weak.lock();
      send_range(call, at, key_of(call->group), "", [this, call](const pb::RangeResponse& range) {
        auto record = decode(call->group, range);
        if (record.ok())
          answer(call, std::optional(std::move(record.value())));
        else if (record.error().code == ErrorCode::kNotFound)
          answer(call, std::optional<GroupRecord>{});
        else
          answer(call, record.error());
      });
    };
    call->failed = [this, weak = std::weak_ptr(call)](Error error) {
      answer(weak.lock(), std::move(error));
    };
    calls_.begin(call);
  }

  // ---- compare and set: a transaction on top of the text that has the expected version

  void begin(const std::shared_ptr<CasCall>& call) {
    call->send = [this, weak = std::weak_ptr(call)](std::size_t at) { send(weak.lock(), at); };
    call->failed = [this, weak = std::weak_ptr(call)](Error error) {
      const auto call = weak.lock();
      const auto outcome = call->is_unknown() ? CasOutcome::kUnknown : CasOutcome::kRefused;
      answer(call, CasResult{outcome, std::nullopt, std::move(error)});
    };
    call->mark = own_mark_ + std::to_string(++marks_made_);
    call->writes = call->expected == 0;
    const auto known = known_.find(call->proposed.group);
    const bool is_known = known != known_.end() && known->second.version == call->expected;
    if (is_known && call->expected > 0 && !build_on(call, known->second.text)) return;
    calls_.begin(call);
  }

  void send(const std::shared_ptr<CasCall>& call, std::size_t at) {
    const GroupId group = call->proposed.group;
    if (!call->writes) {
      return send_range(call, at, key_of(group), "", [this, call](const pb::RangeResponse& range) {
        if (!call->writes) compare(call, range);
      });
    }
    calls_.remote<pb::TxnResponse>(
        call, at,
        [&](auto* context) {
          return calls_.endpoint(at).kv->AsyncTxn(context, transaction(*call), &calls_.queue());
        },
        [this, call](const pb::TxnResponse& response) { on_transaction(call, response); });
  }

  pb::TxnRequest transaction(const CasCall& call) const {
    pb::TxnRequest request;
    const std::string key = key_of(call.proposed.group);
    auto* compare = request.add_compare();
    compare->set_key(key);
    if (call.base) {
      compare->set_target(pb::Compare::VALUE);
      compare->set_value(*call.base);
    } else {
      compare->set_target(pb::Compare::CREATE);
      compare->set_create_revision(0);
    }
    auto* put = request.add_success()->mutable_request_put();
    put->set_key(key);
    put->set_value(encode_record(call.proposed));
    auto* mark = request.add_success()->mutable_request_put();
    mark->set_key(mark_of(call.proposed.group));
    mark->set_value(call.mark);
    request.add_failure()->mutable_request_range()->set_key(key);
    request.add_failure()->mutable_request_range()->set_key(mark_of(call.proposed.group));
    return request;
  }

  void on_transaction(const std::shared_ptr<CasCall>& call, const pb::TxnResponse& response) {
    if (response.succeeded()) {
      known_[call->proposed.group] = {call->proposed.version, encode_record(call->proposed)};
      return answer(call, CasResult{CasOutcome::kWon, call->proposed, {}});
    }
    const auto range = [&](int i) {
      return i < response.responses_size() ? response.responses(i).response_range()
                                           : pb::RangeResponse{};
    };
    // An earlier attempt of this call, which did not answer, or not in time, has written it.
    const auto marks = range(1);
    if (!marks.kvs().empty() && marks.kvs(0).value() == call->mark) {
      const auto current = decode(call->proposed.group, range(0));
      if (current.ok() && current.value() == call->proposed)
        return answer(call, CasResult{CasOutcome::kWon, call->proposed, {}});
    }
    compare(call, range(0));
  }

  /// What stands is not what was assumed, or was not known yet: lost, or try on top of it.
  void compare(const std::shared_ptr<CasCall>& call, const pb::RangeResponse& range) {
    auto current = decode(call->proposed.group, range);
    if (!current.ok() && current.error().code != ErrorCode::kNotFound) {
      const auto outcome = call->is_unknown() ? CasOutcome::kUnknown : CasOutcome::kRefused;
      return answer(call, CasResult{outcome, std::nullopt, current.error()});
    }
    if (!current.ok() || current.value().version != call->expected) {
      auto stands = current.ok() ? std::optional(current.value()) : std::nullopt;
      return answer(call, CasResult{CasOutcome::kLost, std::move(stands), {}});
    }
    if (build_on(call, range.kvs(0).value())) call->next_try = Clock::now();
  }

  /// Takes `text` for what is compared; answers the call if its proposal may not follow it.
  bool build_on(const std::shared_ptr<CasCall>& call, const std::string& text) {
    const auto base = decode_record(text);
    CHECK(base.ok());
    const auto allowed = check_step(base.value(), call->proposed);
    if (!allowed.ok()) {
      answer(call, refused({ErrorCode::kInvalid, "the proposed record: " + allowed.error().text}));
      return false;
    }
    call->base = text;
    call->writes = true;
    return true;
  }

  // ---- the probe, which reads all records, and the watch, which goes on from there

  Clock::time_point run_timers() {
    if (!probe_ && Clock::now() >= next_probe_) probe();
    return probe_ ? Clock::time_point::max() : next_probe_;
  }

  void probe() {
    if (stream_) {
      // Three probes without a sign of life: the member or the way to it is gone.
      if (Clock::now() - stream_->heard() > 3 * span(settings_.probe)) {
        cancel_watch();
        on_watch_ended("no sign of life on the watch");
      } else {
        stream_->ping();
      }
    }
    calls_.connect();
    const auto call = std::make_shared<etcd::Call>();
    probe_ = call;
    call->deadline = Clock::now() + span(settings_.deadline);
    call->send = [this, weak = std::weak_ptr(call)](std::size_t at) {
      const auto call = weak.lock();
      send_range(call, at, keys_, keys_end_, [this, call](const pb::RangeResponse& range) {
        end_probe(call, settings_.probe);
        for (const auto& kv : range.kvs()) tell(kv);
        if (!stream_) start_watch(range.header().revision() + 1);
      });
    };
    call->failed = [this, weak = std::weak_ptr(call)](const Error&) {
      end_probe(weak.lock(), std::min(settings_.probe, kRecoverPause));
    };
    calls_.begin(call);
  }

  void end_probe(const etcd::CallPtr& call, Duration pause) {
    calls_.done(call);
    probe_ = nullptr;
    next_probe_ =
        Clock::now() + (std::exchange(probe_again_, false) ? Clock::duration::zero() : span(pause));
  }

  void start_watch(int64_t from_revision) {
    const auto at = calls_.ready();
    if (!at) return;
    stream_ = std::make_shared<etcd::WatchStream>(
        etcd::WatchStream::Owner{
            .tag = [this](Completion completion) { return calls_.tag(std::move(completion)); },
            .put = [this](const pb::KeyValue& kv) { tell(kv); },
            .ended = [this](std::string why) { on_watch_ended(std::move(why)); }},
        keys_, keys_end_, from_revision);
    stream_->start(calls_.endpoint(*at), calls_.queue(), calls_.token());
  }

  void cancel_watch() {
    if (stream_) stream_->cancel();
    stream_ = nullptr;
  }

  /// Reads everything again at once, and starts the next stream where that answered.
  void on_watch_ended(std::string why) {
    stream_ = nullptr;
    const bool again = Clock::now() - last_restart_ < span(settings_.probe);
    last_restart_ = Clock::now();
    next_probe_ =
        last_restart_ + (again ? Clock::duration(kRestartPause) : Clock::duration::zero());
    probe_again_ = probe_ != nullptr;
    const std::lock_guard hold(mutex_);
    ++stats_.watch_restarts;
    stats_.last_error = std::move(why);
  }

  void tell(const pb::KeyValue& kv) {
    uint32_t value = 0;
    const char* start = kv.key().data() + keys_.size();
    const char* end = kv.key().data() + kv.key().size();
    const auto [stop, code] = std::from_chars(start, end, value);
    if (code != std::errc{} || stop != end) return;
    const GroupId group{value};
    auto record = decode(group, kv);
    if (!record.ok()) return;
    std::shared_ptr<WatchCallback> changed;
    {
      const std::lock_guard hold(mutex_);
      const auto found = watches_.find(group);
      if (found == watches_.end() || record.value().version <= found->second.told) return;
      found->second.told = record.value().version;
      ++stats_.watch_events;
      changed = found->second.changed;
    }
    post_([changed, record = std::move(record.value())] { (*changed)(record); });
  }

  const EtcdSettings settings_;
  const Post post_;
  const std::string keys_;      // the start of all records' keys
  const std::string marks_;     // the start of the keys that say which call wrote the record
  const std::string keys_end_;  // the first key behind them

  // The thread's own.
  std::map<GroupId, Known> known_;  // the texts last seen
  const std::string own_mark_ = random_mark();
  uint64_t marks_made_ = 0;
  etcd::CallPtr probe_;
  bool probe_again_ = false;  // at once, after the one that is under way
  Clock::time_point next_probe_ = Clock::now();
  std::shared_ptr<etcd::WatchStream> stream_;
  Clock::time_point last_restart_;

  mutable std::mutex mutex_;  // the next two
  std::map<GroupId, Watch> watches_;
  ArbiterStats stats_;

  etcd::Calls calls_;  // last: its thread uses all of the above
};
}  // namespace

Result<std::unique_ptr<Arbiter>> open_etcd_arbiter(EtcdSettings settings, Post post) {
  CHECK(post != nullptr);
  if (!is_cluster_name(settings.cluster))
    return Error{ErrorCode::kInvalid, "the cluster's name is not 1 to 32 of [A-Za-z0-9._-]"};
  if (settings.deadline <= settings.hedge_after)
    return Error{ErrorCode::kInvalid, "the arbiter's deadline must exceed its hedge_after"};
  auto endpoints = etcd::Endpoints::open(settings);
  if (!endpoints.ok()) return endpoints.error();
  return std::unique_ptr<Arbiter>(std::make_unique<EtcdArbiter>(
      std::move(settings), std::move(post), std::move(endpoints).value()));
}

}  // namespace holdfast::replication
