"""What containers ask for: PID 1 duties, with Gatehouse as the first process of a PID namespace as an image's entry point is;
and `gatehouse healthcheck`."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import apps
import harness
from harness import BINARY, curl, wait_until

# Starts a process that outlives its parent, in a session of its own: nobody but PID 1 is left to wait for it.
ORPHAN = "import os,sys;os.setsid();os.fork() and os._exit(0);os.write(1,b'%d\\n'%os.getpid());os.execvp(sys.argv[1],sys.argv[1:])"


class Init(apps.Gatehouse):
    """Gatehouse as PID 1; `process` is unshare outside, which ends with its exit code."""

    def __init__(self, config, command=None, **keywords):
        super().__init__(config, **keywords)
        self.words = command

    def command(self):
        gatehouse = self.words or [BINARY, "run", str(self.file)]
        return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "unchanged",
                *[word.format(port=self.port, http=self.http, admin=self.admin, directory=self.directory, cert=self.certificate,
                              key=self.key) for word in gatehouse]]

    def __enter__(self):
        super().__enter__()
        self.init = int(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text())
        return self

    def __exit__(self, kind, *rest):
        if self.process.poll() is None:
            os.kill(self.init, signal.SIGTERM)  # unshare itself ignores it while it waits
        super().__exit__(kind, *rest)

    def enter(self, *words):
        """A command in the namespace whose parent is outside, as `docker exec`; what it leaves is PID 1's."""
        return subprocess.run(["nsenter", f"--target={self.init}", "--pid", "--mount", "--root", *words], capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=True).stdout

    def inside(self):
        """{pid inside: (parent, state)} of the namespace."""
        text = self.enter("ps", "-A", "-o", "pid=,ppid=,stat=,comm=")
        rows = [line.split(None, 3) for line in text.splitlines()]
        return {int(pid): (int(parent), state[0]) for pid, parent, state, name in rows if name != "ps"}

    def zombies(self):
        return [pid for pid, (_, state) in self.inside().items() if state == "Z"]

    def end(self, number):
        os.kill(self.init, number)
        return self.process.wait(harness.PATIENCE)


class TestPidOne(unittest.TestCase):
    def test_orphans_of_strangers_are_reaped_without_any_app(self):
        with harness.backend() as backend, Init(harness.simple(backend.port)) as gatehouse:
            pids = [int(gatehouse.enter("python3", "-S", "-c", ORPHAN, "cat", "/dev/null")) for _ in range(3)]
            sleeper = int(gatehouse.enter("python3", "-S", "-c", ORPHAN.replace("os.execvp", "os.closerange(0,3);os.execvp"),
                                          "sleep", "3600"))
            self.assertEqual(gatehouse.inside()[sleeper][0], 1)
            gatehouse.enter("kill", "-KILL", str(sleeper))
            wait_until(lambda: not {*pids, sleeper} & gatehouse.inside().keys(), "orphans are reaped")
            self.assertEqual(gatehouse.zombies(), [])
            self.assertEqual(gatehouse.curl("h2", "/echo").status, 200)
            self.assertEqual(gatehouse.end(signal.SIGTERM), 0)

    def test_orphans_of_an_app_are_reaped_and_its_crash_ends_nothing(self):
        with Init(apps.hosted("serve", keys='start = "eager"')) as gatehouse:
            app = gatehouse.pid()
            for _ in range(3):
                gatehouse.enter("kill", "-KILL", str(app))
                after = wait_until(lambda: gatehouse.ask("/pid").status == 200 and gatehouse.pid(), "the app is back")
                self.assertNotEqual(after, app)
                app = after
            orphan = int(gatehouse.enter("python3", "-S", "-c", ORPHAN, "cat", "/dev/null"))
            wait_until(lambda: orphan not in gatehouse.inside(), "the orphan is reaped")
            wait_until(lambda: set(gatehouse.inside()) == {1, app}, "nobody is left but the app")
            self.assertEqual(gatehouse.inside()[app][0], 1)

    def test_sigterm_drains_and_ends_with_zero(self):
        with harness.backend() as backend, Init(harness.simple(backend.port)) as gatehouse:
            answers = []
            request = threading.Thread(target=lambda: answers.append(gatehouse.curl("h2", "/slow/1000")))
            request.start()
            wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight"), "a request in flight")
            os.kill(gatehouse.init, signal.SIGTERM)
            wait_until(lambda: curl(f"http://127.0.0.1:{gatehouse.admin}/readyz").status == 503, "not ready")
            self.assertEqual(gatehouse.process.wait(harness.PATIENCE), 0)
            request.join()
            self.assertEqual(answers[0].status, 200)

    def test_a_second_signal_ends_what_still_runs(self):
        with harness.backend() as backend, Init(harness.simple(backend.port)) as gatehouse:
            request = threading.Thread(target=lambda: gatehouse.curl("h2", "/slow/20000"))
            request.start()
            wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight"), "a request in flight")
            os.kill(gatehouse.init, signal.SIGINT)
            gatehouse.await_message("draining")
            self.assertEqual(gatehouse.end(signal.SIGINT), 0)
            request.join()

    def test_signals_that_mean_nothing_end_nothing(self):
        with harness.backend() as backend, Init(harness.simple(backend.port)) as gatehouse:
            for number in (signal.SIGUSR2, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM, signal.SIGWINCH):
                os.kill(gatehouse.init, number) if number != signal.SIGALRM else gatehouse.enter("kill", "-ALRM", "1")
            before = len(gatehouse.messages)
            os.kill(gatehouse.init, signal.SIGHUP)
            gatehouse.await_message("is in force", before)
            self.assertEqual(gatehouse.curl("h1", "/echo").status, 200)

    def test_a_start_that_fails_says_so_by_its_exit_code(self):
        for arguments, code in ((["proxy", "--to", "http://x/y"], 1), (["proxy"], 2), (["host", "--instances", "0", "--", "x"], 2)):
            done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--propagation", "unchanged", BINARY, *arguments],
                                  capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_a_command_behind_host_is_the_app_and_strangers_end_with_us(self):
        words = [BINARY, "host", "--listen", ":{port}", "--http", "127.0.0.1:{http}", "--admin", "127.0.0.1:{admin}",
                 "--certificate", "{cert}", "--private-key", "{key}", "--", "python3", "-I", "-S", str(apps.FAULT_APP), "serve"]
        with Init("", command=words) as gatehouse:
            wait_until(lambda: gatehouse.ask("/pid").status == 200, "the app answers")
            app = gatehouse.pid()
            self.assertEqual(gatehouse.inside()[app][0], 1)
            stray = int(gatehouse.enter("python3", "-S", "-c", ORPHAN.replace("os.execvp", "os.closerange(0,3);os.execvp"),
                                        "sleep", "3600"))
            self.assertIn(stray, gatehouse.inside())
            self.assertEqual(gatehouse.end(signal.SIGTERM), 0)  # and the kernel ends the stranger with us
            self.assertTrue(re.search(r"\bended\b", gatehouse.log()))


class TestHealthcheck(unittest.TestCase):
    def check(self, *words, code, says, **variables):
        done = subprocess.run([BINARY, "healthcheck", *words], capture_output=True, text=True, timeout=harness.PATIENCE,
                              env={**os.environ, **variables}, cwd="/", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        said = (done.stderr if code else done.stdout).splitlines()
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], says)

    def test_it_asks_where_the_option_the_file_or_the_variable_says(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            address = f"127.0.0.1:{gatehouse.admin}"
            self.check(str(gatehouse.file), code=0, says=f"^{address}: ready$")
            self.check("--admin", address, code=0, says="ready")
            self.check(code=0, says=f"^{address}: ready$", GATEHOUSE_ADMIN=f":{gatehouse.admin}")
            self.check("--admin", address, code=0, says="ready", GATEHOUSE_ADMIN="127.0.0.1:1")
            self.check(str(gatehouse.file), code=0, says="ready", GATEHOUSE_ADMIN="127.0.0.1:1")
            (gatehouse.directory / "admin").write_text(address + "\n")
            self.check(code=0, says="ready", GATEHOUSE_ADMIN_FILE=str(gatehouse.directory / "admin"))
        self.check(str(gatehouse.file), code=1, says=f"cannot connect to {address}: Connection refused")

    def test_a_unix_socket_will_do(self):
        config = '[server]\nadmin = "unix:{directory}/admin.sock"\n'
        with harness.backend() as backend, harness.Gatehouse(config + harness.simple(backend.port)) as gatehouse:
            self.check(str(gatehouse.file), code=0, says="^unix:.*/admin.sock: ready$")
            self.check(code=0, says="ready", GATEHOUSE_ADMIN=f"unix:{gatehouse.directory}/admin.sock")

    def test_what_drains_is_not_ready(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            request = threading.Thread(target=lambda: gatehouse.curl("h1", "/slow/5000"))
            request.start()
            wait_until(lambda: gatehouse.metric("^gatehouse_requests_in_flight"), "a request in flight")
            gatehouse.control("drain")
            self.check(str(gatehouse.file), code=1, says=r"answered: HTTP/1\.[01] 503 .*: draining$")
            request.join()

    def test_who_accepts_and_says_nothing_is_not_ready(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            began = time.monotonic()
            self.check("--admin", f"127.0.0.1:{mute.getsockname()[1]}", code=1, says="no answer in time")
            self.assertLess(time.monotonic() - began, 10)

    def test_what_has_no_admin_address_cannot_be_asked(self):
        self.check(code=1, says="turned off", GATEHOUSE_ADMIN="off")
        self.check("/nowhere.toml", code=1, says="cannot be read; name the admin address with --admin")


if __name__ == "__main__":
    if subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--propagation", "unchanged", "true"],
                      capture_output=True, check=False).returncode != 0:
        print("skipped: no PID namespaces")
        raise SystemExit(77)
    harness.main()
