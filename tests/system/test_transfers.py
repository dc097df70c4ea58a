"""2 GiB up and down over each protocol: the right bytes, and memory that does not follow them."""

import hashlib
import os
import subprocess
import threading
import unittest

import harness
from harness import PROTOCOLS
from backend import sequence, sequence_digest

# Sanitizers keep freed memory, and are slow: there the same path is proved with fewer bytes and no ceiling.
SIZE = int(os.environ.get("GATEHOUSE_TRANSFER_BYTES", 64 << 20 if harness.SANITIZED else 2 << 30))
MAX_RESIDENT_KIB = 64 * 1024


class Transfers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        more = '[limits]\nmax_request_body = "off"\n'
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port, more)))
        cls.digest = sequence_digest(SIZE)

    def curl(self, protocol, path, *options, **streams):
        return subprocess.Popen(["curl", "-sS", "--cacert", self.gatehouse.certificate, PROTOCOLS[protocol], *options,
                                 self.gatehouse.url(path)], stdout=subprocess.PIPE, **streams)

    def check_memory(self):
        self.assertLess(self.gatehouse.resident_kib(), MAX_RESIDENT_KIB)

    def test_download(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.curl(protocol, f"/bytes/{SIZE}") as client:
                digest, received = hashlib.sha256(), 0
                while piece := client.stdout.read(1 << 20):
                    digest.update(piece)
                    if received < SIZE // 2 <= received + len(piece):
                        self.check_memory()
                    received += len(piece)
                self.assertEqual((client.wait(), received, digest.hexdigest()), (0, SIZE, self.digest))
                self.check_memory()

    def test_upload(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.curl(protocol, "/echo", "-T", "-", "-X", "POST", "-H", "Expect:",
                                                   stdin=subprocess.PIPE) as client:
                def feed():
                    for piece in sequence(SIZE):
                        client.stdin.write(piece)
                    client.stdin.close()
                feeder = threading.Thread(target=feed)
                feeder.start()
                answer = client.stdout.read()
                feeder.join()
                client.stdin = None
                self.assertEqual(client.wait(), 0)
                self.assertIn(f'"bytes": {SIZE}, "sha256": "{self.digest}"'.encode(), answer)
                self.check_memory()


if __name__ == "__main__":
    harness.main()
