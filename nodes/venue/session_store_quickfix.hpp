// What a FIX session of the exchange must remember: both sequence numbers and every message sent,
// in memory or, over restarts, in QuickFIX's files. It answers "created just now" to whoever asks
// for its age, so that QuickFIX's daily schedule never resets a session: the exchange is always
// open.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "actors/venues/quickfix.hpp"
#include "messages/limits.hpp"

namespace holdfast::exchange {

/// Keeps messages in memory, appended in order of their numbers; beyond `messages_max` the oldest
/// go, and a resend fills their place as a gap.
class MemorySessionStore : public FIX::MessageStore {
 public:
  explicit MemorySessionStore(std::size_t messages_max = limits::kSimulatorStoredMessagesMax)
      : messages_max_(messages_max) {}
  bool set(int number, const std::string& message) override;
  void get(int begin, int end, std::vector<std::string>& messages) const override;
  int getNextSenderMsgSeqNum() const override { return next_sender_; }
  int getNextTargetMsgSeqNum() const override { return next_target_; }
  void setNextSenderMsgSeqNum(int number) override { next_sender_ = number; }
  void setNextTargetMsgSeqNum(int number) override { next_target_ = number; }
  void incrNextSenderMsgSeqNum() override { ++next_sender_; }
  void incrNextTargetMsgSeqNum() override { ++next_target_; }
  FIX::UtcTimeStamp getCreationTime() const override { return {}; }
  void reset() override;
  void refresh() override {}

 private:
  struct Stored {
    int number;
    std::string message;
  };
  std::size_t messages_max_;
  std::deque<Stored> messages_;  // ascending numbers, holes possible
  int next_sender_ = 1;
  int next_target_ = 1;
};

/// The same in `directory`, by QuickFIX's FileStore.
class FileSessionStore : public FIX::FileStore {
 public:
  /// Throws FIX::ConfigError when the files can't be opened.
  FileSessionStore(const std::string& directory, const FIX::SessionID& session)
      : FIX::FileStore(directory, session) {}
  void get(int begin, int end, std::vector<std::string>& messages) const override;
  FIX::UtcTimeStamp getCreationTime() const override { return {}; }
};

/// Makes one kind or the other, and remembers the last one made.
class SessionStoreFactory : public FIX::MessageStoreFactory {
 public:
  /// `directory` empty: in memory.
  explicit SessionStoreFactory(std::string directory) : directory_(std::move(directory)) {}
  FIX::MessageStore* create(const FIX::SessionID& session) override;
  void destroy(FIX::MessageStore* store) override { delete store; }
  FIX::MessageStore* last() const { return last_; }
  /// Whether a session of that name has files from an earlier run.
  bool has_files(const FIX::SessionID& session) const;

 private:
  std::string directory_;
  FIX::MessageStore* last_ = nullptr;
};

}  // namespace holdfast::exchange
