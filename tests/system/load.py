"""Load in the background; H3Load with an account of every single request: its protocol, method, id and status (0: no answer)."""

import asyncio
import collections
import itertools
import signal
import subprocess

from h3_client import Failed, h3_client

Outcome = collections.namedtuple("Outcome", "protocol method id status")
PATIENCE = 30


def h2load(gatehouse, path, *options):
    """h2load in the background, until it is told to end."""
    return subprocess.Popen(["h2load", "-c4", "-m4", "-t1", "-n100000000", *options, gatehouse.url(path)],
                            stdout=subprocess.PIPE, text=True)


def end_h2load(process):
    """Its account; what was on its way when it was told to end counts as neither good nor bad."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)[0]


async def ask_until(stopped, gatehouse, path, size=None):
    """Requests over one h3 connection, one after another's answer; returns how many were answered as they should be."""
    answered = 0
    async with h3_client(gatehouse.port, gatehouse.certificate) as client:
        while not stopped.is_set():
            status, _, body = await client.request(path)
            assert status == 200 and size in (None, len(body)), (status, body)
            answered += 1
        assert client.terminated is None
    return answered


class H3Load:
    """Asks over one h3 connection at a steady rate, by turns GET and POST, each request with an id in X-Id."""

    def __init__(self, gatehouse, path, per_second):
        self.gatehouse, self.path, self.pause = gatehouse, path, 1 / per_second
        self.outcomes = []
        self.stopped = asyncio.Event()

    async def run(self):
        """Until stop(); returns the outcomes once each request has one."""
        loop = asyncio.get_running_loop()
        async with (h3_client(self.gatehouse.port, self.gatehouse.certificate, idle_timeout=120) as client,
                    asyncio.TaskGroup() as group):
            begin = loop.time()
            for number in itertools.count():
                if self.stopped.is_set():
                    break
                group.create_task(self.ask(client, ("GET", "POST")[number % 2], f"h3-{number}"))
                await asyncio.sleep(max(0, begin + (number + 1) * self.pause - loop.time()))
        return self.outcomes

    async def ask(self, client, method, name):
        try:
            body = b"once" if method == "POST" else None
            status = (await asyncio.wait_for(client.request(self.path, method, body, [(b"x-id", name.encode())]), PATIENCE))[0]
        except (OSError, EOFError, Failed, TimeoutError) as error:
            status = 0
            print(f"  h3 {method} {name}: {error!r}")
        self.outcomes.append(Outcome("h3", method, name, status))

    def stop(self):
        self.stopped.set()
