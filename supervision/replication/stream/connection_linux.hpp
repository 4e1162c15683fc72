// Connection: whole frames over one Channel, on the hot loop. What is sent within a turn is
// collected and leaves in one write; what comes is read as far as it goes and handed on frame by
// frame. It knows no peers and decides nothing but that bytes which are no frame end it.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "supervision/replication/stream/channel_linux.hpp"
#include "supervision/replication/stream/codec_capnp.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::replication {

/// Why a connection ended by itself.
enum class EndCause : uint8_t { kClosed, kFailed, kGarbage, kOversize, kOverrun, kDenied };

/// What went through a connection.
struct Traffic {
  uint64_t bytes_in = 0, bytes_out = 0, frames_in = 0, frames_out = 0, writes = 0;
  Traffic& operator+=(const Traffic& other);
};

class Connection;

/// Hears of a connection's frames and of its end, on the loop. It may close the connection.
class ConnectionUser {
 public:
  virtual ~ConnectionUser() = default;
  virtual void on_frame(Connection& connection, Frame&& frame) = 0;
  /// Comes once, and never after close().
  virtual void on_end(Connection& connection, EndCause cause, const std::string& why) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// The user and the loop must outlive it, or it is closed before they go.
  static std::shared_ptr<Connection> make(EventLoop& loop, std::unique_ptr<Channel> channel,
                                          ConnectionUser& user);
  /// Use make().
  Connection(EventLoop& loop, std::unique_ptr<Channel> channel, ConnectionUser& user);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The user's own: what this connection is to it.
  enum class Standing : uint8_t { kStranger, kGreeting, kLinked };
  Standing standing = Standing::kStranger;
  uint64_t whose = 0;

  /// Frames larger than this end the connection.
  void frame_bytes_max(std::size_t bytes) { frame_bytes_max_ = bytes; }
  /// More unsent bytes than this end the connection.
  void unsent_bytes_max(std::size_t bytes) { unsent_bytes_max_ = bytes; }

  /// The buffer to append one frame to; then queued().
  Bytes& room();
  /// What room() was asked for is complete: leaves by flush(). False: too much is unsent, and the
  /// caller closes the connection.
  bool queued();
  /// Offers what is queued to the socket. Calls no event: a failure is told in a later turn.
  void flush();
  std::size_t unsent() const { return unsent_; }

  /// Stops (or goes on) reading.
  void pause(bool paused);
  /// Ends it; no event follows. `reset`: what is queued is not sent.
  void close(bool reset);
  bool open() const { return channel_ != nullptr; }
  /// Channel::names(); after a frame has come.
  bool names(const std::string& name) const { return channel_ && channel_->names(name); }

  const std::string& peer() const { return peer_; }
  const Traffic& traffic() const { return traffic_; }

 private:
  void ready(uint32_t events);
  void fill();
  void drain();
  void cut_frames();
  void end(EndCause cause, const std::string& text);
  void end_with(const Moved& moved, const char* what);
  void watch();

  EventLoop& loop_;
  std::unique_ptr<Channel> channel_;
  ConnectionUser& user_;
  std::string peer_;
  Traffic traffic_;
  std::size_t frame_bytes_max_ = limits::kStreamHelloBytesMax;
  std::size_t unsent_bytes_max_ = limits::kStreamUnsentBytesMax;
  Bytes in_;
  std::size_t in_at_ = 0, in_end_ = 0;
  std::deque<Bytes> out_;
  std::size_t out_at_ = 0;                // of the first, taken by the socket
  std::size_t unsent_ = 0, counted_ = 0;  // `counted_`: bytes of the last that are in `unsent_`
  uint32_t watched_ = 0;
  bool paused_ = false, broken_ = false;
};

}  // namespace holdfast::replication
