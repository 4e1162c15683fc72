// A FIX client by hand for tests of the exchange: its own encoder and decoder over a blocking
// socket, so that nothing under test also does the testing. It keeps only what it is told to send
// and what it got.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::exchange {

using FixFieldList = std::vector<std::pair<int, std::string>>;

/// A message received: its fields in order.
struct FixMessage {
  FixFieldList fields;
  /// The first value of `tag`, or "" without one.
  std::string get(int tag) const;
  std::string type() const { return get(35); }
  int sequence() const { return std::stoi(get(34)); }
  bool has(int tag) const;
};

/// One connection of one counterparty. Every wait ends after 10 s and then fails the test.
class FixClient {
 public:
  FixClient(uint16_t port, std::string name);
  ~FixClient();
  FixClient(const FixClient&) = delete;
  FixClient& operator=(const FixClient&) = delete;

  /// Logs on under the next number and takes the answer. `more` goes into the Logon.
  FixMessage logon(const FixFieldList& more = {});
  /// Sends a message under the next number, or under `as` without counting.
  void send(const std::string& type, const FixFieldList& body, std::optional<int> as = {},
            const FixFieldList& header = {});
  void send_raw(std::string_view bytes);
  /// The message that `send` would send.
  std::string encode(const std::string& type, const FixFieldList& body, int sequence,
                     const FixFieldList& header = {}) const;
  /// The next message; a test failure and an empty one when none comes.
  FixMessage next();
  /// The next message of this type, skipping others.
  FixMessage next_of(const std::string& type);
  /// True once the other side has closed; reads and drops what comes before.
  bool closed();
  /// A TestRequest and everything that came before its answer: nothing more is on the way then.
  std::vector<FixMessage> drain();

  void new_order(const std::string& id, char side, const std::string& price,
                 const std::string& quantity, const FixFieldList& more = {});
  void cancel(const std::string& id, const std::string& original);

  int sequence = 1;  // of the next message sent
  std::string target = "VENUE";
  std::string version = "FIX.4.4";

 private:
  std::optional<FixMessage> take_message();
  bool fill();
  int fd_ = -1;
  std::string name_;
  std::string buffer_;
};

/// A line-based client of the control port.
class ControlClient {
 public:
  explicit ControlClient(uint16_t port);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;
  /// Sends a line and returns the answer's line.
  std::string ask(const std::string& line);
  /// The number behind `key` in an answer of `stats`.
  int64_t stat(const std::string& key);
  /// Asks until `key` is at least `value`; false after 10 s.
  bool reaches(const std::string& key, int64_t value);

 private:
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace holdfast::exchange
