"""The program's log never holds up what it tells of: nobody reads it, everybody is served. And what /readyz knows of workers."""

import contextlib
import json
import os
import re
import socket
import socketserver
import subprocess
import threading
import unittest

import apps
import harness
import service


class Unread(harness.Gatehouse):
    """A Gatehouse whose standard error nobody reads once it is ready."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.resume = threading.Event()

    def _collect_from(self, stream):
        def until_ready():
            for line in stream:
                yield line
                if re.search(r"\bready:", line):
                    return
        super()._collect_from(until_ready())
        self.messages.pop()
        self.resume.wait()
        super()._collect_from(stream)

    def __exit__(self, *arguments):
        self.resume.set()
        super().__exit__(*arguments)


class TooMuch(socketserver.BaseRequestHandler):
    """An endpoint that sends more than its answer, each time."""

    def handle(self):
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in self.request.recv(65536):
                pass
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")


@contextlib.contextmanager
def bad_endpoint():
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

    with Server(("127.0.0.1", 0), TooMuch) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask_many(port, count):
    """How many of `count` requests on one connection were answered with 200."""
    answered = 0
    with socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE) as client:
        for _ in range(count):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok"):
                piece = client.recv(65536)
                if not piece:
                    return answered
                answer += piece
            answered += answer.startswith(b"HTTP/1.1 200")
    return answered


class Log(unittest.TestCase):
    def test_an_endpoint_cannot_fill_the_log(self):
        with bad_endpoint() as port, Unread(harness.simple(port)) as gatehouse:
            self.assertEqual(ask_many(gatehouse.http, 2000), 2000)
            self.assertEqual(harness.curl(f"http://127.0.0.1:{gatehouse.admin}/readyz").status, 200)
            gatehouse.resume.set()
            gatehouse.await_message("upstream_extra_bytes")
            self.assertLess(gatehouse.log().count("sent more than its answer"), 200)

    def test_a_log_that_nobody_reads_costs_lines_and_no_requests(self):
        flood = "import os; line = b'x' * 1000 + b'\\n'\nwhile True: os.write(1, line * 60)"
        program = json.dumps(["python3", "-c", flood])
        with harness.backend() as backend:
            config = harness.LISTENERS + f'[[routes]]\nto = "app"\n[upstreams.app]\nendpoints = ["127.0.0.1:{backend.port}"]\n'
            config += '[[routes]]\npath = "/flood"\nto = "flood"\n' + apps.app("flood", program, 'start = "eager"\nstart_timeout = "120s"')
            with Unread(config) as gatehouse:
                harness.wait_until(lambda: gatehouse.metric("^gatehouse_log_dropped_total") > 1000, "lines are dropped")
                for protocol in harness.PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/echo").status, 200)
                self.assertLess(gatehouse.resident_kib(), 200_000)
                self.assertEqual(harness.curl(f"http://127.0.0.1:{gatehouse.admin}/readyz").status, 200)
                gatehouse.resume.set()
                gatehouse.await_message(r"warning \d+ lines of this log were dropped")

    def test_the_process_ends_though_nobody_reads_its_log(self):
        with bad_endpoint() as port:
            gatehouse = Unread(harness.simple(port, '[log]\nlevel = "debug"\n'))
            reading, writing = os.pipe()
            os.set_blocking(writing, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writing, b"x" * 4096)
            os.set_blocking(writing, True)
            process = subprocess.Popen(
                gatehouse.command(), stderr=writing, stdout=subprocess.DEVNULL, cwd=gatehouse.directory,
                env={**os.environ, "XDG_STATE_HOME": str(gatehouse.directory / "state"), "XDG_RUNTIME_DIR": str(gatehouse.directory)})
            os.close(writing)
            try:
                harness.wait_until(
                    lambda: harness.curl(f"http://127.0.0.1:{gatehouse.admin}/readyz").status == 200, "it is ready")
                self.assertEqual(ask_many(gatehouse.http, 10), 10)
                process.terminate()
                self.assertEqual(process.wait(harness.PATIENCE), 0)
            finally:
                process.kill()
                process.wait()
                os.close(reading)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Readiness(unittest.TestCase):
    def test_a_worker_that_hangs_is_not_ready(self):
        with harness.backend() as backend:
            config = '[server]\nadmin = "127.0.0.1:{admin}"\nworkers = 2\n' + harness.simple(backend.port)
            with harness.Gatehouse(config) as gatehouse:
                def page(name):
                    answer = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/{name}")
                    return answer.status, answer.body.decode()

                self.assertEqual(page("readyz"), (200, "ready\n"))
                with service.hanging(gatehouse.process.pid, "worker-1"):
                    harness.wait_until(lambda: page("readyz")[0] == 503, "/readyz has noticed", 15)
                    self.assertRegex(page("readyz")[1], r"^worker-1 has not come round for \d+\.\d s\n$")
                    self.assertEqual(page("healthz"), (200, "ok\n"))
                    self.assertEqual(gatehouse.metric("^gatehouse_workers_hanging"), 1)
                    gatehouse.await_message("error worker-1 has not come round")
                harness.wait_until(lambda: page("readyz") == (200, "ready\n"), "it is ready again")
                gatehouse.await_message("all workers answer again")


if __name__ == "__main__":
    harness.main()
