// The configuration as plain structs: what a file means once it was read and found valid. One member per key, with its
// default and what a user would read about it; config/reference.toml lists the same for users. Values without
// behaviour, owned by whoever loaded them, no thread affinity. Strings are expanded and paths absolute (but
// App::offline_file). What may turn out to be wrong later, against the rest or the machine, keeps its place in the
// file.
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
#include "config/policy/access_log_format.h"
#include "config/policy/apps.h"
#include "config/policy/balancing.h"
#include "config/policy/header_edits.h"
#include "config/policy/limits.h"
#include "config/policy/listeners.h"
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
  // Threads that serve; 0: one per CPU available to the process. A change takes effect with the next start.
  unsigned workers = 0;
  // Where /metrics, /healthz, /readyz, /status and /status.json are; nullopt (""): nowhere.
  std::optional<Address> admin = default_admin();
  Location admin_location;
  // Path of the Unix socket (mode 0600) for commands that change things; "": one in the runtime directory.
  std::string control;
  std::string user;  // become this user, with its groups, once all addresses are bound; "": stay who we are
  Location user_location;
  // How long in-flight exchanges get on stop, or when a listener goes away.
  milliseconds drain_timeout = defaults::kDrainTimeout;
  // On stop, /readyz says 503 for so long before anything else changes, so that balancers look elsewhere first.
  milliseconds drain_delay{0};
  // Reload by itself when this file, or a certificate or key of a listener, has changed.
  bool watch = false;
  // 32 bytes that machines share: signs affinity cookies and QUIC address tokens; "": one of this machine's own.
  KeyFile secret_file;
  // This machine in the QUIC connection ids that it issues, for balancers: at most 15 bytes; empty: they name none.
  std::vector<std::uint8_t> quic_server_id;
  std::uint8_t quic_config_id = 0;  // 0 to 6: the number by which balancers know that form of connection ids

  static Address default_admin();  // 127.0.0.1:9180
};

// [log.access]
struct AccessLog {
  std::string output = "stdout";  // "stdout", "stderr", "off", or an absolute path (reopened on SIGUSR1)
  AccessLogFormat format = AccessLogFormat::kJson;
};

// [log]
struct Log {
  log::Level level = log::Level::kInfo;
  std::string output = "stderr";  // "stderr", "stdout", "journal", or an absolute path (reopened on SIGUSR1)
  // Query parameters (by the ends of their names) whose values are not logged, in Referer neither.
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
  AltSvcMode mode = AltSvcMode::kAuto;           // kAuto: the listener's own port, while its QUIC side is alive
  std::uint16_t port = 0;                        // the public port, with kPort
  milliseconds max_age{std::chrono::hours(24)};  // how long clients remember it
};

// [listeners.quic]
struct Quic {
  CongestionControl congestion_control = CongestionControl::kCubic;
};

struct CertificateFiles {
  std::string certificate;  // PEM: the leaf, then its chain
  std::string private_key;  // PEM
  Location location;
};

// [listeners.tls]
struct Tls {
  std::vector<CertificateFiles> certificates;     // never empty; picked by SNI: exact, then wildcard, then unknown_sni
  UnknownSni unknown_sni = UnknownSni::kDefault;  // kDefault: serve the first; kReject: unrecognized_name
  TlsVersion min_version = TlsVersion::kTls12;    // the oldest; h3 is always 1.3
  bool session_tickets = true;                    // returning clients resume their session
  // Keys that machines share, 80 bytes each: the first encrypts, all are accepted; empty: our own, rotated every 12 h.
  std::vector<KeyFile> ticket_key_files;
};

// [[listeners]]
struct Listener {
  Location location;
  Address address;
  Protocols protocols;
  // Whose X-Forwarded-*, Forwarded, X-Real-IP and other such headers are believed (deploy/guides/headers.md).
  std::vector<AddressRange> trusted_proxies;
  ClientAddress client_address = ClientAddress::kXForwardedFor;  // which of their headers says who the client is
  // More names that only Gatehouse may assert, or "X-Acme-*": removed from every client, a trusted proxy too.
  std::vector<std::string> strip;
  bool redirect_to_https = false;   // without tls only: answer with a 308 to the https listener
  std::size_t max_connections = 0;  // of this listener at a time; 0: no limit of its own
  AltSvc alt_svc;
  Quic quic;
  std::optional<Tls> tls;
};

// A limit of one client address (IPv6: of a /64), on all listeners together, but not of trusted proxies and Unix
// sockets. As long as nobody has asked for it, it spares loopback as well: there stand balancers and tunnels, whose
// address is everybody's. Beyond it connections are closed as soon as they are made.
template <class T>
struct PerClient {
  T value;
  bool written = false;  // in a file: then it holds for loopback too
};

// [limits]
struct Limits {
  // Client connections of the whole process; 0: as many as file descriptors allow, with a reserve kept.
  std::size_t max_connections = 0;
  Location max_connections_location;
  std::size_t max_requests_per_connection = 0;        // beyond, it is closed gracefully; 0: never
  std::uint32_t max_streams = defaults::kMaxStreams;  // concurrent, per h2 or h3 connection
  std::optional<std::uint64_t> max_request_body = defaults::kMaxRequestBody;  // bytes, 413 beyond; nullopt: "off"
  std::size_t max_header_bytes = defaults::kMaxHeaderBytes;                   // 431 beyond
  std::size_t max_header_count = defaults::kMaxHeaderCount;                   // 431 beyond
  std::size_t max_target_bytes = defaults::kMaxTargetBytes;                   // 414 beyond
  PerClient<std::uint32_t> max_connections_per_client{1000};                  // open at a time; 0: no limit
  PerClient<Rate> max_handshakes_per_client{{.count = 100}};  // TLS and QUIC, begun in a period; 0: no limit
};

// [timeouts]
struct Timeouts {
  milliseconds handshake = defaults::kHandshakeTimeout;           // TLS or QUIC
  milliseconds header = defaults::kHeaderTimeout;                 // first byte of a request to the end of its head
  milliseconds idle = defaults::kIdleTimeout;                     // client connection without a request
  milliseconds request_body = defaults::kRequestBodyTimeout;      // between bytes
  milliseconds connect = defaults::kConnectTimeout;               // to an endpoint
  milliseconds response = defaults::kResponseTimeout;             // end of the request to the head of the answer
  milliseconds response_body = defaults::kResponseBodyTimeout;    // between bytes
  milliseconds response_write = defaults::kResponseWriteTimeout;  // the client acknowledges nothing of what waits
  milliseconds linger = defaults::kLingerTimeout;  // for an early answer to arrive, while the client still sends
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
  std::optional<milliseconds> response_write;
};

// to = "NAME", of an upstream or an app
struct Forward {
  std::string upstream;
  Location location;
};

// redirect = "TARGET", status = N
struct Redirect {
  std::string target;  // "{uri}" stands for the request's path and query, "{host}" for its host
  int status = 308;    // 301, 302, 303, 307 or 308
};

// respond = { status = N, body = "TEXT" }
struct Respond {
  int status = 404;  // 200 to 599; 204, 205 and 304 have no body
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
  bool strip_prefix = false;                         // remove `path` and send it as X-Forwarded-Prefix
  bool preserve_host = true;                         // false: Host is the endpoint's address
  bool redirect_to_https = true;                     // false: served without TLS though the listener redirects
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

// One entry of endpoints: an address, or a DNS name that is asked again as its answer expires.
struct Endpoint {
  std::variant<Address, DnsName> at;
  std::uint32_t weight = 1;  // its share beside the others, 1 to 1000
  Location location;
};

// What an upstream and an app have in common.
struct Balancing {
  Balance balance = Balance::kLeastRequests;             // kLeastRequests: the less busy of two random ones
  HashOn hash_on = HashOn::kClientAddress;               // with kHash, what the same endpoint is chosen for
  std::string hash_name;                                 // hash_on = "header:NAME" or "cookie:NAME"
  std::size_t max_requests = 0;                          // in flight per endpoint, beyond it they queue; 0: no limit
  std::size_t queue = defaults::kQueue;                  // that wait for a permit or an app; the next one gets 503
  milliseconds queue_timeout = defaults::kQueueTimeout;  // how long one waits before it gets 503
  // False ("off"): no Via, for endpoints that stop compressing when they see one; circles are not noticed then.
  bool via = true;
  // [upstreams.NAME.sticky] cookie: the name of a signed cookie that remembers the endpoint; "": none.
  std::string sticky_cookie;
  PoolOptions pool;
  HealthOptions health;        // off until a path is given
  milliseconds slow_start{0};  // [upstreams.NAME.health]: who comes back gets its full share only after this long
  OutlierOptions outlier;
};

// [upstreams.NAME]
struct Upstream {
  std::string name;
  Location location;
  std::vector<Endpoint> endpoints;  // never empty
  Balancing balancing;
};

// [apps.NAME]: an upstream whose endpoints are processes that we start
struct App {
  std::string name;
  Location location;
  // The program and its arguments, never empty; no shell. A program without "/" is looked for in PATH.
  std::vector<std::string> command;
  Location command_location;
  std::string directory;  // where it runs; that of the file if it says nothing
  Location directory_location;
  // Variables for it, beside PATH, HOME, LANG and the like, which it gets from us.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string environment_file;  // more of them, NAME=value on each line, read at each start; "": none
  Location environment_file_location;
  std::string user;  // run as (needs root); "": who we are
  Location user_location;
  std::uint32_t instances = 1;           // processes, 1 to 100
  AppStart start = AppStart::kOnDemand;  // kOnDemand: with the first request
  // Where it listens: a port of 127.0.0.1 (in PORT), a socket (its path in SOCKET), or one handed over (LISTEN_FDS).
  AppTransport transport = AppTransport::kPort;
  AppProfile profile = AppProfile::kGeneric;  // kAspNetCore: with what the ASP.NET Core Module agrees on with its apps
  std::string ready_path;           // "": ready when the socket accepts; else when a GET for it gets 2xx or 3xx
  std::vector<std::string> warmup;  // paths that are asked for before an instance takes traffic
  milliseconds start_timeout = defaults::kStartTimeout;  // not ready by then is a failed start
  milliseconds stop_timeout = defaults::kStopTimeout;    // from the signal on; then it is killed with all it started
  int stop_signal = defaults::kStopSignal;               // "SIGTERM": asks it to end
  RapidFailOptions rapid_fail;
  milliseconds idle_stop{0};  // stop it after so long without a request; 0: never
  RecycleOptions recycle;
  // While this file is there (in `directory` if relative), the app is stopped and answers are 503 with its content.
  std::string offline_file = "app_offline.htm";
  AppOutput output = AppOutput::kLog;  // where what it writes goes
  std::string output_path;             // output = "file:PATH"
  bool detailed_errors = false;        // error_page = "detailed": clients on this machine see why it failed
  Balancing balancing;
};

struct Config {
  // As it was named; "" if the configuration was made by the command line.
  std::string file;
  Server server;
  Log log;
  std::vector<Listener> listeners;
  std::vector<Route> routes;
  std::vector<Upstream> upstreams;  // in the order of the file
  std::vector<App> apps;            // likewise; no name is both
  Limits limits;
  Timeouts timeouts;
  // Over what came from the environment, for diagnostics that come later.
  Veil veil;
};

// What a listener with this tls and address speaks if it does not say: h1; with tls h2 too, and h3 if it is no Unix
// socket.
Protocols default_protocols(const Listener& listener);

// What holds for exchanges on `route`: the global values with the route's own over them.
Limits limits_of(const Config& config, const Route& route);
Timeouts timeouts_of(const Config& config, const Route& route);

}  // namespace gatehouse::config
