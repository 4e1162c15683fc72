#include "supervision/runtime/guard_events_linux.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace holdfast {

namespace {

/// One line of printable text.
std::string plain(std::string text) {
  if (text.size() > kGuardTextBytesMax) text.resize(kGuardTextBytesMax);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

bool write_whole(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return whole && ::rename(fresh.c_str(), path.c_str()) == 0;
}

std::string last_words_of(const std::string& path) { return path + ".last-words"; }

}  // namespace

std::vector<GuardEvent> read_guard_events(const std::string& path) {
  std::vector<GuardEvent> events;
  std::ifstream file(path);
  for (std::string line; events.size() < kGuardEventsKept && std::getline(file, line);) {
    std::istringstream in(line);
    GuardEvent event;
    if (!(in >> event.number >> event.at.ns >> event.event)) continue;
    if (event.number == 0 || (!events.empty() && event.number <= events.back().number)) continue;
    in.ignore(1);
    std::getline(in, event.text);
    event.event = plain(std::move(event.event));
    event.text = plain(std::move(event.text));
    events.push_back(std::move(event));
  }
  return events;
}

GuardEvents::GuardEvents(std::string path) : path_(std::move(path)) {
  for (auto& event : read_guard_events(path_)) events_.push_back(std::move(event));
}

bool GuardEvents::record(WallTime now, const std::string& event, const std::string& text) {
  const uint64_t after = events_.empty() ? 1 : events_.back().number + 1;
  events_.push_back(
      {std::max(after, static_cast<uint64_t>(now.ns)), now, plain(event), plain(text)});
  if (events_.size() > kGuardEventsKept) events_.pop_front();
  std::string lines;
  for (const GuardEvent& one : events_)
    lines += std::to_string(one.number) + " " + std::to_string(one.at.ns) + " " + one.event + " " +
             one.text + "\n";
  return write_whole(path_, lines);
}

std::string GuardEvents::take_last_words() const {
  const std::string path = last_words_of(path_);
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  ::unlink(path.c_str());
  return plain(std::move(text));
}

void leave_last_words(const std::string& text) {
  if (const char* path = std::getenv(kGuardEventsVariable))
    (void)write_whole(last_words_of(path), plain(text));
}

}  // namespace holdfast
