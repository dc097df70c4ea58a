"""Where requests go: weights, affinity, endpoints that are unwell, names, and nobody being there at all."""

import collections
import contextlib
import os
import subprocess
import sys
import unittest

import apps
import harness

FRONT = harness.LISTENERS + '[[routes]]\nto = "app"\n[upstreams.app]\n'


@contextlib.contextmanager
def plain_app(*mode, port=None):
    """fault_app.py as a process that nobody hosts; yields its port."""
    port = port or harness.free_port()
    process = subprocess.Popen([sys.executable, "-I", "-S", str(apps.FAULT_APP), *map(str, mode)],
                               env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL)
    try:
        harness.wait_until(lambda: harness.curl(f"http://127.0.0.1:{port}/pid").exit_code == 0, "the app listens")
        yield port
    finally:
        process.kill()
        process.wait()


def addresses(*ports):
    return ", ".join(f'"127.0.0.1:{port}"' for port in ports)


class Balancing(unittest.TestCase):
    def served(self, gatehouse, count):
        """How many requests each endpoint has had, once there are so many."""
        return collections.Counter(line["endpoint"] for line in gatehouse.access_log(count))

    def test_weights_are_kept(self):
        with harness.backend() as one, harness.backend() as two:
            endpoints = f'{{{{ address = "127.0.0.1:{one.port}", weight = 3 }}}}, "127.0.0.1:{two.port}"'
            with apps.Gatehouse(FRONT + f'endpoints = [{endpoints}]\nbalance = "round_robin"\n') as gatehouse:
                done = subprocess.run(["h2load", "-n400", "-c1", "-m1", gatehouse.url("/status/200")], capture_output=True,
                                      text=True, timeout=60, check=False)
                self.assertIn("status codes: 400 2xx", done.stdout)
                # Each worker counts for itself.
                self.assertAlmostEqual(self.served(gatehouse, 400)[f"127.0.0.1:{one.port}"], 300, delta=4)

    def test_the_same_key_goes_to_the_same_endpoint_over_every_protocol(self):
        with harness.backend() as one, harness.backend() as two:
            keys = f'endpoints = [{addresses(one.port, two.port)}]\nbalance = "hash"\nhash_on = "header:X-Key"\n'
            with apps.Gatehouse(FRONT + keys) as gatehouse:
                asked = 0
                used = set()
                for key in range(8):
                    for protocol in harness.PROTOCOLS:
                        self.assertEqual(gatehouse.curl(protocol, "/status/200", "--header", f"X-Key: {key}").status, 200)
                    asked += 3
                    last = [line["endpoint"] for line in gatehouse.access_log(asked)][-3:]
                    self.assertEqual(len(set(last)), 1, last)
                    used.add(last[0])
                self.assertEqual(len(used), 2)

    def test_a_cookie_keeps_a_client_at_its_instance_even_over_a_recycle(self):
        keys = 'instances = 2\nstart = "eager"\nsticky = {{ cookie = "stay" }}'
        with apps.Gatehouse(apps.hosted(keys=keys)) as gatehouse:
            harness.wait_until(lambda: gatehouse.metric('^gatehouse_app_instances.*state="ready"') == 2, "both are ready")
            cookies = {}
            while len(cookies) < 2:
                answer = gatehouse.ask("/pid")
                cookies[int(answer.body)] = answer.fields["set-cookie"].split(";")[0]
            for pid, cookie in cookies.items():
                for protocol in harness.PROTOCOLS:
                    self.assertEqual(int(gatehouse.curl(protocol, "/pid", "--header", f"Cookie: {cookie}").body), pid)
            gatehouse.must("recycle")
            harness.wait_until(lambda: not set(cookies) & set(gatehouse.processes()), "both have been replaced")
            harness.wait_until(lambda: gatehouse.metric('^gatehouse_app_instances.*state="ready"') == 2, "both are ready")
            now = {}
            for pid, cookie in cookies.items():
                answers = [gatehouse.ask("/pid", "--header", f"Cookie: {cookie}") for _ in range(5)]
                self.assertEqual([a.status for a in answers], [200] * 5)
                self.assertEqual(["set-cookie" in a.fields for a in answers], [False] * 5)
                self.assertEqual(len({a.body for a in answers}), 1)
                now[pid] = answers[0].body
            self.assertEqual(len(set(now.values())), 2)

    def test_an_endpoint_that_fails_at_once_draws_no_more_than_its_share(self):
        for outlier, most in (("", 0.45), ('outlier = {{ statuses = ["500"] }}\n', 0.15)):
            with self.subTest(outlier), harness.backend() as one, harness.backend() as two, plain_app("failing") as bad:
                keys = f'endpoints = [{addresses(one.port, bad, two.port)}]\n' + outlier
                with apps.Gatehouse(FRONT + keys) as gatehouse:
                    subprocess.run(["h2load", "-n1000", "-c2", "-m8", "-t1", gatehouse.url("/slow/20")], capture_output=True,
                                   text=True, timeout=60, check=True)
                    served = self.served(gatehouse, 1000)
                    self.assertLess(served[f"127.0.0.1:{bad}"] / 1000, most, served)

    def test_localhost_is_found_by_either_address(self):
        port = harness.free_port()
        for host in ("::1", "127.0.0.1"):
            with subprocess.Popen([sys.executable, "-I", "-m", "http.server", "--bind", host, str(port)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
                try:
                    shown = f"[{host}]" if ":" in host else host
                    harness.wait_until(lambda: harness.curl(f"http://{shown}:{port}/").status == 200, "it listens")
                    keys = f'endpoints = ["localhost:{port}"]\nhealth = {{{{ path = "/", interval = "100ms" }}}}\n'
                    with apps.Gatehouse(FRONT + keys) as gatehouse:
                        for protocol in harness.PROTOCOLS:
                            self.assertEqual(gatehouse.curl(protocol, "/").status, 200)
                        passed = r'^gatehouse_health_checks_total.*result="passed"'
                        harness.wait_until(lambda: gatehouse.metric(passed) >= 2, "checks pass")
                        endpoint, = gatehouse.status()["upstreams"][0]["endpoints"]
                        self.assertEqual((endpoint["name"], endpoint["address"], endpoint["state"]),
                                         (f"localhost:{port}", f"{shown}:{port}", "available"))
                        self.assertEqual(gatehouse.metric(r"^gatehouse_upstream_retries_total"), 0)
                finally:
                    server.kill()

    def test_names_are_resolved(self):
        with harness.backend() as one:
            with apps.Gatehouse(FRONT + f'endpoints = ["localhost:{one.port}"]\n') as gatehouse:
                for protocol in harness.PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/status/200").status, 200)

    def test_a_name_that_does_not_resolve_is_503_and_hurts_nobody_else(self):
        with harness.backend() as one:
            more = f'[[routes]]\npath = "/status"\nto = "other"\n[upstreams.other]\nendpoints = [{addresses(one.port)}]\n'
            with apps.Gatehouse(FRONT + 'endpoints = ["no-such-name.invalid:80"]\n' + more) as gatehouse:
                answer = gatehouse.ask("/")
                self.assertEqual(answer.status, 503)
                self.assertRegex(answer.fields["proxy-status"], "error=(dns_|destination_unavailable)")
                self.assertEqual(gatehouse.ask("/status/200").status, 200)

    def test_nobody_there_is_503_with_retry_after(self):
        ports = harness.free_port(), harness.free_port()
        with apps.Gatehouse(FRONT + f"endpoints = [{addresses(*ports)}]\n") as gatehouse:
            for protocol in harness.PROTOCOLS:
                answer = gatehouse.curl(protocol, "/")
                self.assertEqual(answer.status, 503, answer.error)
                self.assertGreaterEqual(int(answer.fields["retry-after"]), 1)
                self.assertIn("proxy-status", answer.fields)
            with harness.backend(port=ports[1]):
                harness.wait_until(lambda: gatehouse.ask("/status/200").status == 200, "it is back")


class Health(unittest.TestCase):
    HEALTH = 'health = {{ path = "/ready", interval = "100ms", timeout = "1s", unhealthy_after = 2, healthy_after = 2 }}\n'

    def endpoint(self, gatehouse, port):
        return gatehouse.metric(rf'^gatehouse_endpoint_healthy{{.*endpoint="127.0.0.1:{port}"')

    def test_a_check_takes_an_endpoint_out_and_back_and_no_request_notices(self):
        gatehouse = apps.Gatehouse(harness.LISTENERS)
        switch = gatehouse.directory / "well"
        switch.touch()
        with plain_app("unready", switch) as one, plain_app("unready", gatehouse.directory) as two:
            gatehouse.write(FRONT + f'endpoints = [{addresses(one, two)}]\nbalance = "round_robin"\n' + self.HEALTH)
            with gatehouse:
                def pids(count=8):
                    return {gatehouse.pid() for _ in range(count)}

                self.assertEqual(len(pids()), 2)
                switch.unlink()
                harness.wait_until(lambda: self.endpoint(gatehouse, one) == 0, "it is out")
                self.assertEqual(len(pids()), 1)
                self.assertEqual(gatehouse.endpoints("app")[f"127.0.0.1:{one}"], "unhealthy")
                self.assertRegex(gatehouse.log(), rf"127.0.0.1:{one} is unhealthy: .*503")
                switch.touch()
                harness.wait_until(lambda: self.endpoint(gatehouse, one) == 1, "it is back")
                self.assertEqual(len(pids()), 2)
                self.assertEqual(gatehouse.metric("^gatehouse_faults_total"), 0)

    def test_failures_eject_an_endpoint_for_a_while(self):
        with harness.backend() as good:
            port = harness.free_port()
            keys = f'endpoints = [{addresses(port, good.port)}]\nbalance = "round_robin"\n'
            keys += 'outlier = {{ consecutive_failures = 3, eject_for = "500ms" }}\n'
            with apps.Gatehouse(FRONT + keys) as gatehouse:
                for _ in range(20):
                    self.assertEqual(gatehouse.ask("/status/200").status, 200)
                harness.wait_until(lambda: gatehouse.metric(r"^gatehouse_endpoint_ejections_total") >= 1, "it is ejected")
                self.assertIn("is taken out for a while", gatehouse.log())
                with harness.backend(port=port):
                    harness.wait_until(lambda: self.endpoint(gatehouse, port) == 1, "it is tried again")
                    harness.wait_until(
                        lambda: gatehouse.ask("/status/200").status == 200 and
                        gatehouse.metric(rf'^gatehouse_upstream_requests_total{{.*:{port}",code="2'), "it serves")

    PICKY = (harness.LISTENERS + '[[routes]]\nhosts = ["shop.example.com"]\nto = "web"\n' + apps.app(
        "web", apps.words("picky", "shop.example.com"), 'start = "eager"\nready_path = "/ready"\nwarmup = ["/", "/pid"]\n' + HEALTH))

    def test_checks_readiness_and_warm_up_look_like_what_clients_send(self):
        with apps.Gatehouse(self.PICKY.replace("timeout", 'expect = "200", timeout')) as gatehouse:
            passed = r'^gatehouse_health_checks_total.*result="passed"'
            harness.wait_until(lambda: gatehouse.metric(passed) >= 3, "checks pass")
            self.assertEqual(gatehouse.metric(r'^gatehouse_health_checks_total.*result="failed"'), 0)
            self.assertNotIn("redirected", gatehouse.log())

    def test_a_warm_up_that_is_redirected_is_told_once(self):
        plain = self.PICKY.replace("timeout", 'headers = {{ X-Forwarded-Proto = "http" }}, timeout')
        with apps.Gatehouse(plain) as gatehouse:
            gatehouse.await_message(r"app web: slot 0: warm-up was redirected at / \(301\)")
            passed = r'^gatehouse_health_checks_total.*result="passed"'
            harness.wait_until(lambda: gatehouse.metric(passed) >= 1, "a redirect is within 200-399")
            self.assertEqual(gatehouse.log().count("redirected"), 1)

    def test_checks_wake_no_app(self):
        checked = apps.app("checked", apps.words(), 'start = "eager"\n' + self.HEALTH)
        with apps.Gatehouse(apps.hosted(keys=self.HEALTH, more=checked)) as gatehouse:
            harness.wait_until(lambda: gatehouse.metric(r'^gatehouse_health_checks_total{upstream="checked"') >= 5, "five checks")
            self.assertEqual(len(gatehouse.processes()), 1)
            self.assertRegex(gatehouse.app_line(), "^stopped")
            self.assertEqual(gatehouse.endpoints("checked"), {"checked#0": "available"})


if __name__ == "__main__":
    harness.main()
