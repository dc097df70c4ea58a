"""Reloading: a hundred of them under load on every protocol lose nothing, and a bad file changes nothing."""

import asyncio
import re
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

import harness
import load
from h3_client import h3_client

RELOADS = 20 if harness.SANITIZED else 100  # each takes longer there
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

    def test_an_expired_certificate_replaces_none_but_itself(self):
        """And at the start, where there is none yet, it is served with a warning."""
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            before = ssl.get_server_certificate(("127.0.0.1", gatehouse.port))
            good, key = gatehouse.certificate.read_bytes(), gatehouse.key.read_bytes()
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-not_before", "20200101000000Z", "-not_after", "20210101000000Z", "-subj", "/CN=localhost",
                            "-keyout", gatehouse.key, "-out", gatehouse.certificate], check=True, capture_output=True)
            expired = gatehouse.certificate.read_bytes(), gatehouse.key.read_bytes()
            done = gatehouse.control("reload")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout + done.stderr, r"gatehouse\.toml:\d+:\d+: .*localhost\.pem has expired: it is valid from "
                                                        r"2020-01-01 00:00:00 UTC to 2021-01-01 00:00:00 UTC")
            self.assertEqual(gatehouse.metric("^gatehouse_config_last_reload_success"), 0)
            self.assertEqual(ssl.get_server_certificate(("127.0.0.1", gatehouse.port)), before)
            gatehouse.certificate.write_bytes(good)
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
            gatehouse.key.write_bytes(key)
            self.assertEqual(gatehouse.control("reload").returncode, 0)
        gatehouse = harness.Gatehouse(harness.simple(1))
        gatehouse.certificate.write_bytes(expired[0])
        gatehouse.key.write_bytes(expired[1])
        with gatehouse:
            gatehouse.await_message(r"warning.*localhost\.pem.* expired on 2021-01-01")
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            self.assertIn("BEGIN", ssl.get_server_certificate(("127.0.0.1", gatehouse.port)))

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


async def by_tcp(gatehouse):
    """A connection of its own for one request, without TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gatehouse.http)
    try:
        writer.write(b"GET /bytes/100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ") and len(answer.partition(b"\r\n\r\n")[2]) == 100, answer


async def by_tls(gatehouse):
    context = ssl.create_default_context(cafile=gatehouse.certificate)
    context.set_alpn_protocols(["http/1.1"])
    reader, writer = await asyncio.open_connection("127.0.0.1", gatehouse.port, ssl=context, server_hostname="localhost")
    try:
        writer.write(b"GET /bytes/100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer


async def by_quic(gatehouse):
    async with h3_client(gatehouse.port, gatehouse.certificate, host="127.0.0.1") as client:
        status, _, body = await client.request("/bytes/100")
        assert (status, len(body)) == (200, 100), (status, body)


class AnotherAddress(unittest.TestCase):
    """A listener's address becomes one that overlaps the former: clients come, and are served, all the time."""

    CONFIG = SERVER + harness.SIMPLE.replace('":{port}"', '"127.0.0.1:{port}"')

    def move(self, gatehouse, host):
        moved = re.sub(r'^address = ".*:(\d+)"$', rf'address = "{host}:\1"', gatehouse.file.read_text(), flags=re.MULTILINE)
        gatehouse.file.write_text(moved)
        done = gatehouse.control("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_widens_and_narrows_under_load_refuses_nobody_and_breaks_nothing_off(self):
        with harness.backend() as backend, harness.Gatehouse(self.CONFIG.replace("BACKEND", str(backend.port))) as gatehouse:
            served = asyncio.run(self.move_under_load(gatehouse))
            for kind, count in served.items():
                self.assertGreater(count, 10, kind)
            faults = {name: value for name, value in gatehouse.metrics().items() if name.startswith("gatehouse_faults_total") and value}
            self.assertEqual(faults, {})
            # And only where the configuration says, once the former sockets are closed.
            other = f"http://127.0.0.2:{gatehouse.http}/bytes/1"
            harness.wait_until(lambda: harness.curl(other).exit_code == 7, "it listens on 127.0.0.1 alone")
            self.assertEqual(harness.curl(f"https://127.0.0.2:{gatehouse.port}/", "--http3-only", "--insecure", "--max-time", "2").status, 0)

    async def move_under_load(self, gatehouse):
        stopped = asyncio.Event()

        async def newcomers(ask):
            count = 0
            while not stopped.is_set():
                await ask(gatehouse)
                count += 1
            return count

        kinds = {"clear": by_tcp, "tls": by_tls, "quic": by_quic}
        coming = {kind: asyncio.create_task(newcomers(ask)) for kind, ask in kinds.items()}
        loop = asyncio.get_running_loop()
        for host in ("", "127.0.0.1", "0.0.0.0", "", "127.0.0.1"):
            # What is under way over each protocol when the address changes ends well.
            running = [loop.run_in_executor(None, gatehouse.curl, protocol, "/slow/700", "--ipv4") for protocol in harness.PROTOCOLS]
            await loop.run_in_executor(None, harness.wait_until, lambda: gatehouse.metric("^gatehouse_requests_in_flight") >= 3, "they run")
            await loop.run_in_executor(None, self.move, gatehouse, host)
            for answer in await asyncio.gather(*running):
                self.assertEqual(answer.status, 200, answer.error)
            others = [task for task in coming.values() if task.done()]
            self.assertEqual([task.exception() for task in others], [], host)
        stopped.set()
        return {kind: await task for kind, task in coming.items()}

    def test_a_reload_that_fails_leaves_the_former_address_as_it_was(self):
        with (harness.backend() as backend, harness.Gatehouse(self.CONFIG.replace("BACKEND", str(backend.port))) as gatehouse,
              socket.create_server(("127.0.0.1", 0)) as taken):
            good = gatehouse.file.read_text()
            more = f'[[listeners]]\naddress = "127.0.0.1:{taken.getsockname()[1]}"\n'
            gatehouse.file.write_text(good.replace("127.0.0.1:" + str(gatehouse.port), f":{gatehouse.port}") + more)
            done = gatehouse.control("reload")
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot bind", done.stdout + done.stderr)
            for protocol in harness.PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/bytes/1", "--ipv4").status, 200)
            self.assertEqual(harness.curl(f"http://127.0.0.2:{gatehouse.port}/").exit_code, 7)
            gatehouse.file.write_text(good)
            self.assertEqual(gatehouse.control("reload").returncode, 0)


if __name__ == "__main__":
    harness.main()
