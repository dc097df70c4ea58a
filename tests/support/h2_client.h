// An HTTP/2 client of the tests: an nghttp2 client session on a memory stream, and raw bytes beside it for what a
// decent client would not send. Collects what it sees per stream. Belongs to the test's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "proxy/frontend/h2/h2_connection.h"
#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct H2Response {
  std::vector<int> interims;
  int status = 0;
  Fields fields;
  Fields trailers;
  std::string body;
  std::size_t data_frames = 0;
  bool complete = false;               // END_STREAM came
  std::optional<std::uint32_t> reset;  // the code, if it was reset by the server
  std::string field(std::string_view name) const;
};

struct H2Request {
  std::string method = "GET";
  std::string path = "/";
  Fields fields;
  std::optional<std::string> body;  // sent at once, with END_STREAM
  bool stays_open = false;          // no END_STREAM: more is sent by hand
};

// An ALTSVC frame.
struct H2Alternative {
  std::int32_t stream = 0;
  std::string origin;
  std::string value;
  friend bool operator==(const H2Alternative&, const H2Alternative&) = default;
};

class H2Client {
 public:
  struct Options {
    bool reads = true;             // gives window back as DATA comes
    std::uint32_t window = 65535;  // per stream
    std::size_t room = MemoryStream::kRoom;
    bool acknowledges_settings = true;
    bool secure = false;
    bool wants_pushes = true;  // as the protocol has it by default
    std::uint32_t max_pushes = 100;
  };
  // A promise of the server, on the stream of a request.
  struct Promise {
    std::int32_t parent = 0;
    Fields fields;
  };

  explicit H2Client(FrontendWorld& world) : H2Client(world, Options{}) {}
  H2Client(FrontendWorld& world, Options options);
  ~H2Client();
  H2Client(const H2Client&) = delete;
  H2Client& operator=(const H2Client&) = delete;

  std::int32_t ask(const H2Request& request);  // returns the stream's id; sends it
  std::int32_t get(std::string_view path = "/") { return ask({.path = std::string(path)}); }
  void send_data(std::int32_t stream, std::string_view data, bool end = false);  // raw, window not looked at
  void cancel(std::int32_t stream);
  void ping();
  void open_window(std::int32_t stream, std::int32_t by);  // 0: the connection's
  void send_raw(std::string_view bytes);
  // A request whose head is exactly these fields, valid or not, and ends the stream. Returns its id.
  std::int32_t ask_raw(const Fields& head);
  // The same for trailers.
  void send_trailers(std::int32_t stream, const Fields& trailers);
  void exchange_bytes();  // both ways until nothing moves
  const H2Response& response(std::int32_t stream) { return responses_[stream]; }

  const std::vector<std::pair<std::int32_t, std::uint32_t>>& goaways() const { return goaways_; }
  bool server_closed();  // FIN or RST came
  MemoryStream& stream() { return *stream_; }
  MemoryStream& server_stream() { return *server_; }
  const std::vector<H2Alternative>& alternatives() const { return heard_.alternatives; }
  std::size_t pings_acknowledged() const { return heard_.pings_acknowledged; }
  std::map<std::uint16_t, std::uint32_t> settings() const { return seen_.settings; }
  nghttp2_session* session() { return session_.get(); }
  // By the streams that they promise.
  const std::map<std::int32_t, Promise>& promises() const { return seen_.promises; }
  // The streams that DATA has come on, each as often in a row as it came, with the bytes.
  const std::vector<std::pair<std::int32_t, std::size_t>>& order() const { return seen_.order; }

 private:
  struct Callbacks;
  // What is not of one stream.
  struct Seen {
    std::map<std::int32_t, Promise> promises;
    std::vector<std::pair<std::int32_t, std::size_t>> order;
    std::map<std::uint16_t, std::uint32_t> settings;
  };
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  void make_session();
  void send_fields(std::int32_t stream, const Fields& fields);
  void send_pending();
  void receive();

  FrontendWorld& world_;
  Options options_;
  std::unique_ptr<MemoryStream> stream_;
  MemoryStream* server_ = nullptr;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::map<std::int32_t, H2Response> responses_;
  std::map<std::int32_t, std::string> bodies_;
  Seen seen_;
  std::vector<std::pair<std::int32_t, std::uint32_t>> goaways_;
  struct Heard {
    std::vector<H2Alternative> alternatives;
    std::size_t pings_acknowledged = 0;
  } heard_;
  bool server_closed_ = false;
  bool mute_heads_ = false;  // HEADERS that the session makes are not sent: others stand for them
};

std::string h2_frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload);

}  // namespace gatehouse::testing_support
