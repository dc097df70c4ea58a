"""Alt-Svc as clients see it while the QUIC port lives, dies and comes back, and the ALTSVC frame of HTTP/2.

All of it happens in a network of its own, where UDP can be lost."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

import harness

WITHDRAWN_WITHIN = 10


def setUpModule():
    try:
        os.unshare(os.CLONE_NEWNET)
    except OSError:
        raise unittest.SkipTest("a network of its own needs root") from None
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def nft(*commands):
    for command in commands:
        subprocess.run(["nft", command], check=True)


def lose_udp(port):
    nft("add table inet lossy", "add chain inet lossy input { type filter hook input priority 0; }",
        f"add rule inet lossy input udp dport {port} drop")


def lose_nothing():
    nft("add table inet lossy", "delete table inet lossy")


class AltSvc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend_context = harness.backend()
        cls.backend = cls.backend_context.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.backend_context.__exit__(None, None, None)

    def setUp(self):
        self.addCleanup(lose_nothing)

    def gatehouse(self, more="", server=""):
        config = harness.simple(self.backend.port)
        if more:
            config = config.replace("[listeners.tls]", more + "\n[listeners.tls]", 1)
        return harness.Gatehouse(server + config)

    def said(self, gatehouse, protocol="h1", path="/echo"):
        answer = gatehouse.curl(protocol, path)
        self.assertEqual(answer.status, 200)
        return answer.fields.get("alt-svc")

    def status_of(self, gatehouse):
        status = json.loads(gatehouse.control("status --json").stdout)
        return next(each for each in status["listeners"] if each["scheme"] == "https")

    def await_said(self, gatehouse, wanted, patience=harness.PATIENCE):
        harness.wait_until(lambda: (self.said(gatehouse) or "") == wanted, f"Alt-Svc: {wanted}", patience)

    def offer(self, gatehouse):
        return f'h3=":{gatehouse.port}"; ma=86400'

    def test_nothing_is_said_before_quic_has_answered(self):
        gatehouse = self.gatehouse()
        lose_udp(gatehouse.port)
        with gatehouse:
            for protocol in ("h1", "h2"):
                self.assertIsNone(self.said(gatehouse, protocol))
            listener = self.status_of(gatehouse)
            self.assertEqual((listener["alt_svc"], listener["alt_svc_state"]["standing"]), (None, "unproven"))
            self.assertEqual(gatehouse.metric("^gatehouse_alt_svc_advertised"), 0)
            lose_nothing()
            gatehouse.await_message(r"HTTP/3 is advertised \(Alt-Svc\)")
            for protocol in ("h1", "h2"):
                self.assertEqual(self.said(gatehouse, protocol), self.offer(gatehouse))
            self.assertIsNone(self.said(gatehouse, "h3"))

    def test_a_port_that_dies_is_withdrawn_in_time_and_comes_back(self):
        with self.gatehouse() as gatehouse:
            gatehouse.await_alt_svc()
            self.assertEqual(gatehouse.metric("^gatehouse_connections_total.*h3"), 0, "our own handshakes are no client's")
            self.assertEqual(gatehouse.metric("^gatehouse_tls_handshake"), 0)
            lose_udp(gatehouse.port)
            began = time.monotonic()
            self.await_said(gatehouse, "clear", WITHDRAWN_WITHIN)
            self.assertLess(time.monotonic() - began, WITHDRAWN_WITHIN)
            self.assertEqual(self.said(gatehouse, "h2"), "clear")
            self.assertEqual(gatehouse.metric("^gatehouse_alt_svc_advertised"), 0)
            listener = self.status_of(gatehouse)
            self.assertEqual((listener["alt_svc"], listener["alt_svc_state"]["standing"]), ("clear", "withdrawn"))
            self.assertIn("no answer within", listener["alt_svc_state"]["reason"])
            table = gatehouse.control("status").stdout
            self.assertIn("no answer within", table)
            lines = gatehouse.await_message(r"advertised no more \(Alt-Svc: clear\): .*no answer within")
            lose_nothing()
            gatehouse.await_message(r"HTTP/3 is advertised \(Alt-Svc\)", after=lines)
            self.assertEqual(self.said(gatehouse), self.offer(gatehouse))
            self.assertEqual(gatehouse.metric("^gatehouse_alt_svc_advertised"), 1)
            self.assertEqual(gatehouse.log().count("Alt-Svc: clear"), 1, "one line for each change")

    def test_a_listener_that_refuses_strangers_passes(self):
        config = harness.simple(self.backend.port).replace("[listeners.tls]", '[listeners.tls]\nunknown_sni = "reject"', 1)
        with harness.Gatehouse(config) as gatehouse:
            gatehouse.await_alt_svc()
            self.assertEqual(self.said(gatehouse), self.offer(gatehouse))
            self.assertEqual(gatehouse.metric("^gatehouse_tls_handshake_failures"), 0)

    def test_clients_that_may_do_little_take_nothing_from_the_probe(self):
        limits = '[limits]\nmax_connections_per_client = 1\nmax_handshakes_per_client = "1/h"\n'
        with harness.Gatehouse(harness.simple(self.backend.port, limits)) as gatehouse:
            for _ in range(3):
                gatehouse.await_alt_svc()
            self.assertEqual(gatehouse.metric("^gatehouse_connections_refused_total"), 0)

    def test_another_public_port_is_told_and_the_own_one_tried(self):
        with self.gatehouse("alt_svc = 443") as gatehouse:
            gatehouse.await_alt_svc()
            self.assertEqual(self.said(gatehouse), 'h3=":443"; ma=86400')

    def test_off_says_nothing_and_takes_back_what_was_said(self):
        with self.gatehouse('alt_svc = "off"') as gatehouse:
            self.assertIsNone(self.said(gatehouse))
            self.assertIsNone(self.status_of(gatehouse)["alt_svc_state"])
            gatehouse.file.write_text(gatehouse.file.read_text().replace('alt_svc = "off"\n', ""))
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            gatehouse.await_alt_svc()
            gatehouse.file.write_text(gatehouse.file.read_text().replace("[listeners.tls]", 'alt_svc = "off"\n[listeners.tls]', 1))
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertEqual(self.said(gatehouse), "clear")

    def test_a_server_that_drains_takes_it_back(self):
        with self.gatehouse() as gatehouse:
            gatehouse.await_alt_svc()
            running = subprocess.Popen(["curl", "-sS", "--http2", "--cacert", gatehouse.certificate, "--dump-header", "-",
                                        gatehouse.url("/slow/1500")], stdout=subprocess.PIPE, text=True)
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight") == 1, "one in flight")
            gatehouse.process.send_signal(signal.SIGTERM)
            self.assertIn("alt-svc: clear", running.communicate(timeout=20)[0])
            gatehouse.await_message("Alt-Svc: clear.*: the server drains")
            self.assertEqual(gatehouse.process.wait(20), 0)

    def test_a_crowd_of_clients_that_never_get_through_withdraws_it_and_one_that_does_ends_that(self):
        """Their addresses are proven, and their handshakes fail: they do not believe the certificate."""
        with self.gatehouse() as gatehouse:
            gatehouse.await_alt_svc()
            crowd = [subprocess.Popen(["curl", "-sS", "--http3-only", "--ipv4", "--interface", f"127.0.{i}.1", gatehouse.url()],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(1, 22)]
            self.assertNotIn(0, [client.wait(30) for client in crowd])
            self.await_said(gatehouse, "clear", WITHDRAWN_WITHIN)
            self.assertIn("none has succeeded", self.status_of(gatehouse)["alt_svc_state"]["reason"])
            self.assertEqual(gatehouse.curl("h3", "/echo").status, 200)
            self.await_said(gatehouse, self.offer(gatehouse))

    def frames(self, gatehouse, *urls):
        """(stream, origin, value) of the ALTSVC frames that a client gets on one connection."""
        done = subprocess.run(["nghttp", "-v", "--no-verify-peer", "--no-dep", *urls], capture_output=True, text=True, timeout=30, check=True)
        text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        found = re.findall(r"recv ALTSVC frame <length=\d+, flags=0x00, stream_id=(\d+)>\s*\(origin=\[(.*?)\], altsvc_field_value=\[(.*?)\]\)",
                           text)
        return [(int(stream), origin, value) for stream, origin, value in found]

    def test_the_frame_tells_h2_clients_of_each_origin_once(self):
        with self.gatehouse("alt_svc_frame = true") as gatehouse:
            gatehouse.await_alt_svc()
            told = [(0, f"https://localhost:{gatehouse.port}", self.offer(gatehouse))]
            self.assertEqual(self.frames(gatehouse, gatehouse.url("/echo"), gatehouse.url("/status/404")), told)
            lose_udp(gatehouse.port)
            self.await_said(gatehouse, "clear", WITHDRAWN_WITHIN)
            self.assertEqual(self.frames(gatehouse, gatehouse.url("/echo"))[0][2], "clear")

    def test_without_the_key_there_is_no_frame(self):
        with self.gatehouse() as gatehouse:
            gatehouse.await_alt_svc()
            self.assertEqual(self.frames(gatehouse, gatehouse.url("/echo")), [])


if __name__ == "__main__":
    harness.main()
