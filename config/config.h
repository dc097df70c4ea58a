// The configuration as plain structs: what a file means once it was read and found valid. One member per key, its
// default here, one line of doc; config/reference.toml lists the same for users. Values without behaviour, owned by
// whoever loaded them, no thread affinity. Strings are expanded and paths absolute. What may still be wrong at build
// time keeps its place in the file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/log_level.h"
#include "config/units.h"
#include "config/veil.h"

namespace gatehouse::config {

using std::chrono::milliseconds;

// Where something was written; line 0 means: not in a file (a default, or made by the command line).
struct Location {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
};

// A file whose content several machines share.
struct KeyFile {
  std::string path;
  Location location;
};

// [server]
struct Server {
  unsigned workers = 0;                            // 0: one per CPU available to the process
  std::optional<Address> admin = default_admin();  // /metrics /healthz /readyz /status; nullopt ("") turns it off
  Location admin_location;
  std::string control;  // Unix socket path for commands; empty: one in the runtime directory
  std::string user;     // drop to this user after binding; empty: stay who we are
  Location user_location;
  milliseconds drain_timeout{std::chrono::seconds(30)};  // for in-flight exchanges on stop or when a listener goes away
  milliseconds drain_delay{0};                           // /readyz says 503 for so long before anything else changes
  bool watch = false;                                    // reload when this file, or one that it names, changes
  KeyFile secret_file;                       // of 32 bytes: signs QUIC tokens and affinity cookies; empty: our own
  std::vector<std::uint8_t> quic_server_id;  // in the connection ids that we issue; empty: none
  std::uint8_t quic_config_id = 0;           // 0..6: the balancer's name for this form of them

  static Address default_admin();  // 127.0.0.1:9180
};

enum class AccessLogFormat { kJson, kCombined, kW3c };

// [log.access]
struct AccessLog {
  std::string output = "stdout";  // "stdout", "stderr", "off", or an absolute path
  AccessLogFormat format = AccessLogFormat::kJson;
};

// [log]
struct Log {
  log::Level level = log::Level::kInfo;
  std::string output = "stderr";  // "stderr", "stdout", "journal", or an absolute path (reopened on SIGUSR1)
  // Ends of the names of query parameters whose values are not logged.
  std::vector<std::string> redact{"token",  "password", "code", "sig", "signature", "secret",    "key",       "pass",
                                  "passwd", "pwd",      "auth", "jwt", "session",   "sessionid", "credential"};
  AccessLog access;
};

// What clients may speak. The default depends on the listener: h1, h2 and (not on a Unix socket) h3 with tls, else h1.
struct Protocols {
  bool h1 = false;
  bool h2 = false;   // over TLS, by ALPN
  bool h3 = false;   // over QUIC, on the same address and port
  bool h2c = false;  // cleartext HTTP/2 by prior knowledge

  friend bool operator==(const Protocols&, const Protocols&) = default;
};

enum class AltSvcMode { kAuto, kOff, kPort };

// alt_svc and alt_svc_max_age of a listener
struct AltSvc {
  AltSvcMode mode = AltSvcMode::kAuto;  // kAuto: the listener's own port, while its QUIC side is alive
  std::uint16_t port = 0;               // the public port, with kPort
  milliseconds max_age{std::chrono::hours(24)};
};

enum class CongestionControl { kCubic, kBbr };

// [listeners.quic]
struct Quic {
  CongestionControl congestion_control = CongestionControl::kCubic;
};

struct CertificateFiles {
  std::string certificate;  // PEM: the leaf, then its chain
  std::string private_key;  // PEM
  Location location;
};

enum class UnknownSni { kDefault, kReject };
enum class TlsVersion { kTls12, kTls13 };

// [listeners.tls]
struct Tls {
  std::vector<CertificateFiles> certificates;     // never empty; picked by SNI: exact, then wildcard, then the first
  UnknownSni unknown_sni = UnknownSni::kDefault;  // kDefault: serve the first; kReject: unrecognized_name
  TlsVersion min_version = TlsVersion::kTls12;    // h3 is always 1.3
  bool session_tickets = true;
  std::vector<KeyFile> ticket_key_files;  // of 80 bytes each, the first encrypts; empty: keys of our own, which rotate
};

enum class ClientAddress { kXForwardedFor, kForwarded, kXRealIp };

// [[listeners]]
struct Listener {
  Location location;
  Address address;
  Protocols protocols;
  std::vector<AddressRange> trusted_proxies;  // who may say what vouches for clients (deploy/guides/headers.md)
  ClientAddress client_address = ClientAddress::kXForwardedFor;  // which of their fields says who the client is
  std::vector<std::string> strip;                                // names, or "X-Acme-*", that no client may send
  bool redirect_to_https = false;                                // cleartext only: 308 to the https listener
  std::size_t max_connections = 0;                               // 0: no limit of its own
  AltSvc alt_svc;
  Quic quic;
  std::optional<Tls> tls;
};

// A limit of one client address (IPv6: of a /64), not of trusted proxies and Unix sockets. As long as nobody has asked
// for it, it spares loopback as well: there stand balancers and tunnels, whose address is everybody's.
template <class T>
struct PerClient {
  T value;
  bool written = false;  // in a file: then it holds for loopback too
};

// [limits]
struct Limits {
  std::size_t max_connections = 0;  // whole process; 0: bounded by file descriptors, with a reserve kept
  Location max_connections_location;
  std::size_t max_requests_per_connection = 0;                 // 0: no limit
  std::uint32_t max_streams = 100;                             // concurrent, per h2 or h3 connection
  std::optional<std::uint64_t> max_request_body = 30'000'000;  // bytes, 413 beyond; nullopt: "off"
  std::size_t max_header_bytes = 32768;                        // 431 beyond
  std::size_t max_header_count = 100;                          // 431 beyond
  std::size_t max_target_bytes = 8192;                         // 414 beyond
  PerClient<std::uint32_t> max_connections_per_client{1000};   // open at a time; 0: no limit
  PerClient<Rate> max_handshakes_per_client{{.count = 100}};   // TLS and QUIC
};

// [timeouts]
struct Timeouts {
  milliseconds handshake{std::chrono::seconds(10)};
  milliseconds header{std::chrono::seconds(30)};         // first byte of a request to the end of its head
  milliseconds idle{std::chrono::seconds(120)};          // connection without an exchange
  milliseconds request_body{std::chrono::seconds(120)};  // between bytes
  milliseconds connect{std::chrono::seconds(5)};
  milliseconds response{std::chrono::seconds(120)};       // end of the request to the head of the answer
  milliseconds response_body{std::chrono::seconds(120)};  // between bytes
};

// [routes.limits]: only what differs from the global value is set. In `max_request_body` the inner nullopt is "off".
struct RouteLimits {
  std::optional<std::optional<std::uint64_t>> max_request_body;
};

// [routes.timeouts]: only what differs from the global value is set.
struct RouteTimeouts {
  std::optional<milliseconds> request_body;
  std::optional<milliseconds> connect;
  std::optional<milliseconds> response;
  std::optional<milliseconds> response_body;
};

// request_headers and response_headers of a route: removed first, then set (replacing), then added.
struct HeaderEdits {
  std::vector<std::pair<std::string, std::string>> set;  // names as written, values free of CR, LF and NUL
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;

  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

// to = "NAME"
struct Forward {
  std::string upstream;  // or app
  Location location;
};

// redirect = "TARGET", status = N
struct Redirect {
  std::string target;  // "{uri}" stands for the request's path and query, "{host}" for its host
  int status = 308;    // 301, 302, 303, 307 or 308
};

// respond = { status = N, body = "TEXT" }
struct Respond {
  int status = 404;
  std::string body;
};

enum class ForwardedStyle { kNone, kRfc7239 };

// [[routes]]; a request takes the route with: host exact > longest wildcard > none, then the longest path by whole
// segments.
struct Route {
  Location location;
  std::vector<std::string> hosts;  // lower case, no port; "*.example.com" for all below it; empty: any
  std::string path = "/";          // canonical prefix, by whole segments
  std::variant<Forward, Redirect, Respond> action;
  bool strip_prefix = false;                         // remove `path` and send X-Forwarded-Prefix
  bool preserve_host = true;                         // false: Host is the endpoint's
  bool redirect_to_https = true;                     // false: served in cleartext though the listener redirects
  ForwardedStyle forwarded = ForwardedStyle::kNone;  // "rfc7239": send Forwarded too
  bool real_ip = false;                              // send X-Real-IP too
  HeaderEdits request_headers;
  HeaderEdits response_headers;
  RouteLimits limits;
  RouteTimeouts timeouts;
};

// "shop.internal:8080": A and AAAA; "_http._tcp.shop.internal": SRV, which brings the ports.
struct DnsName {
  std::string name;
  std::uint16_t port = 0;  // 0: SRV
  friend bool operator==(const DnsName&, const DnsName&) = default;
};

// One entry of endpoints: an address, or a DNS name that is resolved at run time.
struct Endpoint {
  std::variant<Address, DnsName> at;
  std::uint32_t weight = 1;  // 1..1000
  Location location;
};

enum class Balance { kRoundRobin, kLeastRequests, kRandom, kHash };
enum class HashOn { kClientIp, kHeader, kCookie, kPath };

// [upstreams.NAME.pool]
struct Pool {
  milliseconds idle_timeout{std::chrono::seconds(60)};  // also learned from Keep-Alive: timeout=
  std::size_t max_idle = 64;                            // connections per endpoint and worker; 0: none is kept
};

enum class InitialHealth { kServe, kWait };

// [upstreams.NAME.health]: active checks; off until a path is given
struct Health {
  std::string path;
  milliseconds interval{std::chrono::seconds(10)};
  milliseconds timeout{std::chrono::seconds(3)};
  std::uint32_t unhealthy_after = 2;  // failed checks in a row
  std::uint32_t healthy_after = 1;    // passed checks in a row
  std::uint16_t expect_first = 200;   // expect = "200-399"
  std::uint16_t expect_last = 399;
  InitialHealth initial = InitialHealth::kServe;  // kWait: not before the first passed check
  milliseconds slow_start{0};
};

// [upstreams.NAME.outlier]: passive, by the outcome of requests
struct Outlier {
  std::uint32_t consecutive_failures = 5;  // 0: off
  milliseconds eject_for{std::chrono::seconds(30)};
  std::uint32_t max_ejected = 50;  // percent
};

// What an upstream and an app have in common.
struct Balancing {
  Balance balance = Balance::kLeastRequests;  // of two random choices
  HashOn hash_on = HashOn::kClientIp;
  std::string hash_name;         // hash_on = "header:NAME" or "cookie:NAME"
  std::size_t max_requests = 0;  // in flight per endpoint; 0: no limit. Beyond it requests queue
  std::size_t queue = 1000;      // requests waiting for a place or for a starting app; the next one gets 503
  milliseconds queue_timeout{std::chrono::seconds(120)};
  bool via = true;            // "off": no Via, for endpoints that stop compressing when they see one
  std::string sticky_cookie;  // [upstreams.NAME.sticky] cookie: name of a signed affinity cookie; "" is off
  Pool pool;
  Health health;
  Outlier outlier;
};

// [upstreams.NAME]
struct Upstream {
  std::string name;
  Location location;
  std::vector<Endpoint> endpoints;  // never empty
  Balancing balancing;
};

enum class AppStart { kOnDemand, kEager };
enum class AppTransport { kPort, kSocket, kInherit };
enum class AppProfile { kGeneric, kAspNetCore };
enum class AppOutput { kLog, kFile, kInherit, kOff };

// rapid_fail = { count, window }
struct RapidFail {
  std::uint32_t count = 10;  // crashes and failed starts within `window`: parked
  milliseconds window{std::chrono::seconds(60)};
};

// recycle = { every, requests, memory, on_change }; zero or empty: never
struct Recycle {
  milliseconds every{0};
  std::uint64_t requests = 0;
  std::uint64_t memory = 0;            // bytes
  std::vector<std::string> on_change;  // files or folders, absolute
};

// [apps.NAME]: an upstream whose endpoints are processes that we start
struct App {
  std::string name;
  Location location;
  std::vector<std::string> command;  // no shell; never empty; with a "/" in the first it is absolute
  Location command_location;
  std::string directory;  // absolute; that of the file if it says nothing
  Location directory_location;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string environment_file;  // "": none
  Location environment_file_location;
  std::string user;  // run as (needs root); "": who we are
  Location user_location;
  std::uint32_t instances = 1;
  AppStart start = AppStart::kOnDemand;
  AppTransport transport = AppTransport::kPort;
  AppProfile profile = AppProfile::kGeneric;
  std::string ready_path;  // "": ready when the socket accepts; else when GET answers 2xx or 3xx
  std::vector<std::string> warmup;
  milliseconds start_timeout{std::chrono::seconds(120)};
  milliseconds stop_timeout{std::chrono::seconds(10)};
  int stop_signal = 15;  // "SIGTERM"
  RapidFail rapid_fail;
  milliseconds idle_stop{0};  // 0: never
  Recycle recycle;
  std::string offline_file = "app_offline.htm";  // in `directory` if relative; "": none
  AppOutput output = AppOutput::kLog;
  std::string output_path;       // output = "file:PATH"
  bool detailed_errors = false;  // error_page = "detailed": to loopback clients only
  Balancing balancing;
};

struct Config {
  std::string file;  // as it was named; empty if it was made by the command line
  Server server;
  Log log;
  std::vector<Listener> listeners;
  std::vector<Route> routes;
  std::vector<Upstream> upstreams;  // in the order of the file
  std::vector<App> apps;            // likewise; no name is both
  Limits limits;
  Timeouts timeouts;
  Veil veil;  // over what came from the environment, for diagnostics that come later
};

// Of a listener with this tls and address: h1; with tls h2 too, and h3 if it is no Unix socket.
Protocols default_protocols(const Listener& listener);

// What holds for exchanges on `route`: the global values with the route's own over them.
Limits limits_of(const Config& config, const Route& route);
Timeouts timeouts_of(const Config& config, const Route& route);

}  // namespace gatehouse::config
