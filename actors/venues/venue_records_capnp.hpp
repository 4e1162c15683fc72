// The records that events and snapshots of a gateway are made of, to and from Cap'n Proto. For the
// codec's own files; a wrong code or text is thrown as BadRecord and becomes an Error there.
#pragma once

#include <stdexcept>

#include "actors/venues/gateway.hpp"
#include "messages/codecs/venue_exchange_capnp.hpp"
#include "messages/schema/venue_journal.capnp.h"

namespace holdfast::venues {

namespace wire = holdfast::venue_wire;

/// What a decoder throws on a value that no encoder writes.
class BadRecord : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `code` as an enumerator of E up to `last`.
template <typename E>
E enumerator(uint32_t code, E last, const char* what, uint32_t first = 0) {
  if (code < first || code > static_cast<uint32_t>(last))
    throw BadRecord(std::string(what) + " " + std::to_string(code) + " is not known");
  return static_cast<E>(code);
}
template <std::size_t N>
Text<N> text_of(capnp::Text::Reader reader) {
  auto text = Text<N>::parse({reader.begin(), reader.size()});
  if (!text) throw BadRecord(text.error().text);
  return text.value();
}
inline std::string string_of(capnp::Text::Reader reader) { return {reader.begin(), reader.size()}; }
Reason reason_of(uint16_t code);

inline void put(wire::Request::Builder out, const VenueRequest& in) { encode(in, out); }
VenueRequest get(wire::Request::Reader in);
inline void put(wire::Report::Builder out, const VenueReport& in) { encode(in, out); }
VenueReport get(wire::Report::Reader in);
void put(wire::Rules::Builder out, const SessionRules& in);
SessionRules get(wire::Rules::Reader in);
void put(wire::Kill::Builder out, const KillSwitch& in);
KillSwitch get(wire::Kill::Reader in);

inline FixBytes bytes_of(capnp::Data::Reader data) {
  if (data.size() == 0) return nullptr;
  return std::make_shared<const std::string>(reinterpret_cast<const char*>(data.begin()),
                                             data.size());
}
inline capnp::Data::Reader data(const std::string& bytes) {
  return capnp::Data::Reader(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size());
}

}  // namespace holdfast::venues
