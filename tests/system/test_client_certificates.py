"""Clients that show a certificate: who is let in on h1, h2 and h3, what endpoints are told, and what a ticket is good for."""

import asyncio
import contextlib
import datetime
import http.client
import re
import socket
import ssl
import subprocess
import unittest
import unittest.mock

import apps
import client_authority
import h2.connection
import h2.events
import h2.exceptions
import harness
from aioquic.buffer import Buffer
from client_authority import Authority, field
from h3_client import Failed, h3_client

PROTOCOLS = harness.PROTOCOLS
SERVER = '[server]\nworkers = 2\nadmin = "127.0.0.1:{admin}"\n'
WHOLE_REQUEST = "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def listener(port, auth, authority, more=""):
    return f"""
[[listeners]]
address = "127.0.0.1:{port}"
trusted_proxies = ["127.0.0.0/8"]
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
client_auth = "{auth}"
client_ca = "{authority}"
{more}"""


def to_backend(backend):
    return f'[[routes]]\nto = "app"\n[upstreams.app]\nendpoints = ["127.0.0.1:{backend.port}"]\n'


def seen(answer, name):
    return [value for key, value in answer.json()["headers"] if key.lower() == name]


class World(unittest.TestCase):
    """One listener that requires a certificate, one that asks for one, and clients of every kind."""

    @classmethod
    def setUpClass(cls):
        cls.root = Authority("Root")
        cls.office = Authority("Office", cls.root)
        cls.backend = cls.enterClassContext(harness.backend())
        cls.asking = harness.free_port()
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(
            SERVER + listener("{port}", "require", cls.root.file) + listener(cls.asking, "optional", cls.root.file) +
            to_backend(cls.backend)))
        cls.alice = cls.office.sign()

    def ask(self, protocol, client=None, *options, port=None, path="/echo"):
        return harness.curl(f"https://localhost:{port or self.gatehouse.port}{path}", "--cacert", str(self.gatehouse.certificate),
                            PROTOCOLS[protocol], *(client.curl() if client else ()), *options)

    def failures(self, reason):
        return self.gatehouse.metric(rf'^gatehouse_tls_handshake_failures_total.*reason="{reason}"')

    def s_client(self, *options, port=None, send=WHOLE_REQUEST):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.gatehouse.port}", "-servername",
                               "localhost", "-ign_eof", *map(str, options)], input=send, capture_output=True, text=True,
                              errors="replace", timeout=30, check=False)
        return done.stdout + done.stderr


class Required(World):
    def test_a_good_certificate_is_let_in_and_the_endpoint_is_told(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.ask(protocol, self.alice)
                self.assertEqual(answer.status, 200, answer.error)
                self.assertEqual(seen(answer, "client-cert"), [field(self.alice.certificate)])
                self.assertEqual(seen(answer, "client-cert-chain"), [field(self.office.certificate)])
                self.assertEqual(seen(answer, "ms-aspnetcore-clientcert"), [])
        direct = self.root.sign("bob")
        answer = self.ask("h2", direct)
        self.assertEqual((seen(answer, "client-cert"), seen(answer, "client-cert-chain")), ([field(direct.certificate)], []))
        self.gatehouse.access_log(1, lambda line: line["tls_client"] == "CN=bob,O=Acme")
        for protocol in PROTOCOLS:
            self.gatehouse.access_log(1, lambda line, of=protocol: (line["tls_client"], line["protocol"]) == ("CN=alice,O=Acme", of))

    def test_without_one_the_handshake_is_refused(self):
        before = self.failures("no_certificate")
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.ask(protocol)
                self.assertEqual(answer.status, 0)
                self.assertNotEqual(answer.exit_code, 0)
        self.assertEqual(self.failures("no_certificate"), before + 3)
        self.assertRegex(self.s_client("-tls1_3"), "(?i)alert certificate required")
        self.assertRegex(self.s_client("-tls1_2"), "(?i)alert handshake failure")
        self.gatehouse.await_message("for its certificate: it has shown none")

    def test_a_bad_one_is_refused_and_the_log_says_why(self):
        stranger = Authority("Stranger")
        deep = self.root
        for level in range(6):
            deep = Authority(f"Level {level}", deep)
        yesterday = (-2 * client_authority.DAY, -client_authority.DAY)
        rows = {
            "nobody who is trusted has signed it": (stranger.sign(), "unable to get (local )?issuer certificate"),
            "expired": (self.root.sign(valid=yesterday), "certificate has expired"),
            "not for clients": (self.root.sign(usage=client_authority.SERVERS), "unsuitable certificate purpose"),
            "too deep": (deep.sign(), "certificate chain too long"),
        }
        for port in (self.gatehouse.port, self.asking):
            for name, (client, reason) in rows.items():
                for protocol in PROTOCOLS:
                    with self.subTest(name, protocol=protocol, port=port):
                        before, messages = self.failures("bad_certificate"), len(self.gatehouse.messages)
                        answer = self.ask(protocol, client, port=port)
                        self.assertNotEqual((answer.status, answer.exit_code), (200, 0))
                        self.assertEqual(self.failures("bad_certificate"), before + 1)
                        if port != self.asking:  # the log is limited
                            self.gatehouse.await_message(f"for its certificate: {reason}", after=messages)
        self.assertRegex(self.s_client("-tls1_3", *stranger.sign().openssl()), "(?i)alert unknown ca")
        self.assertEqual(self.ask("h1", self.alice).status, 200)

    def test_one_that_is_too_large_to_be_told_of_is_refused(self):
        large, fitting = self.root.sign(padding=20_000), self.root.sign(padding=8_000)
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.assertNotEqual(self.ask(protocol, large).exit_code, 0)
                self.assertEqual(seen(self.ask(protocol, fitting), "client-cert"), [field(fitting.certificate)])

    def test_the_names_of_the_cas_are_sent(self):
        self.assertRegex(self.s_client(*self.alice.openssl()), r"Acceptable client certificate CA names\nCN ?= ?Root\n")


class Optional(World):
    def test_without_one_it_is_served_and_nobody_is_vouched_for(self):
        forged = ("--header", "Client-Cert: :Zm9yZ2Vk:", "--header", "Client-Cert-Chain: :Zm9yZ2Vk:", "--header", "Client_Cert: forged",
                  "--header", "MS-ASPNETCORE-CLIENTCERT: Zm9yZ2Vk", "--header", "X-Kept: yes")
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.ask(protocol, None, *forged, port=self.asking)
                self.assertEqual(answer.status, 200, answer.error)
                self.assertEqual(seen(answer, "x-kept"), ["yes"])
                self.assertNotIn("Zm9yZ2Vk", answer.body.decode())
                self.assertNotIn("forged", answer.body.decode())
                answer = self.ask(protocol, self.alice, *forged, port=self.asking)
                self.assertEqual(seen(answer, "client-cert"), [field(self.alice.certificate)])
                self.assertNotIn("forged", answer.body.decode())


class Resumption(World):
    def test_a_resumed_session_has_the_certificate_and_its_chain(self):
        session = self.gatehouse.directory / "session.pem"
        for port in (self.gatehouse.port, self.asking):
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(version, port=port):
                    self.s_client(version, "-sess_out", session, *self.alice.openssl(), port=port)
                    for _ in range(8):  # the kernel spreads connections over the workers
                        said = self.s_client(version, "-sess_in", session, "-sess_out", session, port=port)
                        self.assertIn("Reused, TLS", said)
                        self.assertIn(field(self.alice.certificate), said)
                        self.assertIn(field(self.office.certificate), said)

    def test_a_ticket_of_one_policy_is_none_of_another(self):
        session = self.gatehouse.directory / "other.pem"
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                self.s_client(version, "-sess_out", session, port=self.asking)
                self.assertIn("Reused, TLS", self.s_client(version, "-sess_in", session, port=self.asking))
                refused = self.s_client(version, "-sess_in", session)
                self.assertNotIn("Reused, TLS", refused)
                self.assertNotIn("HTTP/1.1 200", refused)

    def test_h3_resumes_with_the_certificate(self):
        def roomy(capacity=0, data=None):  # aioquic has 1 KiB for a hello, too little for a ticket with certificates
            return Buffer(data=data) if data is not None else Buffer(capacity=max(capacity, 16384))

        with unittest.mock.patch("aioquic.tls.Buffer", roomy):
            asyncio.run(self.resume_h3())

    async def resume_h3(self):
        tickets = []
        async with h3_client(self.gatehouse.port, self.gatehouse.certificate, on_ticket=tickets.append,
                             **self.alice.aioquic()) as client:
            status, _, body = await client.request("/echo")
            self.assertEqual(status, 200)
            self.assertIn(field(self.alice.certificate).encode(), body)
        self.assertEqual(len(tickets), 1)
        before = self.gatehouse.metric('^gatehouse_tls_handshakes_total.*protocol="h3",resumed="true"')
        async with h3_client(self.gatehouse.port, self.gatehouse.certificate, session_ticket=tickets[0]) as client:
            status, _, body = await client.request("/echo")
            self.assertEqual(status, 200)
            self.assertIn(field(self.alice.certificate).encode(), body)
            self.assertIn(field(self.office.certificate).encode(), body)
        self.assertEqual(self.gatehouse.metric('^gatehouse_tls_handshakes_total.*protocol="h3",resumed="true"'), before + 1)

    def test_a_ticket_ends_with_the_certificate(self):
        session = self.gatehouse.directory / "short.pem"
        brief = self.office.sign("brief", valid=(-client_authority.DAY, datetime.timedelta(seconds=6)))
        self.s_client("-tls1_3", "-sess_out", session, *brief.openssl())
        self.assertIn("Reused, TLS", self.s_client("-tls1_3", "-sess_in", session))
        harness.wait_until(lambda: "Reused, TLS" not in self.s_client("-tls1_3", "-sess_in", session), "the certificate has expired")


class Rollout(unittest.TestCase):
    def setUp(self):
        self.backend = self.enterContext(harness.backend())
        self.old, self.new = Authority("Old"), Authority("New")

    def gatehouse_with(self, auth, file="{directory}/clients.pem", server=SERVER):
        gatehouse = harness.Gatehouse(server + listener("{port}", auth, file) + to_backend(self.backend))
        (gatehouse.directory / "clients.pem").write_bytes(self.old.file.read_bytes())
        return gatehouse

    def test_it_does_not_start_without_the_ca(self):
        for name, content in (("missing", None), ("empty", b""), ("no-certificate", b"hello\n"),
                              ("broken", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")):
            with self.subTest(name):
                gatehouse = self.gatehouse_with("optional", f"{{directory}}/{name}.pem")
                if content is not None:
                    (gatehouse.directory / f"{name}.pem").write_bytes(content)
                done = subprocess.run(gatehouse.command(), capture_output=True, text=True, cwd=gatehouse.directory, timeout=60,
                                      check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, rf"gatehouse\.toml:\d+:.*{name}\.pem")

    def test_a_reload_keeps_what_is_in_force_if_the_ca_is_gone(self):
        with self.gatehouse_with("require") as gatehouse:
            (gatehouse.directory / "clients.pem").write_bytes(b"")
            self.assertRegex(gatehouse.control("reload").stderr, r"clients\.pem: there is no certificate in it")
            for protocol in PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo", *self.old.sign().curl()).status, 200)
                self.assertNotEqual(gatehouse.curl(protocol, "/echo").exit_code, 0)

    def test_a_watched_ca_takes_the_place_of_the_former_and_its_tickets_are_void(self):
        with self.gatehouse_with("require", server=SERVER + "watch = true\n") as gatehouse:
            session = gatehouse.directory / "session.pem"
            base = ["openssl", "s_client", "-connect", f"127.0.0.1:{gatehouse.port}", "-servername", "localhost", "-ign_eof"]

            def s_client(*options):
                return subprocess.run([*base, *map(str, options)], input=WHOLE_REQUEST, capture_output=True, text=True, timeout=30,
                                      errors="replace", check=False).stdout

            s_client("-sess_out", session, *self.old.sign().openssl())
            self.assertIn("Reused, TLS", s_client("-sess_in", session))
            draft = gatehouse.directory / "draft.pem"
            draft.write_bytes(self.new.file.read_bytes())
            draft.rename(gatehouse.directory / "clients.pem")
            gatehouse.await_message("is in force")
            for protocol in PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo", *self.new.sign().curl()).status, 200)
                self.assertNotEqual(gatehouse.curl(protocol, "/echo", *self.old.sign().curl()).exit_code, 0)
            said = s_client("-sess_in", session)
            self.assertNotIn("Reused, TLS", said)
            self.assertNotIn("HTTP/1.1 200", said)


class Misdirected(unittest.TestCase):
    """421: another certificate of ours, or other clients than when the connection was made. Nothing else."""

    def setUp(self):
        self.backend = self.enterContext(harness.backend())
        self.old, self.new = Authority("Old"), Authority("New")
        other = '{{ certificate = "other.pem", private_key = "other-key.pem" }}'
        config = SERVER + listener("{port}", "require", "{directory}/clients.pem") + to_backend(self.backend)
        self.gatehouse = harness.Gatehouse(config.replace("certificates = [", f"certificates = [{other}, "))
        harness.make_certificate(self.gatehouse.directory, "other", "other.test", "also.test")
        self.trust(self.old)
        self.enterContext(self.gatehouse)
        self.alice = self.old.sign()

    def trust(self, *authorities):
        (self.gatehouse.directory / "clients.pem").write_bytes(b"".join(each.file.read_bytes() for each in authorities))

    def reload(self):
        done = self.gatehouse.control("reload")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_only_the_name_of_another_certificate_is_misdirected(self):
        rows = {"localhost": 200, "nobody.test": 200, "127.0.0.1": 200, "other.test": 421, "also.test": 421}
        for protocol in PROTOCOLS:
            for host, status in rows.items():
                with self.subTest(protocol, host=host):
                    answer = self.gatehouse.curl(protocol, "/echo", "--header", f"Host: {host}", *self.alice.curl())
                    self.assertEqual(answer.status, status)
        for protocol in PROTOCOLS:  # a certificate of both names is one place
            with self.subTest(protocol):
                answer = harness.curl(f"https://other.test:{self.gatehouse.port}/echo", "--connect-to", "::127.0.0.1:", "--cacert",
                                      str(self.gatehouse.directory / "other.pem"), "--header", "Host: also.test",
                                      PROTOCOLS[protocol], *self.alice.curl())
                self.assertEqual(answer.status, 200, answer.error)

    def ask_h1(self, stream):
        """The status, or 0 if the connection is gone. Reads all of the answer: the next one begins behind it."""
        with contextlib.suppress(ConnectionError, ssl.SSLError, http.client.HTTPException):
            stream.sendall(b"GET /status/200 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = http.client.HTTPResponse(stream)
            answer.begin()
            answer.read()
            return answer.status
        return 0

    def connect(self, alpn):
        context = ssl.create_default_context(cafile=self.gatehouse.certificate)
        context.load_cert_chain(self.alice.file, self.alice.key)
        context.set_alpn_protocols([alpn])
        raw = socket.create_connection(("127.0.0.1", self.gatehouse.port), timeout=30)
        return self.enterContext(context.wrap_socket(raw, server_hostname="localhost"))

    def ask_h2(self, stream, connection):
        with contextlib.suppress(ConnectionError, ssl.SSLError, h2.exceptions.ProtocolError):
            number = connection.get_next_available_stream_id()
            connection.send_headers(number, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                                             (":path", "/status/200")], end_stream=True)
            while True:
                stream.sendall(connection.data_to_send())
                received = stream.recv(65536)
                for event in connection.receive_data(received) if received else [None]:
                    if isinstance(event, h2.events.ResponseReceived) and event.stream_id == number:
                        return int(dict(event.headers)[b":status"])
                    if event is None or isinstance(event, h2.events.ConnectionTerminated) and event.last_stream_id < number:
                        return 0
        return 0

    async def ask_h3(self, client):
        try:
            return (await client.request("/status/200"))[0]
        except Failed:
            return 0

    async def ask_all(self, h1, h2_stream, h2_connection, h3):
        return [self.ask_h1(h1), self.ask_h2(h2_stream, h2_connection), await self.ask_h3(h3)]

    def test_a_connection_of_before_serves_only_whom_the_new_rule_lets_in(self):
        asyncio.run(self.reload_under_connections())

    async def reload_under_connections(self):
        connection = h2.connection.H2Connection()
        connection.initiate_connection()
        streams = self.connect("http/1.1"), self.connect("h2"), connection
        async with h3_client(self.gatehouse.port, self.gatehouse.certificate, **self.alice.aioquic()) as client:
            self.assertEqual(await self.ask_all(*streams, client), [200, 200, 200])
            self.trust(self.old, self.new)
            await asyncio.get_running_loop().run_in_executor(None, self.reload)
            self.assertEqual(await self.ask_all(*streams, client), [200, 200, 200])
            self.trust(self.new)
            await asyncio.get_running_loop().run_in_executor(None, self.reload)
            for status in await self.ask_all(*streams, client):
                self.assertIn(status, (0, 421))
        for protocol in PROTOCOLS:
            self.assertEqual(self.gatehouse.curl(protocol, "/echo", *self.new.sign().curl()).status, 200)


class AspNetCore(unittest.TestCase):
    def test_an_application_of_the_module_gets_its_header(self):
        authority = Authority("Root")
        alice = authority.sign()
        config = listener("{port}", "optional", authority.file) + '[[routes]]\nto = "web"\n'
        config += apps.app("web", apps.words(), 'profile = "aspnetcore"')
        with apps.Gatehouse(config) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    fields = gatehouse.curl(protocol, "/", "--header", "MS-ASPNETCORE-CLIENTCERT: forged", *alice.curl()).json()["fields"]
                    told = [value for name, value in fields if name.lower() == "ms-aspnetcore-clientcert"]
                    self.assertEqual(told, [field(alice.certificate).strip(":")])
                    fields = gatehouse.curl(protocol, "/", "--header", "MS-ASPNETCORE-CLIENTCERT: forged").json()["fields"]
                    self.assertFalse([name for name, _ in fields if re.match("(?i)ms-aspnetcore-clientcert|client-cert", name)])


if __name__ == "__main__":
    harness.main()
