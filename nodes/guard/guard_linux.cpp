#include "nodes/guard/guard_linux.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "messages/check.hpp"
#include "supervision/runtime/progress_file_linux.hpp"

namespace holdfast {

namespace {

sigset_t handled_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  return set;
}

constexpr int kGaveUpExit = 1;  // the root of the node's tree gave up

WallTime wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return {static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec};
}

// Often enough to see a hang a tenth late at most, seldom enough to cost nothing.
Duration sample_interval(Duration hang_timeout) {
  return std::clamp(Duration{hang_timeout.ns / 10}, Duration::milliseconds(5),
                    Duration::milliseconds(500));
}

std::string utc_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1'000'000);
  return text;
}

}  // namespace

Result<std::unique_ptr<Guard>> Guard::open(GuardSettings settings) {
  if (settings.hang_timeout.ns != 0 && settings.hang_timeout < Duration::milliseconds(50))
    return Error{ErrorCode::kInvalid, "the hang timeout is at least 50 ms, or 0 for none"};
  if (::mkdir(settings.state_dir.c_str(), 0700) != 0 && errno != EEXIST)
    return Error{ErrorCode::kIo, "can't make the state directory " + settings.state_dir + ": " +
                                     std::strerror(errno)};
  const std::string lock_path = settings.state_dir + "/guard.lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0)
    return Error{ErrorCode::kIo, "can't open " + lock_path + ": " + std::strerror(errno)};
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Error{ErrorCode::kConflict, "another guard has " + settings.state_dir +
                                           " (holdfast-guard status shows what it does)"};
  }
  auto fail = [&](const Error& error) {
    ::close(lock);
    return error;
  };
  auto token = ensure_token(settings.state_dir);
  if (!token.ok()) return fail(token.error());
  std::optional<NodeLog> log;
  if (!settings.foreground_logs) {
    auto opened = NodeLog::open(settings.state_dir + "/node.log", settings.log_bytes_max);
    if (!opened.ok()) return fail(opened.error());
    log.emplace(std::move(opened).value());
  }
  std::unique_ptr<Guard> guard(new Guard(std::move(settings), lock, std::move(log)));
  auto listening = guard->open_control(std::move(token).value());
  if (!listening.ok()) return listening.error();
  return guard;
}

Guard::Guard(GuardSettings settings, int lock, std::optional<NodeLog> log)
    : settings_(std::move(settings)),
      lock_(lock),
      log_(std::move(log)),
      core_(settings_.policy),
      hangs_(std::max(settings_.hang_timeout, Duration::milliseconds(50)),
             sample_interval(settings_.hang_timeout)),
      events_(in_state_dir("guard.events")),
      random_(std::random_device{}()) {}

Guard::~Guard() {
  control_.reset();
  loop_.close();
  ::close(lock_);
}

Result<> Guard::open_control(std::string token) {
  auto control =
      ControlServer::open(loop_, settings_.state_dir, std::move(token),
                          [this](const nlohmann::json& request, ControlServer::Answer answer) {
                            command(request, std::move(answer));
                          });
  if (!control.ok()) return control.error();
  control_ = std::move(control).value();
  return success();
}

void Guard::block_signals() {
  const sigset_t set = handled_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

int Guard::run() {
  const sigset_t set = handled_signals();
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  CHECK(signals >= 0);
  loop_.add_fd(signals, EPOLLIN, [this, signals](uint32_t) {
    signalfd_siginfo info{};
    while (::read(signals, &info, sizeof info) > 0) {
    }
    obey(core_.stop(loop_.now()));
  });
  const bool adopted = node_.adopt(in_state_dir("node.json"));
  if (adopted) watch_node();
  obey(core_.start(adopted, loop_.now()));
  const Duration interval = sample_interval(settings_.hang_timeout);
  std::function<void()> again = [&] {
    sample();
    loop_.at(loop_.now() + interval, again);
  };
  again();
  if (!code_) loop_.run();
  loop_.remove_fd(signals);
  ::close(signals);
  return code_.value_or(1);
}

void Guard::obey(GuardDecisions decisions) {
  for (auto& decision : decisions) {
    switch (decision.kind) {
      case GuardDecision::Kind::kSpawn:
        spawn();
        break;
      case GuardDecision::Kind::kKill:
        killed_at_ = loop_.now();
        node_.kill();
        break;
      case GuardDecision::Kind::kTerminate:
        node_.terminate();
        break;
      case GuardDecision::Kind::kReport:
        if (decision.event == "node_hangs" || decision.event == "node_fenced") {
          record(decision.event == "node_hangs" ? "node_hung" : decision.event, decision.text);
          explained_ = node_.id().pid > 0;
        }
        if (decision.event == "node_restarts_too_often" || decision.event == "node_start_failed")
          record("node_unstable", decision.text);
        log(decision.event, decision.text, decision.alarm);
        break;
      case GuardDecision::Kind::kExit:
        code_ = decision.code;
        for (auto& answer : std::exchange(waiting_for_end_, {}))
          answer({{"ok", true}, {"state", "done"}, {"last_exit", core_.last_exit()}});
        loop_.stop();
        break;
    }
  }
  arm();
}

void Guard::spawn() {
  NodeCommand command;
  command.arguments = {settings_.node_binary, "--config", settings_.config};
  command.arguments.insert(command.arguments.end(), settings_.node_arguments.begin(),
                           settings_.node_arguments.end());
  const std::string progress = in_state_dir("progress");
  ::unlink(progress.c_str());
  (void)events_.take_last_words();
  explained_ = false;
  command.environment = {std::string(kProgressFileVariable) + "=" + progress,
                         std::string(kGuardEventsVariable) + "=" + events_.path()};
  command.environment.insert(command.environment.end(), settings_.node_environment.begin(),
                             settings_.node_environment.end());
  command.record = in_state_dir("node.json");
  command.output = log_ ? log_->fd() : -1;
  const auto spawned = node_.spawn(command);
  if (!spawned.ok()) return obey(core_.spawn_failed(spawned.error().text, loop_.now(), random_()));
  watch_node();
  obey(core_.node_started(loop_.now()));
}

void Guard::watch_node() {
  last_node_ = node_.id();
  node_since_ = loop_.now();
  hangs_.reset();
  progress_ = "absent";
  loop_.add_fd(node_.fd(), EPOLLIN, [this](uint32_t) { node_ended(); });
}

void Guard::node_ended() {
  const int fd = node_.fd();
  const auto exit = node_.reap();
  if (!exit) return;
  loop_.remove_fd(fd);
  const MonoTime now = loop_.now();
  for (auto& answer : std::exchange(waiting_for_death_, {}))
    answer({{"ok", true},
            {"pid", last_node_.pid},
            {"start_ticks", last_node_.start_ticks},
            {"dead", true},
            {"took_us", (now - killed_at_).us()}});
  record_end(*exit);
  obey(core_.node_exited(*exit, now, random_()));
}

/// An end that nobody asked for.
void Guard::record_end(const NodeExit& exit) {
  const bool asked = core_.state() == GuardState::kStopping ||
                     (exit.kind == NodeExit::Kind::kCode && exit.value == 0);
  if (asked || std::exchange(explained_, false)) return;
  const std::string words = events_.take_last_words();
  const std::string text = to_string(exit) + (words.empty() ? "" : ": " + words);
  const bool gave_up = exit.kind == NodeExit::Kind::kCode && exit.value == kGaveUpExit;
  // Its code can't be learnt of one that was adopted; its last words can.
  record(gave_up || !words.empty() ? "node_gave_up" : "node_died", text);
}

void Guard::record(const std::string& event, const std::string& text) {
  if (!events_.record(wall_now(), event, text))
    log("event_not_kept", event + ": can't write " + events_.path(), false);
}

void Guard::sample() {
  if (log_ && log_->rotate_if_long()) log("node_log_rotated", log_->path(), false);
  if (core_.state() != GuardState::kRunning || settings_.hang_timeout.ns == 0) return;
  const auto sample = read_progress(in_state_dir("progress"));
  if (!sample.ok()) {
    progress_ = sample.error().code == ErrorCode::kNotFound ? "absent" : sample.error().text;
    return;
  }
  if (!(sample.value().process == node_.id())) {
    progress_ = "of another process";
    return;
  }
  progress_ = "watched";
  loops_ = sample.value().loops;
  if (const auto hung = hangs_.sample(loop_.now(), sample.value().counters))
    obey(core_.hung(loops_[*hung], loop_.now()));
}

void Guard::arm() {
  loop_.cancel(timer_);
  timer_ = {};
  if (const auto next = core_.next_deadline(); next && !code_)
    timer_ = loop_.at(*next, [this] { obey(core_.tick(loop_.now())); });
}

void Guard::command(const nlohmann::json& request, ControlServer::Answer answer) {
  const std::string name = request["command"];
  const std::string reason = request.value("reason", std::string("no reason given"));
  auto refuse = [&](const std::string& why) { answer({{"ok", false}, {"error", why}}); };
  if (name == "status") return answer(status());
  if (name == "stop") {
    waiting_for_end_.push_back(std::move(answer));
    return obey(core_.stop(loop_.now()));
  }
  if (name == "start") {
    auto decisions = core_.resume(loop_.now());
    if (!decisions.ok()) return refuse(decisions.error().text);
    obey(std::move(decisions).value());
    return answer({{"ok", true}, {"state", to_string(core_.state())}});
  }
  if (name == "fence") {
    auto decisions = core_.fence(request.value("hold", false), reason, loop_.now());
    if (!decisions.ok()) return refuse(decisions.error().text);
    // The answer is proof of death, so it waits for it.
    if (core_.state() == GuardState::kKilling)
      waiting_for_death_.push_back(std::move(answer));
    else
      answer({{"ok", true},
              {"pid", last_node_.pid},
              {"start_ticks", last_node_.start_ticks},
              {"dead", true},
              {"took_us", 0}});
    return obey(std::move(decisions).value());
  }
  refuse("unknown command '" + name + "'; there are: status, fence, start, stop");
}

nlohmann::json Guard::status() {
  const MonoTime now = loop_.now();
  nlohmann::json status = {{"ok", true},
                           {"state", to_string(core_.state())},
                           {"guard_pid", ::getpid()},
                           {"node_pid", node_.id().pid},
                           {"node_start_ticks", node_.id().start_ticks},
                           {"adopted", node_.adopted()},
                           {"watched_ms", node_.id() ? (now - node_since_).ms() : 0},
                           {"restarts", core_.restarts()},
                           {"hangs", core_.hangs()},
                           {"fences", core_.fences()},
                           {"refused_commands", control_->refused()},
                           {"last_exit", core_.last_exit()},
                           {"progress", progress_},
                           {"log", log_ ? log_->path() : "inherited"}};
  if (const auto next = core_.next_deadline())
    status["next_action_ms"] = std::max<int64_t>(0, (*next - now).ms());
  auto loops = nlohmann::json::array();
  for (std::size_t i = 0; i < loops_.size() && i < hangs_.stalled().size(); ++i)
    loops.push_back({{"name", loops_[i]}, {"stalled_ms", hangs_.stalled()[i].ms()}});
  status["loops"] = loops;
  return status;
}

void Guard::log(const std::string& event, const std::string& text, bool alarm) {
  std::fprintf(stderr, "%s guard %s event=%s node_pid=%d%s%s\n", utc_now().c_str(),
               alarm ? "ALARM" : "info", event.c_str(), node_.id().pid, text.empty() ? "" : " ",
               text.c_str());
}

}  // namespace holdfast
