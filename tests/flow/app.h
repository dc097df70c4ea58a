// The app of a scenario: one connection that the proxy has made to its endpoint. It says and reads exactly what the
// test tells it to. Requests are judged by plain llhttp and by a reading of chunks that shares nothing with the
// proxy's. Owned by the test's world; one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/scripted_endpoint.h"

namespace gatehouse::flow {

class App {
 public:
  explicit App(testing_support::ScriptedConnection connection) : connection_(std::move(connection)) {}

  // What has come of the current request.
  bool has_head();
  bool has_request();                        // head and whole body
  std::string head();                        // with the empty line
  std::string line();                        // the first
  bool has_line(std::string_view line);      // anywhere in what has come
  std::string field(std::string_view name);  // joined with ", "; empty if absent
  bool has(std::string_view name);
  std::string body();      // so far, without its framing
  std::string trailers();  // after the last chunk: "Name: value\r\n" each
  std::size_t received() { return connection_.received().size(); }
  void forget() { connection_.forget(); }  // the next request begins

  void say(std::string_view bytes) { connection_.send(bytes); }
  // Reads nothing itself; for what a socket may not take at once.
  std::size_t say_what_fits(std::string_view bytes) { return connection_.send_what_fits(bytes); }
  std::size_t take(std::size_t bytes) { return connection_.take(bytes); }
  bool cut() { return connection_.ended(); }  // by the proxy
  void finish() { connection_.finish_sending(); }
  void close() { connection_.close(); }
  void reset() { connection_.reset(); }
  bool open() const { return connection_.fd() >= 0; }

 private:
  testing_support::ScriptedConnection connection_;
};

std::string ok(std::string_view body, std::string_view fields = "");  // 200 with a Content-Length
inline constexpr std::string_view kChunkedOk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
std::string chunk(std::string_view body);
std::string pattern(std::size_t size);  // bytes that tell where they belong

}  // namespace gatehouse::flow
