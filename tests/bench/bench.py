#!/usr/bin/env python3
"""The measures: CPU per request, per GiB and per connection, memory per idle connection and tunnel, instructions per request.

Run through tests/bench/run. CPU is user + system time of the proxy alone; rounds of the peers are interleaved, and each
figure is the median of its rounds, with the ratio of Gatehouse to each peer.
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import os
import pathlib
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import types

import peers

sys.path.insert(0, str(peers.ROOT / "tests" / "system"))
from h3_client import h3_client  # noqa: E402
from tunnel_ends import H1Tunnel, H2Tunnel  # noqa: E402

H2LOAD = os.environ.get("GATEHOUSE_H2LOAD", "h2load")
ALPN = {"h1": "http/1.1", "h2": "h2", "h3": "h3"}
IDLE = {"h2": 500, "h3": 200}
TUNNELS = {"h1": 5000, "h2": 1000, "h3": 500}  # clients of h2 and h3 in Python take long


def h2load(port, protocol, path, *, requests, connections, streams, more=()):
    """Runs h2load on the client's core; returns how many requests succeeded, and insists that all did."""
    command = peers.pinned(peers.CLIENT_CORE, H2LOAD, f"--alpn-list={ALPN[protocol]}", f"-n{requests}", f"-c{connections}",
                           f"-m{1 if protocol == 'h1' else streams}", *more, f"https://127.0.0.1:{port}/{path}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    match = re.search(r"(\d+) succeeded, (\d+) failed", done.stdout)
    if not match or int(match[1]) != requests:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return requests


class Row:
    """One measure: `once(peer)` gives one round's figure."""

    def __init__(self, name, unit, once, rounds=None, talks=False):
        self.name, self.unit, self.once, self.rounds, self.talks = name, unit, once, rounds, talks


def small(protocol):
    def once(peer):
        h2load(peer.port, protocol, "1k", requests=2000, connections=32, streams=10)
        before = peer.cpu_seconds()
        count = h2load(peer.port, protocol, "1k", requests=30000, connections=32, streams=10)
        return (peer.cpu_seconds() - before) / count * 1e6
    return Row(f"1 KiB {protocol}", "us/request", once)


def large(protocol):
    def once(peer):
        before = peer.cpu_seconds()
        count = h2load(peer.port, protocol, "1m", requests=512, connections=8, streams=4)
        return (peer.cpu_seconds() - before) / count * 1024
    return Row(f"1 MiB {protocol}", "s/GiB", once)


def handshakes(protocol):
    def once(peer):
        before = peer.cpu_seconds()
        count = h2load(peer.port, protocol, "1k", requests=600, connections=600, streams=1, more=["--rate=100"])
        return (peer.cpu_seconds() - before) / count * 1e6
    return Row("new TLS connection (h2)" if protocol == "h2" else "new QUIC connection (h3)", "us", once, rounds=3)


@contextlib.contextmanager
def idle_h2(port, certificate, count):
    """TLS connections that have had one request each, and stay open."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.set_alpn_protocols(["h2"])
    context.check_hostname = False
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    # :method GET, :scheme https, :path /1k, :authority localhost as HPACK literals
    block = b"\x82\x87\x44\x03/1k\x41\x09localhost"
    request = len(block).to_bytes(3, "big") + b"\x01\x05\0\0\0\1" + block
    streams = []
    try:
        for _ in range(count):
            stream = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
            stream.sendall(preface + request)
            received = b""
            while len(received) < 1024:
                received += stream.recv(65536)
            streams.append(stream)
        yield
    finally:
        for stream in streams:
            stream.close()


async def growth_h3(peer, certificate, count, use):
    """Of the peer's memory, while `count` h3 connections are open on each of which `use` has been awaited."""
    async with contextlib.AsyncExitStack() as stack:
        async def one():
            await use(await stack.enter_async_context(h3_client(peer.port, certificate, idle_timeout=120.0)))
        await one()
        before = peer.resident_kib()
        for _ in range(count):
            await one()
        await asyncio.sleep(1)  # acknowledgements that are still on their way hold buffers
        return peer.resident_kib() - before


async def ask_h3(client):
    assert (await client.request("/1k"))[0] == 200


def idle(protocol):
    def once(peer):
        certificate = pathlib.Path(peer.directory) / "cert.pem"
        count = IDLE[protocol]
        if protocol == "h3":
            return asyncio.run(growth_h3(peer, certificate, count, ask_h3)) / count
        with idle_h2(peer.port, certificate, 5):
            before = peer.resident_kib()
        with idle_h2(peer.port, certificate, count):
            return (peer.resident_kib() - before) / count
    return Row(f"idle {protocol} connection", "KiB", once, rounds=1)


class Talker:
    """Answers WebSocket handshakes and says nothing more, on a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024))
        self.port = server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
        proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n")
        await reader.read()
        writer.close()


async def talk_h3(client):
    stream = client._quic.get_next_available_stream_id()
    client.answers[stream] = {"heads": [], "body": bytearray()}
    client.waiting[stream] = asyncio.get_running_loop().create_future()
    client.http.send_headers(stream, [(b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"https"),
                                      (b":authority", b"localhost"), (b":path", b"/talk"), (b"sec-websocket-version", b"13")])
    client.transmit()
    while not client.answers[stream]["heads"]:
        await asyncio.sleep(0.001)
    assert client.answers[stream]["heads"][0][b":status"] == b"200"


def tunnels(protocol):
    """Each on a connection of its own."""
    def once(peer):
        certificate, count = pathlib.Path(peer.directory) / "cert.pem", TUNNELS[protocol]
        if protocol == "h3":
            return asyncio.run(growth_h3(peer, certificate, count, talk_h3)) / count
        kind = {"h1": H1Tunnel, "h2": H2Tunnel}[protocol]
        with contextlib.ExitStack() as stack:
            where = types.SimpleNamespace(port=peer.port, certificate=str(certificate))
            def one():
                stack.enter_context(contextlib.closing(kind(where, "/talk")))
            one()
            before = peer.resident_kib()
            for _ in range(count):
                one()
            return (peer.resident_kib() - before) / count
    return Row(f"idle {protocol} tunnel", "KiB", once, rounds=1, talks=True)


def instructions(protocol, connections=8, streams=10):
    """User instructions per request by callgrind: the difference of a long and a short run."""
    def total(peer_name, directory, backend_port, requests):
        out = directory / "callgrind.out"
        wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]
        peer = peers.start(peer_name, directory, backend_port, wrapper)
        try:
            h2load(peer.port, protocol, "1k", requests=requests, connections=connections, streams=streams)
        finally:
            peer.stop()
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])

    def once(peer):
        short, long_ = 1000, 5000
        figures = [total(peer.name, pathlib.Path(peer.directory), peer.backend_port, n) for n in (short, long_)]
        return (figures[1] - figures[0]) / (long_ - short) / 1000
    return Row(f"instructions {protocol}", "thousand/request", once, rounds=1)


ROWS = [small("h1"), small("h2"), small("h3"), large("h1"), large("h2"), large("h3"), handshakes("h2"), handshakes("h3"),
        idle("h2"), idle("h3"), tunnels("h1"), tunnels("h2"), tunnels("h3"), instructions("h1"), instructions("h2"), instructions("h3")]


def measure(row, names, directory, ports, rounds):
    """{peer: median} over interleaved rounds; a peer that fails has None and its error printed."""
    figures = {name: [] for name in names}
    for _ in range(row.rounds or rounds):
        for name in names:
            peer = peers.start(name, directory, ports.backend, talk_port=ports.talk if row.talks else None)
            peer.directory, peer.backend_port = directory, ports.backend
            try:
                figures[name].append(row.once(peer))
            except (RuntimeError, OSError, AssertionError) as error:
                print(f"  {row.name}, {name}: {error}", file=sys.stderr)
            finally:
                peer.stop()
    return {name: statistics.median(values) if values else None for name, values in figures.items()}


@contextlib.contextmanager
def ground():
    """A directory with what the peers need, and the ports of what stands behind them, both for measure()."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as text:
        directory = pathlib.Path(text)
        peers.prepare(directory)
        backend = peers.start_backend(directory)
        try:
            yield directory, types.SimpleNamespace(backend=backend.port, talk=Talker().port)
        finally:
            backend.stop()


def enter_namespace():
    """Begins this program again, once, in a network of its own."""
    if not os.environ.get("GATEHOUSE_BENCH_NAMESPACE"):
        os.environ["GATEHOUSE_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, "-B", *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", default="gatehouse,nginx,haproxy")
    arguments = parser.parse_args()
    names = arguments.peers.split(",")
    if "yarp" in names and not os.environ.get("GATEHOUSE_BENCH_NAMESPACE"):
        peers.yarp()  # the namespace has no way to NuGet
    enter_namespace()
    header = f"{'':<28}{'unit':<18}" + "".join(f"{name:>11}" for name in names)
    header += "".join(f"{'/ ' + name:>11}" for name in names[1:])
    print(header, flush=True)
    with ground() as (directory, ports):
        for row in ROWS:
            if arguments.only not in row.name:
                continue
            subprocess.run(["ip", "link", "set", "lo", "mtu", "1500" if row.name == "1 MiB h3" else "65536"], check=True)
            medians = measure(row, names, directory, ports, arguments.rounds)
            line = f"{row.name:<28}{row.unit:<18}"
            line += "".join(f"{medians[n]:>11.2f}" if medians[n] is not None else f"{'-':>11}" for n in names)
            ours = medians[names[0]]
            line += "".join(f"{ours / medians[n]:>11.2f}" if ours and medians[n] else f"{'-':>11}" for n in names[1:])
            print(line, flush=True)


if __name__ == "__main__":
    main()
