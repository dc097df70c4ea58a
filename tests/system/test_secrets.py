"""What is secret stays so: in logs, in diagnostics, in memory."""

import os
import re
import shutil
import subprocess
import sys
import unittest

import apps
import harness

SECRET = "hunter2-and-more"
REFERER = f"https://ann:{SECRET}@example.com/page?code={SECRET}&page=2"


class Logs(unittest.TestCase):
    def ask(self, gatehouse):
        for protocol in harness.PROTOCOLS:
            answer = gatehouse.curl(protocol, f"/echo?a=1&access_token={SECRET}&b=2&user%5bpassword%5D={SECRET}", "--referer", REFERER)
            self.assertEqual(answer.status, 200, answer.error)
            self.assertIn(f"access_token={SECRET}", answer.json()["target"])

    def test_no_form_of_the_access_log_has_what_a_query_keeps_secret(self):
        for form in ("json", "combined", "w3c"):
            with self.subTest(form), harness.backend() as backend:
                config = '[log]\nlevel = "debug"\n[log.access]\noutput = "{directory}/access.log"\nformat = "' + form + '"\n'
                with harness.Gatehouse(config + harness.simple(backend.port)) as gatehouse:
                    self.ask(gatehouse)
                    curl = harness.curl(f"http://127.0.0.1:{gatehouse.http}/nowhere%00?token={SECRET}", "--referer", REFERER)
                    self.assertEqual(curl.status, 400)
                    log = gatehouse.directory / "access.log"
                    lines = harness.wait_until(lambda: log.exists() and log.read_text().count("\n") >= 4 and log.read_text(), "four lines")
                    self.assertIn("a=1&access_token=***&b=2&user%5bpassword%5D=***", lines)
                    self.assertIn("https://***@example.com/page?code=***&page=2", lines)
                    status = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/status.json").body.decode()
                for text in (lines, status, gatehouse.log()):
                    self.assertNotIn(SECRET, text)

    def test_which_parameters_is_the_configurations_to_say(self):
        with harness.backend() as backend:
            config = '[log]\nredact = ["pin"]\n' + harness.simple(backend.port)
            with harness.Gatehouse(config) as gatehouse:
                def queries(count):
                    return [line["query"] for line in gatehouse.access_log(count)]

                gatehouse.curl("h2", "/echo?pin=1234&code=5678")
                self.assertEqual(queries(1), ["pin=***&code=5678"])
                gatehouse.file.write_text(gatehouse.file.read_text().replace('redact = ["pin"]', "redact = []"))
                self.assertEqual(gatehouse.control("reload").returncode, 0)
                gatehouse.curl("h2", "/echo?pin=1234&code=5678")
                self.assertEqual(queries(2)[1], "pin=1234&code=5678")


class Diagnostics(unittest.TestCase):
    def test_nothing_of_the_environment_is_told(self):
        with harness.backend() as backend:
            with harness.Gatehouse(harness.simple(backend.port), environment={"SHOP_KEY": SECRET}) as gatehouse:
                gatehouse.file.write_text(gatehouse.file.read_text().replace('to = "app"', 'to = "${SHOP_KEY}"'))
                reload = gatehouse.control("reload")
                self.assertEqual(reload.returncode, 1)
                self.assertIn("${SHOP_KEY}", reload.stdout + reload.stderr)
                status = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/status.json").json()
                self.assertIn("${SHOP_KEY}", str(status["configuration"]["last_reload"]))
                gatehouse.await_message(re.escape("${SHOP_KEY}"))
                for text in (reload.stdout, reload.stderr, str(status), gatehouse.log()):
                    self.assertNotIn(SECRET, text)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root")
class Memory(unittest.TestCase):
    def start(self, more=""):
        gatehouse = apps.Gatehouse('[server]\nadmin = "127.0.0.1:{admin}"\nuser = "www-data"\n' + apps.hosted("serve", more=more))
        gatehouse.directory.chmod(0o755)
        for name in ("run", "state"):
            (gatehouse.directory / name).mkdir()
        gatehouse.environment = {"RUNTIME_DIRECTORY": str(gatehouse.directory / "run"), "STATE_DIRECTORY": str(gatehouse.directory / "state")}
        return gatehouse

    def as_its_user(self, code, *arguments):
        return subprocess.run(["setpriv", "--reuid=33", "--regid=33", "--clear-groups", sys.executable, "-c", code, *map(str, arguments)],
                              capture_output=True, text=True, timeout=harness.PATIENCE, check=False)

    def test_the_same_user_reads_apps_but_not_gatehouse(self):
        with self.start() as gatehouse:
            self.assertEqual(gatehouse.curl("h2", "/").status, 200)
            app = gatehouse.processes()[0]
            for file in ("mem", "environ", "fd"):
                read = "import os, sys; path = sys.argv[1]; os.listdir(path) if path.endswith('fd') else open(path, 'rb').close()"
                ours = self.as_its_user(read, f"/proc/{gatehouse.process.pid}/{file}")
                self.assertIn("PermissionError", ours.stderr, file)
                theirs = self.as_its_user(read, f"/proc/{app}/{file}")
                self.assertEqual((theirs.returncode, theirs.stderr), (0, ""), file)
            self.assertGreater(gatehouse.metric("^process_open_fds"), 10)
            self.assertGreater(gatehouse.metric("^process_resident_memory_bytes"), 1 << 20)
            harness.wait_until(lambda: gatehouse.metric("^gatehouse_app_resident_bytes") > 1 << 20, "the app's memory is looked at")


if __name__ == "__main__":
    harness.main()
