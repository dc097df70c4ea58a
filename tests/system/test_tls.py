"""TLS as clients see it: certificates by name, key kinds, versions, ALPN, resumption across workers."""

import re
import socket
import subprocess
import unittest

import harness

TWO_WORKERS = '[server]\nworkers = 2\nadmin = "127.0.0.1:{admin}"\n'


def s_client(port, *options, send=""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options], input=send,
                          capture_output=True, text=True, errors="replace", timeout=30, check=False)
    return done.stdout + done.stderr


def served_name(output):
    match = re.search(r"subject=.*?CN ?= ?(\S+)", output)
    return match and match[1]


def say(port, text):
    """What comes, without TLS, for `text`; b"" if nothing does."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(text)
        response = b""
        while piece := client.recv(65536):
            response += piece
        return response


class WithoutTls(unittest.TestCase):
    """http:// to a port of https, and the other way round."""

    REQUEST = b"%s /a?b=secret HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 3\r\n\r\nabc"

    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.redirecting = harness.free_port()
        config = harness.simple(cls.backend.port) + f"""
[[listeners]]
address = "127.0.0.1:{cls.redirecting}"
plain_on_tls = "redirect"
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
"""
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(config))

    def test_http_to_a_tls_port_is_told_so(self):
        before = self.gatehouse.metric('^gatehouse_tls_handshake_failures_total.*reason="plain_http"')
        said = [self.REQUEST % method for method in (b"GET", b"POST", b"DELETE", b"OPTIONS", b"PROPFIND")]
        said += [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"EHLO secret\r\n", b"GET /secret\r\n", b"GET /secret\0 HTTP/1.1\r\n\r\n"]
        for text in said:
            with self.subTest(text):
                response = say(self.gatehouse.port, text)
                self.assertTrue(response.startswith(b"HTTP/1.1 400 Bad Request\r\n"), response)
                self.assertIn(b"Connection: close", response)
                self.assertIn(b'details="plain_http_on_tls: ', response)
                self.assertNotIn(b"secret", response)
        after = self.gatehouse.metric('^gatehouse_tls_handshake_failures_total.*reason="plain_http"')
        self.assertEqual(after - before, len(said))
        lines = self.gatehouse.access_log(len(said), lambda line: line["fault"] == "plain_http_on_tls")
        self.assertEqual({line["status"] for line in lines}, {400})

    def test_curl_and_nothing_reaches_the_endpoint(self):
        response = harness.curl(f"http://localhost:{self.gatehouse.port}/count")
        self.assertEqual(response.status, 400)
        self.assertIn(b"https://", response.body)
        self.assertEqual(self.gatehouse.metric("^gatehouse_upstream_requests_total"), 0)

    def test_a_listener_may_send_it_to_https(self):
        response = say(self.redirecting, self.REQUEST % b"GET")
        self.assertTrue(response.startswith(b"HTTP/1.1 308 "), response)
        self.assertIn(b"Location: https://localhost:%d/a?b=secret\r\n" % self.redirecting, response)
        for text in (b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
            with self.subTest(text):
                self.assertTrue(say(self.redirecting, text).startswith(b"HTTP/1.1 400 "))

    def test_what_is_no_request_gets_no_answer(self):
        for text in (b"\0\1\2\3\4\5\6\7", b"get / http/1.1\r\n\r\n", b"\x80\x2e\x01\x00\x02" + bytes(60), b"A" * 100):
            with self.subTest(text):
                try:
                    self.assertNotIn(b"HTTP", say(self.gatehouse.port, text))
                except ConnectionError:
                    pass

    def test_https_to_a_cleartext_port_is_told_so(self):
        output = s_client(self.gatehouse.http)
        self.assertRegex(output, "(?i)wrong version number|packet length too long|unexpected")
        self.assertIn(b"tls_on_cleartext", say(self.gatehouse.http, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
        self.gatehouse.access_log(2, lambda line: line["fault"] == "tls_on_cleartext")

    def test_the_preface_of_http2_to_a_cleartext_port_of_http1_is_refused(self):
        response = say(self.gatehouse.http, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        self.assertTrue(response.startswith(b"HTTP/1.1 400 "), response)


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        config = TWO_WORKERS + harness.simple(cls.backend.port)
        config = config.replace("certificates = [", "certificates = [" + "".join(
            f'{{{{ certificate = "{n}.pem", private_key = "{n}-key.pem" }}}}, ' for n in ("first", "wild", "exact", "exact-rsa")))
        cls.gatehouse = harness.Gatehouse(config)
        directory = cls.gatehouse.directory
        harness.make_certificate(directory, "first", "first.test")
        harness.make_certificate(directory, "wild", "*.example.test")
        harness.make_certificate(directory, "exact", "shop.example.test")
        harness.make_certificate(directory, "exact-rsa", "shop.example.test", key="rsa")
        cls.enterClassContext(cls.gatehouse)

    def served(self, *options):
        return served_name(s_client(self.gatehouse.port, *options))

    def test_certificates_are_chosen_by_name_exact_then_wildcard_then_first(self):
        for name, expected in (("shop.example.test", "shop.example.test"), ("SHOP.example.test", "shop.example.test"),
                               ("a.example.test", "*.example.test"), ("a.b.example.test", "first.test"),
                               ("unknown.test", "first.test"), ("localhost", "localhost")):
            with self.subTest(name):
                self.assertEqual(self.served("-servername", name), expected)
        self.assertEqual(self.served("-noservername"), "first.test")

    def test_rsa_and_ecdsa_are_served_side_by_side(self):
        for algorithms, kind in (("ECDSA+SHA256", "id-ecPublicKey|ECDSA|ecdsa"), ("RSA-PSS+SHA256", "RSA|rsa")):
            output = s_client(self.gatehouse.port, "-servername", "shop.example.test", "-sigalgs", algorithms)
            self.assertRegex(output, rf"(?i)Peer signature type: *\S*({kind})")

    def test_versions_and_weak_ciphers(self):
        for option, accepted in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False), ("-tls1", False)):
            output = s_client(self.gatehouse.port, option, "-cipher", "ALL:@SECLEVEL=0")
            self.assertEqual("Cipher is (NONE)" not in output and "New, TLS" in output, accepted, option)
        self.assertIn("Cipher is (NONE)", s_client(self.gatehouse.port, "-tls1_2", "-cipher", "AES128-SHA:AES256-SHA256"))

    def test_the_hybrid_group_is_used_where_offered(self):
        self.assertIn("X25519MLKEM768", s_client(self.gatehouse.port, "-groups", "X25519MLKEM768:X25519"))
        self.assertNotIn("X25519MLKEM768", s_client(self.gatehouse.port, "-groups", "X25519"))

    def test_alpn(self):
        self.assertIn("ALPN protocol: h2", s_client(self.gatehouse.port, "-alpn", "h2,http/1.1"))
        self.assertIn("ALPN protocol: http/1.1", s_client(self.gatehouse.port, "-alpn", "http/1.1"))
        self.assertIn("No ALPN negotiated", s_client(self.gatehouse.port))
        self.assertRegex(s_client(self.gatehouse.port, "-alpn", "nonsense"), "(?i)no application protocol")

    def test_renegotiation_is_refused(self):
        output = s_client(self.gatehouse.port, "-tls1_2", "-servername", "localhost", send="R\n")
        self.assertRegex(output, "(?i)no renegotiation|wrong version|alert|handshake failure")

    def test_sessions_resume_on_any_worker(self):
        session = self.gatehouse.directory / "session.pem"
        request = "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        base = ["-servername", "localhost", "-ign_eof"]
        for version in ("-tls1_2", "-tls1_3"):
            s_client(self.gatehouse.port, version, "-sess_out", str(session), *base, send=request)
            for _ in range(12):  # the kernel spreads connections over the workers
                output = s_client(self.gatehouse.port, version, "-sess_in", str(session), *base, send=request)
                self.assertRegex(output, r"Reused, TLS")
        self.assertGreater(self.gatehouse.metric(r'^gatehouse_tls_handshakes_total{.*resumed="(true|1|yes)"'), 20)

    def test_a_ticket_of_one_name_is_not_honoured_for_another(self):
        session = self.gatehouse.directory / "other.pem"
        request = "GET / HTTP/1.1\r\nHost: shop.example.test\r\nConnection: close\r\n\r\n"
        s_client(self.gatehouse.port, "-tls1_2", "-servername", "shop.example.test", "-ign_eof", "-sess_out", str(session), send=request)
        output = s_client(self.gatehouse.port, "-tls1_2", "-servername", "localhost", "-ign_eof", "-sess_in", str(session), send=request)
        self.assertNotIn("Reused, TLS", output)


class KeysOfTheWildcard(unittest.TestCase):
    """The exact name has ECDSA alone; the wildcard has RSA, in PKCS#12 that a passphrase closes."""

    PASSPHRASE = "correct horse"

    @classmethod
    def setUpClass(cls):
        config = """
[[listeners]]
address = ":{port}"
[listeners.tls]
certificates = [{{ certificate = "exact.pem", private_key = "exact-key.pem" }}, {{ certificate = "wild.p12", passphrase_file = "open" }}]
[[routes]]
respond = {{ status = 200 }}
"""
        cls.gatehouse = harness.Gatehouse(config)
        directory = cls.gatehouse.directory
        harness.make_certificate(directory, "exact", "shop.example.test")
        certificate, key = harness.make_certificate(directory, "wild", "*.example.test", key="rsa")
        cls.opener = directory / "open"
        cls.opener.write_text(cls.PASSPHRASE + "\n")
        cls.opener.chmod(0o600)
        subprocess.run(["openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out", directory / "wild.p12",
                        "-passout", f"file:{cls.opener}"], check=True, capture_output=True)
        (directory / "wild.p12").chmod(0o600)
        cls.enterClassContext(cls.gatehouse)

    def test_who_knows_rsa_alone_gets_the_wildcard_over_tcp_and_quic(self):
        for transport in ((), ("-tls1_2",), ("-quic", "-alpn", "h3")):
            for algorithms, expected in (("ECDSA+SHA256:RSA-PSS+SHA256", "shop.example.test"), ("RSA-PSS+SHA256", "*.example.test"),
                                         ("ECDSA+SHA256", "shop.example.test")):
                with self.subTest(transport=transport, algorithms=algorithms):
                    said = s_client(self.gatehouse.port, "-servername", "shop.example.test", "-sigalgs", algorithms, *transport)
                    self.assertEqual(served_name(said), expected, said)

    def test_a_passphrase_that_does_not_open_it_is_said_and_not_told(self):
        self.addCleanup(self.opener.write_text, self.PASSPHRASE + "\n")
        self.opener.write_text("battery staple\n")
        done = self.gatehouse.control("check")
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1)
        self.assertRegex(said, r"gatehouse\.toml:\d+:\d+: .*wild\.p12: the passphrase does not open it")
        self.assertNotIn("battery", said)


class UnknownNames(unittest.TestCase):
    def test_unknown_names_can_be_rejected(self):
        with harness.backend() as backend:
            config = harness.simple(backend.port).replace("[listeners.tls]", '[listeners.tls]\nunknown_sni = "reject"')
            with harness.Gatehouse(config) as gatehouse:
                self.assertRegex(s_client(gatehouse.port, "-servername", "unknown.test"), "(?i)unrecognized name")
                self.assertEqual(gatehouse.curl("h2", "/echo").status, 200)
                self.assertEqual(gatehouse.curl("h3", "/echo").status, 200)


if __name__ == "__main__":
    harness.main()
