"""Early data (0-RTT) of returning clients: served if it is safe, 425 if not, each ticket once, none of before a restart."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import h2.connection
import h2.config
import harness

SERVER = '[server]\nworkers = 2\nadmin = "127.0.0.1:{admin}"\n'
LISTENER = """
[[listeners]]
address = "127.0.0.1:{port}"
protocols = ["h1", "h2"]
[listeners.tls]
certificates = [{{ certificate = "{cert}", private_key = "{key}" }}]
early_data = true
"""


def request(method, path, body=b"", close=True):
    fields = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    fields += [f"Content-Length: {len(body)}"] if body else []
    fields += ["Connection: close"] if close else []
    return "\r\n".join([*fields, "", ""]).encode() + body


def config(backend):
    return SERVER + LISTENER + f'[[routes]]\nto = "app"\n[upstreams.app]\nendpoints = ["127.0.0.1:{backend.port}"]\n'


def of_h2(*requests):
    """All that a client of HTTP/2 sends for these (method, path, body), up to its GOAWAY."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    for method, path, body in requests:
        stream = client.get_next_available_stream_id()
        client.send_headers(stream, [(":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost")],
                            end_stream=not body)
        if body:
            client.send_data(stream, body, end_stream=True)
    client.close_connection()
    return client.data_to_send()


class Returning(unittest.TestCase):
    """A client with tickets, of `gatehouse`."""

    gatehouse = None

    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def s_client(self, *options, send=b"", alpn="http/1.1"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.gatehouse.port}", "-servername", "localhost",
                               "-tls1_3", "-alpn", alpn, "-ign_eof", *map(str, options)], input=send, capture_output=True, timeout=60,
                              check=False)
        return (done.stdout + done.stderr).decode(errors="replace")

    def ticket(self, name, alpn="http/1.1"):
        """The file of a session that has not been used."""
        file = self.folder / name
        first = request("GET", "/status/200") if alpn != "h2" else of_h2(("GET", "/status/200", b""))
        output = self.s_client("-sess_out", file, send=first, alpn=alpn)
        self.assertIn("Max Early Data: 16384", output)
        return file

    def come_back(self, ticket, early, send=b"", alpn="http/1.1"):
        file = self.folder / "early"
        file.write_bytes(early)
        return self.s_client("-sess_in", ticket, "-early_data", file, send=send, alpn=alpn)

    def seen(self, output):
        """The Early-Data fields that the endpoint had, one list for each /echo in `output`."""
        return [re.findall(r'\["early-data", "([^"]*)"\]', echo.lower())
                for echo in re.findall(r'\{"protocol".*?"trailers": \[\]\}', output)]


class EarlyData(Returning):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(config(cls.backend)))

    def test_a_safe_request_is_served_with_the_handshake_and_the_endpoint_is_told(self):
        for attempt in range(4):  # whichever worker it comes to
            with self.subTest(attempt):
                output = self.come_back(self.ticket("safe"), request("GET", "/echo"))
                self.assertIn("Early data was accepted", output)
                self.assertIn("HTTP/1.1 200 OK", output)
                self.assertEqual(self.seen(output), [["1"]], output)
        self.assertGreater(self.gatehouse.metric(r'^gatehouse_tls_handshakes_total.*resumed="true"'), 0)

    def test_what_is_not_safe_is_too_early_and_reaches_nobody(self):
        before = self.gatehouse.metric("^gatehouse_upstream_requests_total")
        for method, body in (("POST", b"abc"), ("POST", b""), ("PUT", b"abc"), ("DELETE", b""), ("GET", b"abc")):
            with self.subTest(method, body=body):
                ticket = self.ticket("unsafe")
                begun = self.gatehouse.metric("^gatehouse_upstream_requests_total")
                output = self.come_back(ticket, request(method, "/echo", body))
                self.assertIn("Early data was accepted", output)
                self.assertIn("HTTP/1.1 425 Too Early", output)
                self.assertEqual(self.gatehouse.metric("^gatehouse_upstream_requests_total"), begun)
        self.assertGreater(self.gatehouse.metric("^gatehouse_upstream_requests_total"), before)
        self.gatehouse.access_log(5, lambda line: line["fault"] == "too_early" and line["status"] == 425)

    def test_what_comes_when_the_handshake_is_done_is_an_ordinary_request(self):
        output = self.come_back(self.ticket("both"), request("GET", "/echo", close=False), send=request("POST", "/echo", b"abc"))
        self.assertIn("Early data was accepted", output)
        self.assertEqual(self.seen(output), [["1"], []], output)
        self.assertEqual(re.findall(r"HTTP/1\.1 (\d+)", output), ["200", "200"])

    def test_a_ticket_is_good_once_on_all_workers(self):
        ticket = self.ticket("replayed")
        self.assertIn("Early data was accepted", self.come_back(ticket, request("GET", "/status/200")))
        for attempt in range(6):
            with self.subTest(attempt):
                begun = self.gatehouse.metric("^gatehouse_upstream_requests_total")
                output = self.come_back(ticket, request("GET", "/echo"), send=request("POST", "/echo", b"abc"))
                self.assertIn("Early data was rejected", output)
                self.assertRegex(output, r"(?m)^New, TLSv1\.3")
                self.assertEqual(self.seen(output), [[]], "the POST alone, and not as early data")
                self.assertEqual(self.gatehouse.metric("^gatehouse_upstream_requests_total"), begun + 1)

    def test_h2_is_the_same(self):
        before = self.gatehouse.metric("^gatehouse_upstream_requests_total")
        output = self.come_back(self.ticket("h2", "h2"), of_h2(("GET", "/echo", b""), ("POST", "/echo", b"abc")), alpn="h2")
        self.assertIn("Early data was accepted", output)
        self.assertEqual(self.seen(output), [["1"]], output)
        self.gatehouse.access_log(1, lambda line: line["fault"] == "too_early" and line["protocol"] == "h2")
        self.assertEqual(self.gatehouse.metric("^gatehouse_upstream_requests_total"), before + 2, "one for the ticket")

    def test_a_ticket_for_one_protocol_brings_no_early_data_of_another(self):
        output = self.come_back(self.ticket("other"), of_h2(("GET", "/echo", b"")), alpn="h2")
        self.assertNotIn("Early data was accepted", output)
        self.assertEqual(self.seen(output), [])


class Restart(Returning):
    def test_after_a_restart_there_is_none_with_an_old_ticket(self):
        with harness.Gatehouse(config(self.backend)) as self.gatehouse:
            ticket = self.ticket("first")
        with harness.Gatehouse(config(self.backend)) as self.gatehouse:
            output = self.come_back(ticket, request("GET", "/echo"), send=request("GET", "/echo"))
            self.assertIn("Early data was rejected", output)
            self.assertEqual(self.seen(output), [[]])

    def test_a_reload_lets_no_ticket_be_used_twice(self):
        with harness.Gatehouse(config(self.backend)) as self.gatehouse:
            used = self.ticket("used")
            self.assertIn("Early data was accepted", self.come_back(used, request("GET", "/echo")))
            self.assertEqual(self.gatehouse.control("reload").returncode, 0)
            output = self.come_back(used, request("GET", "/echo"), send=request("GET", "/echo"))
            self.assertIn("Early data was rejected", output)
            self.assertEqual(self.seen(output), [[]])
            self.assertIn("Early data was accepted", self.come_back(self.ticket("fresh"), request("GET", "/echo")))


class Configuration(unittest.TestCase):
    def test_early_data_with_h3_is_refused(self):
        gatehouse = harness.Gatehouse((SERVER + LISTENER).replace(', "h2"', ', "h2", "h3"') + "[[routes]]\nrespond = 204\n")
        done = subprocess.run([harness.BINARY, "check", str(gatehouse.file)], capture_output=True, text=True, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('"early_data" is for TCP', done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
