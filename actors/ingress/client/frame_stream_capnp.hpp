// FrameStream: Cap'n Proto messages over one non-blocking connection. It reads as much as the
// socket has with one system call and cuts messages out of it; it collects what is written and
// sends it with one system call at the end of the loop's turn. Both directions are bounded: a
// message that is too long, a peer that does not read, or one that leaves its answers open, ends
// the connection with a named cause. It knows nothing of sessions and orders.
#pragma once

#include <capnp/serialize-async.h>
#include <kj/async.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "actors/ingress/client/close_cause.hpp"
#include "actors/ingress/client/poller.hpp"
#include "actors/ingress/client/transport.hpp"
#include "messages/limits.hpp"

namespace holdfast::client {

/// The bounds of one connection.
struct FrameLimits {
  std::size_t message_words = limits::kRpcTraversalWords;
  std::size_t unsent_bytes = limits::kRpcUnsentBytesMax;
  std::size_t open_answers = 0;  // calls that the peer has not finished; 0: not counted
};

// The library's interface has no virtual destructor; nobody deletes a stream through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
/// One connection's messages. Lives and dies on its poller's thread.
class FrameStream final : public capnp::MessageStream, private Flushable {
 public:
  using Closed = std::function<void(CloseCause cause, const std::string& text)>;

  FrameStream(Poller& poller, std::unique_ptr<Transport> transport, FrameLimits bounds = {});
  ~FrameStream() noexcept override;

  /// Hears once of the end of the connection, whoever caused it. May not destroy the stream.
  void on_closed(Closed closed) { closed_callback_ = std::move(closed); }
  /// Ends the connection now; what is unsent is dropped. Later calls are ignored.
  void close(CloseCause cause, const std::string& text);
  bool closed() const { return closed_; }
  /// Sends what waits for company. Every now and then.
  void flush_waiting();

  uint64_t bytes_received() const { return bytes_received_; }
  uint64_t messages_received() const { return messages_received_; }
  uint64_t writes() const { return writes_; }  // system calls
  std::size_t unsent() const { return out_.size() - out_at_; }

  // -- capnp::MessageStream
  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(
      kj::ArrayPtr<kj::AutoCloseFd> fds, capnp::ReaderOptions options,
      kj::ArrayPtr<capnp::word> scratch) override;
  kj::Promise<void> writeMessage(
      kj::ArrayPtr<const int> fds,
      kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override;
  kj::Promise<void> writeMessages(
      kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override;
  kj::Maybe<int> getSendBufferSize() override { return nullptr; }
  /// What the RPC system calls when it gives up on the other side: closes when all is sent.
  kj::Promise<void> end() override;

 private:
  using Message = kj::Maybe<capnp::MessageReaderAndFds>;
  void ready(uint32_t events);
  void fill();
  void flush() override;
  enum class Asked : uint8_t { kNot, kBeforeSleep, kNow };
  void ask_flush(Asked when);
  void update_watch();
  /// The next whole message, nothing, or an exception after closing.
  kj::Maybe<kj::Own<capnp::MessageReader>> cut();
  void count_answers(capnp::MessageReader& message);
  kj::Exception disconnected() const;
  void serve_reader();
  template <typename F>
  void answer_reader(F&& answer);
  void append(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments);

  Poller& poller_;
  std::unique_ptr<Transport> transport_;
  const FrameLimits bounds_;
  Closed closed_callback_;

  std::vector<std::byte> in_;
  std::size_t in_at_ = 0, in_end_ = 0;  // what is unread: [in_at_, in_end_)
  std::size_t need_ = 8;                // unread bytes before a message can be whole
  bool peer_done_ = false;              // the peer has closed in order
  kj::Maybe<kj::Own<kj::PromiseFulfiller<Message>>> reader_;
  capnp::ReaderOptions reader_options_;

  std::vector<std::byte> out_;
  std::size_t out_at_ = 0;
  Asked asked_ = Asked::kNot;      // for a flush
  std::size_t waiting_ = 0;        // messages that nobody is in a hurry for
  bool want_write_ = false;        // the socket is full, or TLS wants to write
  bool read_wants_write_ = false;  // a TLS handshake in the middle of a read
  bool ending_ = false;            // close once all is sent
  uint32_t watched_ = 0;

  std::size_t open_answers_ = 0;
  uint64_t bytes_received_ = 0, messages_received_ = 0, writes_ = 0;
  bool closed_ = false;
  std::string closed_text_;
};
#pragma GCC diagnostic pop

}  // namespace holdfast::client
