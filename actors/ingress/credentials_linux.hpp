// Client credentials: 32 random bytes, written as 64 hexadecimal digits. The node keeps only their
// SHA-256, so a stolen configuration opens no session; comparing takes the same time whatever is
// compared, so answers tell nothing about what was nearly right.
#pragma once

#include <string>
#include <string_view>

#include "actors/ingress/settings.hpp"

namespace holdfast::ingress {

/// Fresh random credential as 64 hexadecimal digits, lower case.
std::string make_credential();
/// SHA-256 of the 32 bytes that the 64 digits (either case) stand for; kInvalid when they are none.
Result<CredentialHash> hash_credential(std::string_view hexadecimal);
/// A hash as configuration spells it (64 digits) and back.
Result<CredentialHash> parse_hash(std::string_view hexadecimal);
std::string format_hash(const CredentialHash& hash);
/// True when equal; takes the same time for any two hashes.
bool equal(const CredentialHash& a, const CredentialHash& b);

/// The client that `id` and `credential` prove, or null. An unknown id costs the same work as a
/// known one with a wrong credential.
const ClientEntry* authenticate(const Settings& settings, std::string_view id,
                                std::string_view credential);

}  // namespace holdfast::ingress
