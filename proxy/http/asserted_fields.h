// The names by which proxies vouch for somebody: who asks, from which address, with which certificate, for what. An
// application believes them, so nobody but its proxies may say them. One table serves the headers and trailers of
// every protocol; deploy/guides/headers.md is its print, and `strip` of a listener adds to it. The table is constant
// and the functions are pure: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/http/client_info.h"

namespace gatehouse::asserted_fields {

// From whom an endpoint gets to see such a field.
enum class From : std::uint8_t {
  // Trusted proxies may say it, and we ourselves.
  kTrusted,
  // We alone may say it, because proxies in front of us let such fields pass from everybody.
  kOurs,
};

struct Row {
  // With a "*" at the end it means every name that begins so.
  std::string_view name;
  From from;
  // What an application learns from the field; for the guide.
  std::string_view says;
};

// Returns the whole table, in the order of the guide.
std::span<const Row> rows();

// Returns the first row whose name `name` is, in any of its spellings (disguise.h); null if there is none.
const Row* find(std::string_view name);

// Whether `pattern`, a name or the beginning of one with a "*" behind it, means `name` in any of its spellings.
bool matches(std::string_view pattern, std::string_view name);

enum class Verdict : std::uint8_t {
  kStays,
  // Who sends it is no trusted proxy.
  kUntrusted,
  // Only we may say it, whoever has sent it. With `client_auth` of the listener, Client-Cert and Client-Cert-Chain too.
  kOurs,
  // The sender is trusted, but a trusted proxy spells the name with hyphens; this spelling it has let pass from a
  // client.
  kDisguised,
  // `strip` of the listener names it.
  kListener,
};

// Whose words are judged: a listener's policy (null: none), and whether the peer is one of its trusted proxies.
struct Speaker {
  // A null listener has no `strip`, and trusts nobody.
  const ListenerPolicy* listener = nullptr;
  bool trusted = false;

  // `client.listener` has to outlive the result.
  static Speaker of(const ClientInfo& client);
};

// Says whether a field with this name stays in the head of a request; every verdict but kStays removes it. `strip`
// comes first, then the table: kOurs, kUntrusted, kDisguised. A name that is in neither stays.
Verdict judge(std::string_view name, const Speaker& speaker);

}  // namespace gatehouse::asserted_fields
