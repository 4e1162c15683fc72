// The ways between a drill's processes by their names: members among each other, to the venue, to
// the arbiter's servers. Says which of the proxy's ways a cut between two of them means.
#pragma once

#include <map>
#include <string>

#include "nodes/drill/proxy_linux.hpp"

namespace holdfast::drill {

class Network {
 public:
  /// What `from` connects to as `listen` reaches `to` at `target`.
  Result<> add(const std::string& from, const std::string& to, uint16_t listen, uint16_t target);

  /// Whoever of the two connected: what goes from `a` to `b`, and back.
  void set(const std::string& a, const std::string& b, bool there, bool back, Duration delay = {});
  void reset(const std::string& a, const std::string& b);
  /// All ways as they should be.
  void heal();

 private:
  Proxy proxy_;
  std::map<std::pair<std::string, std::string>, std::size_t> ways_;
};

}  // namespace holdfast::drill
