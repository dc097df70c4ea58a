"""Who may say what about a client, requests that lead back to where they came from, and cookies that show nothing."""

import pathlib
import re
import subprocess
import tempfile
import threading
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
via = "off"
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

    def test_via_says_the_protocol_and_a_name_that_is_the_same_each_time(self):
        names = set()
        for protocol, version in (("h1", "1.1"), ("h2", "2"), ("h3", "3")):
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/echo", "--header", "Via: 1.0 fred")
                via = [value for name, value in answer.json()["headers"] if name == "Via" or name == "via"]
                match = re.fullmatch(rf"1\.0 fred, {re.escape(version)} (gatehouse-[0-9a-f]{{24}})", via[0])
                self.assertTrue(match, via)
                names.add(match[1])
                self.assertNotIn("via", answer.fields)
        self.assertEqual(len(names), 1)


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
                self.assertNotIn("via", seen)
                self.assertEqual(gatehouse.access_log(1)[0]["client"], client)

    def test_a_proxy_is_believed_in_proper_spelling_and_never_about_what_is_stripped(self):
        with self.trusting("x-forwarded-for") as gatehouse:
            seen = self.ask(gatehouse, "Remote-User: alice", "X_Remote_User: evil", "X-Acme-Role: evil", "x_acme_role: evil",
                            "Remote-Groups: evil", "X-Original-URL: evil", "X-Forwarded-For: 203.0.113.1")
            self.assertEqual(seen["remote-user"], "alice")
            self.assertEqual(seen["x-real-ip"], "203.0.113.1")
            self.assertNotIn("evil", seen.values())


LOOP = harness.LISTENERS + """
[[routes]]
path = "/loop"
to = "ourselves"
[upstreams.ourselves]
endpoints = ["127.0.0.1:{http}"]
"""
CHAIN = harness.LISTENERS + """
[[routes]]
hosts = ["localhost"]
to = "ourselves"
preserve_host = false
[[routes]]
hosts = ["127.0.0.1"]
to = "app"
[upstreams.ourselves]
endpoints = ["127.0.0.1:{http}"]
[upstreams.app]
endpoints = ["127.0.0.1:BACKEND"]
"""


class Loops(unittest.TestCase):
    def test_a_route_that_leads_back_ends_at_its_second_time_round(self):
        with harness.Gatehouse(LOOP) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    before = len(gatehouse.access_log())
                    answer = gatehouse.curl(protocol, "/loop")
                    self.assertEqual(answer.status, 508, answer.error)
                    said = [value for name, value in answer.all_fields if name.lower() == "proxy-status"]
                    self.assertRegex(said[0], "^gatehouse; error=proxy_loop_detected")
                    self.assertEqual(said[1:], ["gatehouse; received-status=508"] * 2)
                    # By the listener with TLS, by that without it, and by that once more.
                    lines = gatehouse.access_log(before + 3)[before:]
                    self.assertEqual([line["fault"] for line in lines if line["fault"]], ["loop_detected"])
                    self.assertEqual(len(lines), 3)
            self.assertEqual(gatehouse.metric(r'^gatehouse_faults_total\{.*fault="loop_detected"'), 3)

    def test_many_at_once_cost_three_turns_each(self):
        with harness.Gatehouse(LOOP) as gatehouse:
            statuses = []

            def ask():
                statuses.append(gatehouse.curl("h2", "/loop").status)

            threads = [threading.Thread(target=ask) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(statuses, [508] * 20)
            self.assertEqual(len(gatehouse.access_log(60)), 60)

    def test_a_gatehouse_before_another_is_no_loop(self):
        with tempfile.TemporaryDirectory() as folder, harness.backend() as backend:
            secret = pathlib.Path(folder, "secret")
            secret.write_bytes(bytes(range(32)))
            secret.chmod(0o600)
            # Nothing that both of them have may make them the same.
            shared = f'[server]\nadmin = "127.0.0.1:{{admin}}"\nsecret_file = "{secret}"\n'
            with harness.Gatehouse(shared + harness.simple(backend.port)) as sidecar, \
                    harness.Gatehouse(shared + harness.simple(sidecar.http)) as edge:
                for protocol in PROTOCOLS:
                    with self.subTest(protocol):
                        answer = edge.curl(protocol, "/echo")
                        self.assertEqual(answer.status, 200, answer.error)
                        via = dict(answer.json()["headers"])["Via"]
                        names = re.findall("gatehouse-([0-9a-f]{12})([0-9a-f]{12})", via)
                        self.assertEqual([len({name[half] for name in names}) for half in (0, 1)], [2, 2], via)

    def test_two_listeners_of_one_instance_may_be_chained(self):
        with harness.backend() as backend, harness.Gatehouse(CHAIN.replace("BACKEND", str(backend.port))) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/echo")
                    self.assertEqual(answer.status, 200, answer.error)
                    self.assertEqual(dict(answer.json()["headers"])["Via"].count("gatehouse-"), 2)


class Cookies(unittest.TestCase):
    def test_a_cookie_names_an_endpoint_and_shows_nothing_of_it(self):
        with harness.backend() as first, harness.backend() as second:
            config = harness.simple(first.port).replace(
                f'["127.0.0.1:{first.port}"]',
                f'["127.0.0.1:{first.port}", "127.0.0.1:{second.port}"]\nbalance = "round_robin"\nsticky = {{{{ cookie = "stay" }}}}')
            with harness.Gatehouse(config) as gatehouse:
                cookies = {gatehouse.curl("h2", "/echo").fields["set-cookie"].split(";")[0] for _ in range(2)}
                self.assertEqual(len(cookies), 2)
                for who, cookie in enumerate(cookies):
                    self.assertRegex(cookie, "^stay=[0-9a-f]{32}$")
                    for protocol in PROTOCOLS:
                        for _ in range(3):
                            self.assertNotIn("set-cookie", gatehouse.curl(protocol, f"/echo/{who}", "--cookie", cookie).fields)
                lines = gatehouse.access_log(20)  # in any order: each worker writes its own
                for who in (0, 1):
                    self.assertEqual(len({line["endpoint"] for line in lines if line["path"] == f"/echo/{who}"}), 1)


if __name__ == "__main__":
    harness.main()
