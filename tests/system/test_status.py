"""What the process says of itself: /status.json against what is really there, events, the table, and who may ask."""

import contextlib
import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time
import unittest

import apps
import harness

POOL = '[[routes]]\npath = "/pool"\nto = "pool"\nstrip_prefix = true\n[upstreams.pool]\nbalance = "round_robin"\nendpoints = [{}]\n'
DEAD = '[[routes]]\npath = "/dead"\nto = "dead"\n[upstreams.dead]\nendpoints = ["127.0.0.1:{}"]\n'


def events(gatehouse):
    """Yields (seconds since it was asked for, status) for each event."""
    begun = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", gatehouse.admin, timeout=harness.PATIENCE)) as connection:
        connection.request("GET", "/status/events", headers={"Accept": "text/event-stream"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise AssertionError(answer.status)
        with answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield time.monotonic() - begun, json.loads(line[6:])


def admin(gatehouse, path, *options):
    return harness.curl(f"http://127.0.0.1:{gatehouse.admin}{path}", *options)


def one(items, name):
    return next(item for item in items if item["name"] == name)


class Content(unittest.TestCase):
    def test_it_tells_what_is_really_there(self):
        dead = harness.free_port()
        with harness.backend() as backend:
            more = POOL.format(f'"127.0.0.1:{backend.port}"') + DEAD.format(dead)
            with apps.Gatehouse(apps.hosted(keys="instances = 2", more=more)) as gatehouse:
                for protocol in harness.PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/pid").status, 200)
                    self.assertEqual(gatehouse.curl(protocol, "/pool/status/500").status, 500)
                secret = gatehouse.ask("/dead/secret-path?token=secret-query", "--header", "Authorization: secret-credential",
                                       "--header", "Cookie: session=secret-cookie")
                self.assertEqual(secret.status, 502)
                gatehouse.await_alt_svc()
                status = harness.wait_until(
                    lambda: (s := gatehouse.status())["faults"] and s["traffic"]["total"]["requests_total"] == 7 and s, "all is counted")
                self.check_process(gatehouse, status)
                self.check_traffic(status)
                self.check_faults(gatehouse, status, dead)
                self.assertNotIn("secret", json.dumps(status))

    def check_process(self, gatehouse, status):
        self.assertEqual((status["schema"], status["state"], status["program"]["pid"]), (1, "serving", gatehouse.process.pid))
        self.assertEqual(status["configuration"]["file"], str(gatehouse.file))
        self.assertEqual(status["configuration"]["generation"], 1)
        tls, clear = status["listeners"]
        self.assertEqual((tls["address"], tls["scheme"], tls["protocols"]), (f":{gatehouse.port}", "https", ["h1", "h2", "h3"]))
        self.assertEqual((clear["address"], clear["protocols"]), (f"127.0.0.1:{gatehouse.http}", ["h1"]))
        self.assertIn(f'h3=":{gatehouse.port}"', tls["alt_svc"])
        self.assertEqual(tls["alt_svc_state"]["standing"], "advertised")
        self.assertIsNone(clear["alt_svc_state"])
        certificate = tls["certificates"][0]
        self.assertEqual(certificate["names"], ["localhost"])
        self.assertAlmostEqual(certificate["expires_in_seconds"], 10 * 86400, delta=600)
        app = one(status["apps"], "web")
        self.assertEqual((app["state"], app["well"], app["starts"]), ("serving", True, {"ok": 2}))
        self.assertEqual({instance["pid"] for instance in app["instances"]}, set(gatehouse.processes()))
        self.assertEqual(sum(endpoint["requests_total"] for endpoint in one(status["upstreams"], "web")["endpoints"]), 3)

    def check_traffic(self, status):
        protocols = status["traffic"]["protocols"]
        self.assertEqual({name: figures["requests_total"] for name, figures in protocols.items()}, {"h1": 3, "h2": 2, "h3": 2})
        self.assertEqual({name: figures["errors_total"] for name, figures in protocols.items()}, {"h1": 2, "h2": 1, "h3": 1})
        self.assertGreater(status["traffic"]["total"]["requests_per_second"], 0)
        self.assertIsNone(status["traffic"]["total"]["p99_ms"], "of so few requests it would be chance")
        routes = {route["name"]: (route["to"], route["requests_total"], route["errors_total"]) for route in status["routes"]}
        self.assertEqual(routes, {"*/": ("web", 3, 0), "*/pool": ("pool", 3, 3), "*/dead": ("dead", 1, 1)})

    def check_faults(self, gatehouse, status, dead):
        endpoint = one(status["upstreams"], "dead")["endpoints"][0]
        self.assertEqual((endpoint["state"], endpoint["well"]), ("failing", False))
        self.assertIn("connect_refused", endpoint["why"])
        self.assertGreaterEqual(endpoint["connects"]["refused"], 1)
        fault, = status["faults"]
        logged, = gatehouse.access_log(1, lambda line: line["fault"])
        self.assertEqual({key: fault[key] for key in ("fault", "blame", "status", "protocol", "route", "upstream", "endpoint")},
                         {"fault": "connect_refused", "blame": "upstream", "status": 502, "protocol": "h1", "route": "*/dead",
                          "upstream": "dead", "endpoint": f"127.0.0.1:{dead}"})
        self.assertEqual(fault["request_id"], logged["id"])
        self.assertEqual(status["verdict"]["level"], "critical")
        self.assertIn("upstream dead", [reason["subject"] for reason in status["verdict"]["reasons"]])

    def test_a_flood_of_bad_requests_does_not_hide_what_failed(self):
        with apps.Gatehouse(harness.LISTENERS + DEAD.format(harness.free_port())) as gatehouse:
            self.assertEqual(gatehouse.ask("/dead").status, 502)
            harness.wait_until(lambda: gatehouse.status()["faults"], "the fault")
            for _ in range(40):
                with socket.create_connection(("127.0.0.1", gatehouse.http)) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    connection.recv(100)
            faults = harness.wait_until(lambda: len(f := gatehouse.status()["faults"]) == 17 and f, "the newest of them")
            self.assertEqual(faults[-1]["fault"], "connect_refused")

    def test_a_reload_that_fails_is_told_with_its_reason(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            good = gatehouse.file.read_text()
            gatehouse.file.write_text(good + "[nonsense]\n")
            self.assertEqual(gatehouse.control("reload").returncode, 1)
            status = gatehouse.status()
            self.assertFalse(status["configuration"]["last_reload"]["success"])
            self.assertIn("nonsense", " ".join(status["configuration"]["last_reload"]["diagnostics"]))
            self.assertEqual((status["configuration"]["generation"], status["verdict"]["level"]), (1, "warning"))
            self.assertIn("THE LAST RELOAD FAILED", gatehouse.control("status").stdout)
            gatehouse.file.write_text(good)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertEqual(gatehouse.status()["verdict"]["level"], "ok")
            self.assertGreater(gatehouse.status()["configuration"]["generation"], 1)


class Events(unittest.TestCase):
    def test_an_app_that_is_killed_for_good_shows_within_two_seconds_and_why(self):
        gatehouse = apps.Gatehouse("")
        script = gatehouse.directory / "app"
        script.write_text(f"#!/bin/sh\nexec python3 -I -S {apps.FAULT_APP}\n")
        script.chmod(0o755)
        gatehouse.write(harness.LISTENERS + '[[routes]]\nto = "web"\n' + apps.app("web", json.dumps([str(script)]), 'start = "eager"'))
        with gatehouse:
            pid = gatehouse.pid()
            stream = events(gatehouse)
            self.assertEqual(one(next(stream)[1]["apps"], "web")["state"], "serving")
            script.unlink()
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            for _, status in stream:
                app = one(status["apps"], "web")
                if app["state"] in ("backoff", "parked") and "app" in (app["why"] or ""):
                    break
            self.assertLess(time.monotonic() - killed, 2)
            self.assertEqual((app["reason"], status["verdict"]["level"]), ("exec_not_found", "critical"))
            self.assertEqual(app["exits"].get("signaled"), 1)

    def test_an_event_comes_each_second_and_the_listeners_are_bounded(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse, contextlib.ExitStack() as held:
            stream = events(gatehouse)
            times = [next(stream)[0] for _ in range(4)]
            self.assertLess(times[0], 1)
            self.assertLess(abs(times[3] - times[1] - 2), 1)
            others = [events(gatehouse) for _ in range(15)]
            for other in others:
                held.callback(other.close)
                next(other)
            self.assertEqual(admin(gatehouse, "/status/events").status, 503)
            others[0].close()
            harness.wait_until(lambda: (a := admin(gatehouse, "/status/events", "--max-time", "1")).status == 200 and a, "there is room")
            stream.close()

    def test_a_draining_process_says_so(self):
        with apps.Gatehouse(apps.hosted("slow", 0)) as gatehouse:
            self.assertEqual(gatehouse.ask("/pid").status, 200)
            stream = events(gatehouse)
            next(stream)
            with socket.create_connection(("127.0.0.1", gatehouse.http)) as held:
                held.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
                gatehouse.await_in_flight(1)
                gatehouse.process.send_signal(signal.SIGTERM)
                self.assertTrue(any(status["state"] == "draining" for _, status in stream))
                stream.close()
            self.assertEqual(gatehouse.process.wait(harness.PATIENCE), 0)


class Table(unittest.TestCase):
    def on_terminal(self, gatehouse, *command, until, environment=None):
        """What it prints on a terminal, until that matches."""
        parent, child = pty.openpty()
        process = subprocess.Popen([harness.BINARY, *command, "--admin", f"127.0.0.1:{gatehouse.admin}"], stdout=child, stdin=child,
                                   env={**os.environ, "TERM": "xterm", **(environment or {})})
        os.close(child)
        text = b""
        with contextlib.suppress(OSError):  # the terminal's end
            while not re.search(until, text, re.DOTALL) and (more := os.read(parent, 65536)):
                text += more
        process.send_signal(signal.SIGINT)
        process.wait(harness.PATIENCE)
        os.close(parent)
        return text.decode()

    def test_it_has_colours_on_a_terminal_only(self):
        with apps.Gatehouse(apps.hosted(more=DEAD.format(harness.free_port()))) as gatehouse:
            for _ in range(2):
                gatehouse.ask("/dead")
            plain = gatehouse.control("status").stdout
            self.assertNotIn("\x1b", plain)
            self.assertRegex(plain, r"critical  upstream dead: 127\.0\.0\.1:\d+ is failing: 2 requests in a row failed there")
            self.assertIn("\x1b[31mfailing\x1b[0m", self.on_terminal(gatehouse, "status", until=b"last faults"))
            for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
                self.assertNotIn("\x1b", self.on_terminal(gatehouse, "status", until=b"last faults", environment=environment))
            self.assertEqual(admin(gatehouse, "/status").body.decode().splitlines()[2:4], plain.splitlines()[2:4])

    def test_watching_shows_it_again_and_waits_for_a_process_that_is_gone(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            screens = self.on_terminal(gatehouse, "status", "--watch", until=rb"(\x1b\[H\x1b\[J.*){3}")
            self.assertGreaterEqual(screens.count("gatehouse "), 2)
        gone = self.on_terminal(gatehouse, "status", "--watch", until=b"no answer")
        self.assertIn("no answer: cannot connect", gone)

    def test_json_is_verbatim(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            printed, fetched = gatehouse.control("status --json").stdout, admin(gatehouse, "/status.json").body.decode()
            self.assertEqual(printed.partition('"time"')[0], fetched.partition('"time"')[0])
            self.assertEqual(json.loads(printed).keys(), json.loads(fetched).keys())
            self.assertEqual(gatehouse.control("status --json --watch").returncode, 2)


class Access(unittest.TestCase):
    PATHS = ("/status", "/status.json", "/status/events", "/status/page.js", "/metrics")

    def test_only_the_admin_address_answers(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            for path in self.PATHS:
                for protocol in harness.PROTOCOLS:
                    answer = gatehouse.curl(protocol, path, "--header", f"Host: 127.0.0.1:{gatehouse.admin}")
                    self.assertNotIn(b"schema", answer.body)
                    self.assertNotIn("content-security-policy", answer.fields)
                spoofed = admin(gatehouse, path, "--header", "Host: rebound.example")
                self.assertEqual(spoofed.status, 403)

    def test_pages_of_other_sites_get_nothing(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            for path in self.PATHS:
                for fields in (["Origin: http://evil.example"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"],
                               ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"]):
                    options = [word for field in fields for word in ("--header", field)]
                    self.assertEqual(admin(gatehouse, path, *options).status, 403, (path, fields))
            linked = admin(gatehouse, "/status", "--header", "Sec-Fetch-Site: cross-site", "--header", "Sec-Fetch-Mode: navigate",
                           "--header", "Sec-Fetch-Dest: document", "--header", "Accept: text/html")
            self.assertEqual((linked.status, linked.fields["content-type"]), (200, "text/html; charset=utf-8"))
            self.assertIn("default-src 'none'", linked.fields["content-security-policy"])
            self.assertNotIn("unsafe", linked.fields["content-security-policy"])

    def test_asking_changes_nothing(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            pid = gatehouse.pid()
            for path in (*self.PATHS, "/reload", "/drain", "/app/web/stop"):
                for method in ("POST", "PUT", "DELETE"):
                    self.assertEqual(admin(gatehouse, path, "--request", method).status, 405)
            for path in ("/reload", "/drain", "/stop", "/app/web/stop"):
                self.assertEqual(admin(gatehouse, path).status, 404)
            self.assertEqual(gatehouse.pid(), pid)
            self.assertEqual(gatehouse.status()["configuration"]["generation"], 1)


if __name__ == "__main__":
    harness.main()
