// Plays what a peer sends to one parser or codec, or to the access log, so that its work can be counted. A player is
// made, and told what it will play, before the counting begins: whatever only the peer has to do is done there.
// Everything belongs to the program's one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::work {

// What comes at once: in one read, one packet, one datagram.
struct Piece {
  std::int32_t stream = 0;  // of HTTP/3; of the others what player.cc and its like say
  bool end = false;         // of the stream
  std::string bytes;
};
using Input = std::vector<Piece>;

class Player {
 public:
  virtual ~Player() = default;
  virtual void prepare(const Input& /*input*/) {}  // not counted
  virtual void play(const Input& input) = 0;       // counted; ends where the peer would have been cut off
};

// Null if there is none of this name.
std::unique_ptr<Player> make_parser_player(std::string_view name);     // h1_request, h1_response
std::unique_ptr<Player> make_session_player(std::string_view name);    // h1, h2, h3
std::unique_ptr<Player> make_transport_player(std::string_view name);  // quic, tls, tls_hello
std::unique_ptr<Player> make_log_player(std::string_view name);        // json_line, w3c_line

}  // namespace gatehouse::work
