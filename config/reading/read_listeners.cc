#include <cstdint>
#include <format>
#include <string>
#include <string_view>

#include "common/address.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/route_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::uint64_t kHighestPort = 65535;

void read_address(TableReader& reader, Address& address) {
  std::string text;
  if (!reader.read("address", text)) {
    if (!reader.has("address")) {
      reader.need({"address"}, reader.location(),
                  R"(a listener needs an address, such as ":8443", "127.0.0.1:80" or "unix:/path")");
    }
    return;
  }
  const auto parsed = Address::parse(text);
  if (parsed) {
    address = *parsed;
  } else {
    reader.error("address", std::format("\"address\": {}", parsed.error().message));
  }
}

// With tls known, because what is allowed depends on it.
void read_protocols(TableReader& reader, Listener& listener) {
  Protocols protocols;
  bool good = true;
  const auto reject = [&](const Location& where, std::string message) {
    reader.error(where, std::move(message));
    good = false;
  };
  const bool given = reader.strings("protocols", [&](const std::string& word, const Location& where) {
    const auto* const found = std::ranges::find(kProtocolNames.texts, word);
    if (found == kProtocolNames.texts.end()) {
      return reject(where, std::format("{} is no protocol; write {}", in_quotes(word), one_of(kProtocolNames.texts)));
    }
    bool& listed = protocols.*kProtocolNames.values[static_cast<std::size_t>(found - kProtocolNames.texts.begin())];
    if (listed) return reject(where, std::format("{} is listed twice", in_quotes(word)));
    listed = true;
    if (listener.tls && word == "h2c") {
      return reject(where, R"("h2c" is HTTP/2 without tls; on this listener write "h2")");
    }
    if (!listener.tls && word == "h2") {
      return reject(where, R"("h2" needs tls; add [listeners.tls], or write "h2c" for HTTP/2 without it)");
    }
    if (!listener.tls && word == "h3") return reject(where, R"("h3" needs tls; add [listeners.tls])");
    if (listener.address.is_unix() && word == "h3")
      return reject(where, R"("h3" needs UDP, which a Unix socket has not)");
  });
  if (given && good && protocols == Protocols{}) {
    reject(reader.location("protocols"), "\"protocols\" must name at least one; leave it out for the default");
  }
  listener.protocols = given && good ? protocols : default_protocols(listener);
}

void read_trusted_proxies(TableReader& reader, std::vector<AddressRange>& ranges) {
  reader.strings("trusted_proxies", [&](const std::string& text, const Location& where) {
    const auto range = AddressRange::parse(text);
    if (!range) {
      reader.error(where, std::format("\"trusted_proxies\": {}", range.error().message));
      return;
    }
    if (text.ends_with("/0")) {
      reader.warning(where,
                     std::format("{} trusts every client: each can claim any address as its own", in_quotes(text)));
    }
    ranges.push_back(*range);
  });
}

// Whoever may say who the client is must be named, and must come over a connection that can begin with a header.
void read_proxy_protocol(TableReader& reader, Listener& listener) {
  reader.read("proxy_protocol", listener.proxy_protocol, kProxyProtocolNames);
  if (listener.proxy_protocol == ProxyProtocol::kOff) return;
  if (listener.protocols.h3) {
    reader.error("proxy_protocol",
                 R"("proxy_protocol" cannot be on a listener with h3: datagrams have no PROXY header, so that its )"
                 R"(clients would all be the proxy; write protocols = ["h1", "h2"])");
  }
  if (listener.trusted_proxies.empty()) {
    reader.error("proxy_protocol",
                 R"("proxy_protocol" needs "trusted_proxies": the addresses of those whose PROXY header is believed)");
  }
}

void read_strip(TableReader& reader, std::vector<std::string>& names) {
  reader.strings("strip", [&](const std::string& pattern, const Location& where) {
    const bool is_prefix = pattern.ends_with('*');
    const auto good = check_header_name(is_prefix ? pattern.substr(0, pattern.size() - 1) : pattern, Edit::kRemove);
    if (good) {
      names.push_back(pattern);
    } else {
      reader.error(where, std::format("\"strip\": {}", good.error().message));
    }
  });
}

void read_alt_svc(TableReader& reader, const Listener& listener, AltSvc& alt_svc) {
  static constexpr Names<AltSvcMode, 2> kModeNames{{AltSvcMode::kAuto, AltSvcMode::kOff}, {"auto", "off"}};
  bool given = false;
  if (reader.is_integer("alt_svc")) {
    given = reader.read("alt_svc", alt_svc.port, {.min = 1, .max = kHighestPort});
    alt_svc.mode = AltSvcMode::kPort;
  } else {
    given = reader.read("alt_svc", alt_svc.mode, kModeNames);
  }
  if (given && alt_svc.mode != AltSvcMode::kOff && !listener.protocols.h3) {
    reader.error("alt_svc", R"("alt_svc" needs "h3" in "protocols": there is nothing else to advertise)");
  }
  reader.read("alt_svc_max_age", alt_svc.max_age, {.min = std::chrono::seconds(1)});
}

// The frame says what the field says, to clients of h2: there must be both.
void read_alt_svc_frame(TableReader& reader, Listener& listener) {
  reader.read("alt_svc_frame", listener.alt_svc_frame);
  if (!listener.alt_svc_frame) return;
  if (!listener.protocols.h3 || !listener.protocols.h2) {
    reader.error("alt_svc_frame",
                 R"("alt_svc_frame" needs "h2" and "h3" in "protocols": it tells the one of the other)");
  } else if (listener.alt_svc.mode == AltSvcMode::kOff) {
    reader.error("alt_svc_frame", R"("alt_svc_frame" has nothing to tell with alt_svc = "off")");
  }
}

void read_certificates(TableReader& reader, std::vector<CertificateFiles>& certificates) {
  const bool given = reader.tables("certificates", [&](TableReader& element) {
    CertificateFiles files{.location = element.location()};
    const auto demand = [&element](std::string_view key, std::string& path) {
      if (element.read_path(key, path) || element.has(key)) return;
      element.need({key}, element.location(),
                   std::format("a certificate needs {}, the path of a PEM file", in_quotes(key)));
    };
    demand("certificate", files.certificate);
    if (!files.is_pkcs12()) {
      demand("private_key", files.private_key);
    } else if (element.read_path_or_none("private_key", files.private_key) && !files.private_key.empty()) {
      element.error("private_key", "PKCS#12 has the private key in it; leave \"private_key\" out");
    }
    element.read_path_or_none("passphrase_file", files.passphrase_file);
    certificates.push_back(std::move(files));
  });
  if (given ? certificates.empty() : !reader.has("certificates")) {
    reader.need({"certificates"}, reader.location("certificates"),
                R"([listeners.tls] needs certificates = [{ certificate = "cert.pem", private_key = "key.pem" }])");
  }
}

// A listener that was to let in some clients only must not let in all.
void read_client_auth(TableReader& reader, Tls& tls) {
  reader.read("client_auth", tls.client_auth, kClientAuthNames);
  reader.read_path_or_none("client_ca", tls.client_ca);
  if (tls.client_auth != ClientAuth::kNone && tls.client_ca.empty()) {
    reader.error(reader.has("client_ca") ? "client_ca" : "client_auth",
                 R"("client_auth" needs client_ca = "FILE", the CAs that sign the certificates of clients)");
  }
  if (tls.client_auth == ClientAuth::kNone && !tls.client_ca.empty()) {
    reader.warning("client_ca", R"("client_ca" has no effect without client_auth = "require" or "optional")");
  }
}

// Early data can be replayed: a ticket is good for one connection only, and for that its session is kept here.
void read_early_data(TableReader& reader, Tls& tls) {
  reader.read("early_data", tls.early_data);
  if (!tls.early_data) return;
  if (!tls.session_tickets) {
    reader.error("early_data",
                 R"("early_data" needs session tickets; leave out session_tickets = false, or "early_data")");
  }
  if (!tls.ticket_key_files.empty()) {
    reader.error("early_data",
                 "\"early_data\" takes each ticket once, which no other machine knows of; leave out "
                 "\"ticket_key_files\", or \"early_data\"");
  }
  if (tls.client_auth != ClientAuth::kNone) {
    reader.error("early_data",
                 "\"early_data\" comes before a client's certificate can be verified again; write client_auth = "
                 "\"none\", or leave out \"early_data\"");
  }
}

// 0-RTT packets of QUIC may use what the connection before had been granted (RFC 9000 section 7.4.1).
void check_early_data(TableReader& reader, const Listener& listener) {
  if (!listener.tls || !listener.tls->early_data || !listener.protocols.h3) return;
  reader.error(reader.has("protocols") ? "protocols" : "tls",
               "\"early_data\" is for TCP: with HTTP/3 a ticket has to bring back the limits of the connection before, "
               "and OpenSSL ties none to those that are good once; write protocols = [\"h1\", \"h2\"], and give HTTP/3 "
               "a listener of its own");
}

void read_tls(TableReader& reader, Tls& tls) {
  read_certificates(reader, tls.certificates);
  reader.read("unknown_sni", tls.unknown_sni, kUnknownSniNames);
  reader.read("min_version", tls.min_version, kTlsVersionNames);
  reader.read("session_tickets", tls.session_tickets);
  reader.strings("ticket_key_files", [&](const std::string& path, const Location& where) {
    if (path.empty()) return reader.error(where, "a ticket key needs the path of its file");
    tls.ticket_key_files.push_back({.path = reader.absolute(path), .location = where});
  });
  if (!tls.session_tickets && !tls.ticket_key_files.empty()) {
    reader.error("ticket_key_files", R"("ticket_key_files" has no meaning with session_tickets = false)");
  }
  read_client_auth(reader, tls);
  read_early_data(reader, tls);
}

void read_quic(TableReader& reader, const Listener& listener, Quic& quic) {
  reader.table("quic", [&](TableReader& table) {
    table.read("congestion_control", quic.congestion_control, kCongestionControlNames);
    if (!listener.protocols.h3)
      table.warning(table.location(), R"([listeners.quic] has no effect without "h3" in "protocols")");
  });
}

}  // namespace

void read_listener(TableReader& reader, Listener& listener) {
  listener.location = reader.location();
  read_address(reader, listener.address);
  reader.table("tls", [&](TableReader& table) { read_tls(table, listener.tls.emplace()); });
  read_protocols(reader, listener);
  check_early_data(reader, listener);
  read_trusted_proxies(reader, listener.trusted_proxies);
  if (reader.read("client_address", listener.client_address, kClientAddressNames) && listener.trusted_proxies.empty() &&
      listener.client_address != ClientAddress::kXForwardedFor) {
    reader.warning("client_address", R"("client_address" has no effect without "trusted_proxies")");
  }
  read_proxy_protocol(reader, listener);
  read_strip(reader, listener.strip);
  reader.read("redirect_to_https", listener.redirect_to_https);
  if (listener.redirect_to_https && listener.tls) {
    reader.error("redirect_to_https", "\"redirect_to_https\" is for listeners without tls; this one is https already");
  }
  if (reader.read("plain_on_tls", listener.plain_on_tls, kPlainOnTlsNames) && !listener.tls) {
    reader.error("plain_on_tls", "\"plain_on_tls\" is for listeners with tls; this one speaks http");
  }
  reader.read("max_connections", listener.max_connections);
  read_alt_svc(reader, listener, listener.alt_svc);
  read_alt_svc_frame(reader, listener);
  read_quic(reader, listener, listener.quic);
}

}  // namespace gatehouse::config
