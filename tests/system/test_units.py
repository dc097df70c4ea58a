"""The units are what systemd takes without complaint, and the sandbox is as tight as it is meant to be."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

UNITS = harness.ROOT / "deploy" / "systemd"
MOST_EXPOSED = 2.0  # of 10


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=harness.PATIENCE, check=False)
    return done.returncode, done.stdout


@unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
class Units(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        # On this machine the program is elsewhere.
        for unit in ("gatehouse.service", "gatehouse.socket"):
            (self.folder / unit).write_text((UNITS / unit).read_text().replace("/usr/bin/gatehouse", harness.BINARY))
        self.service = self.folder / "gatehouse.service"

    def drop_in(self, *names):
        folder = self.folder / "gatehouse.service.d"
        folder.mkdir()
        for name in names:
            shutil.copy(UNITS / name, folder)

    def verify(self):
        return analyze("verify", "--man=no", self.service, self.folder / "gatehouse.socket")

    def test_systemd_has_nothing_to_say_about_them(self):
        self.assertEqual(self.verify(), (0, ""))

    def test_nor_about_the_drop_ins(self):
        self.drop_in("apps.conf", "apps-users.conf")
        self.assertEqual(self.verify(), (0, ""))

    def test_a_mistake_would_be_seen(self):
        self.service.write_text(self.service.read_text().replace("WatchdogSec=", "WatchdogSecs="))
        self.assertIn("WatchdogSecs", self.verify()[1])

    def exposure(self):
        code, text = analyze("security", "--offline=true", f"--threshold={int(MOST_EXPOSED * 10)}", self.service)
        return code, float(re.search(r"Overall exposure level for gatehouse\.service: ([0-9.]+)", text)[1])

    def test_the_proxy_is_hardly_exposed(self):
        code, level = self.exposure()
        self.assertEqual(code, 0)
        self.assertLess(level, MOST_EXPOSED)
        guide = (harness.ROOT / "deploy" / "systemd.md").read_text()
        self.assertIn(f"rates the proxy {level} ", guide)

    def test_without_the_sandbox_it_would_be(self):
        lines = self.service.read_text().splitlines()
        kept = [line for line in lines if not re.match(r"(Protect|Private|Restrict|SystemCall|Capability)", line)]
        self.service.write_text("\n".join(kept))
        code, level = self.exposure()
        self.assertNotEqual(code, 0)
        self.assertGreater(level, MOST_EXPOSED)

    def test_every_command_of_the_service_exists(self):
        for line in self.service.read_text().splitlines():
            if line.startswith(("ExecStart=", "ExecReload=")):
                words = line.split("=", 1)[1].split()
                done = subprocess.run([words[0], words[1], "--help"], capture_output=True, check=False)
                self.assertEqual(done.returncode, 0, line)


if __name__ == "__main__":
    harness.main()
