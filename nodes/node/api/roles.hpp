// Who may do what at the operator API: four roles, each including those below it, and the tokens
// that prove them. A token file holds one `role name token` a line; the name is what the audit log
// shows. Tokens are kept as digests of equal length and compared in constant time. No I/O here.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/limits.hpp"
#include "messages/result.hpp"

namespace holdfast::operator_api {

/// viewer looks; operator halts, kills, restarts and backs up; approver also loosens (resume,
/// reload); admin all.
enum class Role : uint8_t { kViewer = 1, kOperator, kApprover, kAdmin };
std::string_view name_of(Role role);
std::optional<Role> role_of(std::string_view name);

/// Who makes a call, as the token says.
struct Identity {
  Role role = Role::kViewer;
  std::string name;
};

/// The known tokens. Immutable after parse; any thread may ask.
class Tokens {
 public:
  static constexpr std::size_t kTokensMax = 256;
  static constexpr std::size_t kTokenBytesMin = 32, kTokenBytesMax = 128;

  /// Text of a token file: `role name token` a line, `#` comments, blank lines. kInvalid names
  /// `source`, the line and what is wrong, never the token itself.
  static Result<Tokens> parse(std::string_view text, std::string_view source);

  /// The identity that `token` proves. Takes the same time for every token of a length, known or
  /// not.
  std::optional<Identity> find(std::string_view token) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Identity identity;
    std::array<unsigned char, kTokenBytesMax> token{};  // padded with zeros
    std::size_t size = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace holdfast::operator_api
