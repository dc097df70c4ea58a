#include "proxy/http/asserted_fields.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "proxy/http/disguise.h"

namespace gatehouse::asserted_fields {

namespace {

constexpr From kTrusted = From::kTrusted;
constexpr From kOurs = From::kOurs;

constexpr std::string_view kClientCertificate = "Client-Cert*";

constexpr auto kRows = std::to_array<Row>({
    {"X-Forwarded*", kTrusted, "address, scheme, host, port, prefix, user, certificate"},
    {"Forwarded*", kTrusted, "the same (RFC 7239)"},
    {"X-Real-IP", kTrusted, "address of the client"},
    {"X-Client-IP", kTrusted, "address of the client"},
    {"X-Cluster-Client-IP", kTrusted, "address of the client"},
    {"X-Originating-IP", kTrusted, "address of the client"},
    {"X-Envoy-External-Address", kTrusted, "address of the client (Envoy)"},
    {"X-Azure-ClientIP", kTrusted, "address of the client (Azure Front Door)"},
    {"X-Azure-SocketIP", kTrusted, "address of the client (Azure Front Door)"},
    {"X-AppEngine-User-IP", kTrusted, "address of the client (App Engine)"},
    {"X-ProxyUser-IP", kTrusted, "address of the client (Google)"},
    {"True-Client-IP", kTrusted, "address of the client (Akamai, Cloudflare)"},
    {"CF-Connecting-IP*", kTrusted, "address of the client (Cloudflare)"},
    {"Fastly-Client-IP", kTrusted, "address of the client (Fastly)"},
    {"Client-IP", kTrusted, "address of the client, for PHP"},
    {"Proxy-Client-IP", kTrusted, "address of the client, for Java"},
    {"WL-Proxy-*", kTrusted, "address, TLS, certificate, for WebLogic"},
    {"X-Scheme", kTrusted, "https or http"},
    {"X-Url-Scheme", kTrusted, "https or http"},
    {"X-Https", kTrusted, "https"},
    {"Front-End-Https", kTrusted, "https (Microsoft)"},
    {"X-Host", kTrusted, "host that was asked for"},
    {"X-HTTP-Host-Override", kTrusted, "host that was asked for"},
    {kClientCertificate, kTrusted, "certificate of the client (RFC 9440)"},
    {"X-Client-Cert*", kTrusted, "certificate of the client"},
    {"X-Client-DN", kTrusted, "certificate of the client"},
    {"X-Client-Verify", kTrusted, "certificate of the client"},
    {"X-SSL-*", kTrusted, "certificate of the client, TLS"},
    {"SSL-Cert", kTrusted, "certificate of the client"},
    {"SSL-Client-*", kTrusted, "certificate of the client"},
    {"X-ARR-*", kTrusted, "certificate of the client, TLS (IIS, Azure)"},
    {"Remote-*", kTrusted, "user, groups, address"},
    {"X-Remote-*", kTrusted, "user, groups, address"},
    {"X-Authenticated-*", kTrusted, "user, groups"},
    {"X-Auth-Request-*", kTrusted, "user, groups (oauth2-proxy)"},
    {"X-WebAuth-*", kTrusted, "user, groups (Grafana)"},
    {"X-MS-Client-Principal*", kTrusted, "user, groups (Azure)"},
    {"X-MS-Token-*", kTrusted, "user (Azure)"},
    {"X-Goog-Authenticated-User-*", kTrusted, "user (Google)"},
    {"X-Amzn-Oidc-*", kTrusted, "user (AWS)"},
    {"CF-Access-*", kTrusted, "user (Cloudflare)"},
    {"Tailscale-User-*", kTrusted, "user (Tailscale)"},
    {"X-Original-*", kOurs, "target, host, address before they were rewritten; some frameworks route by it"},
    {"X-Rewrite-*", kOurs, "target before it was rewritten; some frameworks route by it"},
    {"X-Accel-*", kOurs, "which files the proxy may send (nginx)"},
    {"X-Sendfile*", kOurs, "which files the proxy may send"},
    {"X-Delegate-To", kOurs, "which other application the proxy gives the request to"},
    {"X-Delegate-Headers", kOurs, "with which fields"},
    {"MS-ASPNETCORE-*", kOurs, "token, certificate, user (ASP.NET Core)"},
    {"X-Middleware-Subrequest", kOurs, "what Next.js has checked already"},
    {"Proxy", kOurs, "nothing; CGI programs take it for HTTP_PROXY and send their own requests there"},
});

constexpr bool is_prefix(std::string_view pattern) {
  return pattern.ends_with('*');
}

// Names fall into buckets by their first letter, and those that begin with "x-" by their third: most names of a request
// share theirs with no row, or with one or two that differ in the next letter.
constexpr std::size_t kBuckets = 64;

constexpr std::size_t bucket_of(std::string_view name) {
  constexpr std::size_t kLetters = 32;
  const auto letter = [&](std::size_t index) {
    return static_cast<std::size_t>(static_cast<unsigned char>(disguise::folded(name[index]))) % kLetters;
  };
  const bool extension = name.size() > 2 && disguise::folded(name[0]) == 'x' && disguise::folded(name[1]) == '-';
  return extension ? kLetters + letter(2) : letter(0);
}

struct Index {
  std::array<std::uint8_t, kRows.size()> order{};
  std::array<std::uint8_t, kBuckets + 1> first{};
};

consteval Index make_index() {
  Index index;
  std::size_t filled = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    index.first[bucket] = static_cast<std::uint8_t>(filled);
    for (std::size_t row = 0; row < kRows.size(); ++row) {
      if (bucket_of(kRows[row].name) == bucket) index.order[filled++] = static_cast<std::uint8_t>(row);
    }
  }
  index.first[kBuckets] = static_cast<std::uint8_t>(filled);
  return index;
}
constexpr Index kIndex = make_index();

}  // namespace

std::span<const Row> rows() {
  return kRows;
}

bool matches(std::string_view pattern, std::string_view name) {
  if (!is_prefix(pattern)) return disguise::same(name, pattern);
  pattern.remove_suffix(1);
  return disguise::begins_with(name, pattern);
}

const Row* find(std::string_view name) {
  if (name.empty()) return nullptr;
  const std::size_t bucket = bucket_of(name);
  for (std::size_t i = kIndex.first[bucket]; i < kIndex.first[bucket + 1]; ++i) {
    const Row& row = kRows[kIndex.order[i]];
    if (matches(row.name, name)) return &row;
  }
  return nullptr;
}

Speaker Speaker::of(const ClientInfo& client) {
  const ListenerPolicy* const listener = client.listener.get();
  return {.listener = listener, .trusted = listener != nullptr && listener->trusts(client.address)};
}

Verdict judge(std::string_view name, const Speaker& speaker) {
  if (speaker.listener != nullptr) {
    for (const std::string& pattern : speaker.listener->strip) {
      if (matches(pattern, name)) return Verdict::kListener;
    }
  }
  const Row* const row = find(name);
  if (row == nullptr) return Verdict::kStays;
  if (row->from == From::kOurs) return Verdict::kOurs;
  if (!speaker.trusted) return Verdict::kUntrusted;
  // Where clients show certificates, these say what was shown to us.
  if (speaker.listener != nullptr && speaker.listener->client_auth != ClientAuth::kNone &&
      matches(kClientCertificate, name)) {
    return Verdict::kOurs;
  }
  return disguise::is_plain(name) ? Verdict::kStays : Verdict::kDisguised;
}

}  // namespace gatehouse::asserted_fields
