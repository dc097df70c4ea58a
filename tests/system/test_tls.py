"""TLS as clients see it: certificates by name, key kinds, versions, ALPN, resumption across workers."""

import re
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
