// Message authentication: HMAC-SHA256 (RFC 2104), cut to 128 bits, as hexadecimal digits, and the comparison that tells
// nobody how far it got. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::mac {

// Returns 32 digits in lower case. Aborts the process if the library fails: what is signed decides about access.
std::string sign(std::string_view key, std::string_view message);
// Compares in a time that depends on the sizes only.
bool equal(std::string_view a, std::string_view b);

}  // namespace gatehouse::mac
