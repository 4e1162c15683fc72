// AddressBook: the addresses of a cluster's order entry as one client tries them: in turn, the one
// that is said to lead first. Pure. It takes a hint only when it is one of the addresses that the
// client was given: nobody is to send a client, with its credential, somewhere else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/ingress/client/address.hpp"
#include "messages/time.hpp"

namespace holdfast::client {

class AddressBook {
 public:
  static constexpr std::size_t kAddressesMax = 16;
  /// "a:1,b:2,unix:/c": 1 to kAddressesMax addresses, none twice; kInvalid says what is wrong.
  static Result<AddressBook> parse(std::string_view text);

  std::size_t size() const { return entries_.size(); }
  const Address& current() const { return entries_[at_].address; }
  /// The current one as it was written.
  const std::string& text() const { return entries_[at_].text; }
  /// The address to go to at the next `next`, if it is one of these.
  void prefer(std::string_view leader);
  /// The current address has a session: the round ends here.
  void reached();
  /// Goes to the preferred address, or to the one after the current. True when all have had their
  /// turn since the last time that this was true, or since `reached`: pause before going on.
  bool next();
  /// Half of `pause` up to one and a half of it, so that clients do not all come at once.
  Duration jitter(Duration pause);

 private:
  struct Entry {
    std::string text;
    Address address;
  };
  std::vector<Entry> entries_;
  std::size_t at_ = 0, tried_ = 0;
  std::size_t preferred_ = kNone;
  uint64_t random_ = 0;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
};

}  // namespace holdfast::client
