#include "nodes/node/api/roles.hpp"

#include <cstring>

namespace holdfast::operator_api {
namespace {

constexpr std::string_view kRoleNames[] = {"viewer", "operator", "approver", "admin"};

// The next run of characters that are not blank; advances `line` past it.
std::string_view next_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return line = {};
  const auto end = std::min(line.find_first_of(" \t\r", begin), line.size());
  const auto word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

bool token_characters(std::string_view token) {
  for (unsigned char c : token)
    if (c <= 0x20 || c > 0x7e) return false;
  return true;
}

}  // namespace

std::string_view name_of(Role role) { return kRoleNames[static_cast<std::size_t>(role) - 1]; }

std::optional<Role> role_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kRoleNames); ++i)
    if (kRoleNames[i] == name) return static_cast<Role>(i + 1);
  return std::nullopt;
}

Result<Tokens> Tokens::parse(std::string_view text, std::string_view source) {
  Tokens tokens;
  std::size_t number = 0;
  const auto wrong = [&](const std::string& what) {
    return Error{ErrorCode::kInvalid,
                 std::string(source) + ":" + std::to_string(number) + ": " + what};
  };
  while (!text.empty()) {
    ++number;
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const auto role_name = next_word(line);
    if (role_name.empty()) continue;
    const auto name = next_word(line);
    const auto token = next_word(line);
    if (token.empty() || !next_word(line).empty())
      return wrong("expected `role name token`, three words");
    const auto role = role_of(role_name);
    if (!role) return wrong("expected the role viewer, operator, approver or admin as first word");
    if (name.size() > limits::kNameBytes)
      return wrong("the name is longer than " + std::to_string(limits::kNameBytes) + " bytes");
    if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax || !token_characters(token))
      return wrong("expected a token of " + std::to_string(kTokenBytesMin) + " to " +
                   std::to_string(kTokenBytesMax) + " printable characters, found " +
                   std::to_string(token.size()));
    if (tokens.entries_.size() == kTokensMax)
      return wrong("more than " + std::to_string(kTokensMax) + " tokens");
    if (tokens.find(token)) return wrong("this token is there twice; each needs its own");
    Entry entry{{*role, std::string(name)}, {}, token.size()};
    std::memcpy(entry.token.data(), token.data(), token.size());
    tokens.entries_.push_back(std::move(entry));
  }
  number = 0;
  if (tokens.entries_.empty())
    return Error{ErrorCode::kInvalid, std::string(source) +
                                          ": holds no token; make one with `deploy/install token " +
                                          std::string(source) + "`"};
  return tokens;
}

std::optional<Identity> Tokens::find(std::string_view token) const {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  std::array<unsigned char, kTokenBytesMax> presented{};
  std::memcpy(presented.data(), token.data(), token.size());
  // Every byte of every entry is looked at, whatever matched before: the time tells nothing.
  std::size_t found = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    volatile unsigned difference = static_cast<unsigned>(entries_[i].size ^ token.size());
    for (std::size_t k = 0; k < kTokenBytesMax; ++k)
      difference = difference | (entries_[i].token[k] ^ presented[k]);
    const std::size_t equal = difference == 0 ? 1 : 0;
    found |= (i + 1) * equal;
  }
  if (found == 0) return std::nullopt;
  return entries_[found - 1].identity;
}

}  // namespace holdfast::operator_api
