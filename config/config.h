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
#include "config/auth.h"
#include "config/files.h"
#include "config/location.h"
#include "config/policy/access_log_format.h"
#include "config/policy/apps.h"
#include "config/policy/balancing.h"
#include "config/policy/caching.h"
#include "config/policy/grpc.h"
#include "config/policy/half_closed.h"
#include "config/policy/header_edits.h"
#include "config/policy/limits.h"
#include "config/policy/listeners.h"
#include "config/policy/paths.h"
#include "config/reservation.h"
#include "config/units.h"
#include "config/veil.h"

namespace gatehouse::config {

using std::chrono::milliseconds;

// [server]
struct Server {
  // Threads that serve; 0: one per CPU available to the process. A change takes effect with the next start.
  unsigned workers = 0;
  // Where /metrics, /healthz, /readyz, /status and /status.json are; nullopt (""): nowhere.
  std::optional<Address> admin = default_admin();
  Location admin_location;
  // More host names by which it may be asked, in lower case, beside IP addresses, localhost and this machine's name.
  std::vector<std::string> admin_names;
  // Path of the Unix socket (mode 0600) for commands that change things; "": one in the runtime directory.
  std::string control;
  // Path of the Unix socket (mode 0666) where the users of `reservations` register; "": one in the runtime directory.
  std::string registrations;
  std::string user;  // become this user, with its groups, once all addresses are bound; "": stay who we are
  Location user_location;
  // How long in-flight exchanges get on stop, or when a listener goes away.
  milliseconds drain_timeout = defaults::kDrainTimeout;
  // On stop, /readyz says 503 for so long before anything else changes, so that balancers look elsewhere first.
  milliseconds drain_delay{0};
  // Reload by itself when a file of the configuration, or a certificate or key of a listener or upstream, has changed.
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
  Location output_location;
  AccessLogFormat format = AccessLogFormat::kAuto;
};

// [log]
struct Log {
  log::Level level = log::Level::kInfo;
  std::string output = "stderr";  // "stderr", "stdout", "journal", or an absolute path (reopened on SIGUSR1)
  Location output_location;
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
  std::string certificate;      // PEM: the leaf, then its chain; or PKCS#12, by the ending .p12 or .pfx
  std::string private_key;      // PEM; "": in the PKCS#12
  std::string passphrase_file;  // whose first line opens the key, or the PKCS#12; "": there is no passphrase
  Location location;

  bool is_pkcs12() const;
  // False where the files could not be read from the configuration, which is then a diagnostic already.
  bool complete() const { return !certificate.empty() && (is_pkcs12() || !private_key.empty()); }
};

// [listeners.tls]
struct Tls {
  std::vector<CertificateFiles> certificates;     // never empty; picked by SNI: exact, then wildcard, then unknown_sni
  UnknownSni unknown_sni = UnknownSni::kDefault;  // kDefault: serve the first; kReject: unrecognized_name
  TlsVersion min_version = TlsVersion::kTls12;    // the oldest; h3 is always 1.3
  bool session_tickets = true;                    // returning clients resume their session
  // Keys that machines share, 80 bytes each: the first encrypts, all are accepted; empty: our own, rotated every 12 h.
  std::vector<KeyFile> ticket_key_files;
  ClientAuth client_auth = ClientAuth::kNone;  // whether clients show a certificate, the same on h1, h2 and h3
  std::string client_ca;                       // PEM: who may have signed it
  bool early_data = false;                     // 0-RTT, for safe methods
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
  PlainOnTls plain_on_tls =
      PlainOnTls::kReject;  // with tls only: what http:// to this port gets, 400 or a 308 to https
  ProxyProtocol proxy_protocol = ProxyProtocol::kOff;  // PROXY v1 or v2 before all else, from trusted_proxies only
  bool redirect_to_https = false;                      // without tls only: answer with a 308 to the https listener
  std::size_t max_connections = 0;                     // of this listener at a time; 0: no limit of its own
  AltSvc alt_svc;
  bool alt_svc_frame = false;  // h2 connections get the ALTSVC frame (RFC 7838) too
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
  // Bytes/s on the average, while the client is what is waited for and after 5 s of grace; 0: off.
  std::uint32_t min_request_rate = defaults::kMinRequestRate;    // 408 below
  std::uint32_t min_response_rate = defaults::kMinResponseRate;  // broken off below
  std::uint64_t bandwidth = 0;  // bytes/s of each route, all its bodies together, each way; 0: off
  PerClient<std::uint32_t> max_connections_per_client{1000};  // open at a time; 0: no limit
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
  milliseconds tunnel = defaults::kTunnelTimeout;                 // a WebSocket carries nothing in either direction
  milliseconds linger = defaults::kLingerTimeout;  // for an early answer to arrive, while the client still sends
};

// [routes.limits]: only what differs from the global value is set. In `max_request_body` the inner nullopt is "off".
struct RouteLimits {
  std::optional<std::optional<std::uint64_t>> max_request_body;
  std::optional<std::uint32_t> min_request_rate;
  std::optional<std::uint32_t> min_response_rate;
  std::optional<std::uint64_t> bandwidth;
};

// [routes.timeouts]: only what differs from the global value is set.
struct RouteTimeouts {
  std::optional<milliseconds> request_body;
  std::optional<milliseconds> connect;
  std::optional<milliseconds> response;
  std::optional<milliseconds> response_body;
  std::optional<milliseconds> response_write;
  std::optional<milliseconds> tunnel;
};

// to = "NAME", of an upstream or an app; or one of delegate_to = ["NAME"]
struct Forward {
  std::string upstream;
  Location location;
};

// redirect = "TARGET", status = N
struct Redirect {
  std::string target;  // "{uri}": the request's path and query, without what strip_prefix takes off; "{host}": its host
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
  std::variant<Forward, Redirect, Respond, Files> action;
  bool strip_prefix = false;                         // remove `path` and send it as X-Forwarded-Prefix
  bool preserve_host = true;                         // false: Host is the endpoint's address
  PathAs path_as = PathAs::kReceived;                // the form in which the path is passed on
  bool redirect_to_https = true;                     // false: served without TLS though the listener redirects
  ForwardedStyle forwarded = ForwardedStyle::kNone;  // "rfc7239": send Forwarded too
  bool real_ip = false;                              // send X-Real-IP too
  HalfClosed half_closed = HalfClosed::kServe;    // what a FIN of an h1 client means; h2 and h3 have ends of their own
  std::vector<std::string> upgrade{"websocket"};  // what connections may become, in lower case
  bool h1_only = false;                           // protocols = ["h1"]: h2 and h3 are told to come back with HTTP/1.1
  Grpc grpc = Grpc::kOff;                         // kWeb: gRPC is made gRPC-Web on its way to the endpoint
  bool push = false;                              // Link: rel=preload becomes PUSH_PROMISE where the client wants it
  bool early_hints = false;                       // 103 with what earlier answers taught, on h2 and h3
  bool connection_auth = false;      // NTLM, Negotiate: h1 only, an endpoint's connection for each client's
  Caching cache = Caching::kOff;     // what is kept of responses
  bool cache_obeys_clients = false;  // Cache-Control of requests counts
  // Who may ask, by the client address that is believed; the rest gets 403. Empty: everybody. `deny` comes first.
  std::vector<AddressRange> allow;
  std::vector<AddressRange> deny;
  std::optional<Auth> auth;  // who may ask, by name; nullopt: everybody
  // "/new{path}": the path that the endpoint gets; "{path}" stands for what strip_prefix leaves of the client's, whose
  // query is kept; "": that path.
  std::string rewrite;
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
  std::string tls_host{};    // of "https://HOST:PORT", as it is written; "": spoken to without TLS
  bool localhost = false;    // written so: `at` is 127.0.0.1, and where nobody listens there, it is ::1
  std::uint32_t weight = 1;  // its share beside the others, 1 to 1000
  Location location;
};

// [upstreams.NAME.tls], for its endpoints with https. Paths are absolute, or "".
struct UpstreamTls {
  Location location;        // none: the table is not there
  std::string ca;           // PEM: who may have signed the endpoints' certificates; "": whoever this machine trusts
  std::string server_name;  // asked for by SNI and expected in the certificate; "": the endpoint's name or address
  std::string san;          // expected in the certificate instead: "spiffe://...", or a DNS name, to the letter
  std::string certificate;  // PEM: ours, for endpoints that ask for one; "": none
  std::string private_key;
  bool insecure = false;  // true: whatever certificate they have will do; warned of at every start
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
  SendProxyProtocol proxy_protocol = SendProxyProtocol::kOff;  // what connections to endpoints begin with
  Tolerance tolerance = Tolerance::kStrict;                    // what becomes of responses that are not quite HTTP
  std::vector<Forward> delegate_to;  // to whom a response may hand its request (X-Delegate-To)
  SendFile send_file;
  // [upstreams.NAME.sticky] cookie: the name of a signed cookie that remembers the endpoint; "": none.
  std::string sticky_cookie;
  PoolOptions pool;
  WhenAllUnhealthy when_all_unhealthy = WhenAllUnhealthy::kTry;  // kRefuse: 503 rather than one that is ill
  HealthOptions health;                                          // off until a path is given
  milliseconds slow_start{0};  // [upstreams.NAME.health]: who comes back gets its full share only after this long
  OutlierOptions outlier;
};

// [upstreams.NAME]
struct Upstream {
  std::string name;
  Location location;
  std::vector<Endpoint> endpoints;  // never empty
  UpstreamTls tls;
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
  // Names, or beginnings of names ("DB_*"), of variables of our own that it gets too.
  std::vector<std::string> environment_from;
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
  HookOptions hooks;  // a program without "/" is looked for in PATH, as in `command`
  Location hooks_location;
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
  CacheLimits cache;
  std::vector<Reservation> reservations;
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
