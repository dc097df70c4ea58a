"""Reloading: a hundred of them under load on every protocol lose nothing, and a bad file changes nothing."""

import asyncio
import re
import shutil
import signal
import ssl
import unittest

import harness
import load

RELOADS = 100
SERVER = """
[server]
workers = 2
admin = "127.0.0.1:{admin}"
"""


class Reload(unittest.TestCase):
    def test_a_hundred_reloads_under_load_lose_no_request_and_close_no_connection(self):
        with harness.backend() as backend, harness.Gatehouse(SERVER + harness.simple(backend.port)) as gatehouse:
            loads = {"h1": load.h2load(gatehouse, "/bytes/100", "--h1", "-m1"), "h2": load.h2load(gatehouse, "/bytes/100")}
            answered = asyncio.run(self.reload_under_load(gatehouse))
            self.assertGreater(answered, RELOADS)
            opened = gatehouse.metric(r"^gatehouse_connections_total{.*tls|^gatehouse_connections_total{.*" + str(gatehouse.port))
            self.assertEqual(opened, 4 + 4 + 1)
            self.assertEqual(gatehouse.metric("^gatehouse_faults_total"), 0)
            codes = {name for name in gatehouse.metrics() if name.startswith("gatehouse_requests_total")}
            for name, process in loads.items():
                self.assertNotRegex(load.end_h2load(process), r"[1-9]\d* (failed|errored|timeout)\b(?!.*started)", name)
            self.assertEqual([name for name in codes if 'code="200"' not in name], [])

    async def reload_under_load(self, gatehouse):
        stopped = asyncio.Event()
        asking = asyncio.create_task(load.ask_until(stopped, gatehouse, "/bytes/100", size=100))
        loop = asyncio.get_running_loop()
        original = gatehouse.file.read_text()
        for n in range(RELOADS):
            gatehouse.file.write_text(original + f'[[routes]]\npath = "/unused-{n}"\nto = "app"\n')
            done = await loop.run_in_executor(None, gatehouse.control, "reload")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertFalse(asking.done(), "the h3 client has failed")
        stopped.set()
        return await asking

    def test_a_bad_file_changes_nothing_and_says_why(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            good = gatehouse.file.read_text()
            gatehouse.file.write_text(good.replace("[[routes]]", "[[routes]]\nnonsense = 1"))
            done = gatehouse.control("reload")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout + done.stderr, r"gatehouse\.toml:\d+:\d+: .*nonsense")
            gatehouse.process.send_signal(signal.SIGHUP)
            gatehouse.await_message(r"nonsense")
            self.assertEqual(gatehouse.metric("^gatehouse_config_last_reload_success"), 0)
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
            gatehouse.file.write_text(good)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertEqual(gatehouse.metric("^gatehouse_config_last_reload_success"), 1)

    def test_a_new_certificate_is_served_after_a_reload(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            before = ssl.get_server_certificate(("127.0.0.1", gatehouse.port))
            certificate, key = harness.make_certificate(gatehouse.directory, "second", "localhost")
            shutil.copy(certificate, gatehouse.certificate)
            shutil.copy(key, gatehouse.key)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertNotEqual(ssl.get_server_certificate(("127.0.0.1", gatehouse.port)), before)
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)

    def test_routes_and_listeners_follow_the_file(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            extra = harness.free_port()
            good = gatehouse.file.read_text()
            gatehouse.file.write_text(good + f'[[routes]]\npath = "/gone"\nrespond = {{ status = 410, body = "gone" }}\n'
                                      f'[[listeners]]\naddress = "127.0.0.1:{extra}"\n')
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/gone").status, 410)
            self.assertEqual(harness.curl(f"http://127.0.0.1:{extra}/gone").status, 410)
            gatehouse.file.write_text(good)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            harness.wait_until(lambda: harness.curl(f"http://127.0.0.1:{extra}/").exit_code == 7, "the listener is gone")
            self.assertEqual(gatehouse.curl("h3", "/gone").status, 200)


if __name__ == "__main__":
    harness.main()
