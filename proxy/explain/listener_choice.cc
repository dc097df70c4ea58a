#include "proxy/explain/listener_choice.h"

#include <algorithm>
#include <format>
#include <optional>

#include "common/text.h"

namespace gatehouse {
namespace {

bool is_secure(const ListenerSnapshot& listener) {
  return listener.tls != nullptr;
}

std::string shown(const ListenerSnapshot& listener) {
  return std::format("{} ({})", listener.name, is_secure(listener) ? "TLS" : "cleartext");
}

std::string all_of(const Snapshot& snapshot) {
  std::string all;
  for (const ListenerSnapshot& listener : snapshot.listeners) text::add_to_list(all, shown(listener));
  return all;
}

bool has_port(const ListenerSnapshot& listener, std::uint16_t port) {
  return !listener.address.is_unix() && (listener.address.port() == port || listener.policy->public_port == port);
}

// How well the listener's address suits the host of the URL; nothing: another address is meant.
struct Fit {
  int rank = 0;
  std::string why;
};

std::optional<Fit> fit_of(const ListenerSnapshot& listener, const Question& question) {
  if (listener.address.is_any()) return Fit{.rank = 1, .why = "on all addresses"};
  const bool v6 = question.host.find(':') != std::string::npos;
  const auto literal = Address::parse(std::format("{}{}{}:0", v6 ? "[" : "", question.host, v6 ? "]" : ""));
  if (literal) {
    if (literal->host() != listener.address.host()) return std::nullopt;
    return Fit{.rank = 2, .why = "on that address"};
  }
  return Fit{.rank = 0, .why = std::format("if {} leads to {}", question.host, listener.address.host())};
}

std::string why_of(const ListenerSnapshot& listener, const Question& question, const Fit& fit) {
  const bool by_public_port = listener.address.port() != question.port;
  return std::format("{} port {} {} TLS, {}", by_public_port ? "clients know it by" : "listens on", question.port,
                     is_secure(listener) ? "with" : "without", fit.why);
}

bool speaks(const ListenerSnapshot& listener, Protocol protocol) {
  if (protocol == Protocol::kH2) return listener.speaks_h2;
  return protocol == Protocol::kH3 ? listener.speaks_h3 : listener.speaks_h1;
}

// Over TLS a client offers both and the listener prefers h2; cleartext h2 takes a client that knows of it.
Result<Protocol> protocol_of(const ListenerSnapshot& listener, const Question& question) {
  if (question.protocol) {
    if (speaks(listener, *question.protocol)) return *question.protocol;
    return failure(std::format("the listener {} does not speak {}", listener.name, label(*question.protocol)));
  }
  if (listener.speaks_h2 && (is_secure(listener) || !listener.speaks_h1)) return Protocol::kH2;
  return listener.speaks_h1 ? Protocol::kH1 : Protocol::kH3;
}

Result<ListenerChoice> named(const Snapshot& snapshot, const Question& question) {
  const auto found = std::ranges::find_if(snapshot.listeners, [&](const ListenerSnapshot& listener) {
    return listener.name == question.listener || listener.address.to_string() == question.listener;
  });
  if (found == snapshot.listeners.end()) {
    return failure(std::format("there is no listener {}; there is {}", question.listener, all_of(snapshot)));
  }
  if (is_secure(*found) != question.secure) {
    return failure(std::format("the listener {} speaks {}, but the URL is {}", found->name,
                               is_secure(*found) ? "TLS" : "cleartext", question.secure ? "https" : "http"));
  }
  return ListenerChoice{.listener = &*found, .why = "named by --listener", .others = {}};
}

Result<ListenerChoice> found(const Snapshot& snapshot, const Question& question) {
  ListenerChoice choice;
  int best = -1;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    if (!has_port(listener, question.port)) continue;
    if (is_secure(listener) != question.secure) {
      choice.others.push_back(std::format("{}: speaks {}", listener.name, is_secure(listener) ? "TLS" : "cleartext"));
      continue;
    }
    const std::optional<Fit> fit = fit_of(listener, question);
    if (!fit || fit->rank <= best) {
      choice.others.push_back(
          std::format("{}: {}", listener.name, fit ? "its address says less" : "listens on another address"));
      continue;
    }
    if (choice.listener != nullptr) {
      choice.others.push_back(std::format("{}: its address says less", choice.listener->name));
    }
    best = fit->rank;
    choice.listener = &listener;
    choice.why = why_of(listener, question, *fit);
  }
  if (choice.listener != nullptr) return choice;
  std::string message =
      std::format("nobody listens on port {} {}", question.port, question.secure ? "with TLS" : "without TLS");
  for (const std::string& other : choice.others) message += "; " + other;
  if (choice.others.empty()) message += std::format("; there is {}", all_of(snapshot));
  return failure(message + " (--listener NAME if something forwards the port)");
}

}  // namespace

Result<ListenerChoice> choose_listener(const Snapshot& snapshot, const Question& question) {
  auto choice = question.listener.empty() ? found(snapshot, question) : named(snapshot, question);
  if (!choice) return choice;
  const auto protocol = protocol_of(*choice->listener, question);
  if (!protocol) return std::unexpected(protocol.error());
  choice->protocol = *protocol;
  return choice;
}

}  // namespace gatehouse
