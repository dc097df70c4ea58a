#include "tests/flow/app.h"

#include <array>
#include <charconv>

#include "common/text.h"
#include "tests/support/llhttp_reading.h"

namespace gatehouse::flow {

namespace {

constexpr std::string_view kBlank = "\r\n\r\n";

// Returns what follows the last chunk, or nothing if it has not come.
struct Chunks {
  std::string body;
  std::string rest;
};

Chunks unchunk(std::string_view bytes) {
  Chunks chunks;
  for (;;) {
    const std::size_t line = bytes.find("\r\n");
    if (line == std::string_view::npos) return chunks;
    std::size_t size = 0;
    std::from_chars(bytes.begin(), bytes.begin() + line, size, 16);
    bytes.remove_prefix(line + 2);
    if (size == 0) {
      chunks.rest = bytes;
      return chunks;
    }
    chunks.body += bytes.substr(0, size);
    if (bytes.size() < size + 2) return chunks;
    bytes.remove_prefix(size + 2);
  }
}

}  // namespace

bool App::has_head() {
  return connection_.received().find(kBlank) != std::string::npos;
}

bool App::has_request() {
  return testing::llhttp_read(testing::MessageKind::kRequest, connection_.received()).has_value();
}

std::string App::head() {
  const std::string& all = connection_.received();
  const std::size_t end = all.find(kBlank);
  return end == std::string::npos ? std::string() : all.substr(0, end + kBlank.size());
}

std::string App::line() {
  const std::string& all = connection_.received();
  return all.substr(0, all.find("\r\n"));
}

bool App::has_line(std::string_view line) {
  return connection_.received().find(std::string(line) + "\r\n") != std::string::npos;
}

std::string App::field(std::string_view name) {
  const std::string all = head();
  std::string value;
  std::string_view rest = all;
  while (!rest.empty()) {
    const std::string_view row = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(row.size() + 2);
    const std::size_t colon = row.find(": ");
    if (colon == std::string_view::npos || !text::iequals(row.substr(0, colon), name)) continue;
    if (!value.empty()) value += ", ";
    value += row.substr(colon + 2);
  }
  return value;
}

bool App::has(std::string_view name) {
  return text::lower(head()).find("\r\n" + text::lower(name) + ":") != std::string::npos;
}

std::string App::body() {
  const std::string& all = connection_.received();
  const std::size_t end = all.find(kBlank);
  if (end == std::string::npos) return {};
  const std::string_view raw = std::string_view(all).substr(end + kBlank.size());
  return has("Transfer-Encoding") ? unchunk(raw).body : std::string(raw);
}

std::string App::trailers() {
  const std::string& all = connection_.received();
  const std::string rest = unchunk(std::string_view(all).substr(head().size())).rest;
  return rest.size() < 2 ? rest : rest.substr(0, rest.size() - 2);
}

std::string ok(std::string_view body, std::string_view fields) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields) + "\r\n" +
         std::string(body);
}

std::string chunk(std::string_view body) {
  std::array<char, 16> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), body.size(), 16).ptr;
  return std::string(digits.data(), end) + "\r\n" + std::string(body) + "\r\n";
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

}  // namespace gatehouse::flow
