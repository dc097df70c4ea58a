"""Authentication that belongs to a connection, and the way back to HTTP/1.1 that it needs: curl's own, and a real KDC's.

An endpoint that knows connections by who has authenticated on them, as IIS does; its users come by curl, which is sent
back from h2 by itself. The KDC is MIT's, with a realm in a temporary folder.
"""

import base64
import contextlib
import http.client
import http.server
import os
import ssl
import threading
import unittest

import harness
import kerberos
from harness import LISTENERS, Gatehouse, wait_until

ROUTES = LISTENERS + """
[[routes]]
path = "/old"
to = "app"
protocols = ["h1"]
[[routes]]
path = "/old/page"
respond = {{ status = 200, body = "page" }}
protocols = ["h1"]
[[routes]]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:BACKEND"]
"""
IDENTITIES = LISTENERS + """
[[routes]]
path = "/who"
to = "app"
connection_auth = true
[[routes]]
path = "/closed"
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:BACKEND"]
"""


class FallingBack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(Gatehouse(ROUTES.replace("BACKEND", str(cls.backend.port))))

    def test_curl_comes_back_from_h2_by_itself(self):
        for path, body in (("/old/echo", None), ("/old/page", b"page")):
            with self.subTest(path):
                answer = self.gatehouse.curl("h2", path + "?by-itself")
                self.assertEqual((answer.status, answer.version), (200, "1.1"), answer.error)
                self.assertIn(body, (None, answer.body))
                self.assertNotIn("alt-svc", answer.fields)
                lines = self.gatehouse.access_log(2, lambda line, path=path: (line["path"], line["query"]) == (path, "by-itself"))
                self.assertCountEqual([(line["protocol"], line["fault"], line["attempts"] > 0) for line in lines],
                                      [("h2", "http11_required", False), ("h1", None, body is None)])

    def test_an_upload_comes_back_from_h2_whole(self):
        body = os.urandom(100_000)
        answer = self.gatehouse.curl("h2", "/old/echo", body=body)
        self.assertEqual((answer.status, answer.version), (200, "1.1"), answer.error)

    def test_h3_is_told_so_and_counted(self):
        answer = self.gatehouse.curl("h3", "/old/echo")
        self.assertNotEqual(answer.exit_code, 0)
        self.assertEqual(answer.status, 0)
        line = self.gatehouse.access_log(1, lambda line: line["protocol"] == "h3")[-1]
        self.assertEqual((line["fault"], line["attempts"]), ("http11_required", 0))
        self.assertGreaterEqual(self.gatehouse.metric('^gatehouse_faults_total.*fault="http11_required"'), 1)

    def test_other_routes_keep_their_protocols_and_say_so(self):
        for protocol, version in (("h1", "1.1"), ("h2", "2"), ("h3", "3")):
            answer = self.gatehouse.curl(protocol, "/echo")
            self.assertEqual((answer.status, answer.version), (200, version), answer.error)
            self.assertEqual("alt-svc" in answer.fields, protocol != "h3")


class KnowsConnections(http.server.BaseHTTPRequestHandler):
    """One object for each connection: whoever authenticates on it is its user from then on."""
    protocol_version = "HTTP/1.1"
    user = "nobody"

    def setup(self):
        super().setup()
        self.server.open.append(self)

    def finish(self):
        self.server.open.remove(self)
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self):
        credentials = self.headers.get("Authorization", "")
        fields = self.server.authenticate(self, credentials)
        self.server.requests.append((self.path, bool(credentials), self.user))
        body = self.user.encode()
        self.send_response(401 if self.user == "nobody" else 200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def endpoint(authenticate):
    """An HTTP endpoint; `authenticate(connection, credentials)` sets its user and returns fields for the answer."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KnowsConnections)
    server.daemon_threads = True
    server.authenticate, server.open, server.requests = authenticate, [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def like_ntlm(connection, credentials):
    """Three steps, the last of which names the user: only on the connection of the second."""
    scheme, _, word = credentials.partition(" ")
    if scheme == "NTLM" and word.startswith("negotiate"):
        connection.challenged = True
        return [("WWW-Authenticate", "NTLM challenge")]
    if scheme == "NTLM" and word.startswith("user-") and getattr(connection, "challenged", False):
        connection.user = word.removeprefix("user-")
        return []
    return [("WWW-Authenticate", "NTLM")] if connection.user == "nobody" else []


class Identities(unittest.TestCase):
    def setUp(self):
        self.app = self.enterContext(endpoint(like_ntlm))
        self.gatehouse = self.enterContext(Gatehouse(IDENTITIES.replace("BACKEND", str(self.app.server_address[1]))))

    def connect(self):
        context = ssl.create_default_context(cafile=str(self.gatehouse.certificate))
        connection = http.client.HTTPSConnection("localhost", self.gatehouse.port, context=context, timeout=harness.PATIENCE)
        self.addCleanup(connection.close)
        return connection

    @staticmethod
    def ask(connection, path="/who", credentials=None):
        connection.request("GET", path, headers={"Authorization": credentials} if credentials else {})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def authenticate(self, connection, user):
        self.assertEqual(self.ask(connection), (401, "nobody"))
        self.assertEqual(self.ask(connection, credentials="NTLM negotiate"), (401, "nobody"))
        self.assertEqual(self.ask(connection, credentials=f"NTLM user-{user}"), (200, user))

    def private(self):
        return self.gatehouse.metric(r'^gatehouse_upstream_connections\{.*state="private"')

    def test_each_connection_of_a_client_has_its_own_identity_for_its_life(self):
        alice, bob, stranger = self.connect(), self.connect(), self.connect()
        self.authenticate(alice, "alice")
        self.authenticate(bob, "bob")
        for _ in range(3):
            self.assertEqual(self.ask(alice), (200, "alice"))
            self.assertEqual(self.ask(stranger), (401, "nobody"))
            self.assertEqual(self.ask(bob), (200, "bob"))
        self.assertEqual(self.private(), 3)
        self.assertEqual(self.gatehouse.metric(r'^gatehouse_upstream_connections\{.*state="(idle|active)"'), 0)
        alice.close()
        wait_until(lambda: "alice" not in [each.user for each in self.app.open], "alice's connection ends with her")
        self.assertEqual(self.ask(bob), (200, "bob"))
        self.assertEqual(self.ask(self.connect()), (401, "nobody"))

    def test_without_the_key_nobody_keeps_an_identity(self):
        client = self.connect()
        self.assertEqual(self.ask(client, "/closed"), (401, "nobody"))
        self.assertEqual(self.ask(client, "/closed", "NTLM negotiate"), (401, "nobody"))
        self.assertEqual(self.ask(client, "/closed", "NTLM user-alice"), (401, "nobody"))
        self.assertEqual(self.private(), 0)
        self.assertEqual(self.gatehouse.metric(r'^gatehouse_upstream_connections_not_kept_total\{.*reason="private"'), 3)

    def test_a_reload_leaves_identities_alone_and_one_that_takes_the_endpoint_away_ends_them(self):
        alice = self.connect()
        self.authenticate(alice, "alice")
        self.assertEqual(self.gatehouse.control("reload").returncode, 0)
        self.assertEqual(self.ask(alice), (200, "alice"))
        with endpoint(like_ntlm) as other:
            self.gatehouse.write(IDENTITIES.replace("BACKEND", str(other.server_address[1])))
            self.assertEqual(self.gatehouse.control("reload").returncode, 0)
            wait_until(lambda: not self.app.open, "the connection of the endpoint that is gone ends")
            self.assertEqual(self.ask(alice), (401, "nobody"))


@unittest.skipIf(kerberos.MISSING, "no KDC is installed")
class Kerberos(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.realm = cls.enterClassContext(kerberos.Realm())
        os.environ.update(cls.realm.environment)
        import gssapi  # reads the environment
        name = gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service)
        credentials = gssapi.Credentials(name=name, usage="accept", store={"keytab": str(cls.realm.keytab)})

        def negotiate(connection, sent):
            scheme, _, token = sent.partition(" ")
            if scheme != "Negotiate":
                return [("WWW-Authenticate", "Negotiate")] if connection.user == "nobody" else []
            context = gssapi.SecurityContext(creds=credentials, usage="accept")
            answer = context.step(base64.b64decode(token))
            if context.complete:
                connection.user = str(context.initiator_name)
            return [("WWW-Authenticate", "Negotiate " + base64.b64encode(answer or b"").decode()), ("Persistent-Auth", "true")]

        cls.app = cls.enterClassContext(endpoint(negotiate))
        cls.gatehouse = cls.enterClassContext(Gatehouse(IDENTITIES.replace("BACKEND", str(cls.app.server_address[1]))))

    def test_curl_authenticates_by_h1_though_h2_is_offered_and_nobody_else_is_served_as_its_user(self):
        self.app.requests.clear()
        answer = self.gatehouse.curl("h2", "/who", "--negotiate", "--user", ":", self.gatehouse.url("/who?again"))
        self.assertEqual(answer.exit_code, 0, answer.error)
        self.assertEqual([user for _, _, user in self.app.requests], ["alice@" + kerberos.Realm.NAME] * 2)
        self.assertEqual(answer.version, "1.1")
        stranger = self.gatehouse.curl("h2", "/who")
        self.assertEqual((stranger.status, stranger.body), (401, b"nobody"))
        self.assertEqual(stranger.fields["www-authenticate"], "Negotiate")
        lines = self.gatehouse.access_log(1, lambda line: line["fault"] == "http11_required")
        self.assertEqual({line["protocol"] for line in lines}, {"h2"})

    def test_a_connection_that_has_an_identity_needs_no_credentials(self):
        self.app.requests.clear()
        context = ssl.create_default_context(cafile=str(self.gatehouse.certificate))
        client = http.client.HTTPSConnection("localhost", self.gatehouse.port, context=context, timeout=harness.PATIENCE)
        self.addCleanup(client.close)
        import gssapi
        token = gssapi.SecurityContext(name=gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service),
                                       usage="initiate").step()
        for credentials in ({"Authorization": "Negotiate " + base64.b64encode(token).decode()}, {}, {}):
            client.request("GET", "/who", headers=credentials)
            response = client.getresponse()
            self.assertEqual((response.status, response.read()), (200, f"alice@{kerberos.Realm.NAME}".encode()))
        stranger = self.gatehouse.curl("h1", "/who")
        self.assertEqual(stranger.status, 401)


if __name__ == "__main__":
    harness.main()
