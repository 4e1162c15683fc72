#include "nodes/venue/session_store_quickfix.hpp"

namespace holdfast::exchange {

bool MemorySessionStore::set(int number, const std::string& message) {
  // A number written again replaces what came after it too: the session was set back.
  while (!messages_.empty() && messages_.back().number >= number) messages_.pop_back();
  messages_.push_back({number, message});
  if (messages_.size() > messages_max_) messages_.pop_front();
  return true;
}

void MemorySessionStore::get(int begin, int end, std::vector<std::string>& messages) const {
  messages.clear();
  const auto first =
      std::lower_bound(messages_.begin(), messages_.end(), begin,
                       [](const Stored& s, int number) { return s.number < number; });
  for (auto it = first; it != messages_.end() && it->number <= end; ++it)
    messages.push_back(it->message);
}

void MemorySessionStore::reset() {
  messages_.clear();
  next_sender_ = next_target_ = 1;
}

void FileSessionStore::get(int begin, int end, std::vector<std::string>& messages) const {
  // The base counts through the whole range, so a wild BeginSeqNo would keep it busy for seconds.
  FIX::FileStore::get(std::max(begin, 1), std::min(end, getNextSenderMsgSeqNum()), messages);
}

FIX::MessageStore* SessionStoreFactory::create(const FIX::SessionID& session) {
  if (directory_.empty())
    last_ = new MemorySessionStore();
  else
    last_ = new FileSessionStore(directory_, session);
  return last_;
}

bool SessionStoreFactory::has_files(const FIX::SessionID& session) const {
  if (directory_.empty()) return false;
  const std::string path = directory_ + "/" + session.getBeginString().getString() + "-" +
                           session.getSenderCompID().getString() + "-" +
                           session.getTargetCompID().getString() + ".seqnums";
  return FIX::file_exists(path.c_str());
}

}  // namespace holdfast::exchange
