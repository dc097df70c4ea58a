"""What clients get when the backend fails them: 502, 503, 504 with a reason, and recovery without a restart."""

import re
import subprocess
import unittest

import harness
from harness import PROTOCOLS


class Failures(unittest.TestCase):
    def test_a_killed_backend_is_502_with_proxy_status_and_its_return_is_noticed(self):
        port = harness.free_port()
        with harness.backend(port=port) as first, harness.Gatehouse(harness.simple(port)) as gatehouse:
            for protocol in PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
            first.kill()
            first.wait()
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/echo")
                    self.assertEqual(answer.status, 502, answer.error)
                    self.assertRegex(answer.fields["proxy-status"], r"^gatehouse; error=connection_refused")
                    self.assertEqual(answer.fields["cache-control"], "no-store")
            self.assertEqual(gatehouse.metric(r'^gatehouse_faults_total{.*fault="connect_refused"'), 3)
            fails = rf"upstream app: 127.0.0.1:{port} fails: connect_refused \(Connection refused\); clients get 502"
            gatehouse.await_message(fails)
            faults = [line["fault"] for line in gatehouse.access_log(6)]
            self.assertEqual(faults.count("connect_refused"), 3)
            with harness.backend(port=port):
                for protocol in PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
                gatehouse.await_message(rf"upstream app: 127.0.0.1:{port} answers again: 3 requests failed there in \d+ s")
            self.assertEqual(len(re.findall(fails, gatehouse.log())), 1)

    def test_a_dropped_connection_is_502_and_a_post_is_never_repeated(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    count = int(gatehouse.curl(protocol, "/count").body)
                    answer = gatehouse.curl(protocol, "/drop", body=b"once only")
                    self.assertEqual(answer.status, 502, answer.error)
                    self.assertIn("proxy-status", answer.fields)
                    self.assertEqual(int(gatehouse.curl(protocol, "/count").body), count + 2)

    def test_a_slow_backend_is_504(self):
        more = '[timeouts]\nresponse = "300ms"\n'
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port, more)) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/slow/5000")
                    self.assertEqual(answer.status, 504, answer.error)
                    self.assertIn("error=http_response_timeout", answer.fields["proxy-status"])

    def test_a_full_waiting_line_is_503_and_the_others_are_served(self):
        with harness.backend() as backend:
            config = harness.simple(backend.port).replace("[upstreams.app]", "[upstreams.app]\nmax_requests = 1\nqueue = 1")
            with harness.Gatehouse(config) as gatehouse:
                done = subprocess.run(
                    ["curl", "-sS", "--no-progress-meter", "--parallel", "--parallel-immediate", "--cacert", gatehouse.certificate, "--http2",
                     "-w", "\nstatus %{http_code}\n", *[gatehouse.url(f"/slow/700?{n}") for n in range(5)]],
                    capture_output=True, text=True, timeout=60)
                self.assertEqual(sorted(re.findall(r"^status (\d+)$", done.stdout, re.MULTILINE)), ["200", "200", "503", "503", "503"], done.stderr)

    def test_an_early_answer_reaches_a_client_that_is_still_sending(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/early", "--header", "Expect:", body=b"x" * 20_000_000)
                    self.assertEqual(answer.status, 413, answer.error)

    def test_a_unix_socket_serves_and_its_absence_is_502(self):
        with harness.Gatehouse(harness.simple(0).replace("127.0.0.1:0", "unix:{directory}/app.sock")) as gatehouse:
            self.assertEqual(gatehouse.curl("h2", "/echo").status, 502)
            with harness.backend("--unix", str(gatehouse.directory / "app.sock")):
                for protocol in PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)

    def test_a_bad_configuration_names_the_place_and_what_would_be_right(self):
        with harness.backend() as backend:
            gatehouse = harness.Gatehouse(harness.simple(backend.port).replace('to = "app"', 'to = "ap"\npth = "/"'))
            done = subprocess.run([harness.BINARY, "check", gatehouse.file], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 1)
            output = done.stdout + done.stderr
            self.assertRegex(output, re.escape(str(gatehouse.file)) + r":\d+:\d+: .*pth.*path")
            self.assertRegex(output, re.escape(str(gatehouse.file)) + r":\d+:\d+: .*ap.*app")


if __name__ == "__main__":
    harness.main()
