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
[[listeners]]
address = ":4"
tls = { certificates = [{ certificate = "a.p12", passphrase_file = "p" }, { certificate = "b.PFX", private_key = "k" }] }
)",
     .expected = R"(3:1: [listeners.tls] needs certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
4:15: "min_version" must be "1.2" or "1.3", not "1.1"
7:24: [listeners.tls] needs certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
10:25: a certificate needs "private_key", the path of a PEM file
10:48: a certificate needs "certificate", the path of a PEM file
10:64: "private_key" must be the path of a file, not ""
13:114: PKCS#12 has the private key in it; leave "private_key" out
)"},
    {.name = "ClientsCannotBeVerifiedByNothing",
     .text = R"([[listeners]]
address = ":1"
tls = { client_auth = "require", certificates = [{ certificate = "c", private_key = "k" }] }
[[listeners]]
address = ":2"
tls = { client_auth = "optional", client_ca = "", certificates = [{ certificate = "c", private_key = "k" }] }
[[listeners]]
address = ":3"
tls = { client_ca = "ca.pem", certificates = [{ certificate = "c", private_key = "k" }] }
[[listeners]]
address = ":4"
tls = { client_auth = "yes", certificates = [{ certificate = "c", private_key = "k" }] }
)",
     .expected = R"(3:23: "client_auth" needs client_ca = "FILE", the CAs that sign the certificates of clients
6:47: "client_auth" needs client_ca = "FILE", the CAs that sign the certificates of clients
9:21: warning: "client_ca" has no effect without client_auth = "require" or "optional"
12:23: "client_auth" must be "none", "optional" or "require", not "yes"
)"},
    {.name = "EarlyDataIsForTcpAndTicketsOfThisProcess",
     .text = R"([[listeners]]
address = ":1"
protocols = ["h1", "h2"]
tls = { early_data = true, certificates = [{ certificate = "c", private_key = "k" }] }
[[listeners]]
address = ":2"
tls = { early_data = true, certificates = [{ certificate = "c", private_key = "k" }] }
[[listeners]]
address = ":3"
protocols = ["h3"]
tls = { early_data = true, session_tickets = false, certificates = [{ certificate = "c", private_key = "k" }] }
[[listeners]]
address = ":4"
protocols = ["h1"]
tls = { early_data = true, ticket_key_files = ["t"], client_auth = "optional", client_ca = "ca", certificates = [{ certificate = "c", private_key = "k" }] }
)",
     .expected =
         R"(7:7: "early_data" is for TCP: with HTTP/3 a ticket has to bring back the limits of the connection before, and OpenSSL ties none to those that are good once; write protocols = ["h1", "h2"], and give HTTP/3 a listener of its own
10:13: "early_data" is for TCP: with HTTP/3 a ticket has to bring back the limits of the connection before, and OpenSSL ties none to those that are good once; write protocols = ["h1", "h2"], and give HTTP/3 a listener of its own
11:22: "early_data" needs session tickets; leave out session_tickets = false, or "early_data"
15:22: "early_data" takes each ticket once, which no other machine knows of; leave out "ticket_key_files", or "early_data"
15:22: "early_data" comes before a client's certificate can be verified again; write client_auth = "none", or leave out "early_data"
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
    {.name = "ProxyHeadersAreForTcpAndFromWhoIsNamed",
     .text = R"([[listeners]]
address = ":1"
proxy_protocol = "require"
[[listeners]]
address = ":2"
proxy_protocol = "optional"
trusted_proxies = ["10.0.0.0/8"]
[[listeners]]
address = ":3"
proxy_protocol = "v2"
[[listeners]]
address = ":4"
proxy_protocol = "require"
trusted_proxies = ["10.0.0.0/8"]
[listeners.tls]
certificates = [{ certificate = "c.pem", private_key = "k.pem" }]
[[listeners]]
address = ":5"
protocols = ["h1", "h2"]
proxy_protocol = "require"
trusted_proxies = ["10.0.0.0/8"]
[listeners.tls]
certificates = [{ certificate = "c.pem", private_key = "k.pem" }]
)",
     .expected =
         R"(3:18: "proxy_protocol" needs "trusted_proxies": the addresses of those whose PROXY header is believed
10:18: "proxy_protocol" must be "off", "optional" or "require", not "v2"
13:18: "proxy_protocol" cannot be on a listener with h3: datagrams have no PROXY header, so that its clients would all be the proxy; write protocols = ["h1", "h2"]
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
    {.name = "PlainOnTlsIsForTls",
     .text = R"([[listeners]]
address = ":1"
plain_on_tls = "redirect"
[[listeners]]
address = ":2"
plain_on_tls = "serve"
tls.certificates = [{ certificate = "c", private_key = "k" }]
)",
     .expected = R"(3:16: "plain_on_tls" is for listeners with tls; this one speaks http
6:16: "plain_on_tls" must be "reject" or "redirect", not "serve"
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
    {.name = "TheAltSvcFrameNeedsH2AndH3",
     .text = R"([[listeners]]
address = ":1"
alt_svc_frame = true
[[listeners]]
address = ":2"
protocols = ["h1", "h3"]
alt_svc_frame = true
tls.certificates = [{ certificate = "c", private_key = "k" }]
[[listeners]]
address = ":3"
alt_svc = "off"
alt_svc_frame = true
tls.certificates = [{ certificate = "c", private_key = "k" }]
[[listeners]]
address = ":4"
alt_svc_frame = 1
tls.certificates = [{ certificate = "c", private_key = "k" }]
)",
     .expected = R"(3:17: "alt_svc_frame" needs "h2" and "h3" in "protocols": it tells the one of the other
7:17: "alt_svc_frame" needs "h2" and "h3" in "protocols": it tells the one of the other
12:17: "alt_svc_frame" has nothing to tell with alt_svc = "off"
16:17: "alt_svc_frame" must be true or false, not an integer
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
