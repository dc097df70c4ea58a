"""WebSockets over h1, h2 and h3, with servers and clients that nobody here wrote, and what becomes of tunnels that must end."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import unittest

import harness
from test_browser import FLAGS, key_hash
from tunnel_ends import TUNNELS, H1Tunnel, RawServer, Refused, frame
from websockets.exceptions import ConnectionClosed
from websockets.asyncio.client import connect

HERE = harness.ROOT / "tests" / "system"
SERVERS = {
    "python3-websockets": [sys.executable, "-B", str(HERE / "websocket_app.py")],
    "Node ws": ["node", str(HERE / "websocket_app.js")],
}
GOING_AWAY = b"\x03\xe9"

# Opens a WebSocket once an answer has come over h2, and tells what it has heard by a request of its own.
PAGE = """<!doctype html><title>test</title><script>
(async () => {
  await (await fetch('/page?again')).text();
  const socket = new WebSocket('wss://' + location.host + '/hello');
  const heard = [];
  socket.onopen = () => socket.send('from the browser');
  socket.onmessage = async (event) => {
    heard.push(event.data);
    if (heard.length == 2) { socket.close(1000); await fetch('/page?heard=' + encodeURIComponent(heard.join('|'))); }
  };
  socket.onerror = () => fetch('/page?heard=error');
})();
</script>"""


@contextlib.contextmanager
def server(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": "/usr/share/nodejs", "PORT": "0"})
    try:
        yield int(process.stdout.readline().split()[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# The kinds of frames that the Autobahn suite sends: sizes at every edge, fragments, control frames among them, closes,
# and what a server must refuse (reserved bits and opcodes, text that is no UTF-8). A proxy passes all of them as they are.
def frames():
    for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 300000):
        yield f"text of {size}", frame(1, b"a" * size)
        yield f"binary of {size}", frame(2, os.urandom(size))
    for size in (0, 1, 125):
        yield f"ping of {size}", frame(9, b"p" * size)
        yield f"pong of {size}", frame(10, b"p" * size)
    yield "ping too long", frame(9, b"p" * 126)
    yield "fragments", frame(1, b"one", fin=False) + frame(0, b"two", fin=False) + frame(0, b"three")
    yield "ping between fragments", frame(1, b"one", fin=False) + frame(9, b"!") + frame(0, b"two")
    yield "no fragments begun", frame(0, b"stray")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"reserved opcode {opcode}", frame(opcode, b"x")
    for rsv in range(1, 8):
        yield f"reserved bits {rsv}", frame(1, b"x", rsv=rsv)
    yield "UTF-8", frame(1, "κόσμε \U0010ffff".encode())
    yield "no UTF-8", frame(1, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")
    yield "many small", b"".join(frame(1, b"%d" % i) for i in range(2000))
    for code in (1000, 1001, 1002, 1007, 1011, 3000, 4999, 0, 999, 1004, 1005, 1006, 2999, 5000, 65535):
        yield f"close {code}", frame(8, code.to_bytes(2, "big") + b"why")
    yield "close without a code", frame(8)
    yield "close with half a code", frame(8, b"\x03")


class Tunnels(unittest.TestCase):
    def test_websockets_between_strangers_over_h1(self):
        """python3-websockets as client, with compression agreed on between the two ends. Not its client of two threads: they
        use one TLS connection at once, which breaks it now and then."""
        for name, command in SERVERS.items():
            with server(command) as port, harness.Gatehouse(harness.simple(port)) as gatehouse:
                trust = ssl.create_default_context(cafile=gatehouse.certificate)
                for scheme, base, context in (("ws", f"ws://localhost:{gatehouse.http}", None),
                                              ("wss", f"wss://localhost:{gatehouse.port}", trust)):
                    with self.subTest(server=name, scheme=scheme):
                        asyncio.run(self.talk(base, context, scheme))

    async def talk(self, base, context, scheme):
        async with connect(base + "/hello", ssl=context, subprotocols=["chat"], max_size=None) as socket_:
            self.assertEqual(socket_.subprotocol, "chat")
            self.assertEqual(await socket_.recv(), "hello, " + {"ws": "http", "wss": "https"}[scheme])
            for message in ("text", b"binary", "κόσμε", b"x" * 3_000_000, "y" * 200_000):
                await socket_.send(message)
                self.assertEqual(await socket_.recv(), message)
            await asyncio.wait_for(await socket_.ping(b"alive?"), harness.PATIENCE)
        async with connect(base + "/close", ssl=context) as socket_:
            with self.assertRaises(ConnectionClosed) as closed:
                await socket_.recv()
            self.assertEqual((closed.exception.rcvd.code, closed.exception.rcvd.reason), (4001, "that is all"))

    def test_refusals_are_ordinary_answers(self):
        for name, command in SERVERS.items():
            with server(command) as port, harness.Gatehouse(harness.simple(port)) as gatehouse:
                for protocol, tunnel in TUNNELS.items():
                    with self.subTest(server=name, protocol=protocol), self.assertRaises(Refused) as refused:
                        tunnel(gatehouse, "/refused")
                    self.assertEqual(refused.exception.status, 403)

    def test_chromium_opens_a_websocket_over_h2(self):
        chromium = shutil.which("chromium")
        self.assertIsNotNone(chromium, "chromium is not installed")
        page = f"[[routes]]\npath = \"/page\"\nrespond = {{{{ status = 200, body = '''{PAGE.replace('{', '{{').replace('}', '}}')}''' }}}}\n" \
               "response_headers = {{ set = {{ Content-Type = \"text/html\" }} }}\n"
        with server(SERVERS["python3-websockets"]) as port, \
                harness.Gatehouse(harness.simple(port, page).replace("certificates =", "certificates =")) as gatehouse, \
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            browser = subprocess.Popen(
                [chromium, *(flag for flag in FLAGS if "quic" not in flag), "--disable-quic", f"--user-data-dir={profile}",
                 f"--ignore-certificate-errors-spki-list={key_hash(gatehouse.certificate)}", gatehouse.url("/page")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                harness.wait_until(lambda: any("heard" in (line["query"] or "") for line in gatehouse.access_log()),
                                   "what the browser has heard", patience=90)
            finally:
                browser.kill()
                browser.wait()
            lines = gatehouse.access_log(1, lambda line: line["path"] == "/hello")
            heard = gatehouse.access_log(1, lambda line: "heard" in (line["query"] or ""))[0]
        self.assertEqual(heard["query"], "heard=hello%2C%20https%7Cfrom%20the%20browser")
        self.assertEqual((lines[0]["protocol"], lines[0]["status"]), ("h2", 101))

    def test_every_kind_of_frame_passes_as_it_is(self):
        raw = RawServer()
        with contextlib.closing(raw), harness.Gatehouse(harness.simple(raw.port)) as gatehouse:
            for protocol, tunnel in TUNNELS.items():
                with contextlib.closing(tunnel(gatehouse, f"/frames?{protocol}")) as client:
                    for name, sent in frames():
                        client.send(sent)
                        with self.subTest(protocol=protocol, frame=name):
                            self.assertEqual(client.read(len(sent)), sent)
                    client.end()
            total = sum(len(sent) for _, sent in frames())
            for protocol in TUNNELS:
                line = gatehouse.access_log(1, lambda line, p=protocol: line["query"] == p)[0]
                self.assertEqual((line["protocol"], line["status"], line["bytes_in"], line["bytes_out"]), (protocol, 101, total, total))
                self.assertEqual(gatehouse.metric(f'tunnel_bytes_total.*direction="in".*protocol="{protocol}"|'
                                                  f'tunnel_bytes_total.*protocol="{protocol}".*direction="in"'), total)
            self.assertEqual(gatehouse.metric("^gatehouse_tunnels{"), 0)

    def test_a_reload_leaves_tunnels_alone(self):
        raw = RawServer()
        with contextlib.closing(raw), harness.Gatehouse(harness.simple(raw.port)) as gatehouse, contextlib.ExitStack() as stack:
            tunnels = {name: stack.enter_context(contextlib.closing(kind(gatehouse, "/"))) for name, kind in TUNNELS.items()}
            self.assertEqual(gatehouse.metric("^gatehouse_tunnels{"), len(tunnels))
            gatehouse.write(harness.simple(raw.port, '[[routes]]\npath = "/new"\nrespond = {{ status = 204 }}\n'))
            self.assertEqual(gatehouse.control("reload").returncode, 0)
            for protocol, client in tunnels.items():
                client.send(frame(1, b"still here"))
                with self.subTest(protocol):
                    self.assertEqual(len(client.read(16)), 16)

    def test_the_end_of_the_drain_is_told_to_both_sides(self):
        raw = RawServer()
        config = '[server]\nadmin = "127.0.0.1:{admin}"\ndrain_timeout = "1s"\n' + harness.simple(raw.port)
        gatehouse = harness.Gatehouse(config)
        with contextlib.closing(raw), gatehouse, contextlib.ExitStack() as stack:
            tunnels = {name: stack.enter_context(contextlib.closing(kind(gatehouse, "/"))) for name, kind in TUNNELS.items()}
            for client in tunnels.values():
                client.send(frame(1, b"hi"))
                client.read(8)
            gatehouse.process.send_signal(signal.SIGTERM)
            for protocol, client in tunnels.items():
                with self.subTest(protocol):
                    self.assertEqual(client.read(4), b"\x88\x02" + GOING_AWAY)
            gatehouse.process.wait(harness.PATIENCE)
            close = b"\x88\x82\0\0\0\0" + GOING_AWAY
            harness.wait_until(lambda: all(data.endswith(close) for data in raw.received), "Close at the server")
            faults = {line["fault"] for line in gatehouse.access_log(3)}
        self.assertEqual(faults, {"drained"})

    def test_what_is_not_valid_is_refused_with_a_reason(self):
        raw = RawServer()
        with contextlib.closing(raw), harness.Gatehouse(harness.simple(raw.port)) as gatehouse:
            upgrade = ["--header", "Connection: Upgrade", "--header", "Upgrade: websocket"]
            for more in ([], ["--header", "Sec-WebSocket-Version: 8", "--header", "Sec-WebSocket-Key: " + "a" * 24],
                         ["--header", "Sec-WebSocket-Version: 13"],
                         ["--header", "Sec-WebSocket-Version: 13", "--header", "Sec-WebSocket-Key: " + "a" * 24, "--data", "body"]):
                answer = gatehouse.curl("h1", "/", *upgrade, *more)
                with self.subTest(more):
                    self.assertEqual((answer.status, answer.fields["sec-websocket-version"]), (400, "13"))
                    self.assertIn("handshake_invalid", answer.fields["proxy-status"])
            self.assertEqual(raw.received, [])

    def test_what_a_route_does_not_list_is_told_once(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as gatehouse:
            for _ in range(3):
                answer = gatehouse.curl("h1", "/bytes/10", "--header", "Connection: Upgrade", "--header", "Upgrade: tcp")
                self.assertEqual(answer.status, 200)
        self.assertEqual(len(re.findall('`upgrade` does not list "tcp"', gatehouse.log())), 1)

    def test_a_client_in_cleartext_ends_its_half(self):
        raw = RawServer()
        with contextlib.closing(raw), harness.Gatehouse(harness.simple(raw.port)) as gatehouse:
            with contextlib.closing(H1Tunnel(gatehouse, "/", secure=False)) as client:
                client.send(frame(1, b"last"))
                client.end()
                self.assertEqual(len(client.read(100)), 10)
            self.assertIsNone(gatehouse.access_log(1)[0]["fault"])


if __name__ == "__main__":
    harness.main()
