#include "actors/ingress/client/frame_stream_capnp.hpp"

#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <kj/debug.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holdfast::client {

namespace {

constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::size_t kWordBytes = sizeof(capnp::word);
constexpr uint32_t kSegmentsMax = 512;
/// A buffer that once had to be larger than this is given back when it is empty.
constexpr std::size_t kKeepBytes = 256u << 10;
/// So many messages that nobody is in a hurry for go out by themselves.
constexpr std::size_t kWaitingMax = 64;

capnp::rpc::Message::Which kind_of(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  capnp::SegmentArrayMessageReader message(segments);
  return message.getRoot<capnp::rpc::Message>().which();
}

uint32_t little_endian(const std::byte* at) {
  uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
static_assert(std::endian::native == std::endian::little, "Cap'n Proto's own byte order");

}  // namespace

FrameStream::FrameStream(Poller& poller, std::unique_ptr<Transport> transport, FrameLimits bounds)
    : poller_(poller), transport_(std::move(transport)), bounds_(bounds), in_(kReadBytes) {
  watched_ = EPOLLIN;
  poller_.watch(transport_->fd(), watched_, [this](uint32_t events) { ready(events); });
}

FrameStream::~FrameStream() noexcept {
  poller_.forget(this);
  if (transport_) poller_.unwatch(transport_->fd());
}

void FrameStream::close(CloseCause cause, const std::string& text) {
  if (closed_) return;
  closed_ = true;
  closed_text_ = text;
  poller_.forget(this);
  poller_.unwatch(transport_->fd());
  transport_.reset();
  out_ = {};
  out_at_ = 0;
  if (closed_callback_) closed_callback_(cause, text);
  serve_reader();
}

kj::Exception FrameStream::disconnected() const {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__,
                       kj::heapString(closed_text_.c_str()));
}

// ---- reading

void FrameStream::ready(uint32_t events) {
  if (read_wants_write_ || (events & EPOLLOUT) != 0) {
    read_wants_write_ = false;
    flush();
  }
  if (!closed_) fill();
  if (!closed_) update_watch();
}

void FrameStream::fill() {
  const std::size_t most = bounds_.message_words * kWordBytes + kReadBytes;
  bool more = true;
  while (more && !closed_ && !peer_done_) {
    if (in_end_ == in_.size() && in_at_ > 0) {
      std::memmove(in_.data(), in_.data() + in_at_, in_end_ - in_at_);
      in_end_ -= std::exchange(in_at_, 0);
    }
    if (in_end_ == in_.size()) {
      if (in_.size() >= most) break;  // the reader is behind: it calls again
      in_.resize(std::min(most, in_.size() * 2));
    }
    const auto got = transport_->read(std::span(in_).subspan(in_end_));
    switch (got.kind) {
      case Transferred::Kind::kBytes:
        in_end_ += got.bytes;
        bytes_received_ += got.bytes;
        more = in_end_ == in_.size() || transport_->buffered();
        serve_reader();
        break;
      case Transferred::Kind::kWantRead:
        more = false;
        break;
      case Transferred::Kind::kWantWrite:
        read_wants_write_ = true;
        more = false;
        break;
      case Transferred::Kind::kClosed:
        peer_done_ = true;
        if (in_at_ == in_end_) return close(CloseCause::kPeer, "closed by the other side");
        serve_reader();
        break;
      case Transferred::Kind::kFailed:
        return close(CloseCause::kPeer, got.error);
    }
  }
}

kj::Maybe<kj::Own<capnp::MessageReader>> FrameStream::cut() {
  const std::size_t unread = in_end_ - in_at_;
  if (closed_ || unread < need_) return nullptr;
  const std::byte* at = in_.data() + in_at_;
  const uint64_t segments = uint64_t{little_endian(at)} + 1;
  if (segments > kSegmentsMax) {
    close(CloseCause::kGarbage, "the bytes are no Cap'n Proto message");
    return nullptr;
  }
  const std::size_t table = (segments / 2 + 1) * kWordBytes;
  if (unread < table) {
    need_ = table;
    return nullptr;
  }
  uint64_t words = 0;
  for (uint64_t i = 0; i < segments; ++i) words += little_endian(at + 4 + 4 * i);
  if (words > bounds_.message_words) {
    close(CloseCause::kOversize,
          "a message of " + std::to_string(words * kWordBytes) + " bytes; at most " +
              std::to_string(bounds_.message_words * kWordBytes) + " are allowed");
    return nullptr;
  }
  const std::size_t size = table + words * kWordBytes;
  if (unread < size) {
    need_ = size;
    return nullptr;
  }
  auto copy = kj::heapArray<capnp::word>(size / kWordBytes);
  std::memcpy(copy.begin(), at, size);
  in_at_ += size;
  need_ = kWordBytes;
  if (in_at_ == in_end_) {
    in_at_ = in_end_ = 0;
    if (in_.size() > kKeepBytes) in_ = std::vector<std::byte>(kReadBytes);
  }
  ++messages_received_;
  auto reader = kj::heap<capnp::FlatArrayMessageReader>(copy, reader_options_);
  if (bounds_.open_answers > 0) count_answers(*reader);
  if (closed_) return nullptr;
  return kj::Own<capnp::MessageReader>(reader.attach(kj::mv(copy)));
}

// Each call keeps an entry (and its results) at our side until the caller says that it is finished.
// The library puts no bound on them.
void FrameStream::count_answers(capnp::MessageReader& message) {
  try {
    switch (message.getRoot<capnp::rpc::Message>().which()) {
      case capnp::rpc::Message::CALL:
      case capnp::rpc::Message::BOOTSTRAP:
        ++open_answers_;
        break;
      case capnp::rpc::Message::FINISH:
        if (open_answers_ > 0) --open_answers_;
        break;
      default:
        break;
    }
  } catch (const kj::Exception& e) {
    return close(CloseCause::kGarbage, e.getDescription().cStr());
  }
  if (open_answers_ > bounds_.open_answers)
    close(CloseCause::kOpenAnswers, "more than " + std::to_string(bounds_.open_answers) +
                                        " calls that the other side does not finish");
}

void FrameStream::serve_reader() {
  if (reader_ == nullptr) return;
  KJ_IF_MAYBE (message, cut()) {
    answer_reader([&](auto& waiting) {
      waiting.fulfill(Message(capnp::MessageReaderAndFds{kj::mv(*message), nullptr}));
    });
    return;
  }
  // What is left can never become whole. Closing comes back here.
  if (!closed_ && peer_done_)
    return close(CloseCause::kPeer, "closed by the other side in the middle of a message");
  if (closed_) answer_reader([&](auto& waiting) { waiting.reject(disconnected()); });
}

template <typename F>
void FrameStream::answer_reader(F&& answer) {
  KJ_IF_MAYBE (waiting, reader_) {
    auto fulfiller = kj::mv(*waiting);
    reader_ = nullptr;
    answer(*fulfiller);
  }
}

kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> FrameStream::tryReadMessage(
    kj::ArrayPtr<kj::AutoCloseFd>, capnp::ReaderOptions options, kj::ArrayPtr<capnp::word>) {
  reader_options_ = options;
  KJ_IF_MAYBE (message, cut()) {
    return Message(capnp::MessageReaderAndFds{kj::mv(*message), nullptr});
  }
  if (closed_) return disconnected();
  auto paf = kj::newPromiseAndFulfiller<Message>();
  reader_ = kj::mv(paf.fulfiller);
  if (peer_done_) {
    serve_reader();
  } else if (transport_->buffered()) {
    fill();
  }
  if (!closed_) update_watch();
  return kj::mv(paf.promise);
}

// ---- writing

void FrameStream::append(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  const auto put = [this](const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(from);
    out_.insert(out_.end(), bytes, bytes + size);
  };
  const auto number = [&](uint32_t value) { put(&value, sizeof value); };
  number(static_cast<uint32_t>(segments.size() - 1));
  for (const auto& segment : segments) number(static_cast<uint32_t>(segment.size()));
  if (segments.size() % 2 == 0) number(0);
  for (const auto& segment : segments) put(segment.begin(), segment.asBytes().size());
}

kj::Promise<void> FrameStream::writeMessage(
    kj::ArrayPtr<const int>, kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  if (closed_) return disconnected();
  append(segments);
  if (unsent() > bounds_.unsent_bytes) {
    close(CloseCause::kUnsent,
          "the other side does not read: " + std::to_string(unsent()) + " bytes wait for it");
    return disconnected();
  }
  switch (kind_of(segments)) {
    case capnp::rpc::Message::FINISH:
      // It tells the other side to forget an answered call. Sent at once it would cost each call a
      // system call here and a wake-up there; it goes with the next message instead.
      if (++waiting_ >= kWaitingMax) ask_flush(Asked::kNow);
      break;
    case capnp::rpc::Message::RETURN:
      ask_flush(Asked::kBeforeSleep);
      break;
    default:
      ask_flush(Asked::kNow);
  }
  return kj::READY_NOW;
}

void FrameStream::ask_flush(Asked when) {
  if (asked_ >= when || want_write_) return;
  asked_ = when;
  if (when == Asked::kNow)
    poller_.flush_later(this);
  else
    poller_.flush_before_sleep(this);
}

void FrameStream::flush_waiting() {
  if (!closed_ && waiting_ > 0) ask_flush(Asked::kNow);
}

kj::Promise<void> FrameStream::writeMessages(
    kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) {
  for (const auto& message : messages) {
    if (closed_) return disconnected();
    auto written = writeMessage(nullptr, message);
  }
  return kj::READY_NOW;
}

void FrameStream::flush() {
  asked_ = Asked::kNot;
  want_write_ = false;
  waiting_ = 0;
  while (!closed_ && out_at_ < out_.size() && !want_write_) {
    const auto put = transport_->write(std::span(out_).subspan(out_at_));
    ++writes_;
    switch (put.kind) {
      case Transferred::Kind::kBytes:
        out_at_ += put.bytes;
        break;
      case Transferred::Kind::kWantRead:
      case Transferred::Kind::kWantWrite:
        want_write_ = true;
        break;
      case Transferred::Kind::kClosed:
        return close(CloseCause::kPeer, "closed by the other side");
      case Transferred::Kind::kFailed:
        return close(CloseCause::kPeer, put.error);
    }
  }
  if (closed_) return;
  if (out_at_ == out_.size()) {
    out_.clear();
    out_at_ = 0;
    if (out_.capacity() > kKeepBytes) out_.shrink_to_fit();
    if (ending_) return close(CloseCause::kGarbage, "the RPC protocol was violated");
  } else if (out_at_ > kKeepBytes) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_at_));
    out_at_ = 0;
  }
  update_watch();
}

kj::Promise<void> FrameStream::end() {
  ending_ = true;
  if (!closed_) flush();
  return kj::READY_NOW;
}

void FrameStream::update_watch() {
  const bool full = in_end_ == in_.size() && in_at_ == 0 &&
                    in_.size() >= bounds_.message_words * kWordBytes + kReadBytes;
  uint32_t wanted = full || peer_done_ ? 0 : uint32_t{EPOLLIN};
  if (want_write_ || read_wants_write_) wanted |= EPOLLOUT;
  if (wanted == watched_) return;
  watched_ = wanted;
  poller_.rewatch(transport_->fd(), wanted);
}

}  // namespace holdfast::client
