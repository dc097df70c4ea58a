"""`gatehouse proxy` and `gatehouse host` as people type them: what ends them, and by which exit code."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import tempfile
import termios
import time
import unittest

import apps
import harness

SLEEPS = ("sleep", "3600")


class Typed(harness.Gatehouse):
    """A command without a file, on ports of its own, in a session of its own. With `terminal`, on one, which close_terminal() takes away."""

    def __init__(self, *words, admin=True, terminal=False, prefix=(), **keywords):
        super().__init__("", **keywords)
        self.words, self.named_admin, self.prefix = words, admin, prefix
        self.popen = {"start_new_session": True}
        self.terminal = pty.openpty() if terminal else None
        if terminal:
            self.popen |= {"stdin": self.terminal[1], "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}

    def command(self):
        admin = ("--admin", f"127.0.0.1:{self.admin}") if self.named_admin else ()
        return [*self.prefix, harness.BINARY, self.words[0], "--listen", f":{self.port}", "--http", f"127.0.0.1:{self.http}",
                "--certificate", str(self.certificate), "--private-key", str(self.key), *admin, *self.words[1:]]

    def __enter__(self):
        try:
            return super().__enter__()
        finally:
            if self.terminal:
                os.close(self.terminal[1])

    def close_terminal(self):
        os.close(self.terminal[0])

    def await_end(self):
        return self.process.wait(harness.PATIENCE)


def run(*words):
    """One that is to end by itself, and at once."""
    return subprocess.run([harness.BINARY, *words], capture_output=True, text=True, timeout=harness.PATIENCE, check=False)


class Commands(unittest.TestCase):
    def test_a_command_that_cannot_be_run_is_an_error_at_once(self):
        port = harness.free_port()
        plain = pathlib.Path(__file__).with_name("harness.py")
        self.assertFalse(os.access(plain, os.X_OK))
        for command, why in (("no-such-command", 'no program "no-such-command" in PATH'), ("./no-such-file", "No such file or directory"),
                             (str(plain), "Permission denied"), ("/usr", "Is a directory")):
            with self.subTest(command):
                done = run("host", "--listen", f"127.0.0.1:{port}", "--admin", "off", "--", command, "argument")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, f"^COMMAND: the app .* cannot start: .*{why}\n$")

    def test_what_is_only_shown_need_not_be_there_yet(self):
        done = run("host", "--print-config", "--", "no-such-command")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('command = ["no-such-command"]', done.stdout)
        self.assertIn("COMMAND: warning: ", done.stderr)


class ExitWithApp(unittest.TestCase):
    def test_the_exit_code_is_the_apps(self):
        for script, code in (("exit 3", 3), ("exit 0", 0), ("kill -KILL $$", 128 + 9), ("kill -TERM $$", 128 + 15)):
            words = ("host", "--exit-with-app", "--name", "app", "--", "sh", "-c", script)
            with self.subTest(script), Typed(*words, expect_exit=code) as gatehouse:
                gatehouse.await_end()
                harness.wait_until(lambda: "ended" in gatehouse.messages[-2:][0], "all of the log")
                self.assertIn(f"the app app has ended by itself, with exit code {code}", gatehouse.log())
                starts = [line for line in gatehouse.messages if re.search(r"app app: slot 0 (exited|was ended)", line)]
                self.assertEqual(len(starts), 1, "it was not started again")

    def test_a_program_that_cannot_be_run_after_all_is_told_as_by_a_shell(self):
        for interpreter, code in (("/no/such/interpreter", 127), ("/etc/passwd", 126)):
            with self.subTest(interpreter), tempfile.TemporaryDirectory() as folder:
                script = pathlib.Path(folder) / "app"
                script.write_text(f"#!{interpreter}\n")
                script.chmod(0o755)
                with Typed("host", "--exit-with-app", "--", str(script), expect_exit=code) as gatehouse:
                    gatehouse.await_end()

    def test_an_app_that_serves_and_crashes_is_waited_for_by_who_is_in_flight(self):
        words = ("--exit-with-app", "--name", "app", "--", "python3", "-I", "-S", str(apps.FAULT_APP), "serve")
        with Typed("host", *words, expect_exit=128 + 9) as gatehouse:
            url = f"http://127.0.0.1:{gatehouse.http}/pid"
            harness.wait_until(lambda: harness.curl(url).status == 200, "the app answers")
            os.kill(int(harness.curl(url).body), signal.SIGKILL)
            gatehouse.await_end()

    def test_who_is_told_to_end_ends_with_0(self):
        with Typed("host", "--exit-with-app", "--", *SLEEPS):
            pass


class Terminal(unittest.TestCase):
    def test_with_its_terminal_it_ends_and_its_ports_are_free(self):
        for words in (("proxy", "--to", "127.0.0.1:9"), ("host", "--", *SLEEPS)):
            with self.subTest(words[0]), Typed(*words, terminal=True) as gatehouse:
                gatehouse.close_terminal()
                self.assertEqual(gatehouse.await_end(), 0)
                self.assertIn("the terminal has gone", gatehouse.log())
                with socket.create_server(("127.0.0.1", gatehouse.http)):
                    pass

    def test_a_request_in_flight_holds_it_for_seconds_only(self):
        with harness.backend() as backend, Typed("proxy", "--to", f"127.0.0.1:{backend.port}", terminal=True) as gatehouse:
            slow = subprocess.Popen(["curl", "--silent", f"http://127.0.0.1:{gatehouse.http}/slow/20000"])
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight"), "a request in flight")
            began = time.monotonic()
            gatehouse.close_terminal()
            gatehouse.await_end()
            self.assertLess(time.monotonic() - began, 10)
            slow.wait(harness.PATIENCE)

    def test_by_nohup_it_outlives_its_terminal(self):
        with Typed("proxy", "--to", "127.0.0.1:9", terminal=True, prefix=("nohup",)) as gatehouse:
            os.kill(gatehouse.process.pid, signal.SIGHUP)
            gatehouse.await_message("configuration 2 is in force")
            gatehouse.close_terminal()
            gatehouse.await_message("configuration 3 is in force")

    def test_without_a_terminal_it_is_reloaded(self):
        with Typed("proxy", "--to", "127.0.0.1:9") as gatehouse:
            os.kill(gatehouse.process.pid, signal.SIGHUP)
            gatehouse.await_message("configuration 2 is in force")


class AdminAddress(unittest.TestCase):
    def test_where_nobody_named_one_another_port_will_do(self):
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # somebody else's is as good
                stack.enter_context(socket.create_server(("127.0.0.1", 9180)))
            for words in (("proxy", "--to", "127.0.0.1:9"), ("host", "--", *SLEEPS)):
                with self.subTest(words[0]), Typed(*words, admin=False) as gatehouse:
                    self.assertRegex(gatehouse.log(), "the admin address 127.0.0.1:9180 is taken; it is ")
                    ready = next(line for line in gatehouse.messages if " ready: " in line)
                    where = ready.rpartition("admin ")[2].strip()
                    self.assertNotIn(":9180", where)
                    self.assertEqual(harness.curl(f"{where}/readyz").body, b"ready\n")
                    after = len(gatehouse.messages)
                    os.kill(gatehouse.process.pid, signal.SIGHUP)
                    gatehouse.await_message("configuration 2 is in force", after)
                    self.assertEqual(harness.curl(f"{where}/readyz").body, b"ready\n")

    def test_one_that_was_named_and_is_taken_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = f"127.0.0.1:{taken.getsockname()[1]}"
            done = run("proxy", "--to", "127.0.0.1:9", "--listen", f"127.0.0.1:{harness.free_port()}", "--admin", where)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, f'^--admin: cannot bind {where}: .*; name a free address, or "off" for none\n$')


if __name__ == "__main__":
    harness.main()
