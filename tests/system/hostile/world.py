"""What the hostile tables share: one Gatehouse before one recording endpoint, and what must hold after every row.

After each row the process lives, fresh connections are served, three tagged requests get their own answers (nothing of the
row is left in a pooled connection), and the endpoint saw nothing that is malformed or ambiguous. After each table descriptors are back where they were, and memory grows no more when it is played again.
"""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import harness  # noqa: E402
import h1_client  # noqa: E402
from recorder import RecordingEndpoint  # noqa: E402

CONFIG = """[server]
workers = 1
admin = "127.0.0.1:{{admin}}"
{more_first}
[[listeners]]
address = ":{{port}}"
{listener}
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
[[listeners]]
address = "127.0.0.1:{{http}}"
{listener}
[[routes]]
to = "app"
{route}
[upstreams.app]
endpoints = ["127.0.0.1:{endpoint}"]
{upstream}
[upstreams.app.pool]
max_idle = 4
[upstreams.app.outlier]
consecutive_failures = 0
{more}
"""


class World:
    """A Gatehouse before an endpoint. `config` fills in the places of CONFIG: more_first, listener, route, upstream, more."""

    def __init__(self, scripts=None, **config):
        self.endpoint = RecordingEndpoint(scripts)
        places = {"more_first": "", "listener": "", "route": "", "upstream": "", "more": ""} | config
        self.gatehouse = harness.Gatehouse(CONFIG.format(endpoint=self.endpoint.port, **places))

    def __enter__(self):
        self.endpoint.__enter__()
        self.gatehouse.__enter__()
        self._rounds = 0
        for protocol in harness.PROTOCOLS:
            self._ask(protocol, f"/warm-{protocol}")
        self.descriptors = self.gatehouse.descriptors()
        return self

    def __exit__(self, *error):
        try:
            self.gatehouse.__exit__(*error)
        finally:
            self.endpoint.__exit__(*error)

    def _ask(self, protocol, path):
        answer = self.gatehouse.curl(protocol, path)
        assert answer.status == 200 and answer.body == path.encode(), (
            f"{protocol} {path}: {answer.status} {answer.body[:200]!r} {answer.error}")

    def assert_sane(self):
        """After a row. The three requests go one after the other, so that they use what the pool holds; each tenth time
        one of h2 and one of h3 go with them."""
        assert self.gatehouse.process.poll() is None, f"Gatehouse has ended:\n{self.gatehouse.log()[-3000:]}"
        self._rounds += 1
        for part in range(3):
            path = b"/probe-%d-%d" % (self._rounds, part)
            reply = h1_client.ask(self.gatehouse.http, b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path, expect=1)
            assert reply.bodies == [path], f"{path!r} got {reply.raw[:500]!r}"
        if self._rounds % 10 == 1:
            self._ask("h2", f"/probe-{self._rounds}-h2")
            self._ask("h3", f"/probe-{self._rounds}-h3")
        violations = self.endpoint.take_violations()
        assert not violations, f"the endpoint got: {violations}"

    def assert_descriptors_are_back(self):
        """Connections kept to the endpoint may be a few more than before."""
        harness.wait_until(lambda: self.gatehouse.descriptors() <= self.descriptors + 8, "descriptors are given back")


class Table(unittest.TestCase):
    """A test of rows. `play_all(rows, play)` plays each under its name, twice, and checks the world in between."""

    def play_all(self, world, rows, play):
        memory = []
        for _ in range(2):
            for row in rows:
                with self.subTest(row[0]):
                    play(*row[1:])
                    world.assert_sane()
            world.assert_descriptors_are_back()
            memory.append(world.gatehouse.resident_kib())
        self.assertLess(memory[1] - memory[0], 1024 + memory[0] // 100, "KiB grown when the table was played again")


def main():
    harness.main()
