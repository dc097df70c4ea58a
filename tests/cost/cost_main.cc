// Plays inputs to the parsers, the codecs and the access log, each in a world of its own, and lets callgrind count the
// instructions of the playing alone: a dump for each, named by its number. Without callgrind it plays and counts nothing.
//
//   gatehouse_cost PLAYER FILE [PLAYER FILE]...
//
// A file is a list of pieces: stream, whether it ends, size (32 bits each, little-endian), and so many bytes.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <valgrind/callgrind.h>

#include "tests/cost/player.h"

namespace gatehouse::work {
namespace {

bool take_number(std::string_view& from, std::uint32_t& into) {
  if (from.size() < sizeof into) return false;
  std::memcpy(&into, from.data(), sizeof into);
  from.remove_prefix(sizeof into);
  return true;
}

bool read_input(const char* path, Input& input) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  const std::string all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (std::string_view rest = all; !rest.empty();) {
    std::uint32_t stream = 0;
    std::uint32_t end = 0;
    std::uint32_t size = 0;
    if (!take_number(rest, stream) || !take_number(rest, end) || !take_number(rest, size)) return false;
    if (size > rest.size()) return false;
    input.push_back(
        {.stream = static_cast<std::int32_t>(stream), .end = end != 0, .bytes = std::string(rest.substr(0, size))});
    rest.remove_prefix(size);
  }
  return true;
}

std::unique_ptr<Player> make_player(std::string_view name) {
  if (auto player = make_parser_player(name)) return player;
  if (auto player = make_session_player(name)) return player;
  if (auto player = make_log_player(name)) return player;
  return make_transport_player(name);
}

int play(int number, const char* name, const char* path) {
  Input input;
  const std::unique_ptr<Player> player = make_player(name);
  if (!player || !read_input(path, input)) {
    std::fprintf(stderr, "cannot play %s to %s\n", path, name);
    return 1;
  }
  player->prepare(input);
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  player->play(input);
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(std::to_string(number).c_str());
  return 0;
}

}  // namespace
}  // namespace gatehouse::work

int main(int count, char** arguments) {
  for (int i = 1; i + 1 < count; i += 2) {
    if (gatehouse::work::play((i - 1) / 2, arguments[i], arguments[i + 1]) != 0) return 1;
  }
  return 0;
}
