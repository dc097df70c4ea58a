"""The PROXY protocol with those who invented it and those who spread it: HAProxy before us, HAProxy and nginx behind us.

Clients come from addresses of loopback that tell them from the proxy, which has 127.0.0.1.
"""

import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness
from harness import Gatehouse, free_port, wait_until

CLIENT = "127.0.0.9"
IN = """
[[listeners]]
address = "127.0.0.1:{port}"
protocols = ["h1", "h2"]
proxy_protocol = "require"
trusted_proxies = ["127.0.0.1"]
[listeners.tls]
certificates = [{{ certificate = "{cert}", private_key = "{key}" }}]
[[listeners]]
address = "127.0.0.1:{http}"
protocols = ["h1", "h2c"]
proxy_protocol = "optional"
trusted_proxies = ["127.0.0.1"]
[[routes]]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:BACKEND"]
"""


@contextlib.contextmanager
def program(name, configuration, *arguments, port):
    """`name` with its configuration in a folder of its own, once it listens."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-proxy-"))
    file = directory / "configuration"
    file.write_text(configuration.replace("DIRECTORY", str(directory)))
    process = subprocess.Popen([name, *(argument.replace("FILE", str(file)) for argument in arguments)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=directory)

    def listens():
        if process.poll() is not None:
            raise AssertionError(process.stderr.read())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_until(listens, f"{name} listens")
        yield process
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()
        shutil.rmtree(directory, ignore_errors=True)


def haproxy(configuration, port):
    head = "global\n maxconn 100\ndefaults\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n"
    return program("haproxy", head + configuration, "-db", "-f", "FILE", port=port)


def nginx(server, port):
    head = "daemon off;\nmaster_process off;\npid DIRECTORY/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n" + "".join(
        f"{kind}_temp_path DIRECTORY/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return program("nginx", head + server + "}\n", "-p", ".", "-e", "stderr", "-c", "FILE", port=port)


class BehindHaproxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("haproxy"):
            raise unittest.SkipTest("no haproxy is installed")
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(Gatehouse(IN.replace("BACKEND", str(cls.backend.port))))
        cls.balancers = {}
        for version, option in (("v1", "send-proxy"),
                                ("v2", "send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id,authority")):
            for kind, at in (("tls", cls.gatehouse.port), ("clear", cls.gatehouse.http)):
                port = free_port()
                cls.enterClassContext(haproxy(
                    f"listen in\n mode tcp\n bind 127.0.0.1:{port}\n unique-id-format id-%rt\n"
                    f" server gatehouse 127.0.0.1:{at} {option}\n", port))
                cls.balancers[version, kind] = port

    def test_the_client_is_the_balancers_and_believed_nothing(self):
        for version in ("v1", "v2"):
            for protocol in ("h1", "h2"):
                with self.subTest(version=version, protocol=protocol):
                    tag = f"{version}-{protocol}"
                    answer = harness.curl(f"https://localhost:{self.balancers[version, 'tls']}/echo?{tag}", "--interface", CLIENT,
                                          "--ipv4", "--cacert", str(self.gatehouse.certificate), harness.PROTOCOLS[protocol],
                                          "--header", "X-Forwarded-For: 6.6.6.6")
                    self.assertEqual(answer.status, 200, answer.error)
                    seen = {name.lower(): value for name, value in answer.json()["headers"]}
                    self.assertEqual(seen["x-forwarded-for"], CLIENT)
                    line = self.gatehouse.access_log(1, lambda line, tag=tag: line["query"] == tag)[0]
                    self.assertEqual((line["client"], line["proxy"], line["protocol"]), (CLIENT, "127.0.0.1", protocol))
                    self.assertEqual(bool(line["proxy_unique_id"]), version == "v2")

    def test_cleartext_and_h2_with_prior_knowledge_too(self):
        for version in ("v1", "v2"):
            for option in ("--http1.1", "--http2-prior-knowledge"):
                with self.subTest(version=version, option=option):
                    answer = harness.curl(f"http://127.0.0.1:{self.balancers[version, 'clear']}/echo", "--interface", CLIENT, option)
                    self.assertEqual(answer.status, 200, answer.error)
                    seen = {name.lower(): value for name, value in answer.json()["headers"]}
                    self.assertEqual(seen["x-forwarded-for"], CLIENT)

    def failures(self, reason):
        return self.gatehouse.metric(rf'^gatehouse_proxy_header_failures_total\{{.*reason="{reason}"')

    def test_who_comes_past_the_balancer_is_turned_away_where_a_header_is_required(self):
        untrusted, missing = self.failures("untrusted"), self.failures("missing")
        past = ("--cacert", str(self.gatehouse.certificate), "--ipv4")
        self.assertNotEqual(harness.curl(self.gatehouse.url("/echo"), "--interface", CLIENT, *past).exit_code, 0)
        self.assertNotEqual(harness.curl(self.gatehouse.url("/echo"), *past).exit_code, 0)
        wait_until(lambda: self.failures("untrusted") == untrusted + 1, "one that may not send a header")
        wait_until(lambda: self.failures("missing") == missing + 1, "one that sent none")
        self.assertRegex(self.gatehouse.log(), rf"closed a connection of {re.escape(CLIENT)}:\d+ to .* for its PROXY header: untrusted")

    def test_and_served_where_it_is_optional(self):
        for source in ("127.0.0.1", CLIENT):
            answer = harness.curl(f"http://127.0.0.1:{self.gatehouse.http}/echo", "--interface", source)
            self.assertEqual(answer.status, 200, answer.error)
            seen = {name.lower(): value for name, value in answer.json()["headers"]}
            self.assertEqual(seen["x-forwarded-for"], source)

    def test_a_header_of_a_stranger_is_no_http(self):
        with socket.create_connection(("127.0.0.1", self.gatehouse.http), harness.PATIENCE, source_address=(CLIENT, 0)) as stranger:
            stranger.sendall(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = stranger.makefile("rb").read()
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer[:100])


OUT = harness.LISTENERS + """
[[routes]]
to = "app"
[upstreams.app]
endpoints = ["ENDPOINT"]
proxy_protocol = "VERSION"
[upstreams.app.health]
path = "/health"
interval = "200ms"
"""


class Introduced(unittest.TestCase):
    def introduces(self, endpoint, port, tls=False):
        """Each client is told apart, on every protocol, and its connections are its own; checks pass."""
        address = f"{'https://' if tls else ''}127.0.0.1:{port}"
        for version in ("v1", "v2"):
            config = OUT.replace("ENDPOINT", address).replace("VERSION", version)
            if tls:
                config += "[upstreams.app.tls]\ninsecure = true\n"
            with self.subTest(version), Gatehouse(config) as gatehouse:
                connections = set()
                for protocol in harness.PROTOCOLS:
                    for client in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
                        answer = gatehouse.curl(protocol, "/", "--interface", client, "--ipv4")
                        self.assertEqual(answer.status, 200, answer.error)
                        seen, connection = answer.body.decode().split()
                        self.assertEqual(seen, client, protocol)
                        self.assertNotIn(connection, connections)
                        connections.add(connection)
                twice = gatehouse.curl("h1", "/", gatehouse.url("/"), "--ipv4")
                words = re.findall(rb"^127\.0\.0\.1 (\S+)$", twice.body + b"\n", re.MULTILINE)
                self.assertTrue(words, twice.body)
                passed = r'^gatehouse_health_checks_total\{.*result="passed"'
                wait_until(lambda: gatehouse.metric(passed) >= 2, "checks that send LOCAL or UNKNOWN pass")
                self.assertEqual(gatehouse.metric(r'^gatehouse_health_checks_total\{.*result="failed"'), 0)
                self.assertEqual(gatehouse.metric(r'^gatehouse_upstream_connections\{.*state="idle"'), 0)

    @unittest.skipIf(not shutil.which("haproxy"), "no haproxy is installed")
    def test_to_haproxy(self):
        port = free_port()
        server = (f"frontend out\n mode http\n bind 127.0.0.1:{port} accept-proxy\n"
                  ' http-request return status 200 content-type text/plain lf-string "%[src] %[src_port]-%rt"\n')
        with haproxy(server, port) as endpoint:
            self.introduces(endpoint, port)

    @unittest.skipIf(not shutil.which("nginx"), "no nginx is installed")
    def test_to_nginx_and_a_client_has_its_connection_for_long(self):
        port = free_port()
        with nginx(f'server {{ listen 127.0.0.1:{port} proxy_protocol; location / {{ return 200 "$proxy_protocol_addr $connection"; }} }}\n',
                   port) as endpoint:
            self.introduces(endpoint, port)
            config = OUT.replace("ENDPOINT", f"127.0.0.1:{port}").replace("VERSION", "v2")
            with Gatehouse(config) as gatehouse:
                for protocol in harness.PROTOCOLS:
                    done = subprocess.run(
                        ["curl", "--silent", "--max-time", "30", "--cacert", str(gatehouse.certificate), harness.PROTOCOLS[protocol],
                         "--write-out", "\n", *[gatehouse.url("/")] * 3], capture_output=True, text=True, check=True)
                    self.assertEqual(len(set(done.stdout.split("\n")[:3])), 1, (protocol, done.stdout))

    @unittest.skipIf(not shutil.which("nginx"), "no nginx is installed")
    def test_before_tls(self):
        port = free_port()
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        certificate, key = harness.make_certificate(directory, "endpoint", "localhost", "127.0.0.1")
        with nginx(f"server {{ listen 127.0.0.1:{port} ssl proxy_protocol; ssl_certificate {certificate}; ssl_certificate_key {key};"
                   f' location / {{ return 200 "$proxy_protocol_addr $connection"; }} }}\n', port) as endpoint:
            self.introduces(endpoint, port, tls=True)


if __name__ == "__main__":
    harness.main()
