"""The package under a real systemd: the sandbox, the watchdog, reloads that tell, and ports that stay open."""

import pathlib
import re
import shutil
import threading
import unittest

import booted
import fresh_root
import harness
import service
import test_package

setUpModule = test_package.setUpModule


class Systemd(unittest.TestCase):
    def setUp(self):
        root = test_package.Package.folder / "booted"
        root.mkdir()
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        fresh_root.make(root, test_package.dependencies_of(test_package.Package.deb))
        shutil.copy(test_package.Package.deb, root / "package.deb")
        installed = test_package.run(*fresh_root.inside(root, "dpkg", "--install", "/package.deb"))
        self.assertEqual(installed.returncode, 0, installed.stderr)
        booted.prepare(root, WatchdogSec="1s")
        self.machine = self.enterContext(booted.boot(root))
        if self.machine is None:
            self.skipTest("this machine runs no second systemd")

    def test_it_is_boxed_in_tells_of_reloads_is_watched_and_keeps_its_ports_open(self):
        machine = self.machine
        self.assertEqual(machine.property("ActiveState"), "active", machine.run("systemctl", "show", "gatehouse").stdout)
        self.assertEqual(machine.property("StatusText"), "Serving 1 listener, configuration 1")
        self.assertIn("installed", machine.curl("http://127.0.0.1/").stdout)
        status = pathlib.Path(f"/proc/{machine.main_pid()}/status").read_text()
        for line in (r"CapPrm:\s+0*400", r"CapBnd:\s+0*400", r"NoNewPrivs:\s+1", r"Seccomp:\s+2"):
            self.assertRegex(status, rf"(?m)^{line}$")
        self.assertNotRegex(status, r"(?m)^Uid:\s+0\s")
        self.reloads_tell()
        self.a_worker_that_hangs_ends_it()
        self.ports_stay_open()

    def reloads_tell(self):
        file = self.machine.root / "etc/gatehouse/gatehouse.toml"
        good = file.read_text()
        file.write_text(good.replace("is installed", "was reloaded"))
        self.assertEqual(self.machine.run("systemctl", "reload", "gatehouse").returncode, 0)
        self.assertIn("was reloaded", self.machine.curl("http://127.0.0.1/").stdout)
        file.write_text("nonsense")
        self.assertNotEqual(self.machine.run("systemctl", "reload", "gatehouse").returncode, 0)
        self.assertIn("the last reload failed", self.machine.property("StatusText"))
        self.assertIn("was reloaded", self.machine.curl("http://127.0.0.1/").stdout)
        file.write_text(good)

    def a_worker_that_hangs_ends_it(self):
        before = self.machine.main_pid()
        with service.hanging(before, "worker-0"):
            harness.wait_until(lambda: not re.search(r"(?m)^State:\s+[RSD]", state_of(before)), "systemd ends it")
        harness.wait_until(lambda: self.machine.property("NRestarts") == "1", "systemd starts it again")
        harness.wait_until(lambda: self.machine.property("ActiveState") == "active", "it is ready again")
        self.assertNotEqual(self.machine.main_pid(), before)
        self.assertIn("installed", self.machine.curl("http://127.0.0.1/").stdout)

    def ports_stay_open(self):
        self.assertEqual(self.machine.run("systemctl", "stop", "gatehouse.service").returncode, 0)
        self.assertEqual(self.machine.run("systemctl", "start", "gatehouse.socket").returncode, 0)
        self.assertEqual(self.machine.property("ActiveState"), "inactive")
        self.assertIn("installed", self.machine.curl("http://127.0.0.1/").stdout)  # the first connection starts it
        answers, done = [], threading.Event()

        def ask():
            while not done.is_set():
                answers.append(self.machine.curl("http://127.0.0.1/"))

        client = threading.Thread(target=ask)
        client.start()
        try:
            for _ in range(3):
                self.assertEqual(self.machine.run("systemctl", "restart", "gatehouse.service").returncode, 0)
        finally:
            done.set()
            client.join()
        self.assertGreater(len(answers), 3)
        self.assertEqual([answer.stderr for answer in answers if answer.returncode != 0], [])


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    harness.main()
