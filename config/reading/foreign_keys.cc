#include "config/reading/foreign_keys.h"

#include <algorithm>
#include <string>

#include "common/text.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kTop;
constexpr std::string_view kListener = "listeners";
constexpr std::string_view kTls = "listeners.tls";
constexpr std::string_view kRoute = "routes";
constexpr std::string_view kRouteTimeouts = "routes.timeouts";
constexpr std::string_view kUpstream = "upstreams.NAME";
constexpr std::string_view kApp = "apps.NAME";
constexpr std::string_view kLimits = "limits";
constexpr std::string_view kTimeouts = "timeouts";
constexpr std::string_view kAnywhere = "*";

// What several tables say.
constexpr std::string_view kTo = R"(write to = "NAME", the name of [upstreams.NAME] or [apps.NAME])";
constexpr std::string_view kAddress = R"(write address = ":443", or "127.0.0.1:8080")";
constexpr std::string_view kHosts = R"(write hosts = ["www.example.com"])";
constexpr std::string_view kEndpoints = R"(write endpoints = ["127.0.0.1:5000"])";
constexpr std::string_view kCertificates =
    R"(write certificates = [{ certificate = "cert.pem", private_key = "key.pem" }] in [listeners.tls])";
constexpr std::string_view kMinVersion = R"(write min_version = "1.2" in [listeners.tls])";
constexpr std::string_view kEnvironment = R"(write environment = { NAME = "value" })";
constexpr std::string_view kCommand = R"(write command = ["python3", "app.py"], each argument by itself)";
constexpr std::string_view kHealth = R"(write health.path = "/healthz")";
constexpr std::string_view kInstances = "write instances = 2";
constexpr std::string_view kBody = R"(write max_request_body = "30MB" in [limits] or [routes.limits])";
constexpr std::string_view kAlways = "it needs no key";
constexpr std::string_view kWebsocket = "WebSocket works without a key, over h1, h2 and h3; see \"upgrade\" of a route";
constexpr std::string_view kTimeoutList =
    "there are several: \"connect\", \"response\", \"response_body\" and others in [timeouts] or [routes.timeouts]";
constexpr std::string_view kLog = R"(write output = "access.log" in [log.access])";
constexpr std::string_view kServers = "a server of nginx is a [[listeners]] and [[routes]] with \"hosts\" here";
constexpr std::string_view kFiles = R"(write files = "/srv/site")";
constexpr std::string_view kNoCompression =
    "there is no compression yet; what an endpoint compresses is passed on as it is";
constexpr std::string_view kNoRates =
    "there is no limit of requests yet; see \"max_connections_per_client\" in [limits], or \"max_requests\" of an "
    "upstream";
constexpr std::string_view kAuth = R"(write auth = { schemes = ["Basic"], users = "users.htpasswd" })";
constexpr std::string_view kNegotiate = R"(write auth = { schemes = ["Negotiate"], keytab = "http.keytab" })";
constexpr std::string_view kCache = R"(write cache = "http" into [[routes]])";
constexpr std::string_view kNoAcme =
    "certificates are not obtained here; let certbot do that, name its files in [listeners.tls], and set watch = true "
    "in "
    "[server]";
constexpr std::string_view kNoVariables = "there are no variables; ${NAME} in a string is taken from the environment";

constexpr ForeignKey kRows[] = {
    {kTop, "listen", "listeners", R"(write [[listeners]] with address = ":443")"},
    {kTop, "listener", "listeners", "write [[listeners]]"},
    {kTop, "bind", "listeners", R"(write [[listeners]] with address = ":443")"},
    {kTop, "frontend", "listeners",
     "write [[listeners]] for the addresses, and [[routes]] for what becomes of requests"},
    {kTop, "frontends", "listeners",
     "write [[listeners]] for the addresses, and [[routes]] for what becomes of requests"},
    {kTop, "entrypoints", "listeners", "write [[listeners]]"},
    {kTop, "servers", "listeners", kServers},
    {kTop, "upstream", "upstreams", R"(write [upstreams.NAME] with endpoints = ["127.0.0.1:5000"])"},
    {kTop, "backend", "upstreams", R"(write [upstreams.NAME] with endpoints = ["127.0.0.1:5000"])"},
    {kTop, "backends", "upstreams", R"(write [upstreams.NAME] with endpoints = ["127.0.0.1:5000"])"},
    {kTop, "services", "upstreams", R"(write [upstreams.NAME] with endpoints = ["127.0.0.1:5000"])"},
    {kTop, "clusters", "upstreams", R"(write [upstreams.NAME] with endpoints = ["127.0.0.1:5000"])"},
    {kTop, "app", "apps", R"(write [apps.NAME] with command = ["python3", "app.py"])"},
    {kTop, "location", "routes", R"(write [[routes]] with path = "/api")"},
    {kTop, "route", "routes", "write [[routes]]"},
    {kTop, "routers", "routes", "write [[routes]]"},
    {kTop, "rules", "routes", "write [[routes]]"},
    {kTop, "reverse_proxy", "routes", R"(write [[routes]] with to = "NAME", and [upstreams.NAME])"},
    {kTop, "tls", "", kCertificates},
    {kTop, "timeout", "timeouts", "write [timeouts]"},
    {kTop, "limit", "limits", "write [limits]"},
    {kTop, "logging", "log", "write [log]"},
    {kTop, "workers", "", "write it into [server]"},
    {kTop, "worker_processes", "", "write workers = 4 in [server]"},
    {kTop, "import", "include", R"(write include = ["conf.d/*.toml"] above all tables)"},
    {kTop, "includes", "include", R"(write include = ["conf.d/*.toml"] above all tables)"},
    {"server", "listen", "", R"(write [[listeners]] with address = ":443")"},
    {"server", "server_name", "", R"(write hosts = ["www.example.com"] in [[routes]])"},
    {"server", "location", "", R"(write [[routes]] with path = "/api")"},
    {kListener, "listen", "address", kAddress},
    {kListener, "bind", "address", kAddress},
    {kListener, "port", "address", kAddress},
    {kListener, "host", "address", kAddress},
    {kListener, "hosts", "", "write it into [[routes]]; a listener takes all hosts"},
    {kListener, "server_name", "", R"(write hosts = ["www.example.com"] in [[routes]])"},
    {kListener, "ssl", "tls", "write [listeners.tls]"},
    {kListener, "http2", "", R"(write protocols = ["h1", "h2"])"},
    {kListener, "http3", "", R"(write protocols = ["h1", "h2", "h3"])"},
    {kListener, "real_ip_header", "client_address", R"(write client_address = "x-real-ip", and trusted_proxies)"},
    {kListener, "set_real_ip_from", "trusted_proxies", R"(write trusted_proxies = ["10.0.0.0/8"])"},
    {kTls, "cert", "certificates", kCertificates},
    {kTls, "key", "certificates", kCertificates},
    {kTls, "protocols", "min_version", kMinVersion},
    {kTls, "ciphers", "", "ciphers are not chosen; only good ones are used"},
    {kTls, "acme", "", kNoAcme},
    {kRoute, "proxy_pass", "to", kTo},
    {kRoute, "reverse_proxy", "to", kTo},
    {kRoute, "upstream", "to", kTo},
    {kRoute, "backend", "to", kTo},
    {kRoute, "use_backend", "to", kTo},
    {kRoute, "service", "to", kTo},
    {kRoute, "target", "to", kTo},
    {kRoute, "app", "to", kTo},
    {kRoute, "return", "respond", R"(write respond = { status = 404 }, or redirect = "https://www.example.com{uri}")"},
    {kRoute, "location", "path", R"(write path = "/api")"},
    {kRoute, "prefix", "path", R"(write path = "/api")"},
    {kRoute, "host", "hosts", kHosts},
    {kRoute, "server_name", "hosts", kHosts},
    {kRoute, "domain", "hosts", kHosts},
    {kRoute, "domains", "hosts", kHosts},
    {kRoute, "proxy_set_header", "request_headers", R"(write request_headers.set = { X-Name = "value" })"},
    {kRoute, "add_header", "response_headers", R"(write response_headers.add = { X-Name = "value" })"},
    {kRoute, "headers", "response_headers",
     R"(write request_headers.set = { X-Name = "value" }, or response_headers.set)"},
    {kRoute, "root", "files", kFiles},
    {kRoute, "alias", "files", R"(write files = "/srv/site", and strip_prefix = true)"},
    {kRoute, "file_server", "files", kFiles},
    {kRoute, "try_files", "try", R"(write try = ["{path}", "{path}/", "/index.html"])"},
    {kRoute, "auth_basic", "auth", kAuth},
    {kRoute, "auth_basic_user_file", "auth", kAuth},
    {kRoute, "basic_auth", "auth", kAuth},
    {kRoute, "auth_gss", "auth", kNegotiate},
    {kRoute, "windows_auth", "auth", kNegotiate},
    {kRoute, "proxy_cache", "cache", R"(write cache = "http")"},
    {kRouteTimeouts, "read", "response", "write \"response\" and \"response_body\""},
    {kRouteTimeouts, "write", "response_write", "write \"response_write\""},
    {kRouteTimeouts, "send", "response_write", "write \"response_write\""},
    {kUpstream, "server", "endpoints", kEndpoints},
    {kUpstream, "servers", "endpoints", kEndpoints},
    {kUpstream, "address", "endpoints", kEndpoints},
    {kUpstream, "addresses", "endpoints", kEndpoints},
    {kUpstream, "url", "endpoints", R"(write endpoints = ["https://api.internal:8443"])"},
    {kUpstream, "urls", "endpoints", R"(write endpoints = ["https://api.internal:8443"])"},
    {kUpstream, "hosts", "endpoints", kEndpoints},
    {kUpstream, "targets", "endpoints", kEndpoints},
    {kUpstream, "lb_policy", "balance", R"(write balance = "round_robin")"},
    {kUpstream, "algorithm", "balance", R"(write balance = "round_robin")"},
    {kUpstream, "least_conn", "balance", R"(write balance = "least_requests")"},
    {kUpstream, "ip_hash", "balance", R"(write balance = "hash", with hash_on = "client_ip")"},
    {kUpstream, "keepalive", "pool", "write pool.max_idle = 64"},
    {kApp, "cmd", "command", kCommand},
    {kApp, "exec", "command", kCommand},
    {kApp, "run", "command", kCommand},
    {kApp, "args", "command", kCommand},
    {kApp, "env", "environment", kEnvironment},
    {kApp, "env_file", "environment_file", R"(write environment_file = "app.env")"},
    {kApp, "workdir", "directory", R"(write directory = "/srv/app")"},
    {kApp, "working_directory", "directory", R"(write directory = "/srv/app")"},
    {kApp, "cwd", "directory", R"(write directory = "/srv/app")"},
    {kApp, "replicas", "instances", kInstances},
    {kApp, "workers", "instances", kInstances},
    {kApp, "processes", "instances", kInstances},
    {kApp, "scale", "instances", kInstances},
    {kApp, "restart", "rapid_fail", "an app that ends is started again; see \"rapid_fail\" and \"recycle\""},
    {kApp, "port", "transport", "a free port is chosen, and is in PORT and {port}"},
    {kApp, "endpoints", "", "the endpoints of an app are its processes; for others write [upstreams.NAME]"},
    {kLimits, "max_body", "max_request_body", kBody},
    {kLimits, "body", "max_request_body", kBody},
    {kTimeouts, "read", "response", "write \"response\" and \"response_body\""},
    {kTimeouts, "write", "response_write", "write \"response_write\""},
    {kTimeouts, "keepalive", "idle", "write \"idle\""},
    {kTimeouts, "keep_alive", "idle", "write \"idle\""},
    {kAnywhere, "include", "", R"(write include = ["conf.d/*.toml"] above all tables; here it belongs to this one)"},
    {kAnywhere, "proxy_pass", "", R"(write to = "NAME" in [[routes]], and [upstreams.NAME])"},
    {kAnywhere, "listen", "", R"(write [[listeners]] with address = ":443")"},
    {kAnywhere, "server_name", "", R"(write hosts = ["www.example.com"] in [[routes]])"},
    {kAnywhere, "root", "", R"(write files = "/srv/site" in [[routes]])"},
    {kAnywhere, "ssl_certificate", "", kCertificates},
    {kAnywhere, "ssl_certificate_key", "", kCertificates},
    {kAnywhere, "certificate", "", kCertificates},
    {kAnywhere, "private_key", "", kCertificates},
    {kAnywhere, "cert", "", kCertificates},
    {kAnywhere, "ssl", "", kCertificates},
    {kAnywhere, "ssl_protocols", "", kMinVersion},
    {kAnywhere, "ssl_ciphers", "", "ciphers are not chosen; only good ones are used"},
    {kAnywhere, "acme", "", kNoAcme},
    {kAnywhere, "letsencrypt", "", kNoAcme},
    {kAnywhere, "timeout", "", kTimeoutList},
    {kAnywhere, "proxy_connect_timeout", "", R"(write connect = "5s" in [timeouts] or [routes.timeouts])"},
    {kAnywhere, "proxy_read_timeout", "",
     R"(write response = "60s" and response_body = "60s" in [timeouts] or [routes.timeouts])"},
    {kAnywhere, "proxy_send_timeout", "", R"(write request_body = "60s" in [timeouts] or [routes.timeouts])"},
    {kAnywhere, "keepalive_timeout", "", R"(write idle = "60s" in [timeouts], or pool.idle_timeout of an upstream)"},
    {kAnywhere, "client_max_body_size", "", kBody},
    {kAnywhere, "max_body_size", "", kBody},
    {kAnywhere, "body_limit", "", kBody},
    {kAnywhere, "healthcheck", "", R"(write health.path = "/healthz" in [upstreams.NAME] or [apps.NAME])"},
    {kAnywhere, "health_check", "", R"(write health.path = "/healthz" in [upstreams.NAME] or [apps.NAME])"},
    {kUpstream, "healthcheck", "health", kHealth},
    {kUpstream, "health_check", "health", kHealth},
    {kApp, "healthcheck", "health", kHealth},
    {kApp, "health_check", "health", kHealth},
    {kAnywhere, "rate_limit", "", kNoRates},
    {kAnywhere, "limit_req", "", kNoRates},
    {kAnywhere, "gzip", "", kNoCompression},
    {kAnywhere, "compress", "", kNoCompression},
    {kAnywhere, "compression", "", kNoCompression},
    {kAnywhere, "encode", "", kNoCompression},
    {kAnywhere, "brotli", "", kNoCompression},
    {kAnywhere, "cache", "", kCache},
    {kAnywhere, "proxy_cache", "", kCache},
    {kAnywhere, "websocket", "", kWebsocket},
    {kAnywhere, "websockets", "", kWebsocket},
    {kAnywhere, "http_version", "", kAlways},
    {kAnywhere, "proxy_http_version", "", "endpoints are spoken to by HTTP/1.1 with kept connections; it needs no key"},
    {kAnywhere, "proxy_buffering", "", "answers are passed on as they come; it needs no key"},
    {kAnywhere, "access_log", "", kLog},
    {kAnywhere, "error_log", "", R"(write output = "gatehouse.log" in [log])"},
    {kAnywhere, "set", "", kNoVariables},
    {kAnywhere, "if", "", "there are no conditions; a route is chosen by host and path"},
};

}  // namespace

std::span<const ForeignKey> foreign_keys() {
  return kRows;
}

const ForeignKey* find_foreign_key(std::string_view table, std::string_view word) {
  std::string plain = text::lower(word);
  std::ranges::replace(plain, '-', '_');
  const auto row_of = [&](std::string_view where) -> const ForeignKey* {
    const auto* const found =
        std::ranges::find_if(kRows, [&](const ForeignKey& row) { return row.table == where && row.word == plain; });
    return found == std::ranges::end(kRows) ? nullptr : found;
  };
  const ForeignKey* const here = row_of(table);
  return here != nullptr ? here : row_of(kAnywhere);
}

}  // namespace gatehouse::config
