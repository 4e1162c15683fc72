#include "supervision/replication/stream/connection_linux.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "supervision/replication/stream/address_linux.hpp"

namespace holdfast::replication {

namespace {
constexpr std::size_t kReadBytes = 64u << 10;
/// Read in one go before the loop's other work gets its turn.
constexpr std::size_t kReadBudget = 1u << 20;
/// A buffer that has grown beyond this is given back when it is empty: resident memory delays the
/// visibility of a kill.
constexpr std::size_t kKeepBytes = 1u << 20;
constexpr std::size_t kChunkBytes = 256u << 10;
constexpr std::size_t kChunksAWrite = 16;
}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  frames_in += other.frames_in;
  frames_out += other.frames_out;
  writes += other.writes;
  return *this;
}

std::shared_ptr<Connection> Connection::make(EventLoop& loop, std::unique_ptr<Channel> channel,
                                             ConnectionUser& user) {
  auto made = std::make_shared<Connection>(loop, std::move(channel), user);
  made->watched_ = EPOLLIN;
  loop.add_fd(made->channel_->fd(), made->watched_,
              [weak = std::weak_ptr<Connection>(made)](uint32_t ready) {
                if (const auto self = weak.lock()) self->ready(ready);
              });
  return made;
}

Connection::Connection(EventLoop& loop, std::unique_ptr<Channel> channel, ConnectionUser& user)
    : loop_(loop), channel_(std::move(channel)), user_(user), peer_(peer_text(channel_->fd())) {}

Connection::~Connection() { close(false); }

void Connection::close(bool reset) {
  if (!channel_) return;
  loop_.remove_fd(channel_->fd());
  if (reset) channel_->reset();
  channel_.reset();
  out_.clear();
  unsent_ = counted_ = out_at_ = 0;
}

void Connection::end(EndCause cause, const std::string& text) {
  if (!channel_) return;
  close(cause != EndCause::kClosed);
  user_.on_end(*this, cause, text);
}

void Connection::end_with(const Moved& moved, const char* what) {
  switch (moved.kind) {
    case Moved::Kind::kClosed:
      return end(EndCause::kClosed, "closed by the other side");
    case Moved::Kind::kDenied:
      return end(EndCause::kDenied, moved.error);
    default:
      return end(EndCause::kFailed, std::string(what) + ": " + moved.error);
  }
}

// ---- writing

Bytes& Connection::room() {
  if (out_.empty() || out_.back().size() >= kChunkBytes) {
    out_.emplace_back();
    counted_ = 0;
  }
  return out_.back();
}

bool Connection::queued() {
  const std::size_t size = out_.back().size();
  unsent_ += size - counted_;
  counted_ = size;
  ++traffic_.frames_out;
  return unsent_ <= unsent_bytes_max_;
}

void Connection::flush() {
  // When the socket is full, the loop tells when it is not.
  if (channel_ && !broken_ && !channel_->wants_write()) drain();
}

void Connection::drain() {
  do {
    iovec parts[kChunksAWrite];
    std::size_t count = 0, skip = out_at_;
    for (auto it = out_.begin(); it != out_.end() && count < kChunksAWrite; ++it) {
      if (it->size() > skip) parts[count++] = {it->data() + skip, it->size() - skip};
      skip = 0;
    }
    if (count == 0 && !channel_->wants_write()) break;
    const auto moved = channel_->write({parts, count});
    ++traffic_.writes;
    if (moved.kind == Moved::Kind::kWait) break;
    if (moved.kind != Moved::Kind::kBytes) {
      // What has come before the end is still read; and no hook runs from inside a call.
      broken_ = true;
      loop_.post([weak = weak_from_this(), moved] {
        if (const auto self = weak.lock()) self->end_with(moved, "writing");
      });
      return;
    }
    traffic_.bytes_out += moved.bytes;
    unsent_ -= moved.bytes;
    out_at_ += moved.bytes;
    while (out_.size() > 1 && out_at_ >= out_.front().size()) {
      out_at_ -= out_.front().size();
      out_.pop_front();
    }
    if (unsent_ == 0) {  // the last chunk is used again
      out_at_ = counted_ = 0;
      if (out_.front().capacity() > kKeepBytes)
        out_.clear();
      else
        out_.front().clear();
    }
  } while (unsent_ > 0);
  watch();
}

// ---- reading

void Connection::pause(bool paused) {
  if (paused_ == paused) return;
  paused_ = paused;
  if (!channel_) return;
  watch();
  if (!paused && (in_at_ < in_end_ || channel_->buffered()))
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock(); self) self->ready(EPOLLIN);
    });
}

void Connection::watch() {
  // Paused, too, it hears at once when the other side is gone.
  const uint32_t wanted = (paused_ ? uint32_t{EPOLLRDHUP} : uint32_t{EPOLLIN}) |
                          (channel_->wants_write() ? uint32_t{EPOLLOUT} : 0);
  if (wanted == watched_) return;
  watched_ = wanted;
  loop_.modify_fd(channel_->fd(), wanted);
}

void Connection::ready(uint32_t events) {
  const auto self = shared_from_this();
  if (!channel_) return;
  if (paused_ && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    return end(EndCause::kClosed, "closed by the other side");
  if (!paused_ && (events & ~uint32_t{EPOLLOUT}) != 0) fill();
  // TLS: what was read may be what writing has waited for.
  if (channel_ && !broken_ && (unsent_ > 0 || channel_->wants_write())) drain();
}

void Connection::fill() {
  std::size_t budget = kReadBudget;
  if (in_at_ < in_end_) cut_frames();  // left over when reading was paused
  while (channel_ && !paused_) {
    if (in_end_ == in_.size()) {
      if (in_at_ > 0) {  // frames begin at multiples of eight, so they stay aligned
        std::memmove(in_.data(), in_.data() + in_at_, in_end_ - in_at_);
        in_end_ -= std::exchange(in_at_, 0);
      }
      if (in_end_ == in_.size())
        in_.resize(std::min(std::max(kReadBytes, in_.size() * 2),
                            frame_bytes_max_ + kFramePrefixBytes + kReadBytes));
    }
    const std::size_t room = in_.size() - in_end_;
    const auto moved = channel_->read({in_.data() + in_end_, room});
    if (moved.kind == Moved::Kind::kWait) break;
    if (moved.kind != Moved::Kind::kBytes) return end_with(moved, "reading");
    in_end_ += moved.bytes;
    traffic_.bytes_in += moved.bytes;
    cut_frames();
    if (!channel_) return;
    // A short read has emptied the socket.
    if (moved.bytes < room && !channel_->buffered()) break;
    if (moved.bytes >= budget) {
      if (channel_->buffered())
        loop_.post([weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->ready(EPOLLIN);
        });
      break;
    }
    budget -= moved.bytes;
  }
  if (channel_ && in_at_ == in_end_) {
    in_at_ = in_end_ = 0;
    if (in_.size() > kKeepBytes) in_ = Bytes();
  }
}

void Connection::cut_frames() {
  while (in_end_ - in_at_ >= kFramePrefixBytes) {
    const std::byte* at = in_.data() + in_at_;
    uint32_t length = 0, mark = 0;
    std::memcpy(&length, at, sizeof length);
    std::memcpy(&mark, at + sizeof length, sizeof mark);
    if (mark != kFrameMark) return end(EndCause::kGarbage, "what came is no frame of the stream");
    if (length > frame_bytes_max_)
      return end(EndCause::kOversize, "a frame of " + std::to_string(length) + " bytes, at most " +
                                          std::to_string(frame_bytes_max_) + " are allowed");
    if (length == 0 || length % kFramePrefixBytes != 0)
      return end(EndCause::kGarbage, "a frame of " + std::to_string(length) + " bytes");
    if (in_end_ - in_at_ < kFramePrefixBytes + length) return;
    auto frame = decode_frame({at + kFramePrefixBytes, length});
    if (!frame) return end(EndCause::kGarbage, frame.error().text);
    in_at_ += kFramePrefixBytes + length;
    ++traffic_.frames_in;
    user_.on_frame(*this, std::move(frame).value());
    if (!channel_ || paused_) return;
  }
}

}  // namespace holdfast::replication
