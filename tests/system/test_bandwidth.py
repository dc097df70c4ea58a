"""The bandwidth of a route: the same total over every protocol, for one request and for fifty, down and up, and over a reload."""

import datetime
import json
import subprocess
import unittest

import harness
from harness import PROTOCOLS

RATE = 2_000_000  # bytes a second
SECONDS = 4
SIZE = RATE * SECONDS
MANY = 50
MAX_RESIDENT_KIB = 64 * 1024

ROUTES = """
[[routes]]
path = "/slow"
to = "app"
strip_prefix = true
limits = {{ bandwidth = RATE }}
""".replace("RATE", str(RATE))


def began_and_ended(line):
    began = datetime.datetime.fromisoformat(line["time"]).timestamp()
    return began, began + line["duration_ms"] / 1000


class Bandwidth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port, ROUTES)))
        cls.rounds = 0

    def curl(self, protocol, count, make):
        """So many requests at once, as `make` adds their options; returns what curl printed."""
        options = ["-sS", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol], "--parallel", "--parallel-max", str(count),
                   "--no-progress-meter"]
        for i in range(count):
            options += make(i)
        return subprocess.run(["curl", *options], capture_output=True, check=True, timeout=SECONDS * 10).stdout

    def seconds(self, name, count):
        """From the beginning of the first of these requests to the end of the last, as the log has them."""
        lines = self.gatehouse.access_log(count, lambda line: line["query"] == name)
        self.assertEqual([line["fault"] for line in lines], [None] * count)
        times = [began_and_ended(line) for line in lines]
        return max(end for _, end in times) - min(begin for begin, _ in times)

    def check(self, name, count):
        seconds = self.seconds(name, count)
        self.assertLess(abs(SIZE / seconds - RATE), 0.05 * RATE, f"{SIZE / seconds:.0f} bytes a second")
        self.assertLess(self.gatehouse.resident_kib(), MAX_RESIDENT_KIB)

    def test_downloads_share_it(self):
        for protocol in PROTOCOLS:
            for count in (1, MANY):
                with self.subTest(protocol, count=count):
                    name = f"down-{protocol}-{count}"
                    url = self.gatehouse.url(f"/slow/bytes/{SIZE // count}?{name}")
                    got = self.curl(protocol, count, lambda i, url=url: [url])
                    self.assertEqual(len(got), SIZE)
                    self.check(name, count)

    def test_uploads_share_it(self):
        for protocol in PROTOCOLS:
            for count in (1, MANY):
                with self.subTest(protocol, count=count):
                    name = f"up-{protocol}-{count}"
                    body = self.gatehouse.directory / f"{count}.bin"
                    body.write_bytes(bytes(SIZE // count))
                    url = self.gatehouse.url(f"/slow/echo?{name}")
                    got = self.curl(protocol, count,
                                    lambda i, url=url, body=body: ["-T", str(body), "-X", "POST", "-H", "Expect:", url])
                    seen = [json.loads(text + "}") for text in got.decode().split("}") if text]
                    self.assertEqual([one["bytes"] for one in seen], [SIZE // count] * count)
                    self.check(name, count)

    def test_all_protocols_share_it_together(self):
        """Three clients at once, each with a third: of several workers, as there are several processors."""
        clients = []
        for protocol in PROTOCOLS:
            url = self.gatehouse.url(f"/slow/bytes/{SIZE // 3}?together")
            clients.append(subprocess.Popen(["curl", "-sS", "--cacert", str(self.gatehouse.certificate), PROTOCOLS[protocol], "-o",
                                             "/dev/null", url]))
        self.assertEqual([client.wait(SECONDS * 10) for client in clients], [0, 0, 0])
        self.check("together", 3)

    def test_a_reload_does_not_double_it(self):
        url = self.gatehouse.url(f"/slow/bytes/{SIZE // 2}?over-a-reload")
        command = ["curl", "-sS", "--cacert", str(self.gatehouse.certificate), "-o", "/dev/null", url]
        with subprocess.Popen(command) as before:
            harness.wait_until(lambda: self.gatehouse.metric("^gatehouse_requests_in_flight") > 0, "the first has begun")
            self.assertEqual(self.gatehouse.control("reload").returncode, 0)
            with subprocess.Popen(command) as after:
                self.assertEqual((before.wait(SECONDS * 10), after.wait(SECONDS * 10)), (0, 0))
        self.check("over-a-reload", 2)

    def test_others_are_not_slowed_down_and_the_wait_is_counted(self):
        self.assertEqual(self.gatehouse.curl("h2", f"/slow/bytes/{RATE // 2}").status, 200)
        self.assertEqual(self.gatehouse.curl("h2", f"/bytes/{SIZE}?fast").status, 200)
        self.assertLess(self.seconds("fast", 1), 1)
        self.assertGreater(self.gatehouse.metric(r'^gatehouse_throttled_seconds_total\{route="\*/slow"\}'), 0.2)
        self.assertEqual(self.gatehouse.metric(r'^gatehouse_throttled_seconds_total\{route="\*/"\}'), 0)


if __name__ == "__main__":
    harness.main()
