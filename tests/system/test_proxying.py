"""The main job over each protocol: requests, bodies, headers, Alt-Svc, trailers, interim answers, our own answers."""

import hashlib
import subprocess
import unittest

import harness
from harness import PROTOCOLS
from backend import sequence_digest


class Proxying(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port)))

    def test_every_protocol_gets_the_same_answer_and_the_backend_sees_forwarded_headers(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/echo?a=b%20c")
                self.assertEqual(answer.status, 200, answer.error)
                self.assertEqual("h" + answer.version.split(".")[0], protocol)
                seen = answer.json()
                fields = {name.lower(): value for name, value in seen["headers"]}
                authority = f"localhost:{self.gatehouse.port}"
                self.assertEqual((seen["protocol"], seen["method"], seen["target"]), ("HTTP/1.1", "GET", "/echo?a=b%20c"))
                self.assertEqual(fields["host"], authority)
                self.assertIn(fields["x-forwarded-for"], ("127.0.0.1", "::1"))
                self.assertEqual(fields["x-forwarded-proto"], "https")
                self.assertEqual(fields["x-forwarded-host"], authority)
                self.assertEqual(fields["x-forwarded-port"], str(self.gatehouse.port))
                self.assertTrue(fields["x-request-id"])

    def test_bodies_arrive_whole_with_and_without_a_length(self):
        body = bytes(range(256)) * 5000
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                for options in ((), ("--header", "Transfer-Encoding: chunked") if protocol == "h1" else ("--upload-file", "-", "-X", "POST")):
                    answer = self.gatehouse.curl(protocol, "/echo", "--header", "Expect:", *options, body=body)
                    self.assertEqual(answer.status, 200, answer.error)
                    self.assertEqual(answer.json()["sha256"], hashlib.sha256(body).hexdigest())
                for path in ("/bytes/1000000", "/bytes/1000000?chunked=1"):
                    answer = self.gatehouse.curl(protocol, path)
                    self.assertEqual(hashlib.sha256(answer.body).hexdigest(), sequence_digest(1000000))

    def test_expect_100_continue_is_answered(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/echo", "--header", "Expect: 100-continue",
                                             "--expect100-timeout", "20", body=b"x" * 5000, timeout=15)
                self.assertEqual(answer.status, 200, answer.error)
                self.assertEqual(answer.json()["bytes"], 5000)

    def test_head_and_bodyless_statuses(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/bytes/12345", "--head")
                self.assertEqual((answer.status, answer.fields["content-length"], answer.body), (200, "12345", b""))
                for status in (204, 304):
                    answer = self.gatehouse.curl(protocol, f"/status/{status}")
                    self.assertEqual((answer.status, answer.body), (status, b""))

    def test_hop_by_hop_fields_stay_on_their_hop_and_alt_svc_is_ours(self):
        self.gatehouse.await_alt_svc()
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/altsvc")
                self.assertEqual(answer.fields.get("x-kept"), "1")
                for name in ("x-nominated", "keep-alive", "proxy-authenticate"):
                    self.assertNotIn(name, answer.fields)
                expected = None if protocol == "h3" else f'h3=":{self.gatehouse.port}"; ma=86400'
                self.assertEqual(answer.fields.get("alt-svc"), expected)

    def test_spoofed_identity_is_replaced(self):
        spoofed = ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: evil", "X-Real-IP: 6.6.6.6",
                   "Forwarded: for=6.6.6.6", "X-Original-URL: /admin", "Client-Cert: :AA==:", "MS-ASPNETCORE-TOKEN: x")
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                options = [part for field in spoofed for part in ("--header", field)]
                seen = self.gatehouse.curl(protocol, "/echo", *options).json()
                text = repr(seen["headers"])
                for forged in ("6.6.6.6", "gopher", "evil", "/admin", "AA==", "MS-ASPNETCORE"):
                    self.assertNotIn(forged, text)

    def test_trailers_reach_h2_and_h3_clients_without_framing_fields(self):
        done = subprocess.run(["nghttp", "-v", self.gatehouse.url("/trailers")], capture_output=True, text=True, timeout=30)
        self.assertIn("grpc-status: 0", done.stdout)
        self.assertNotIn("content-length: 7", done.stdout)
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.assertTrue(self.gatehouse.curl(protocol, "/trailers").body.startswith(b"hello"))  # curl shows trailers behind it

    def test_early_hints_are_passed_on(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                done = subprocess.run(
                    ["curl", "-sSi", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol], self.gatehouse.url("/hints")],
                    capture_output=True, text=True, timeout=30)
                first, second = done.stdout.replace("\r", "").split("\n\n")[:2]
                self.assertRegex(first.splitlines()[0], r"^HTTP/\S+ 103")
                self.assertRegex(second.splitlines()[0], r"^HTTP/\S+ 200")

    def test_a_cut_answer_is_never_a_clean_end(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                for path in ("/cut/100000", "/cut-chunked/100000"):
                    answer = self.gatehouse.curl(protocol, path)
                    self.assertNotEqual(answer.exit_code, 0, f"{path} looked complete")

    def test_too_large_a_body_is_413_with_the_reason(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/echo", "--header", "Expect:", body=bytes(30_000_001))
                self.assertEqual(answer.status, 413, answer.error)
                self.assertRegex(answer.fields["proxy-status"], r"^gatehouse; error=\S+")

    def test_the_metrics_page_is_accepted_by_promtool(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.gatehouse.curl(protocol, "/echo")
        page = harness.curl(f"http://127.0.0.1:{self.gatehouse.admin}/metrics").body
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))
        for protocol in PROTOCOLS:
            pattern = rf'^gatehouse_requests_total{{.*protocol="{protocol}".*}}$'
            self.assertGreater(self.gatehouse.metric(pattern), 0, protocol)

    def test_every_request_is_logged_with_its_protocol(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.gatehouse.curl(protocol, f"/echo?who={protocol}", "--user-agent", 'quo"te\\')
        lines = self.gatehouse.access_log(len(PROTOCOLS), lambda line: (line["query"] or "").startswith("who="))
        for protocol in PROTOCOLS:
            line = next(line for line in lines if line["query"] == f"who={protocol}")
            self.assertEqual((line["protocol"], line["status"], line["path"]), (protocol, 200, "/echo"))
            self.assertEqual(line["user_agent"], 'quo"te\\')
            for key in ("time", "id", "client", "listener", "upstream", "endpoint", "duration_ms", "bytes_out"):
                self.assertIn(key, line)


if __name__ == "__main__":
    harness.main()
