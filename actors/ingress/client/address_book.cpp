#include "actors/ingress/client/address_book.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::client {

Result<AddressBook> AddressBook::parse(std::string_view text) {
  AddressBook book;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const auto comma = rest.find(',');
    const auto one = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    auto address = parse_address(one);
    if (!address) return address.error();
    for (const auto& entry : book.entries_)
      if (entry.text == one)
        return Error{ErrorCode::kInvalid, "address \"" + std::string(one) + "\" is there twice"};
    book.entries_.push_back({std::string(one), std::move(address).value()});
    if (book.entries_.size() > kAddressesMax)
      return Error{ErrorCode::kInvalid,
                   "more than " + std::to_string(kAddressesMax) + " addresses"};
  }
  // Clients differ in the address of their book, which is enough to spread them.
  book.random_ = reinterpret_cast<uintptr_t>(book.entries_.data()) | 1;
  return book;
}

void AddressBook::prefer(std::string_view leader) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.text == leader; });
  if (found != entries_.end()) preferred_ = static_cast<std::size_t>(found - entries_.begin());
}

void AddressBook::reached() { tried_ = 0; }

bool AddressBook::next() {
  tried_ += 1;
  const auto preferred = std::exchange(preferred_, kNone);
  at_ = preferred != kNone ? preferred : (at_ + 1) % entries_.size();
  if (tried_ < entries_.size()) return false;
  tried_ = 0;
  return true;
}

Duration AddressBook::jitter(Duration pause) {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return {pause.ns / 2 + static_cast<int64_t>(random_ % static_cast<uint64_t>(pause.ns + 1))};
}

}  // namespace holdfast::client
