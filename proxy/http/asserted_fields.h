// The names by which proxies vouch for somebody: who asks, from which address, with which certificate, for what. An
// application believes them, so that nobody but its proxies may say them. One table for headers and trailers of every
// protocol; deploy/guides/headers.md is its print, and `strip` of a listener adds to it. Pure, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/http/client_info.h"

namespace gatehouse::asserted_fields {

// From whom an endpoint gets to see such a field.
enum class From : std::uint8_t {
  kTrusted,  // trusted proxies, and ourselves
  kOurs,     // ourselves alone, because proxies in front of us let them pass from everybody
};

struct Row {
  std::string_view name;  // with a "*" at the end: every name that begins so
  From from;
  std::string_view says;  // for the guide
};

// The table, in the order of the guide.
std::span<const Row> rows();

// The row that has the name, in any of its spellings (see disguise.h); null if there is none.
const Row* find(std::string_view name);

// Whether `pattern`, a name or the beginning of one with a "*" behind it, means `name` in any of its spellings.
bool matches(std::string_view pattern, std::string_view name);

enum class Verdict : std::uint8_t {
  kStays,
  kUntrusted,  // who sends it is no trusted proxy
  kOurs,       // only we may say it
  kDisguised,  // a proxy that we trust spells it properly; this one it has let pass
  kListener,   // `strip` of the listener has it
};

// Whose words are judged: a listener's policy (null: none), and whether the peer is one of its trusted proxies.
struct Speaker {
  const ListenerPolicy* listener = nullptr;
  bool trusted = false;

  static Speaker of(const ClientInfo& client);
};

// What becomes of a field with this name in the head of a request.
Verdict judge(std::string_view name, const Speaker& speaker);

}  // namespace gatehouse::asserted_fields
