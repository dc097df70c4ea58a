"""Who may ask, and what is asked for: allow, deny and rewrite of routes over every protocol, and what explain says of them."""

import json
import subprocess
import unittest

import harness
from harness import PROTOCOLS

ROUTES = """
[[routes]]
path = "/inner"
to = "app"
strip_prefix = true
rewrite = "/echo{{path}}"
allow = ["127.0.0.0/8", "::1"]
[[routes]]
path = "/outer"
to = "app"
allow = ["192.0.2.0/24"]
[[routes]]
path = "/closed"
respond = {{ status = 200, body = "secret" }}
deny = ["127.0.0.0/8", "::1"]
[[routes]]
path = "/moved"
redirect = "/inner"
deny = ["127.0.0.0/8", "::1"]
[[listeners]]
address = "unix:{directory}/front.sock"
"""


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port, ROUTES)))

    def test_who_is_listed_is_served_at_another_path(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                seen = self.gatehouse.curl(protocol, f"/inner/a%2Fb//c?q=1&p={protocol}").json()
                self.assertEqual(seen["target"], f"/echo/a%2Fb//c?q=1&p={protocol}")
                self.assertEqual(dict(seen["headers"]).get("X-Forwarded-Prefix"), "/inner")
                line = self.gatehouse.access_log(1, lambda line, p=protocol: line["query"] == f"q=1&p={p}")[0]
                self.assertEqual(line["path"], "/inner/a%2Fb//c", "the log has what the client asked for")

    def test_who_is_not_is_refused_by_every_kind_of_route(self):
        for protocol in PROTOCOLS:
            for path in ("/outer", "/closed", "/moved"):
                with self.subTest(protocol, path=path):
                    answer = self.gatehouse.curl(protocol, path)
                    self.assertEqual(answer.status, 403)
                    self.assertIn("access_denied", answer.fields["proxy-status"])
                    self.assertNotIn(b"secret", answer.body)
                    self.assertNotIn("location", answer.fields)

    def test_a_unix_socket_has_no_address(self):
        def status(path):
            return harness.curl("http://localhost" + path, "--unix-socket", str(self.gatehouse.directory / "front.sock")).status
        self.assertEqual((status("/inner"), status("/closed")), (403, 200))

    def test_explain_names_the_entry(self):
        def explained(path, client):
            done = subprocess.run([harness.BINARY, "explain", "--json", "--client", client, self.gatehouse.url(path),
                                   str(self.gatehouse.file)], capture_output=True, check=False)
            return json.loads(done.stdout)
        inner = explained("/inner/x", "127.0.0.9")
        self.assertEqual(inner["route"]["access"], '127.0.0.9 may ask: allow has "127.0.0.0/8"')
        self.assertTrue(inner["endpoint_request"][0].startswith("GET /echo/x "), inner["endpoint_request"])
        self.assertIn("rewrite", " ".join(inner["rewrites"]))
        outer = explained("/outer", "203.0.113.1")
        self.assertEqual((outer["route"]["access"], outer["fault"]["token"]),
                         ("203.0.113.1 may not ask: allow does not list it", "access_denied"))

    def test_other_servers_variables_are_answered_with_ours(self):
        file = self.gatehouse.directory / "nginx.toml"
        for value in ("$uri", "/new/$1", "/new/{R:1}"):
            file.write_text(f'[[listeners]]\naddress = ":1"\n[[routes]]\nto = "a"\nrewrite = "{value}"\n'
                            '[upstreams.a]\nendpoints = ["127.0.0.1:1"]\n')
            done = subprocess.run([harness.BINARY, "check", str(file)], capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn('"{path}"', done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
