"""Who may say what about a client."""

import subprocess
import unittest

import harness
from harness import PROTOCOLS

VOUCHING = (
    "X-ARR-ClientCert", "X-Client-Cert", "X-SSL-Cert", "X-SSL-Client-Cert", "SSL-Client-Cert", "SSL_CLIENT_S_DN",
    "X-MS-CLIENT-PRINCIPAL", "X-MS-CLIENT-PRINCIPAL-NAME", "Remote-User", "Remote_User", "X-Remote-User", "X.Remote.User",
    "Front-End-Https", "X-Url-Scheme", "X-Scheme", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X_Client_IP",
    "X-Cluster-Client-Ip", "X-Sendfile-Type", "X-Original-URL", "X_Original_URL", "X-Rewrite-URL", "X-Accel-Redirect",
    "MS-ASPNETCORE-CLIENTCERT", "Client-Cert", "Client-Cert-Chain", "X-Forwarded-User", "X_Forwarded_For", "X-Real-IP",
    "X_Real_IP", "Forwarded", "Proxy")

TRUSTING = """
[[listeners]]
address = "127.0.0.1:{http}"
trusted_proxies = ["127.0.0.0/8"]
client_address = "CLIENT_ADDRESS"
strip = ["X-Acme-*", "Remote-Groups"]
[[routes]]
to = "app"
real_ip = true
[upstreams.app]
endpoints = ["127.0.0.1:BACKEND"]
"""


def options_of(*fields):
    return [word for field in fields for word in ("--header", field)]


class Strangers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port)))

    def test_what_vouches_for_somebody_reaches_no_application(self):
        options = options_of(*(f"{name}: evil" for name in VOUCHING), "X-Mine: kept")
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/echo", *options)
                self.assertEqual(answer.status, 200, answer.error)
                seen = answer.json()["headers"]
                self.assertEqual([name for name, value in seen if value == "evil"], [])
                self.assertIn(["x-mine", "kept"], [[name.lower(), value] for name, value in seen])

    def test_explain_says_what_is_stripped(self):
        done = subprocess.run([harness.BINARY, "explain", self.gatehouse.url("/"), str(self.gatehouse.file),
                               *options_of("Remote_User: root", "X-Mine: kept")],
                              capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
        self.assertRegex(done.stdout, r"(?m)^strips +Remote_User: only a proxy of trusted_proxies may say it$")
        self.assertNotIn("strips         X-Mine", done.stdout)

class Proxies(unittest.TestCase):
    def trusting(self, believed):
        return harness.Gatehouse(TRUSTING.replace("BACKEND", str(self.backend.port)).replace("CLIENT_ADDRESS", believed))

    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())

    def ask(self, gatehouse, *fields):
        answer = harness.curl(f"http://127.0.0.1:{gatehouse.http}/echo", *options_of(*fields))
        self.assertEqual(answer.status, 200, answer.error)
        return {name.lower(): value for name, value in answer.json()["headers"]}

    def test_the_field_that_is_believed_says_who_the_client_is(self):
        said = ("X-Forwarded-For: 203.0.113.1", "Forwarded: for=203.0.113.2;proto=https", "X-Real-IP: 203.0.113.3")
        for believed, client in (("x-forwarded-for", "203.0.113.1"), ("forwarded", "203.0.113.2"), ("x-real-ip", "203.0.113.3")):
            with self.subTest(believed), self.trusting(believed) as gatehouse:
                seen = self.ask(gatehouse, *said)
                self.assertEqual(seen["x-forwarded-for"], f"{client}, 127.0.0.1")
                self.assertEqual(seen["x-real-ip"], "203.0.113.3")
                self.assertEqual(gatehouse.access_log(1)[0]["client"], client)

    def test_a_proxy_is_believed_in_proper_spelling_and_never_about_what_is_stripped(self):
        with self.trusting("x-forwarded-for") as gatehouse:
            seen = self.ask(gatehouse, "Remote-User: alice", "X_Remote_User: evil", "X-Acme-Role: evil", "x_acme_role: evil",
                            "Remote-Groups: evil", "X-Original-URL: evil", "X-Forwarded-For: 203.0.113.1")
            self.assertEqual(seen["remote-user"], "alice")
            self.assertEqual(seen["x-real-ip"], "203.0.113.1")
            self.assertNotIn("evil", seen.values())


if __name__ == "__main__":
    harness.main()
