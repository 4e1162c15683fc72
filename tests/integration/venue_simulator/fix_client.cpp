#include "tests/integration/venue_simulator/fix_client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace holdfast::exchange {

namespace {

constexpr int kPatienceMs = 10'000;

int connect_to(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// More bytes into `buffer`; false when the other side closed or patience ended.
bool read_more(int fd, std::string& buffer) {
  pollfd waiting{fd, POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) <= 0) return false;
  char bytes[65'536];
  const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  buffer.append(bytes, static_cast<std::size_t>(n));
  return true;
}

std::string utc_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char text[32];
  const std::size_t n = strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", &utc);
  return std::string(text, n);
}

void append_fields(std::string& out, const FixFieldList& fields) {
  for (const auto& [tag, value] : fields) out += std::to_string(tag) + "=" + value + "\x01";
}

}  // namespace

std::string FixMessage::get(int tag) const {
  for (const auto& [t, value] : fields)
    if (t == tag) return value;
  return "";
}

bool FixMessage::has(int tag) const {
  for (const auto& [t, value] : fields)
    if (t == tag) return true;
  return false;
}

FixClient::FixClient(uint16_t port, std::string name)
    : fd_(connect_to(port)), name_(std::move(name)) {}

FixClient::~FixClient() { ::close(fd_); }

std::string FixClient::encode(const std::string& type, const FixFieldList& body, int number,
                              const FixFieldList& header) const {
  std::string fields;
  append_fields(
      fields,
      {{35, type}, {34, std::to_string(number)}, {49, name_}, {52, utc_now()}, {56, target}});
  append_fields(fields, header);
  append_fields(fields, body);
  std::string message = "8=" + version +
                        "\x01"
                        "9=" +
                        std::to_string(fields.size()) + "\x01" + fields;
  unsigned sum = 0;
  for (const char c : message) sum += static_cast<unsigned char>(c);
  std::string digits = std::to_string(sum % 256);
  while (digits.size() < 3) digits.insert(0, "0");
  return message + "10=" + digits + "\x01";
}

void FixClient::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // closed by the other side, which the test looks for
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void FixClient::send(const std::string& type, const FixFieldList& body, std::optional<int> as,
                     const FixFieldList& header) {
  send_raw(encode(type, body, as ? *as : sequence, header));
  if (!as) ++sequence;
}

FixMessage FixClient::logon(const FixFieldList& more) {
  FixFieldList body = {{98, "0"}, {108, "30"}};
  body.insert(body.end(), more.begin(), more.end());
  send("A", body);
  FixMessage answer = next();
  EXPECT_EQ(answer.type(), "A");
  return answer;
}

std::optional<FixMessage> FixClient::take_message() {
  const std::size_t trailer = buffer_.find(
      "\x01"
      "10=");
  if (trailer == std::string::npos) return std::nullopt;
  const std::size_t end = buffer_.find('\x01', trailer + 1);
  if (end == std::string::npos) return std::nullopt;
  FixMessage message;
  for (std::size_t at = 0; at <= end;) {
    const std::size_t equals = buffer_.find('=', at);
    const std::size_t stop = buffer_.find('\x01', at);
    message.fields.emplace_back(std::stoi(buffer_.substr(at, equals - at)),
                                buffer_.substr(equals + 1, stop - equals - 1));
    at = stop + 1;
  }
  buffer_.erase(0, end + 1);
  return message;
}

bool FixClient::fill() { return read_more(fd_, buffer_); }

FixMessage FixClient::next() {
  while (true) {
    if (auto message = take_message()) return *message;
    if (fill()) continue;
    ADD_FAILURE() << name_ << ": no message came";
    return {};
  }
}

FixMessage FixClient::next_of(const std::string& type) {
  while (true) {
    FixMessage message = next();
    if (message.fields.empty() || message.type() == type) return message;
  }
}

bool FixClient::closed() {
  while (true) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, kPatienceMs) <= 0) return false;
    if (!fill()) return true;
  }
}

std::vector<FixMessage> FixClient::drain() {
  const std::string id = "drain-" + std::to_string(sequence);
  send("1", {{112, id}});
  std::vector<FixMessage> messages;
  while (true) {
    FixMessage message = next();
    if (message.fields.empty() || message.get(112) == id) return messages;
    messages.push_back(std::move(message));
  }
}

void FixClient::new_order(const std::string& id, char side, const std::string& price,
                          const std::string& quantity, const FixFieldList& more) {
  FixFieldList body = {{11, id},        {55, "AAPL"},   {54, std::string(1, side)},
                       {60, utc_now()}, {38, quantity}, {40, "2"},
                       {44, price}};
  body.insert(body.end(), more.begin(), more.end());
  send("D", body);
}

void FixClient::cancel(const std::string& id, const std::string& original) {
  send("F", {{11, id}, {41, original}, {55, "AAPL"}, {60, utc_now()}});
}

ControlClient::ControlClient(uint16_t port) : fd_(connect_to(port)) {}

ControlClient::~ControlClient() { ::close(fd_); }

std::string ControlClient::ask(const std::string& line) {
  const std::string text = line + "\n";
  EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (read_more(fd_, buffer_)) continue;
    ADD_FAILURE() << "no answer to " << line;
    return "";
  }
  std::string answer = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return answer;
}

int64_t ControlClient::stat(const std::string& key) {
  const std::string stats = ask("stats");
  const std::size_t at = stats.find("\"" + key + "\":");
  if (at == std::string::npos) {
    ADD_FAILURE() << "no " << key << " in " << stats;
    return -1;
  }
  return std::stoll(stats.substr(at + key.size() + 3));
}

bool ControlClient::reaches(const std::string& key, int64_t value) {
  timespec start{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  timespec now = start;
  while (now.tv_sec - start.tv_sec < kPatienceMs / 1'000) {
    if (stat(key) >= value) return true;
    clock_gettime(CLOCK_MONOTONIC, &now);
  }
  return false;
}

}  // namespace holdfast::exchange
