"""What Gatehouse sends to endpoints is read alike by parsers that others wrote: h11, Go, Node (llhttp), nginx and Apache.

Odd requests, one in twenty of them broken at random, go through Gatehouse over h1 and h2 to the recording endpoint. What that got,
byte for byte and pipelined, then goes to each of the parsers: all must see as many requests, with the same methods, targets and
bodies. GATEHOUSE_DIFFERENTIAL says how many requests; a parser that is not installed is left out, with a word.
"""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import unittest

import h1_client
from h2_client import DATA, END_HEADERS, END_STREAM, HEADERS, H2Client, block, frame, request
from recorder import RecordingEndpoint
from world import World, harness, main

COUNT = int(os.environ.get("GATEHOUSE_DIFFERENTIAL", "3000"))
SEED = int(os.environ.get("GATEHOUSE_DIFFERENTIAL_SEED", "1"))
BATCH = 20  # requests of one connection
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"PURGE", b"PROPFIND", b"REPORT"]
PATH = b"abcXYZ019-._~!$&'()*+,;=:@"
NAME = b"abcdefgXYZ0189!#$%&'*+.^_`|~-"
VALUE = bytes(range(0x21, 0x7F)) + b"\xa1\xe4\xff \t"

NODE = """
const http = require('http'), crypto = require('crypto');
const server = http.createServer({maxHeaderSize: 65536}, (request, response) => {
  const digest = crypto.createHash('sha256');
  request.on('data', data => digest.update(data));
  request.on('end', () => {
    const seen = Buffer.from(JSON.stringify([request.method, request.url, digest.digest('hex')]));
    response.writeHead(200, {'Content-Length': seen.length, 'X-Seen': seen.toString('base64')});
    response.end(request.method == 'HEAD' ? undefined : seen);
  });
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""

GO = """
package main
import ("crypto/sha256"; "encoding/base64"; "encoding/hex"; "encoding/json"; "fmt"; "io"; "net"; "net/http")
func main() {
  listener, _ := net.Listen("tcp", "127.0.0.1:0")
  fmt.Println(listener.Addr().(*net.TCPAddr).Port)
  http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
    digest := sha256.New()
    io.Copy(digest, request.Body)
    seen, _ := json.Marshal([]string{request.Method, request.RequestURI, hex.EncodeToString(digest.Sum(nil))})
    response.Header().Set("X-Seen", base64.StdEncoding.EncodeToString(seen))
    response.Header().Set("Content-Length", "0")
  }))
}
"""

NGINX = """
daemon off; error_log {directory}/error.log; pid {directory}/pid; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s; large_client_header_buffers 8 64k; keepalive_requests 100000;
  server {{ listen 127.0.0.1:{port}; client_max_body_size 100m;
    location / {{ proxy_pass http://127.0.0.1:{endpoint}; proxy_http_version 1.1; proxy_set_header Host $http_host; }} }}
}}
"""

APACHE = """
ServerRoot {directory}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
Listen 127.0.0.1:{port}
ServerName localhost
PidFile {directory}/pid
ErrorLog {directory}/error.log
Mutex file:{directory} default
HttpProtocolOptions Strict LenientMethods Allow0.9
LimitRequestFieldSize 65536
LimitRequestLine 16384
MaxKeepAliveRequests 0
AllowEncodedSlashes NoDecode
ProxyPass / http://127.0.0.1:{endpoint}/ nocanon
ProxyPreserveHost On
ProxyAddHeaders Off
"""


class Generator:
    """Odd requests by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, alphabet, least, most):
        return bytes(self.random.choices(alphabet, k=self.random.randint(least, most)))

    def target(self):
        escapes = [b"%2E", b"%41", b"%20", b"%c3%a4", b"%25"]
        parts = [self.some(PATH, 1, 12) + self.random.choice([b"", *escapes]) for _ in range(self.random.randint(1, 4))]
        query = b"?" + self.some(PATH + b"/?%"[:2], 0, 30) if self.random.random() < 0.4 else b""
        return b"/" + b"/".join(parts) + query

    def fields(self):
        value = lambda: self.some(VALUE, 0, 40).strip(b" \t")  # noqa: E731
        return [(b"x" + self.some(NAME, 0, 12), value()) for _ in range(self.random.randint(0, 8))]

    def body(self):
        return self.some(bytes(range(256)), 0, self.random.choice([0, 5, 300, 3000])) if self.random.random() < 0.5 else b""

    def h1(self):
        method, body = self.random.choice(METHODS), self.body()
        blank = self.random.choice([b"", b" ", b"  ", b"\t"])
        lines = [b"%s %s HTTP/1.1" % (method, self.target()), b"Host:%slocalhost" % blank]
        lines += [name + b":" + self.random.choice([b"", b" ", b"\t "]) + value + self.random.choice([b"", b" "]) for name, value in self.fields()]
        if self.random.random() < 0.2:
            lines.append(b"Connection: keep-alive, " + self.some(NAME, 1, 8))
        if not body and self.random.random() < 0.5:
            return b"\r\n".join(lines) + b"\r\n\r\n"
        if self.random.random() < 0.5:
            return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body
        chunks, at = b"", 0
        while at < len(body):
            size = self.random.randint(1, len(body) - at)
            chunks += b"%x%s\r\n%s\r\n" % (size, self.random.choice([b"", b";a=b", b';a="b"', b";c"]), body[at:at + size])
            at += size
        trailers = b"X-Trailer: " + self.some(PATH, 1, 9) + b"\r\n" if self.random.random() < 0.3 else b""
        return b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"

    def broken(self, data):
        """With a byte changed, added, doubled or left out near its beginning, where the head is."""
        at = self.random.randrange(min(len(data), 300))
        odd = self.random.choice([b"\r", b"\n", b"\0", b":", b" ", b"\t", b"0", b",", b";", b"\xff", self.some(bytes(range(256)), 1, 3)])
        return self.random.choice([data[:at] + odd + data[at:], data[:at] + odd + data[at + 1:], data[:at] + data[at + 1:], data[:at] + data[at:at + 20] + data[at:]])

    def h2(self, stream):
        method, body = self.random.choice(METHODS), self.body()
        more = [(name.lower(), value) for name, value in self.fields()]
        head = block(*request(self.target(), method, more=more))
        if not body:
            return frame(HEADERS, END_STREAM | END_HEADERS, stream, head)
        return frame(HEADERS, END_HEADERS, stream, head) + frame(DATA, END_STREAM, stream, body)


def collect(count, generator):
    """What the endpoint got of so many requests, as a list of complete ones with methods that each parser knows; the violations."""
    with World() as world:
        for number in range(count // BATCH):
            if number % 3 == 2:
                with H2Client(world.gatehouse.port, world.gatehouse.certificate) as client:
                    streams = range(1, 2 * BATCH, 2)
                    client.send(b"".join(map(generator.h2, streams)))
                    client.until_over(*streams)
                continue
            batch = [generator.h1() for _ in range(BATCH - 1)]
            with h1_client.connect(world.gatehouse.http) as connection:
                connection.settimeout(5)
                with contextlib.suppress(OSError):  # who refuses may close before the last byte
                    connection.sendall(b"".join([*batch, generator.broken(generator.h1())]))
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
        assert world.gatehouse.process.poll() is None, world.gatehouse.log()[-3000:]
        return [seen for seen in world.endpoint.requests if seen.raw and seen.method.encode() in METHODS and "probe" not in seen.target], world.endpoint.violations


def expected(seen):
    return [seen.method, seen.target, hashlib.sha256(seen.body).hexdigest()]


def pipelined(port, batch):
    """The responses to these requests, sent at once on one connection: [(head, body)]."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"".join(seen.raw for seen in batch))
        data, found = b"", []
        while len(found) < len(batch):
            while taken := h1_client.take_response(data, batch[len(found)].method):
                head, body, data = taken
                found.append((head.decode("latin-1"), body))
                if len(found) == len(batch):
                    break
            else:
                more = connection.recv(65536)
                if not more:
                    break
                data += more
        return found


class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gatehouse-differential-")))
        cls.seen, cls.violations = collect(COUNT, Generator(SEED))
        cls.batches = [cls.seen[at:at + BATCH] for at in range(0, len(cls.seen), BATCH)]

    def start(self, *command, announces=True, port=None):
        """A parser as a process; its port."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE if announces else subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        if announces:
            self.addCleanup(process.stdout.close)
            return int(process.stdout.readline())

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        harness.wait_until(listens, f"{command[0]} listens")
        return port

    def need(self, program):
        if not shutil.which(program):
            self.skipTest(f"no {program} here")

    def assert_alike(self, port):
        """Of parsers that say in X-Seen what they have seen."""
        for batch in self.batches:
            seen = [json.loads(base64.b64decode(next(line for line in head.split("\r\n") if line.lower().startswith("x-seen: "))[8:]))
                    if " 200 " in head[:14] else head.split("\r\n")[0] for head, _ in pipelined(port, batch)]
            self.assertEqual(seen, [expected(one) for one in batch])

    def assert_passed_on_alike(self, start):
        """Of proxies: what their own endpoint gets. `start(endpoint's port)` returns the proxy's port."""
        with RecordingEndpoint(strict=False) as endpoint:
            port = start(endpoint.port)
            for batch in self.batches:
                mark = endpoint.mark()
                responses = pipelined(port, batch)
                self.assertEqual([head.split("\r\n")[0] for head, _ in responses], ["HTTP/1.1 200 OK"] * len(batch))
                self.assertEqual([expected(one) for one in endpoint.since(mark)], [expected(one) for one in batch])

    def test_most_of_what_was_asked_has_come_and_nothing_strict_was_broken(self):
        self.assertEqual(self.violations, [])
        self.assertGreater(len(self.seen), COUNT * 0.85)

    def test_h11(self):
        try:
            import h11
        except ImportError:
            self.skipTest("no python3-h11 here")
        for batch in self.batches:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=65536)
            connection.receive_data(b"".join(one.raw for one in batch))
            seen = []
            for _ in batch:
                head, body = connection.next_event(), b""
                while isinstance(event := connection.next_event(), h11.Data):
                    body += bytes(event.data)
                self.assertIsInstance(event, h11.EndOfMessage)
                seen.append([head.method.decode(), head.target.decode(), hashlib.sha256(body).hexdigest()])
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.their_state is h11.DONE:
                    connection.start_next_cycle()
            self.assertEqual(seen, [expected(one) for one in batch])

    def test_node(self):
        self.need("node")
        self.assert_alike(self.start("node", "-e", NODE))

    def test_go(self):
        self.need("go")
        source = self.directory / "seen.go"
        source.write_text(GO)
        environment = {**os.environ, "GOCACHE": str(self.directory / "go"), "GO111MODULE": "off", "HOME": str(self.directory)}
        subprocess.run(["go", "build", "-o", str(self.directory / "seen"), str(source)], check=True, env=environment, cwd=self.directory)
        self.assert_alike(self.start(str(self.directory / "seen")))

    def test_nginx(self):
        self.need("nginx")

        def start(endpoint):
            port, file = harness.free_port(), self.directory / "nginx.conf"
            file.write_text(NGINX.format(directory=self.directory, port=port, endpoint=endpoint))
            return self.start("nginx", "-c", str(file), "-e", str(self.directory / "error.log"), announces=False, port=port)

        self.assert_passed_on_alike(start)

    def test_apache(self):
        self.need("apache2")

        def start(endpoint):
            port, file = harness.free_port(), self.directory / "apache.conf"
            file.write_text(APACHE.format(directory=self.directory, port=port, endpoint=endpoint, modules="/usr/lib/apache2/modules"))
            return self.start("apache2", "-f", str(file), "-DFOREGROUND", announces=False, port=port)

        self.assert_passed_on_alike(start)


if __name__ == "__main__":
    main()
