// Files of certificates and keys that people make, as they are. Of a key no copy stays behind here. Any thread but one
// of a loop; start, reload and `gatehouse check` only.
#pragma once

#include <string>
#include <string_view>

#include "common/file_version.h"
#include "common/result.h"

namespace gatehouse::certificate_file {

struct Contents {
  std::string text;
  // Of before it was read: what is written meanwhile has another one.
  FileVersion version;
};

// Reads a file of at most 1 MiB. No copy of it stays behind but the one that is returned, which is the caller's to wipe
// if it is a key. Errors name the file.
Result<Contents> contents(const std::string& file);

// What to do with a file in which no PEM was found: the command that makes PEM of what it is, or empty where it is
// nothing known. `file` is for that command.
std::string advice(std::string_view text, const std::string& file);

// PKCS#12, by its first bytes.
bool is_pkcs12(std::string_view text);

}  // namespace gatehouse::certificate_file
