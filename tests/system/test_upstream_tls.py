"""TLS to endpoints: what is verified, by which name, what our certificate is for, resumption, and ends that are none.

The endpoints are Python's ssl module; every certificate is made here, by a CA of the test's own.
"""

import base64
import contextlib
import hashlib
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from harness import LISTENERS, PROTOCOLS, Gatehouse, main, wait_until

ROUTE = """[[routes]]
to = "app"
[upstreams.app]
endpoints = ["https://HOST:PORT"]
"""


class Authority:
    """A CA in a folder, and what it has signed."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-ca-"))
        self.certificate, self.key = self.directory / "ca.pem", self.directory / "ca-key.pem"
        self._openssl("req", "-x509", *self._new_key(self.key), "-days", "10", "-subj", "/CN=Test CA",
                      "-addext", "keyUsage=critical,keyCertSign", "-out", self.certificate)

    def sign(self, name, alternatives, *options, sign=True):
        """A certificate for `alternatives`; returns the paths of (certificate, key)."""
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}-key.pem"
        signer = ("-CA", self.certificate, "-CAkey", self.key) if sign else ()
        self._openssl("req", "-x509", *self._new_key(key), *(options or ("-days", "10")), "-subj", f"/CN={name}", *signer,
                      "-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName={alternatives}",
                      "-out", certificate)
        return certificate, key

    @staticmethod
    def _new_key(path):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Endpoint:
    """An HTTPS server that counts; use as a context manager. `paths` maps a path to what is done with the connection."""

    def __init__(self, certificate, version=None, client_ca=None, alpn=("http/1.1",), port=0):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.set_alpn_protocols(alpn)
        if version:
            self.context.minimum_version = self.context.maximum_version = version
        if client_ca:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.names = []  # of SNI
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        self.accepted, self.connections, self.resumed, self.requests, self.protocols, self.peers = 0, 0, 0, 0, [], []
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                self.accepted += 1
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        with contextlib.suppress(OSError), raw:
            with self.context.wrap_socket(raw, server_side=True) as stream:
                self.connections += 1
                self.resumed += stream.session_reused
                self.protocols.append((stream.version(), stream.selected_alpn_protocol()))
                self.peers.append(dict(field[0] for field in stream.getpeercert()["subject"])
                                  if stream.getpeercert() else None)
                while self._one(stream):
                    pass

    def _one(self, stream):
        received = b""
        while b"\r\n\r\n" not in received:
            piece = stream.recv(65536)
            if not piece:
                return False
            received += piece
        head, _, rest = received.partition(b"\r\n\r\n")
        rest = bytearray(rest)
        self.requests += 1
        self.heads.append(head.decode())
        path = head.split()[1].decode()
        if b"chunked" in head.lower():
            while not rest.endswith(b"0\r\n\r\n"):
                rest += stream.recv(65536)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(rest) < int(line.split(b":")[1]):
                    rest += stream.recv(65536)
        if path.startswith("/tunnel"):
            return self._tunnel(stream, head)
        if path.startswith("/until-close"):
            stream.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")
            return self._close(stream, clean="clean" in path)
        if path.startswith("/with-length"):
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall of it")
            return self._close(stream, clean=False)
        body = b"x" * 3_000_000 if path == "/large" else str(len(rest)).encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True

    @staticmethod
    def _tunnel(stream, head):
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while piece := stream.recv(65536):
            stream.sendall(piece)
        with contextlib.suppress(OSError):
            stream.unwrap()
        return False

    @staticmethod
    def _close(stream, clean):
        if clean:
            with contextlib.suppress(OSError):
                stream.unwrap()  # close_notify
        else:
            stream.shutdown(socket.SHUT_WR)  # the FIN alone
        return False


class UpstreamTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.good = cls.authority.sign("good", "DNS:localhost,IP:127.0.0.1,URI:spiffe://test/api")

    def gatehouse(self, port, tls="", host="localhost", more="", **keywords):
        if "insecure" not in tls and "ca =" not in tls:
            tls = f'ca = "{self.authority.certificate}"\n' + tls
        config = LISTENERS + ROUTE.replace("HOST", host).replace("PORT", str(port)) + "[upstreams.app.tls]\n" + tls + more
        return Gatehouse(config, **keywords)

    def fault_of(self, certificate, tls="", **keywords):
        """What is answered over each protocol, all the same; returns (label, Proxy-Status, requests that arrived)."""
        with Endpoint(certificate, **keywords) as endpoint, self.gatehouse(endpoint.port, tls) as g:
            seen = set()
            for protocol in PROTOCOLS:
                answer = g.curl(protocol)
                self.assertEqual(answer.status, 502, answer.body)
                seen.add(answer.fields["proxy-status"].split(";")[1].strip())
            (proxy_status,) = seen
            (label,) = {line["fault"] for line in g.access_log(3)}
            self.assertGreaterEqual(g.metric(r'upstream_connects_total\{.*result="tls"'), 3)
            self.assertEqual(g.metric(r'upstream_connects_total\{.*result="ok"'), 0)
            return label, proxy_status, endpoint.requests

    def test_a_good_certificate_serves_every_protocol_and_connections_are_kept(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version), Endpoint(self.good, version) as endpoint:
                with self.gatehouse(endpoint.port, more="\n[server]\nworkers = 1\n" 'admin = "127.0.0.1:{admin}"\n') as g:
                    for protocol in PROTOCOLS:
                        for _ in range(3):
                            answer = g.curl(protocol, "/echo", body=b"y" * 200_000)
                            self.assertEqual((answer.status, answer.body), (200, b"200000"))
                        self.assertEqual(len(g.curl(protocol, "/large").body), 3_000_000)
                    self.assertEqual(endpoint.requests, 12)
                    self.assertEqual(endpoint.connections, 1)
                    self.assertEqual(endpoint.names, ["localhost"])
                    self.assertEqual({alpn for _, alpn in endpoint.protocols}, {"http/1.1"})
                    self.assertEqual(g.metric("upstream_extra_bytes_total"), 0)

    def test_an_untrusted_certificate_is_refused(self):
        self_signed = self.authority.sign("self", "DNS:localhost", sign=False)
        self.assertEqual(self.fault_of(self_signed), ("upstream_tls_untrusted", "error=tls_certificate_error", 0))

    def test_a_self_signed_certificate_may_be_what_is_trusted(self):
        self_signed = self.authority.sign("pinned", "DNS:localhost", sign=False)
        with Endpoint(self_signed) as endpoint, self.gatehouse(endpoint.port, f'ca = "{self_signed[0]}"') as g:
            self.assertEqual(g.curl("h2").status, 200)

    def test_an_expired_certificate_is_refused(self):
        expired = self.authority.sign("expired", "DNS:localhost", "-not_before", "20200101000000Z",
                                      "-not_after", "20200201000000Z")
        self.assertEqual(self.fault_of(expired), ("upstream_tls_expired", "error=tls_certificate_error", 0))

    def test_a_certificate_for_another_name_is_refused(self):
        other = self.authority.sign("localhost", "DNS:elsewhere.test")  # the subject says nothing
        self.assertEqual(self.fault_of(other), ("upstream_tls_name", "error=tls_certificate_error", 0))
        with Endpoint(other) as endpoint, self.gatehouse(endpoint.port, 'server_name = "elsewhere.test"') as g:
            self.assertEqual(g.curl("h2").status, 200)
            self.assertEqual(endpoint.names, ["elsewhere.test"])

    def test_an_address_is_a_name_of_its_own(self):
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port, host="127.0.0.1") as g:
            self.assertEqual(g.curl("h2").status, 200)
            self.assertEqual(endpoint.names, [None])  # no SNI (RFC 6066)
        named = self.authority.sign("named", "DNS:localhost")
        with Endpoint(named) as endpoint, self.gatehouse(endpoint.port, host="127.0.0.1") as g:
            self.assertEqual(g.curl("h2").status, 502)

    def test_san_is_wanted_to_the_letter(self):
        self.assertEqual(self.fault_of(self.good, 'san = "spiffe://test/other"')[0], "upstream_tls_name")
        spiffe = self.authority.sign("spiffe", "URI:spiffe://test/api")
        with Endpoint(spiffe) as endpoint, self.gatehouse(endpoint.port, 'san = "spiffe://test/api"') as g:
            self.assertEqual(g.curl("h2").status, 200)

    def test_insecure_takes_anything_and_is_warned_of(self):
        self_signed = self.authority.sign("any", "DNS:elsewhere.test", sign=False)
        with Endpoint(self_signed) as endpoint, self.gatehouse(endpoint.port, "insecure = true") as g:
            g.await_message("insecure = true")
            self.assertEqual(g.curl("h2").status, 200)

    def test_a_client_certificate_is_shown_where_it_is_asked_for(self):
        ours = self.authority.sign("gatehouse", "DNS:gatehouse.test")
        shown = f'certificate = "{ours[0]}"\nprivate_key = "{ours[1]}"\n'
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            keywords = {"version": version, "client_ca": self.authority.certificate}
            with self.subTest(version=version):
                with Endpoint(self.good, **keywords) as endpoint, self.gatehouse(endpoint.port, shown) as g:
                    self.assertEqual(g.curl("h2", body=b"post").status, 200)
                    self.assertEqual(endpoint.peers[0]["commonName"], "gatehouse")

    def test_without_a_client_certificate_the_endpoints_alert_is_told(self):
        with Endpoint(self.good, ssl.TLSVersion.TLSv1_2, self.authority.certificate) as endpoint:
            with self.gatehouse(endpoint.port) as g:
                for protocol in PROTOCOLS:
                    answer = g.curl(protocol)
                    self.assertEqual(answer.status, 502)
                    self.assertIn("tls_alert_received", answer.fields["proxy-status"])
        with Endpoint(self.good, ssl.TLSVersion.TLSv1_3, self.authority.certificate) as endpoint:
            with self.gatehouse(endpoint.port) as g:  # it comes after our handshake is done
                answer = g.curl("h2")
                self.assertEqual(answer.status, 502)
                self.assertIn("tls_alert_received", answer.fields["proxy-status"])
                self.assertEqual(endpoint.requests, 0)

    def test_who_speaks_no_tls_or_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent, self.gatehouse(
                silent.getsockname()[1], more='\n[timeouts]\nconnect = "300ms"\n') as g:
            answer = g.curl("h2")
            self.assertEqual(answer.status, 504)
            self.assertEqual(g.access_log(1)[0]["fault"], "upstream_tls_timeout")

        def speak_http(listener):
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    connection.recv(65536)
                    connection.close()

        with socket.create_server(("127.0.0.1", 0)) as plain:
            threading.Thread(target=speak_http, args=(plain,), daemon=True).start()
            with self.gatehouse(plain.getsockname()[1]) as g:
                answer = g.curl("h3")
                self.assertEqual(answer.status, 502)
                self.assertIn("tls_protocol_error", answer.fields["proxy-status"])
                g.await_message("upstream_tls_failed: TLS with https://localhost:.* of app failed: wrong version number")

    def test_large_bodies_cross_in_both_directions(self):
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port) as g:
            for protocol in PROTOCOLS:
                answer = g.curl(protocol, "/upload", body=b"z" * 20_000_000)
                self.assertEqual((answer.status, answer.body), (200, b"20000000"))
                self.assertEqual(len(g.curl(protocol, "/large", body=b"z" * 1_000_000).body), 3_000_000)

    def test_a_websocket_goes_through(self):
        frame = b"\x82\xfe\x03\xe8" + bytes(4) + b"w" * 1000
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port) as g:
            with socket.create_connection(("127.0.0.1", g.http), timeout=30) as client:
                client.sendall(b"GET /tunnel HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                with client.makefile("rb") as answer:
                    self.assertIn(b" 101 ", answer.readline())
                    while answer.readline() != b"\r\n":
                        pass
                    for _ in range(100):
                        client.sendall(frame)
                        self.assertEqual(answer.read(len(frame)), frame)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(answer.read(), b"")

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version), Endpoint(self.good, version) as endpoint:
                with self.gatehouse(endpoint.port, more="\n[upstreams.app.pool]\nmax_idle = 0\n") as g:
                    for _ in range(5):
                        self.assertEqual(g.curl("h2").status, 200)
                    self.assertEqual((endpoint.connections, endpoint.resumed), (5, 4))

    def test_an_answer_without_length_ends_with_close_notify_or_is_cut_off(self):
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port) as g:
            for protocol in PROTOCOLS:
                with self.subTest(protocol=protocol):
                    clean = g.curl(protocol, "/until-close/clean")
                    self.assertEqual((clean.exit_code, clean.body), (0, b"all of it"))
                    self.assertNotEqual(g.curl(protocol, "/until-close/cut").exit_code, 0)
                    whole = g.curl(protocol, "/with-length")
                    self.assertEqual((whole.exit_code, whole.body), (0, b"all of it"))
            faults = [line.get("fault") or "" for line in g.access_log(9)]
            self.assertEqual(sorted(filter(None, faults)), ["upstream_truncated"] * 3)

    def test_a_kept_connection_that_was_closed_is_not_used(self):
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port) as g:
            for _ in range(5):
                self.assertEqual(g.curl("h1", "/with-length", body=b"post").status, 200)

    def test_another_endpoint_is_asked_after_a_failed_handshake(self):
        self_signed = self.authority.sign("bad", "DNS:localhost", sign=False)
        with Endpoint(self_signed) as bad, Endpoint(self.good) as good:
            both = f'"https://localhost:{bad.port}", "https://localhost:{good.port}"'
            config = LISTENERS + ROUTE.replace('"https://HOST:PORT"', both)
            config += f'balance = "round_robin"\n[upstreams.app.tls]\nca = "{self.authority.certificate}"\n'
            with Gatehouse(config) as g:
                for _ in range(20):
                    self.assertEqual(g.curl("h2", body=b"post").status, 200)
                self.assertGreaterEqual(g.metric("endpoint_ejections_total"), 1)
                self.assertIn(f"https://localhost:{good.port}", g.control("status").stdout)

    def test_health_checks_go_the_same_way(self):
        health = '\n[upstreams.app.health]\npath = "/"\ninterval = "200ms"\ntimeout = "200ms"\ninitial = "wait"\n'
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port, more=health) as g:
            wait_until(lambda: g.metric(r'health_checks_total\{.*result="passed"') >= 3, "three checks")
            self.assertEqual(g.curl("h2").status, 200)
        self_signed = self.authority.sign("sick", "DNS:localhost", sign=False)
        with Endpoint(self_signed) as endpoint, self.gatehouse(endpoint.port, more=health) as g:
            wait_until(lambda: g.metric(r'health_checks_total\{.*result="failed"') >= 2, "two failed checks")
            self.assertEqual(endpoint.requests, 0)

    def test_files_are_read_again_at_a_reload(self):
        bundle = self.authority.directory / "trusted.pem"
        self_signed = self.authority.sign("renewed", "DNS:localhost", sign=False)
        bundle.write_text(self.authority.certificate.read_text())
        with Endpoint(self_signed) as endpoint, self.gatehouse(endpoint.port, f'ca = "{bundle}"') as g:
            self.assertEqual(g.curl("h2").status, 502)
            bundle.write_text(self_signed[0].read_text())
            self.assertEqual(g.control("reload").returncode, 0)
            self.assertEqual(g.curl("h2").status, 200)
            before = endpoint.connections
            self.assertEqual(g.control("reload").returncode, 0)  # nothing has changed: connections stay
            self.assertEqual(g.curl("h2").status, 200)
            self.assertLessEqual(endpoint.connections, before + 1)  # of the other worker
            bundle.write_text(self.authority.certificate.read_text())
            self.assertEqual(g.control("reload").returncode, 0)
            self.assertEqual(g.curl("h2").status, 502)
            bundle.unlink()
            refused = g.control("reload")
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("trusted.pem", refused.stdout + refused.stderr)

    def test_a_ca_that_changes_is_noticed_by_watch(self):
        bundle = self.authority.directory / "watched.pem"
        bundle.write_text(self.authority.sign("other", "DNS:other", sign=False)[0].read_text())
        watch = '\n[server]\nwatch = true\nadmin = "127.0.0.1:{admin}"\n'
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port, f'ca = "{bundle}"', more=watch) as g:
            self.assertEqual(g.curl("h2").status, 502)
            bundle.write_text(self.authority.certificate.read_text())
            wait_until(lambda: g.curl("h2").status == 200, "the new CA")

    def test_doctor_and_explain_know_https(self):
        self_signed = self.authority.sign("odd", "DNS:localhost", sign=False)
        with Endpoint(self_signed) as endpoint, self.gatehouse(endpoint.port) as g:
            found = g.control("doctor")
            self.assertRegex(found.stdout + found.stderr, r"https://localhost:\d+ of app: it listens, but TLS failed: self")
            explained = g.control(f"explain http://localhost:{g.http}/")
            self.assertIn(f"https://localhost:{endpoint.port}", explained.stdout, explained.stderr)
            self.assertIn(f"verified by {self.authority.certificate}, for the endpoint's name", explained.stdout)
        with Endpoint(self.good) as endpoint, self.gatehouse(endpoint.port) as g:
            found = g.control("doctor")
            self.assertRegex(found.stdout + found.stderr, r"https://localhost:\d+ of app accepts connections")


if __name__ == "__main__":
    main()
