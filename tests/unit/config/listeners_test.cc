#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Listeners that cannot be, alone or beside each other.
const DiagnosticsCase kListeners[] = {
    {.name = "AListenerNeedsAnAddress",
     .text = R"([[listeners]]
protocols = ["h1"]
)",
     .expected = R"(1:1: a listener needs an address, such as ":8443", "127.0.0.1:80" or "unix:/path"
)"},
    {.name = "AnAddressThatIsNone",
     .text = R"([[listeners]]
address = "8443"
[[listeners]]
address = "example.com:443"
[[listeners]]
address = "unix:relative"
[[listeners]]
address = "::1:80"
)",
     .expected = R"(2:11: "address": "8443": an address needs a port, as in "127.0.0.1:8080"
4:11: "address": "example.com:443": not an IP address (names are not looked up here)
6:11: "address": "unix:relative": the path of a Unix socket must be absolute
8:11: "address": "::1:80": an IPv6 address stands in brackets, as in "[::1]:8080"
)"},
    {.name = "ProtocolsThatNeedTls",
     .text = R"([[listeners]]
address = ":1"
protocols = ["h1", "h2", "h3"]
)",
     .expected = R"(3:20: "h2" needs tls; add [listeners.tls], or write "h2c" for HTTP/2 without it
3:26: "h3" needs tls; add [listeners.tls]
)"},
    {.name = "ProtocolsWithTls",
     .text = R"([[listeners]]
address = ":1"
protocols = ["h1", "h2c"]
tls.certificates = [{ certificate = "c", private_key = "k" }]
)",
     .expected = R"(3:20: "h2c" is HTTP/2 without tls; on this listener write "h2"
)"},
    {.name = "ProtocolsThatAreNone",
     .text = R"([[listeners]]
address = ":1"
protocols = []
[[listeners]]
address = ":2"
protocols = ["h1", "http/2", "h1"]
)",
     .expected = R"(3:13: "protocols" must name at least one; leave it out for the default
6:20: "http/2" is no protocol; write "h1", "h2", "h3" or "h2c"
6:30: "h1" is listed twice
)"},
    {.name = "NoQuicOnAUnixSocket",
     .text = R"([[listeners]]
address = "unix:/s"
protocols = ["h3"]
tls.certificates = [{ certificate = "c", private_key = "k" }]
)",
     .expected = R"(3:14: "h3" needs UDP, which a Unix socket has not
)"},
    {.name = "TlsNeedsCertificates",
     .text = R"([[listeners]]
address = ":1"
[listeners.tls]
min_version = "1.1"
[[listeners]]
address = ":2"
tls = { certificates = [] }
[[listeners]]
address = ":3"
tls = { certificates = [{ certificate = "c" }, { private_key = "" }] }
)",
     .expected = R"(3:1: [listeners.tls] needs certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
4:15: "min_version" must be "1.2" or "1.3", not "1.1"
7:24: [listeners.tls] needs certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
10:25: a certificate needs "private_key", the path of a PEM file
10:48: a certificate needs "certificate", the path of a PEM file
10:64: "private_key" must be the path of a file, not ""
)"},
    {.name = "TrustedProxiesThatAreNone",
     .text = R"([[listeners]]
address = ":1"
trusted_proxies = ["10.0.0.0/33", "proxy.example", "0.0.0.0/0"]
)",
     .expected = R"(3:20: "trusted_proxies": "10.0.0.0/33": the prefix length is no number or too large for the address
3:35: "trusted_proxies": "proxy.example": not an address range such as "10.0.0.0/8", "::1" or "unix"
3:52: warning: "0.0.0.0/0" trusts every client: each can claim any address as its own
)"},
    {.name = "WhoTheClientIsAndWhatIsStripped",
     .text = R"([[listeners]]
address = ":1"
client_address = "forwarded"
strip = ["X-Acme-*", "*", "Host", "X Acme", "Content-Length"]
[[listeners]]
address = ":2"
trusted_proxies = ["10.0.0.0/8"]
client_address = "xff"
)",
     .expected = R"(3:18: warning: "client_address" has no effect without "trusted_proxies"
4:22: "strip": "" is no header name; it has letters, digits and "-"
4:27: "strip": "Host" cannot be removed here; see "preserve_host"
4:35: "strip": "X Acme" is no header name; it has letters, digits and "-"
4:45: "strip": "Content-Length" cannot be removed: it belongs to the connection and the framing of messages, which are ours
8:18: "client_address" must be "x-forwarded-for", "forwarded" or "x-real-ip", not "xff"
)"},
    {.name = "RedirectToHttpsNeedsHttps",
     .text = R"([[listeners]]
address = ":1"
redirect_to_https = true
)",
     .expected = R"(1:1: "redirect_to_https" needs a listener with tls to redirect to; there is none
)"},
    {.name = "RedirectToHttpsOnHttps",
     .text = R"([[listeners]]
address = ":1"
redirect_to_https = true
tls.certificates = [{ certificate = "c", private_key = "k" }]
)",
     .expected = R"(3:21: "redirect_to_https" is for listeners without tls; this one is https already
)"},
    {.name = "AltSvcNeedsH3",
     .text = R"([[listeners]]
address = ":1"
alt_svc = 443
[[listeners]]
address = ":2"
alt_svc = "on"
[[listeners]]
address = ":3"
alt_svc = 70000
alt_svc_max_age = "10ms"
[listeners.quic]
congestion_control = "reno"
)",
     .expected = R"(3:11: "alt_svc" needs "h3" in "protocols": there is nothing else to advertise
6:11: "alt_svc" must be "auto" or "off", not "on"
9:11: "alt_svc" must be from 1 to 65535, not 70000
10:19: "alt_svc_max_age" must be from 1s to 8760h, not "10ms"
11:1: warning: [listeners.quic] has no effect without "h3" in "protocols"
12:22: "congestion_control" must be "cubic" or "bbr", not "reno"
)"},
    {.name = "TheSameAddressTwice",
     .text = R"([[listeners]]
address = ":1"
[[listeners]]
address = "[::]:1"
[[listeners]]
address = "unix:/s"
[[listeners]]
address = "unix:/s"
)",
     .expected = R"(3:1: the listener on [::]:1 has the address of the one in line 1
7:1: the listener on unix:/s has the address of the one in line 5
)"},
    {.name = "AnAddressWithinAnother",
     .text = R"([[listeners]]
address = ":1"
[[listeners]]
address = "1.2.3.4:1"
[[listeners]]
address = "[::1]:2"
[[listeners]]
address = "0.0.0.0:2"
[[listeners]]
address = ":9180"
)",
     .expected = R"(3:1: the listener on 1.2.3.4:1 overlaps the one in line 1 on [::]:1
9:1: the listener on [::]:9180 overlaps the admin address 127.0.0.1:9180
)"},
    {.name = "PortZeroIsAnotherEachTime",
     .text = R"([[listeners]]
address = "127.0.0.1:0"
[[listeners]]
address = "127.0.0.1:0"
)",
     .expected = R"()"},
};

INSTANTIATE_TEST_SUITE_P(Listeners, DiagnosticsTest, testing::ValuesIn(kListeners), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
