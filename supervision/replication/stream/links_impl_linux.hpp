// What is behind Links: what it keeps for each peer and each stranger, and its steps, which
// links_meeting_linux.cpp (finding each other) and links_linux.cpp (being linked) hold. For these
// two only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "supervision/replication/stream/address_linux.hpp"
#include "supervision/replication/stream/connection_linux.hpp"
#include "supervision/replication/stream/links_linux.hpp"
#include "supervision/replication/stream/tls_linux.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast::replication {

/// Lets one of many like lines through each second, with the number of those held back.
class LineLimit {
 public:
  /// The line to say now, or nothing.
  std::string pass(const std::string& line, MonoTime now) {
    if (said_ && now - at_ < Duration::seconds(1)) {
      ++held_;
      return {};
    }
    said_ = true;
    at_ = now;
    const auto held = std::exchange(held_, 0);
    return held == 0 ? line : line + " (and " + std::to_string(held) + " like it before)";
  }

 private:
  bool said_ = false;
  MonoTime at_;
  uint64_t held_ = 0;
};

/// One peer: linked, or being looked for.
struct Peer {
  PeerAddress address;
  SocketAddress socket;
  bool dials = false;  // we do; else it does and we only probe

  std::shared_ptr<Connection> link;  // its hello was taken
  Hello hello;
  bool down_owed = false;  // the link ended inside a call: down() follows

  int connecting = -1;  // a socket that connects
  TimerId connect_limit;
  std::shared_ptr<Connection> greeting;  // dialled, waits for the peer's hello
  TimerId hello_limit;
  TimerId again;
  Duration wait;

  bool gone = false;
  MonoTime since;
  Traffic before;  // of ended links
  LinkStats counts;
  LineLimit ends, fails, refusals;
};

/// For lines.
inline std::string name_of(MemberId member) { return "member " + std::to_string(member.value); }

class Links::Impl final : public ConnectionUser {
 public:
  Impl(EventLoop& loop, LinkSettings settings, Hooks hooks)
      : loop_(loop), settings_(std::move(settings)), hooks_(std::move(hooks)) {}
  ~Impl() override;

  Result<uint16_t> start();
  template <typename Encode>
  void send(MemberId to, Encode&& encode);
  void flush();
  void cut(MemberId member);
  Peer* find(MemberId member);
  LinkStats stats(MemberId member);
  void on_frame(Connection& connection, Frame&& frame) override;
  void on_end(Connection& connection, EndCause cause, const std::string& why) override;
  LinkRefusals refusals;

 private:
  /// An accepted connection without a hello.
  struct Stranger {
    std::shared_ptr<Connection> connection;
    TimerId limit;
  };

  Result<> check_settings();
  Hello hello();

  // looking for a peer
  void look(Peer& peer);
  void connect_event(Peer& peer);
  void connect_done(Peer& peer, Connecting how, int error);
  void stop_connecting(Peer& peer, bool keep_socket);
  void look_again(Peer& peer);
  void greet(Peer& peer, int fd);
  void greeting_over(Peer& peer);
  void is_gone(Peer& peer);

  // strangers
  void accept_all();
  void admit(int fd);
  void stranger_over(uint64_t id);
  void stranger_speaks(Connection& connection, Frame&& frame);
  void peer_answers(Peer& peer, Connection& connection, Frame&& frame);
  bool acceptable(const Connection& connection, const Hello& theirs, const Peer* dialled);
  void refuse(uint64_t& count, const Connection& connection, MemberId claimed,
              const std::string& why, bool alarm);
  void count_end(EndCause cause);

  // linked
  void link(Peer& peer, std::shared_ptr<Connection> connection, Hello&& theirs);
  void linked_frame(Peer& peer, Frame&& frame);
  void end_link(Peer& peer, const std::string& why, bool alarm);
  /// From an event: down() is said now.
  void unlink(Peer& peer, const std::string& why, bool alarm);
  /// From inside a call: down() is said at the end of the turn.
  void drop(Peer& peer, const std::string& why, bool alarm);
  void lost(Peer& peer);
  void say_down(Peer& peer, bool gone);
  void report(LineLimit& limit, const std::string& line, bool alarm);

  EventLoop& loop_;
  LinkSettings settings_;
  Hooks hooks_;
  std::shared_ptr<const TlsContexts> tls_;  // none on loopback
  ProcessId process_;
  int listening_ = -1;
  std::map<MemberId, Peer> peers_;  // never changes after start(): references stay good
  std::map<uint64_t, Stranger> strangers_;
  uint64_t last_stranger_ = 0;
  bool flush_due_ = false;
  LineLimit refusal_lines_, accept_lines_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is deferred
};

}  // namespace holdfast::replication
