#include "common/crypto/password_file.h"

#include <algorithm>
#include <cerrno>
#include <format>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostFileBytes = 16UL * 1024 * 1024;
constexpr std::size_t kMostName = 255;

bool may_be_name(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  return !name.empty() && name.size() <= kMostName && std::ranges::none_of(name, is_control) &&
         text::trim(name) == name;
}

}  // namespace

std::expected<PasswordFile, PasswordFile::Mistakes> PasswordFile::load(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::unexpected(Mistakes{{.message = system_failure("cannot open " + path, errno).error().message}});
  std::string text;
  for (std::istreambuf_iterator<char> at(in), end; at != end && text.size() <= kMostFileBytes; ++at) text += *at;
  if (in.bad()) return std::unexpected(Mistakes{{.message = "cannot read " + path}});
  if (text.size() > kMostFileBytes) return std::unexpected(Mistakes{{.message = path + " is larger than 16 MiB"}});
  return parse(std::move(text));
}

std::expected<PasswordFile, PasswordFile::Mistakes> PasswordFile::parse(std::string text) {
  PasswordFile file;
  file.text_ = std::move(text);
  Mistakes mistakes;
  Lines lines;
  std::string_view rest = file.text_;
  for (unsigned number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (text::trim(line).empty() || line.starts_with('#')) continue;
    if (auto taken = file.take(line, number, lines); !taken) {
      mistakes.push_back({.line = number, .message = std::move(taken.error().message)});
    }
  }
  if (mistakes.empty() && file.hashes_.empty()) {
    mistakes.push_back({.message = "there is no user in it; add one with `htpasswd -B FILE NAME`"});
  }
  if (!mistakes.empty()) return std::unexpected(std::move(mistakes));
  return file;
}

Result<> PasswordFile::take(std::string_view line, unsigned number, Lines& lines) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos)
    return failure("the line has no colon; it is NAME:HASH, as `htpasswd -B` has it");
  if (!may_be_name(name)) {
    return failure("the name before the colon is empty, too long, or has control characters or blanks at its ends");
  }
  auto hash = PasswordHash::parse(line.substr(colon + 1));
  const auto [known, is_new] = lines.emplace(name, number);
  if (!is_new) return failure(std::format("the name is that of line {}; a user has one line", known->second));
  if (!hash) return std::unexpected(std::move(hash).error());
  if (hashes_.empty()) decoy_ = *hash;
  hashes_.emplace(name, *std::move(hash));
  return {};
}

bool PasswordFile::knows(std::string_view name, std::string_view password) const {
  const auto found = hashes_.find(name);
  const bool matches = (found != hashes_.end() ? found->second : decoy_).matches(password);
  return found != hashes_.end() && matches;
}

}  // namespace gatehouse
