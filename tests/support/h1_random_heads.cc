#include "tests/support/h1_random_heads.h"

#include <algorithm>
#include <array>

namespace gatehouse::testing {

namespace {

using namespace std::string_view_literals;

constexpr std::array kRequestLines = std::to_array<std::string_view>(
    {"GET / HTTP/1.1\r\n", "POST /api/v1/items?page=2&size=50 HTTP/1.1\r\n", "GET /a/b/../c%20d HTTP/1.0\r\n",
     "HEAD http://user:pw@example.com:8080/x?y#z HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n",
     "CONNECT [::1]:443 HTTP/1.1\r\n", "CONNECT a@b@c.example:1 HTTP/1.1\r\n", "PROPFIND /\xc3\xa4 HTTP/1.1\r\n",
     "GET /favicon.ico HTTP/2.0\r\n", "PUT /x HTTP/1.2\r\n", "GET https://a?b HTTP/1.1\r\n", "GET * HTTP/0.9\r\n",
     "\r\nGET /after-an-empty-line HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "GET /|{}<>\"^`\\ HTTP/1.1\r\n",
     "A-METHOD-THAT-NOBODY-HAS-HEARD-OF /x HTTP/1.1\r\n"});
constexpr std::array kStatusLines = std::to_array<std::string_view>(
    {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 404 Not Found\r\n", "HTTP/1.0 302 Moved\r\n", "HTTP/1.1 204\r\n",
     "HTTP/1.1 103 Early Hints\r\n", "HTTP/1.1 500 \r\n", "HTTP/1.1 101 Switching Protocols\r\n", "HTTP/2.0 200 OK\r\n",
     "HTTP/1.1 099 X\r\n", "HTTP/1.1 999 \xe4\tso\r\n", "HTTP/1.1 200 OK\n", "HTTP/1.1 304 Not Modified\r\n"});
constexpr std::array kFields = std::to_array<std::string_view>(
    {"Host: example.com\r\n",
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n",
     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n",
     "Accept-Encoding: gzip, br\r\n",
     "Cookie: a=b; c=d\r\n",
     "cookie: e=f\r\n",
     "Connection: keep-alive\r\n",
     "Connection: close, X\r\n",
     "Upgrade: websocket\r\n",
     "Content-Length: 5\r\n",
     "Content-Length: 5 \r\n",
     "content-length: 0010\r\n",
     "Content-Length: 18446744073709551615\r\n",
     "Content-Length: 18446744073709551616\r\n",
     "Content-Length: 5\t\r\n",
     "Content-Length:\r\n",
     "Content-Length: 5, 5\r\n",
     "Content-Length: 00000000000000000000000000000000007\r\n",
     "Transfer-Encoding: chunked\r\n",
     "transfer-encoding:CHUNKED  \r\n",
     "Transfer-Encoding: chunked\t\r\n",
     "Transfer-Encoding: gzip, chunked\r\n",
     "Transfer-Encoding: chunked , gzip\r\n",
     "Transfer-Encoding:\r\n",
     "Transfer-Encoding: ,\tchunked\r\n",
     "Transfer-Encoding: chunkedx\r\n",
     "Content_Length: 5\r\n",
     "Transfer-Encoding \r\n",
     "X-Empty:\r\n",
     "X-Blanks: \t \r\n",
     "A:b\r\n",
     "X:  two words \t\r\n",
     "ETag: \"\xc3\xa4\"\r\n",
     "Date: Tue, 01 Dec 2026 07:00:00 GMT\r\n",
     "Proxy-Connection: keep-alive\r\n",
     "Keep-Alive: x\r\n",
     "Set-Cookie: id=1; Path=/; HttpOnly\r\n",
     "X-Long-Name-Of-More-Than-Thirty-Bytes: v\r\n",
     "A: folded\r\n on\r\n"});
constexpr std::array kPieces = std::to_array<std::string_view>({"\r"sv,
                                                                "\n"sv,
                                                                "\r\n"sv,
                                                                "\r\n\r\n"sv,
                                                                " "sv,
                                                                "\t"sv,
                                                                ":"sv,
                                                                ","sv,
                                                                "\0"sv,
                                                                "\x7f"sv,
                                                                "\x80"sv,
                                                                "\xff"sv,
                                                                "@"sv,
                                                                "/"sv,
                                                                "//"sv,
                                                                "?"sv,
                                                                "#"sv,
                                                                "*"sv,
                                                                "["sv,
                                                                "%"sv,
                                                                "\""sv,
                                                                "\x0b"sv,
                                                                "\x0c"sv,
                                                                "\x01"sv,
                                                                "\x1f"sv,
                                                                "HTTP/1.1"sv,
                                                                "HTTP/1."sv,
                                                                "HTTP/"sv,
                                                                "chunked"sv,
                                                                "Content-Length"sv,
                                                                "Transfer-Encoding"sv,
                                                                "0"sv,
                                                                "9"sv,
                                                                "5"sv,
                                                                "CONNECT "sv,
                                                                "GET "sv,
                                                                "http://"sv,
                                                                "(x)"sv,
                                                                "aaaaaaaaaaaaaaaa"sv,
                                                                "                "sv,
                                                                "PRI "sv,
                                                                "200"sv});

}  // namespace

H1RandomHeads::Case H1RandomHeads::next() {
  const bool response = once_in(3);
  Case made{.bytes = head(response)};
  for (std::size_t changes = below(4); changes > 0; --changes) change(made.bytes);
  made.options.kind = response ? H1Parser::Kind::kResponse : H1Parser::Kind::kRequest;
  made.options.limits = limits();
  if (response && once_in(3)) made.options.tolerance = Tolerance::kLenient;
  const std::size_t most = std::array<std::size_t, 5>{0, 1, 3, 16, 200}[below(5)];
  if (most != 0) made.options.next_piece = [this, most] { return 1 + below(most); };
  return made;
}

// A few bytes of what follows are there, too.
std::string H1RandomHeads::head(bool response) {
  std::string bytes(response ? any_of(kStatusLines) : any_of(kRequestLines));
  for (std::size_t fields = below(10); fields > 0; --fields) {
    // Most of the table is about framing, where one wrong field hides all others.
    bytes += once_in(8) ? any_of(kFields) : kFields[below(9)];
  }
  bytes += "\r\n";
  if (once_in(2)) bytes += "body";
  return bytes;
}

void H1RandomHeads::change(std::string& bytes) {
  const std::size_t at = below(bytes.size() + 1);
  const std::size_t size = std::min(below(8) + 1, bytes.size() - at);
  switch (below(7)) {
    case 0:
      bytes.replace(at, size, any_of(kPieces));
      break;
    case 1:
      bytes.erase(at, size);
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, bytes.substr(at, below(40)));
      break;
    case 4:
      if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
      break;
    default:
      bytes.insert(at, any_of(kPieces));
      break;
  }
}

HeadLimits H1RandomHeads::limits() {
  if (once_in(2)) return {};
  return {.max_header_bytes = 40 + below(300), .max_header_count = 1 + below(8), .max_target_bytes = 1 + below(40)};
}

}  // namespace gatehouse::testing
