"""Instances are killed without end and clients hardly notice: no GET is lost, no POST is run twice.

Two instances, one of them killed by SIGKILL each second. $GATEHOUSE_SOAK_SECONDS (default 10, for each transport; 600 is the long run) and
$GATEHOUSE_SOAK_RATE (requests per second, default 300).
"""

import asyncio
import collections
import json
import os
import random
import signal
import sys
import unittest

import apps
import harness
import load

SECONDS = int(os.environ.get("GATEHOUSE_SOAK_SECONDS", "10"))
RATE = int(os.environ.get("GATEHOUSE_SOAK_RATE", "300"))
KEYS = """instances = 2
start = "eager"
rapid_fail = {{ count = 0, window = "60s" }}
environment = {{ RECORD = "{directory}/record" }}
"""


class Soak(unittest.TestCase):
    def soak(self, keys):
        with apps.Gatehouse(apps.hosted(keys=KEYS + keys)) as gatehouse:
            harness.wait_until(lambda: len(gatehouse.processes()) == 2, "both instances run")
            gatehouse.pid()
            outcomes, kills = asyncio.run(self.kill_under_load(gatehouse))
            executed = collections.Counter()
            for line in (gatehouse.directory / "record").read_text().splitlines():
                executed[tuple(line.split()[:2])] += 1
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_exits_total{.*reason="signaled"'), kills)
            logged = gatehouse.access_log(len(outcomes), lambda line: line["path"].startswith("/record"))
            for line in logged:
                if line["status"] != 200:
                    print("  lost:" if line["method"] == "GET" else "  aborted:", json.dumps(line), file=sys.stderr)
            retried = gatehouse.metric("^gatehouse_upstream_retries_total")
        return outcomes, executed, kills, retried

    async def kill_under_load(self, gatehouse):
        asking = load.Load(gatehouse, "/record/5", RATE)
        outcomes = asyncio.create_task(asking.run())
        kills = 0
        for _ in range(SECONDS):
            await asyncio.sleep(1)
            if running := gatehouse.processes():
                os.kill(random.choice(running), signal.SIGKILL)
                kills += 1
        asking.stop()
        return await outcomes, kills

    def test_no_get_is_lost_and_no_post_runs_twice(self):
        for transport in ("port", "socket"):
            with self.subTest(transport):
                outcomes, executed, kills, retried = self.soak(f'transport = "{transport}"')
                statuses = collections.Counter((o.method, o.status) for o in outcomes)
                print(f"  {transport}: {len(outcomes)} requests, {kills} kills, {retried:.0f} retries, {dict(statuses)}", file=sys.stderr)
                self.assertGreater(len(outcomes), SECONDS * RATE / 2)
                self.assertGreaterEqual(kills, SECONDS / 2)
                self.assertEqual([o for o in outcomes if o.method == "GET" and o.status != 200], [])
                self.assertEqual([o for o in outcomes if o.method == "POST" and o.status not in (200, 502)], [])
                self.assertEqual([(who, n) for who, n in executed.items() if who[1] == "POST" and n > 1], [])
                for outcome in outcomes:
                    if outcome.status == 200:
                        self.assertGreaterEqual(executed[outcome.id, outcome.method], 1, outcome)


if __name__ == "__main__":
    harness.main()
