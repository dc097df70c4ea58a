"""What people type at a running Gatehouse, and what they see at a terminal: which instance is meant, what came of a
command, links, and the access log for people.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

import harness

RESPOND = "[[routes]]\nrespond = {{ status = 200, body = \"ok\" }}\n"
CONFIG = harness.LISTENERS + RESPOND


def command(*words, runtime, cwd):
    return subprocess.run([harness.BINARY, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=harness.PATIENCE,
                          check=False, env={**os.environ, "RUNTIME_DIRECTORY": str(runtime)})


class Instances(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-instances-")
        self.addCleanup(folder.cleanup)
        self.runtime = folder.name

    def start(self, config=CONFIG):
        return harness.Gatehouse(config, environment={"RUNTIME_DIRECTORY": self.runtime})

    def type(self, *words, cwd="/"):
        return command(*words, runtime=self.runtime, cwd=cwd)

    def test_several_are_told_apart_and_none_is_meant_by_guess(self):
        with self.start() as one, self.start() as other:
            for words in (("reload",), ("stop",), ("drain",), ("status",), ("app", "web", "stop")):
                with self.subTest(words):
                    done = self.type(*words)
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn("say with --pid PID, FILE or --control PATH which one is meant", done.stderr)
                    for each in (one, other):
                        self.assertRegex(done.stderr, rf"\b{each.process.pid} +\d+s +{each.file} +https://:{each.port} "
                                                      rf"http://127\.0\.0\.1:{each.http} +{self.runtime}/control-\w+\.sock\n")
            self.assertIsNone(one.process.poll())
            self.assertEqual(self.type("reload", "--pid", other.process.pid).stdout, "configuration 2 is in force\n")
            self.assertEqual(json.loads(self.type("status", "--json", "--pid", one.process.pid).stdout)["configuration"]["generation"], 1)
            self.assertIn(f"pid {other.process.pid} ", self.type("status", "--pid", other.process.pid).stdout)
            self.assertIn(f"process {os.getpid()} is no instance", self.type("reload", "--pid", os.getpid()).stderr)
            stop = self.type("stop", "-c", one.file)
            self.assertEqual((stop.returncode, stop.stdout, stop.stderr), (0, "stopped\n", ""))
            self.assertEqual(one.process.poll(), 0, "it has ended when the command says so")
            self.assertEqual(self.type("reload").stdout, "configuration 3 is in force\n", "the only one left is meant")
            with tempfile.TemporaryDirectory() as folder:
                (pathlib.Path(folder) / "gatehouse.toml").write_text(one.file.read_text())
                aside = self.type("stop", cwd=folder)
                self.assertEqual(aside.returncode, 1)
                self.assertIn("no instance serves gatehouse.toml, but others run", aside.stderr)
                self.assertIn(str(other.file), aside.stderr)

    def test_a_reload_says_what_waits_for_the_next_start(self):
        config = '[server]\nadmin = "127.0.0.1:{admin}"\nworkers = 1\n' + CONFIG
        with self.start(config) as gatehouse:
            gatehouse.file.write_text(gatehouse.file.read_text().replace("workers = 1", "workers = 2"))
            done = self.type("reload", gatehouse.file)
            self.assertEqual((done.returncode, done.stdout), (0, f"{gatehouse.file}: warning: server.workers takes effect with the "
                                                                 "next start\nconfiguration 2 is in force\n"))

    def test_the_status_needs_no_admin_address(self):
        with self.start('[server]\nadmin = ""\n' + CONFIG) as gatehouse:
            self.assertIn(f"pid {gatehouse.process.pid} ", self.type("status").stdout)

    def test_stop_gives_up_in_time_and_says_what_runs(self):
        with harness.backend() as backend, self.start(harness.simple(backend.port)) as gatehouse:
            answers = []
            asking = threading.Thread(target=lambda: answers.append(gatehouse.curl("h1", "/slow/4000")))
            asking.start()
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight") == 1, "the request is there")
            # The status counts once a second.
            harness.wait_until(lambda: self.in_flight(gatehouse) == 1, "the status knows of it")
            stop = self.type("stop", "--timeout", "1", gatehouse.file)
            self.assertEqual((stop.returncode, stop.stdout), (1, ""))
            self.assertEqual(stop.stderr, f"gatehouse: process {gatehouse.process.pid} still runs after 1 s: 1 request in flight\n")
            self.assertEqual(self.type("stop", gatehouse.file).stdout, "stopped\n")
            asking.join()
            self.assertEqual([answer.status for answer in answers], [200])

    def in_flight(self, gatehouse):
        return json.loads(self.type("status", "--json", gatehouse.file).stdout)["traffic"]["total"]["in_flight"]


class Terminal:
    """A Gatehouse on a terminal; what it shows there is collected."""

    def __init__(self, gatehouse, columns=100, **environment):
        self.raw = b""
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            gatehouse.command(), stdout=theirs, stderr=theirs, cwd=gatehouse.directory,
            env={**clean, "TERM": "xterm", "RUNTIME_DIRECTORY": str(gatehouse.directory), "XDG_STATE_HOME": str(gatehouse.directory), **environment})
        os.close(theirs)

    def resize(self, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def read_until(self, pattern):
        deadline = time.monotonic() + harness.PATIENCE
        while not (match := re.search(pattern, self.raw.decode(errors="replace"))):
            if not select.select([self.ours], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{pattern!r} is not in {self.raw!r}")
            self.raw += os.read(self.ours, 4096)
        return match

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):  # the other end is gone
            while os.read(self.ours, 4096):
                pass
        self.process.wait(harness.PATIENCE)
        os.close(self.ours)


class AtATerminal(unittest.TestCase):
    CONFIG = '[server]\nadmin = "127.0.0.1:{admin}"\n[log.access]\n' + CONFIG

    def ask(self, gatehouse, path="/"):
        return harness.curl(f"http://127.0.0.1:{gatehouse.http}{path}", "--path-as-is")

    def test_links_follow_the_line_that_says_ready(self):
        gatehouse = harness.Gatehouse(self.CONFIG)
        with Terminal(gatehouse) as terminal:
            terminal.read_until(rf"(?m)^gatehouse \S+ ready: https://:{gatehouse.port} .*\r\n"
                                rf"  https://localhost:{gatehouse.port}/ +h1 h2 h3\r\n"
                                rf"  http://127\.0\.0\.1:{gatehouse.http}/ +h1\r\n"
                                rf"  http://127\.0\.0\.1:{gatehouse.admin}/status +status page\r\n")

    def test_elsewhere_there_is_the_one_line_alone(self):
        with harness.Gatehouse(self.CONFIG) as gatehouse:
            self.assertNotIn("status page", gatehouse.log())
            self.assertEqual(sum("ready:" in line for line in gatehouse.messages), 1)

    def test_the_access_log_is_for_people_and_fits(self):
        gatehouse = harness.Gatehouse(self.CONFIG)
        with Terminal(gatehouse, columns=80) as terminal:
            terminal.read_until("status page")
            self.ask(gatehouse, "/" + "x" * 300)
            line = terminal.read_until(r"(?m)^\S+ \x1b\[32m200\x1b\[0m +[\d.]+ ms \S+h1\S* GET /x+…\r\n")[0]
            self.assertEqual(len(re.sub(r"\x1b\[\d*m", "", line).rstrip()), 80)
            terminal.resize(120)
            self.ask(gatehouse, "/" + "y" * 300)
            line = terminal.read_until(r"(?m)^.*GET /y+…\r\n")[0]
            self.assertEqual(len(re.sub(r"\x1b\[\d*m", "", line).rstrip()), 120)

    def test_colours_are_left_out_where_they_are_not_wanted(self):
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            gatehouse = harness.Gatehouse(self.CONFIG)
            with self.subTest(environment), Terminal(gatehouse, **environment) as terminal:
                terminal.read_until("status page")
                self.ask(gatehouse, "/plain")
                terminal.read_until(r"(?m)^\d\d:\d\d:\d\d 200 +[\d.]+ ms h1 GET /plain\r\n")

    def test_a_format_that_was_chosen_is_written_there_too(self):
        gatehouse = harness.Gatehouse(self.CONFIG.replace("[log.access]\n", '[log.access]\nformat = "json"\n'))
        with Terminal(gatehouse) as terminal:
            terminal.read_until("status page")
            self.ask(gatehouse, "/chosen")
            line = terminal.read_until(r'(?m)^\{.*"/chosen".*\}\r\n')[0]
            self.assertEqual(json.loads(line)["status"], 200)


if __name__ == "__main__":
    harness.main()
