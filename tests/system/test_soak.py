"""Instances are killed without end and clients hardly notice: no GET is lost, no POST is run twice.

Two instances, one of them killed by SIGKILL each second. $GATEHOUSE_SOAK_SECONDS (default 30, for each transport; 600 is the long run) and
$GATEHOUSE_SOAK_RATE (requests per second, default 600, and 120 for a sanitized program, whose workers would not keep up: then all
three attempts of a request can meet a process that has been killed).
"""

import asyncio
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import apps
import harness
import load

SECONDS = int(os.environ.get("GATEHOUSE_SOAK_SECONDS", "30"))
RATE = int(os.environ.get("GATEHOUSE_SOAK_RATE", "120" if harness.SANITIZED else "600"))
H3_RATE = RATE // 8  # its client is slow; the rest is over h1 and h2
SOURCES = pathlib.Path(__file__).with_name("soak")
KEYS = """instances = 2
start = "eager"
rapid_fail = {{ count = 0, window = "60s" }}
environment = {{ RECORD = "{directory}/record" }}
"""


@unittest.skipUnless(shutil.which("go"), "not installed: go")
class Soak(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="gatehouse-soak-")))
        for name in ("app", "client"):
            apps.build_go(SOURCES / f"{name}.go", self.folder / name)

    def soak(self, transport):
        config = harness.LISTENERS + '[[routes]]\nto = "web"\n'
        config += apps.app("web", json.dumps([str(self.folder / "app")]), KEYS + f'transport = "{transport}"')
        with apps.Gatehouse(config) as gatehouse:
            harness.wait_until(lambda: len(gatehouse.processes()) == 2, "both instances run")
            gatehouse.pid("/")
            outcomes, kills = asyncio.run(self.kill_under_load(gatehouse))
            executed = collections.Counter()
            with open(gatehouse.directory / "record", encoding="ascii") as record:
                executed.update(tuple(line.split()) for line in record)
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_exits_total{.*reason="signaled"'), kills)
            # A client of its own accord asks again, with a GET; so our own log is asked as well.
            logged = gatehouse.access_log(len(outcomes), lambda line: line["path"].startswith("/record"))
            lost = [line for line in logged if line["status"] != 200]
            for line in lost:
                print("  aborted:", json.dumps(line), file=sys.stderr)
            self.assertEqual([line for line in lost if line["method"] == "GET"], [])
            retried = gatehouse.metric("^gatehouse_upstream_retries_total")
        return outcomes, executed, kills, retried

    async def kill_under_load(self, gatehouse):
        client = subprocess.Popen([self.folder / "client", gatehouse.url("/record/5"), gatehouse.certificate, str(RATE - H3_RATE)],
                                  stdout=subprocess.PIPE, text=True)
        over_h3 = load.H3Load(gatehouse, "/record/5", H3_RATE)
        h3_outcomes = asyncio.create_task(over_h3.run())
        kills = 0
        for _ in range(SECONDS):
            await asyncio.sleep(1)
            if running := gatehouse.processes():
                os.kill(random.choice(running), signal.SIGKILL)
                kills += 1
        client.send_signal(signal.SIGINT)
        over_h3.stop()
        lines, _ = await asyncio.to_thread(client.communicate, timeout=harness.PATIENCE + load.PATIENCE)
        outcomes = [load.Outcome(protocol, method, name, int(status)) for protocol, method, name, status in map(str.split, lines.splitlines())]
        return outcomes + await h3_outcomes, kills

    def test_no_get_is_lost_and_no_post_runs_twice(self):
        for transport in ("port", "socket"):
            with self.subTest(transport):
                outcomes, executed, kills, retried = self.soak(transport)
                statuses = collections.Counter((o.protocol, o.method, o.status) for o in outcomes)
                print(f"  {transport}: {len(outcomes)} requests, {kills} kills, {retried:.0f} retries, {dict(statuses)}", file=sys.stderr)
                self.assertGreater(len(outcomes), SECONDS * RATE / 2)
                self.assertGreaterEqual(kills, SECONDS / 2)
                self.assertEqual({o.protocol for o in outcomes}, {"h1", "h2", "h3"})
                self.assertEqual([o for o in outcomes if o.method == "GET" and o.status != 200], [])
                self.assertEqual([o for o in outcomes if o.method == "POST" and o.status not in (200, 502)], [])
                self.assertEqual([(who, n) for who, n in executed.items() if who[1] == "POST" and n > 1], [])
                answered = (o for o in outcomes if o.status == 200)
                self.assertEqual([o for o in answered if not executed[o.id, o.method]], [])


if __name__ == "__main__":
    harness.main()
