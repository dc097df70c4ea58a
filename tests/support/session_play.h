// How the fuzz targets of h1 and h2 play a client: bytes go to a connection on a memory stream in pieces, and between
// them whatever a seed makes happen: the client stops or goes on reading, ends its half, goes or is cut off; responders
// go on, break or wait; the worker drains; time passes, or jumps over every deadline, with due timers in any order.
// What must hold throughout: memory is bounded by what is under way, the work of a turn by what it is for, and in the
// end nothing is left. Work is counted in calls of the stream, never timed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "tests/support/frontend_testing.h"

namespace gatehouse::fuzz {

// Bytes of the heap that somebody holds; free slabs kept for later are nobody's.
std::size_t held_memory();

// Ends the process, and says why.
void require(bool holds, std::string_view what);

struct SessionInput {
  std::size_t piece = 0;   // in how large pieces the bytes come; 0: all at once
  std::uint16_t seed = 0;  // of what else happens; 0: nothing
  std::string_view bytes;  // of the client
};
// The first byte is the piece, the next two are the seed. Returns false if there is too little, or more than is played.
bool read_session_input(const std::uint8_t* data, std::size_t size, SessionInput& input);

using MakeConnection = std::function<void(ListenerContext&, std::unique_ptr<ByteStream>)>;
void play_session(const SessionInput& input, std::string_view before, const MakeConnection& make);

}  // namespace gatehouse::fuzz
