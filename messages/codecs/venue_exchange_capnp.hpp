// What order shards and venue gateways send each other, to and from Cap'n Proto: as it stands in a
// gateway's journal and as it travels between nodes. Decoding is total and checks shape (lengths,
// characters, known enumerators), not whether a request or report makes sense.
#pragma once

#include "messages/schema/venue_journal.capnp.h"
#include "messages/venue_exchange.hpp"

namespace holdfast {

void encode(const VenueRequest& from, venue_wire::Request::Builder to);
void encode(const VenueReport& from, venue_wire::Report::Builder to);

/// kInvalid names the field. What the library throws at malformed pointers is the caller's.
Result<VenueRequest> decode(venue_wire::Request::Reader from);
Result<VenueReport> decode(venue_wire::Report::Reader from);

/// The words of 8 bytes that an encoded item takes in a list: for who makes room beforehand.
std::size_t encoded_words(const VenueRequest& request);
std::size_t encoded_words(const VenueReport& report);

}  // namespace holdfast
