"""Uploads over a long path: it is the path that limits them, on every protocol, and not what we let clients send ahead."""

import asyncio
import os
import tempfile
import unittest

import harness
from harness import PROTOCOLS
from tcp_relay import tcp_relay
from udp_relay import udp_relay

SIZE = 10_000_000
ROUND_TRIP = 0.1
RATE = int(os.environ.get("GATEHOUSE_PATH_RATE", 12_500_000))  # bytes a second
# How much longer than h1 the others may take. On a machine of their own they take at most 1.3 times as long; with 64 KiB a
# round trip it was nine.
MOST = 2.0


class LongPaths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port)))
        cls.body = cls.enterClassContext(tempfile.NamedTemporaryFile())
        cls.body.write(os.urandom(SIZE))
        cls.body.flush()

    async def upload(self, protocol, port):
        """Returns how long it took, in seconds."""
        curl = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--cacert", self.gatehouse.certificate, PROTOCOLS[protocol], "-4", "-H", "Expect:",
            "--data-binary", f"@{self.body.name}", "-w", "\n%{time_total}", f"https://localhost:{port}/echo",
            stdout=asyncio.subprocess.PIPE)
        out, _ = await curl.communicate()
        answer, _, took = out.decode().rpartition("\n")
        self.assertEqual(curl.returncode, 0)
        self.assertIn(f'"bytes": {SIZE}', answer)
        return float(took)

    def test_uploads_take_about_as_long_on_every_protocol(self):
        async def play():
            took, ahead = {}, {}
            for protocol in PROTOCOLS:
                relay_of = udp_relay if protocol == "h3" else tcp_relay
                async with relay_of(self.gatehouse.port, round_trip=ROUND_TRIP, rate=RATE) as relay:
                    took[protocol] = await self.upload(protocol, relay.port)
                    if relay_of is tcp_relay:
                        ahead[protocol] = relay.most_on_the_way
            return took, ahead

        took, ahead = asyncio.run(play())
        print(f"seconds: {took}, bytes on their way: {ahead}")
        for protocol in ("h2", "h3"):
            self.assertLess(took[protocol], MOST * took["h1"], (protocol, took))
        # As much as the path holds, whatever the clock says.
        self.assertGreater(ahead["h2"], min(RATE * ROUND_TRIP, 1 << 20), ahead)


if __name__ == "__main__":
    harness.main()
