"""Files that the real program sends: 2 GiB over each protocol with memory that does not follow them, a client that pauses, an
app that names files, of which its user may read some."""

import os
import pathlib
import subprocess
import time
import unittest

import harness
from harness import PROTOCOLS

SIZE = int(os.environ.get("GATEHOUSE_TRANSFER_BYTES", 64 << 20 if harness.SANITIZED else 2 << 30))
MAX_RESIDENT_KIB = 64 * 1024
APP = """
import http.server, os
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-test")
        self.send_header("X-Sendfile", os.environ["FILES"] + self.path)
        self.send_header("X-Said", self.headers.get("X-Sendfile-Type", ""))
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_HEAD = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
CONFIG = """
[[listeners]]
address = "127.0.0.1:{port}"
protocols = ["h1", "h2", "h3"]
[listeners.tls]
certificates = [{{ certificate = "{cert}", private_key = "{key}" }}]

[[routes]]
path = "/site"
files = "{directory}/site"
strip_prefix = true

[[routes]]
to = "app"

[apps.app]
command = ["python3", "{directory}/app.py"]
environment = {{ FILES = "{directory}/files" }}
send_file = ["{directory}/files"]
USER
"""


def sparse(path):
    """A file of SIZE bytes that takes no room, with a word at each end."""
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(SIZE - 3)
        file.write(b"end")


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        as_root = os.geteuid() == 0
        cls.gatehouse = harness.Gatehouse(CONFIG.replace("USER", 'user = "nobody"' if as_root else ""))
        directory = cls.gatehouse.directory
        (directory / "app.py").write_text(APP)
        for folder in ("site", "files"):
            (directory / folder).mkdir()
            sparse(directory / folder / "large.bin")
        (directory / "site" / "a.txt").write_text("hello")
        (directory / "files" / "secret.txt").write_text("secret")
        (directory / "files" / "secret.txt").chmod(0o600)
        for path in (directory, directory / "files", directory / "files" / "large.bin", directory / "app.py"):
            path.chmod(0o755)
        cls.enterClassContext(cls.gatehouse)

    def curl(self, protocol, path, *options):
        return subprocess.Popen(["curl", "-sS", "--cacert", self.gatehouse.certificate, PROTOCOLS[protocol], *options,
                                 self.gatehouse.url(path)], stdout=subprocess.PIPE)

    def check_memory(self):
        self.assertLess(self.gatehouse.resident_kib(), MAX_RESIDENT_KIB)

    def check_download(self, protocol, path):
        with self.curl(protocol, path) as client:
            first, received, last = b"", 0, b""
            while piece := client.stdout.read(1 << 20):
                first = first or piece[:5]
                if received < SIZE // 2 <= received + len(piece):
                    self.check_memory()
                received += len(piece)
                last = (last + piece)[-3:]
            self.assertEqual((client.wait(), first, received, last), (0, b"begin", SIZE, b"end"))
            self.check_memory()

    def test_a_large_file_of_a_folder(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.check_download(protocol, "/site/large.bin")

    def test_a_large_file_that_an_app_names(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.check_download(protocol, "/large.bin")

    def test_a_client_that_pauses_costs_no_memory(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.curl(protocol, "/site/large.bin") as client:
                self.assertEqual(client.stdout.read(5), b"begin")
                # It has paused once nothing more is read of the file: curl's own buffers and the kernel's are full.
                harness.wait_until(self.position_rests, "the pause")
                self.check_memory()
                self.assertEqual(self.gatehouse.curl(protocol, "/site/a.txt").body, b"hello")
                client.kill()

    def position_rests(self):
        """Whether the program has read nothing for a fifth of a second."""
        def read():
            said = pathlib.Path(f"/proc/{self.gatehouse.process.pid}/io").read_text()
            return said.splitlines()[0]
        before = read()
        time.sleep(0.2)
        return read() == before

    def test_an_app_is_told_of_the_header_and_a_client_not(self):
        answer = self.gatehouse.curl("h2", "/large.bin", "-r", "0-4", "-H", "X-Sendfile-Type: X-Accel-Redirect")
        self.assertEqual((answer.status, answer.body), (206, b"begin"))
        self.assertEqual(answer.fields.get("x-said"), "X-Sendfile")
        self.assertEqual(answer.fields.get("content-type"), "application/x-test")
        self.assertNotIn("x-sendfile", answer.fields)

    @unittest.skipUnless(os.geteuid() == 0, "only root has apps of other users")
    def test_an_app_has_no_file_sent_that_its_user_may_not_read(self):
        answer = self.gatehouse.curl("h1", "/secret.txt")
        self.assertEqual(answer.status, 502)
        self.assertNotIn(b"secret", answer.body)
        self.gatehouse.access_log(1, lambda line: line.get("fault") == "send_file_refused")


if __name__ == "__main__":
    harness.main()
