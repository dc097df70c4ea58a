"""Hosted apps as their operators and clients see them: one line starts one, first requests wait for it, commands steer it."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

import apps
import harness
from harness import PROTOCOLS

SHOWS_DETAILS = 'error_page = "detailed"'


def report(text):
    print(f"  measured: {text}", file=sys.stderr)


def h2load(gatehouse, path, *options):
    done = subprocess.run(["h2load", *options, gatehouse.url(path)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


class Hosting(unittest.TestCase):
    def test_one_line_serves_an_app_over_every_protocol(self):
        begin = time.monotonic()
        with apps.Host("python3", str(apps.FAULT_APP)) as gatehouse:
            versions = {"h1": "1.1", "h2": "2", "h3": "3"}
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/over?q=1", "--header", "X-Forwarded-For: 9.9.9.9", body=b"12345")
                    if protocol == "h1":
                        took = time.monotonic() - begin
                    self.assertEqual((answer.status, answer.version), (200, versions[protocol]), answer.error)
                    seen = answer.json()
                    fields = {name.lower(): value for name, value in seen["fields"]}
                    self.assertEqual((seen["protocol"], seen["method"], seen["target"], seen["body"]),
                                     ("HTTP/1.1", "POST", "/over?q=1", 5))
                    self.assertIn(fields["x-forwarded-for"], ("127.0.0.1", "::1"))
                    self.assertEqual(fields["x-forwarded-proto"], "https")
                    self.assertEqual(fields["host"], f"localhost:{gatehouse.port}")
                    self.assertEqual(fields["x-forwarded-host"], f"localhost:{gatehouse.port}")
                    self.assertEqual(fields["x-forwarded-port"], str(gatehouse.port))
            report(f"from the command to the first answer over https {took * 1000:.0f} ms")
            self.assertLess(took, 10)
            self.assertRegex(gatehouse.app_line("fault_app"), "^serving")

    def test_each_way_of_listening(self):
        told = {"port": "PORT", "socket": "SOCKET", "inherit": "LISTEN_FDS"}
        for transport, variable in told.items():
            with self.subTest(transport), apps.Gatehouse(apps.hosted(keys=f'transport = "{transport}"')) as gatehouse:
                for protocol in PROTOCOLS:
                    answer = gatehouse.curl(protocol, "/", body=b"x" * 100_000)
                    self.assertEqual((answer.status, answer.json()["body"]), (200, 100_000))
                about = gatehouse.ask("/self").json()
                self.assertIn(variable, about["environment"])
                self.assertEqual(gatehouse.pid(), about["pid"])
                gatehouse.must("recycle")
                harness.wait_until(lambda: gatehouse.pid() != about["pid"], "another process serves")

    def test_an_app_gets_what_is_meant_for_it_and_nothing_else(self):
        leaks = {"AWS_SECRET_ACCESS_KEY": "s3cret", "LD_LIBRARY_PATH": "/nowhere", "PYTHONPATH": "/nowhere", "NOTIFY_SOCKET": ""}
        keys = 'transport = "inherit"\nenvironment = {{ GIVEN = "in the file" }}\nenvironment_file = "{directory}/variables"'
        gatehouse = apps.Gatehouse(apps.hosted(keys=keys), environment=leaks)
        (gatehouse.directory / "variables").write_text("# more\nGIVEN=overridden\nALSO='from its own file'\n")
        with gatehouse:
            about = gatehouse.ask("/self").json()
        variables = about["environment"]
        self.assertEqual(set(leaks) & set(variables), set())
        self.assertEqual([name for name in variables if name.startswith("XDG_")], [])
        self.assertEqual((variables["GIVEN"], variables["ALSO"]), ("in the file", "from its own file"))
        descriptors = {int(fd): re.sub(r"\d+", "N", to) for fd, to in about["descriptors"].items()}
        self.assertEqual(descriptors, {0: "/dev/null", 1: "pipe:[N]", 2: "pipe:[N]", 3: "socket:[N]"})
        self.assertEqual((about["session"], about["group"]), (about["pid"], about["pid"]))
        self.assertEqual((about["no_new_privs"], about["terminal"], about["nice"]), ("1", False, 0))
        self.assertEqual(int(about["blocked"], 16), 0)
        by_python = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
        self.assertEqual(int(about["ignored"], 16) & ~by_python, 0)
        self.assertEqual(about["directory"], str(gatehouse.directory))
        self.assertEqual(about["umask"], "0022")
        self.assertEqual(tuple(about["files"]), resource.getrlimit(resource.RLIMIT_NOFILE))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_app_runs_as_its_user(self):
        # The checkout may be where only its owner can read.
        configuration = apps.hosted(keys='user = "nobody"\ntransport = "socket"')
        gatehouse = apps.Gatehouse(configuration.replace(str(apps.FAULT_APP), apps.FAULT_APP.name))
        os.chmod(gatehouse.directory, 0o755)
        os.chmod(shutil.copy(apps.FAULT_APP, gatehouse.directory), 0o644)
        with gatehouse:
            about = gatehouse.ask("/self").json()
            self.assertNotEqual(about["user"], "0")
            self.assertEqual(about["environment"]["USER"], "nobody")

    def test_the_pairing_token_is_with_each_request_and_nowhere_else(self):
        with apps.Gatehouse(apps.hosted(keys='profile = "aspnetcore"')) as gatehouse:
            variables = gatehouse.ask("/self").json()["environment"]
            token = variables["ASPNETCORE_TOKEN"]
            self.assertGreaterEqual(len(token), 32)
            self.assertEqual((variables["ASPNETCORE_PORT"], variables["ASPNETCORE_APPL_PATH"]), (variables["PORT"], "/"))
            for protocol in PROTOCOLS:
                seen = gatehouse.curl(protocol, "/", "--header", "MS-ASPNETCORE-TOKEN: forged").json()
                self.assertEqual([v for n, v in seen["fields"] if n.lower() == "ms-aspnetcore-token"], [token])
            gatehouse.must("stop")
            gatehouse.await_message("told: shutdown")
            harness.wait_until(lambda: not gatehouse.processes(), "it has ended")
            self.assertNotIn(token, json.dumps([gatehouse.status(), gatehouse.access_log(4)]) + gatehouse.log())


class OnDemand(unittest.TestCase):
    def test_a_thousand_first_requests_start_one_process(self):
        with apps.Gatehouse(apps.hosted("slow", 300)) as gatehouse:
            self.assertEqual(gatehouse.processes(), [])
            self.assertRegex(gatehouse.app_line(), "^stopped")
            output = h2load(gatehouse, "/pid", "-n1000", "-c50", "-m20", "-t1")
            self.assertRegex(output, r"requests: 1000 total, .* 1000 succeeded, 0 failed", output)
            self.assertRegex(output, r"status codes: 1000 2xx")
            self.assertEqual(gatehouse.metric(r"^gatehouse_app_starts_total"), 1)
            self.assertEqual(len(gatehouse.processes()), 1)

    def test_beyond_the_queue_it_is_503_at_once(self):
        with apps.Gatehouse(apps.hosted("slow", 1500, keys="queue = 5")) as gatehouse:
            output = h2load(gatehouse, "/pid", "-n9", "-c3", "-m3", "-t1")
            self.assertRegex(output, r"status codes: 5 2xx, 0 3xx, 0 4xx, 4 5xx", output)

    def test_after_a_crash_the_next_request_is_served_soon(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            first = gatehouse.pid()
            took = []
            for _ in range(3):
                os.kill(first, signal.SIGKILL)
                begin = time.monotonic()
                second = gatehouse.pid()
                took.append(time.monotonic() - begin)
                self.assertNotEqual(first, second)
                first = second
            report("from a crash to the next answer, the app's start included: "
                   + ", ".join(f"{t * 1000:.0f} ms" for t in took))
            self.assertLess(took[0], 5)
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_exits_total{.*reason="signaled"'), 3)

    def test_a_request_that_crashes_the_app_is_502_and_the_next_is_served(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            for protocol in PROTOCOLS:
                answer = gatehouse.curl(protocol, "/crash", body=b"once")
                self.assertEqual(answer.status, 502, answer.error)
                self.assertIn("proxy-status", answer.fields)
                self.assertEqual(gatehouse.curl(protocol, "/pid").status, 200)

    def test_an_eager_app_is_there_before_anybody_asks_and_after_a_crash(self):
        with apps.Gatehouse(apps.hosted(keys='start = "eager"\ninstances = 2')) as gatehouse:
            both = harness.wait_until(lambda: len(found := gatehouse.processes()) == 2 and found, "two processes")
            gatehouse.await_state("serving")
            os.kill(both[0], signal.SIGKILL)
            harness.wait_until(lambda: both[0] not in gatehouse.processes() and len(gatehouse.processes()) == 2,
                               "another one in its place")

    def test_an_app_with_a_long_request_is_not_idle(self):
        with apps.Gatehouse(apps.hosted(keys='idle_stop = "100ms"')) as gatehouse:
            answer = gatehouse.ask("/slow/2500")
            self.assertEqual((answer.status, gatehouse.metric("^gatehouse_app_exits_total")), (200, 0))
            gatehouse.await_state("stopped")

    def test_an_idle_app_is_stopped_and_a_request_that_races_with_that_is_served(self):
        with apps.Gatehouse(apps.hosted(keys='idle_stop = "500ms"')) as gatehouse:
            for _ in range(2):
                seen = len(gatehouse.messages)
                self.assertEqual(gatehouse.ask("/pid").status, 200)
                gatehouse.await_message("nobody asked for it", after=seen)
                answer = gatehouse.ask("/pid", body=b"in the race")
                self.assertEqual(answer.status, 200, answer.body)
            harness.wait_until(lambda: not gatehouse.processes(), "no process is left")
            gatehouse.await_state("stopped")
            self.assertEqual(gatehouse.ask("/pid").status, 200)
            self.assertEqual(gatehouse.metric(r"^gatehouse_app_exits_total.*(signaled|exited)"), 0)


class Offline(unittest.TestCase):
    def test_the_offline_file_takes_it_offline_for_as_long_as_it_is_there(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            file = gatehouse.directory / "app_offline.htm"
            self.assertEqual(gatehouse.ask("/pid").status, 200)
            slow = []
            running = threading.Thread(target=lambda: slow.append(gatehouse.ask("/slow/700")))
            running.start()
            gatehouse.await_in_flight(1)
            file.write_text("<h1>back at noon</h1>")
            harness.wait_until(lambda: gatehouse.ask("/pid").status == 503, "it is offline")
            for protocol in PROTOCOLS:
                answer = gatehouse.curl(protocol, "/pid", body=b"x")
                self.assertEqual((answer.status, answer.body), (503, b"<h1>back at noon</h1>"))
                self.assertRegex(answer.fields["content-type"], "^text/html")
            running.join()
            self.assertEqual(slow[0].status, 200)
            harness.wait_until(lambda: not gatehouse.processes(), "its process has ended")
            gatehouse.await_state("offline")
            file.unlink()
            harness.wait_until(lambda: gatehouse.ask("/pid").status == 200, "it is online")

    def test_an_app_that_is_offline_from_the_beginning_is_never_started(self):
        gatehouse = apps.Gatehouse(apps.hosted(keys='start = "eager"\noffline_file = "down.json"'))
        (gatehouse.directory / "down.json").write_text('{"down": true}')
        with gatehouse:
            answer = gatehouse.ask("/")
            self.assertEqual((answer.status, answer.json(), answer.fields["content-type"]), (503, {"down": True}, "application/json"))
            self.assertEqual(gatehouse.metric("^gatehouse_app_(starts|exits)_total"), 0)
            (gatehouse.directory / "down.json").unlink()
            harness.wait_until(lambda: gatehouse.processes(), "it is started, since it is eager")

    def test_who_waits_for_an_app_that_is_stopped_meanwhile_is_told(self):
        with apps.Gatehouse(apps.hosted("mute")) as gatehouse:
            answers = []
            asking = threading.Thread(target=lambda: answers.append(gatehouse.ask("/pid")))
            asking.start()
            harness.wait_until(lambda: gatehouse.processes(), "it is being started")
            gatehouse.must("stop")
            asking.join(10)
            self.assertEqual([a.status for a in answers], [503])
            harness.wait_until(lambda: not gatehouse.processes(), "it has ended")

    def test_commands(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            first = gatehouse.pid()
            self.assertIn("recycled", gatehouse.must("recycle"))
            harness.wait_until(lambda: gatehouse.pid() != first, "another process serves")
            for verb, state in (("stop", "stopped.*by command"), ("offline", "offline")):
                with self.subTest(verb):
                    gatehouse.must(verb)
                    gatehouse.await_state(state)
                    harness.wait_until(lambda: not gatehouse.processes(), "its process has ended")
                    answer = gatehouse.ask("/pid")
                    self.assertEqual(answer.status, 503)
                    self.assertIn("error=destination_unavailable", answer.fields["proxy-status"])
                    gatehouse.must({"stop": "start", "offline": "online"}[verb])
                    self.assertEqual(gatehouse.ask("/pid").status, 200)
            done = gatehouse.app("recycle", name="nobody")
            self.assertEqual(done.returncode, 1)
            self.assertIn("nobody", done.stderr)
            self.assertEqual(gatehouse.control("app web explode").returncode, 2)

    def test_a_reload_leaves_alone_what_has_not_changed(self):
        more = '[[routes]]\npath = "/other"\nto = "other"\nstrip_prefix = true\n' + apps.app("other", apps.words("serve", "one"))
        with apps.Gatehouse(apps.hosted(more=more)) as gatehouse:
            mine, other = gatehouse.pid(), gatehouse.pid("/other/pid")
            text = gatehouse.file.read_text()
            gatehouse.file.write_text(text.replace('"serve", "one"', '"serve", "two"'))
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            harness.wait_until(lambda: gatehouse.ask("/other/release").body == b"two", "the changed app is replaced")
            self.assertNotEqual(gatehouse.pid("/other/pid"), other)
            self.assertEqual(gatehouse.pid(), mine)
            gatehouse.file.write_text(text.partition('[[routes]]\npath = "/other"')[0])
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            harness.wait_until(lambda: gatehouse.processes() == [mine], "the app that is gone has ended")

    def test_status_tells_what_instances_do(self):
        with apps.Gatehouse(apps.hosted(keys="instances = 2")) as gatehouse:
            self.assertEqual(gatehouse.ask("/pid").status, 200)
            def instances():
                return [one for one in gatehouse.app_status()["instances"] if one["state"] == "ready"]

            harness.wait_until(lambda: len(instances()) == 2, "two are ready")
            self.assertEqual({one["pid"] for one in instances()}, set(gatehouse.processes()))
            self.assertEqual([(one["slot"], one["generation"]) for one in instances()], [(0, 0), (1, 0)])
            table = gatehouse.control("status").stdout
            for pid in gatehouse.processes():
                self.assertRegex(table, rf"web#[01] +ready +{pid} +0 +\d+s")
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_instances{app="web",state="ready"}'), 2)
            harness.wait_until(lambda: gatehouse.metric(r'^gatehouse_app_resident_bytes{app="web"') > 2 << 20, "their memory")


class Output(unittest.TestCase):
    def test_what_an_app_says_is_in_the_log_with_its_tags(self):
        with apps.Gatehouse(apps.hosted()) as gatehouse:
            pid = gatehouse.pid()
            gatehouse.ask("/say/hello-from-it")
            gatehouse.await_message(rf"app web slot 0 pid {pid} stderr: hello-from-it")

    def test_what_an_app_says_can_go_to_a_file(self):
        with apps.Gatehouse(apps.hosted(keys='output = "file:{directory}/web.log"')) as gatehouse:
            gatehouse.ask("/say/hello-file")
            path = gatehouse.directory / "web.log"
            harness.wait_until(lambda: path.exists() and "hello-file" in path.read_text(), "it is in the file")
            self.assertNotIn("hello-file", gatehouse.log())

    def test_an_app_that_does_not_listen_where_it_should_is_told_of(self):
        with apps.Gatehouse(apps.hosted("mute", keys='start = "eager"')) as gatehouse:
            gatehouse.await_message(r"web: slot 0 pid \d+ is not ready after \d s: it does not listen on 127.0.0.1:\d+, which is in PORT")

    def test_an_app_that_listens_elsewhere_is_told_where(self):
        why = r"it listens on 127\.0\.0\.1:\d+, not on PORT \d+"
        with apps.Gatehouse(apps.hosted("elsewhere", keys='start = "eager"')) as gatehouse:
            gatehouse.await_message(rf"web: slot 0 pid \d+ is not ready after \d s: {why}")
            self.assertRegex(gatehouse.app_line(), f"^starting.*it is not ready yet: {why}")
        with apps.Gatehouse(apps.hosted("elsewhere", keys=SHOWS_DETAILS + '\nstart_timeout = "1s"')) as gatehouse:
            answer = gatehouse.ask("/", "--header", "Accept: text/html")
            self.assertEqual(answer.status, 503)
            self.assertRegex(answer.body.decode(), f"was not ready within 1.0 s: {why}")
            gatehouse.await_message(f"web: slot 0 was not ready within 1.0 s: {why}")

    def test_the_detailed_page_shows_cause_and_last_words_to_loopback(self):
        with apps.Gatehouse(apps.hosted("exit", 7, keys=SHOWS_DETAILS)) as gatehouse:
            answer = gatehouse.ask("/", "--header", "Accept: text/html")
            self.assertEqual(answer.status, 503)
            self.assertRegex(answer.body.decode(), r"(?s)exited with status 7.*the last word before the end")
        with apps.Gatehouse(apps.hosted("exit", 7)) as gatehouse:
            self.assertNotIn(b"the last word", gatehouse.ask("/").body)


if __name__ == "__main__":
    harness.main()
