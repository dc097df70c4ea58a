"""Endpoints that answer what is not HTTP, or break off: RFC 9112 sections 6.3, 8, 9.3 and 11.1, RFC 9110 sections 9.2.2 and 15.2.

Each row is an answer, word for word, asked for over each protocol. An answer that broke off is never a clean end. What a
lenient upstream may do wrong beside it, and who invites the body of a client that waits for 100, real clients and endpoints say.
"""

import http.client
import os
import socket
import threading
import time

from world import Table, World, harness, main

CUT = "cut"  # a status of 200, and then a client that knows the body to be incomplete
OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\nhello"


def answering(data, then="close", read=True):
    """A script: takes the request, sends `data`, then "close", "reset", "keep" (serves on) or "wait" (says nothing more)."""
    def script(wire, request):
        if read:
            wire.read_body(request)
        wire.send(data)
        if then == "reset":
            wire.reset()
        elif then == "close":
            wire.connection.shutdown(1)
            wire.connection.close()
        elif then == "wait":
            waiting.wait(60)
    return script


waiting = threading.Event()

# (name, script, what the client gets: a status, or CUT)
ANSWERS = [
    ("half of Content-Length, then the end", answering(OK + b"Content-Length: 100\r\n\r\n" + b"x" * 50), CUT),
    ("half of Content-Length, then a reset", answering(OK + b"Content-Length: 100\r\n\r\n" + b"x" * 50, "reset"), CUT),
    ("half of a chunk, then the end", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 50), CUT),
    ("a chunk and no last one", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), CUT),
    ("no last line", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"), CUT),
    ("a body that the end of the connection ends", answering(OK + b"\r\nhello"), 200),
    ("HTTP/1.0 without a length", answering(b"HTTP/1.0 200 OK\r\n\r\nhello"), 200),
    ("bytes behind the answer", answering(FIVE + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", "keep"), 200),
    ("both lengths", answering(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "keep"), 502),
    ("Content-Length twice, different", answering(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "keep"), 502),
    *[(f"Content-Length: {value!r}", answering(OK + b"Content-Length: " + value + b"\r\n\r\nhello", "keep"), 502)
      for value in (b"5x", b"-5", b"+5", b"", b"5, 6", b"0x5", b"99999999999999999999999")],
    ("Content-Length twice, the same", answering(OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "keep"), 502),
    ("an unknown coding", answering(OK + b"Transfer-Encoding: foo\r\n\r\nhello", "keep"), 502),
    ("chunked is not the last coding", answering(OK + b"Transfer-Encoding: chunked, foo\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "keep"), 502),
    ("a bad chunk size", answering(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", "keep"), {502, CUT}),
    ("blanks behind a chunk size", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n", "keep"), {502, CUT}),
    ("LF within an extension", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n", "keep"), {502, CUT}),
    ("a bad chunk size behind a good chunk", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "keep"), CUT),
    *[(f"status line {line!r}", answering(line + b"\r\nContent-Length: 0\r\n\r\n", "keep"), 502)
      for line in (b"HTTP/1.1 abc", b"HTTP/1.1 099 X", b"HTTP/1.1 1000 X", b"HTTP/1.1 20 X", b"HTTP/1.1 2xx X", b"FOO/1.1 200 OK", b"HTTP/2.0 200 OK", b"200 OK",
                   b"HTTP/1.1", b"HTTP/1.1200 OK")],
    *[(f"status {status}", answering(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhello" % status, "keep"), status) for status in (299, 600, 799, 999)],
    ("no status line at all", answering(b"hello world\r\n\r\n", "keep"), 502),
    ("a head of 300 KiB", answering(OK + b"A: " + b"b" * 300_000 + b"\r\n\r\n", "keep"), 502),
    ("5000 fields", answering(OK + b"".join(b"A%d: b\r\n" % n for n in range(5000)) + b"\r\n", "keep"), 502),
    *[(f"a field {text!r}", answering(OK + text + b"\r\nContent-Length: 5\r\n\r\nhello", "keep"), 502)
      for text in (b"A: b\0c", b"A: b\rc", b"no colon", b"A : b", b"A: b\n c", b"A: b\r\n c", b": b", b"A\x80: b")],
    ("a field that LF alone ends", answering(OK + b"A: b\nContent-Length: 5\r\n\r\nhello", "keep"), 502),
    ("a head that LF alone ends", answering(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "keep"), 502),
    ("100 that nobody asked for", answering(b"HTTP/1.1 100 Continue\r\n\r\n" + FIVE, "keep"), 200),
    ("101 that nobody asked for", answering(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nraw", "wait"), 502),
    ("nothing, then the end, on a new connection", answering(b"", read=False), 502),
    ("a part of a head, then the end", answering(b"HTTP/1.1 200 OK\r\nContent-Le"), 502),
    ("a part of a head, then nothing", answering(b"HTTP/1.1 200 OK\r\nContent-Le", "wait"), 504),
    ("nothing at all", answering(b"", "wait"), 504),
    ("a body that stops half-way", answering(OK + b"Content-Length: 100\r\n\r\nhello", "wait"), CUT),
    ("204 with a body", answering(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "keep"), 204),
    ("304 with a body", answering(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", "keep"), 304),
    ("a complete answer, then a reset", answering(FIVE, "reset"), 200),
    ("Connection: close and more behind it", answering(OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", "keep"), 200),
    ("fields of one hop", answering(OK + b"Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
                                    "keep"), 200),
]


class Answers(Table):
    @classmethod
    def setUpClass(cls):
        cls.scripts = {f"/answer-{number}": script for number, (_, script, _) in enumerate(ANSWERS)}
        cls.world = cls.enterClassContext(World(
            cls.scripts, more='[timeouts]\nresponse = "500ms"\nresponse_body = "500ms"\n'))

    @classmethod
    def tearDownClass(cls):
        waiting.set()

    def rows(self):
        return [(f"{name}, {protocol}", protocol, f"/answer-{number}", expected)
                for number, (name, _, expected) in enumerate(ANSWERS) for protocol in harness.PROTOCOLS]

    def test_an_answer_is_passed_on_whole_or_said_to_be_broken(self):
        def play(protocol, path, expected):
            answer = self.world.gatehouse.curl(protocol, path)
            outcome = CUT if answer.exit_code else answer.status
            self.assertIn(outcome, expected if isinstance(expected, set) else {expected}, answer.error)
            self.assertNotIn(b"poison", answer.body)
            self.assertFalse({"x-hop", "keep-alive", "proxy-authenticate", "upgrade"} & set(answer.fields), answer.fields)
            if outcome in (502, 504):
                self.assertRegex(answer.fields["proxy-status"], "^gatehouse; error=")
                self.assertEqual(answer.fields["cache-control"], "no-store")
                self.assertNotIn(b"hello", answer.body)

        self.play_all(self.world, self.rows(), play)

    def test_a_post_whose_connection_died_is_never_sent_twice(self):
        def play(protocol):
            mark = self.world.endpoint.mark()
            answer = self.world.gatehouse.curl(protocol, "/drop", body=os.urandom(100))
            self.assertEqual(answer.status, 502, answer.error)
            self.assertEqual([request.target for request in self.world.endpoint.since(mark)].count("/drop"), 1)

        def drop(wire, request):
            wire.read_body(request)
            wire.connection.shutdown(1)
            wire.connection.close()

        self.world.endpoint.scripts["/drop"] = drop
        self.play_all(self.world, [(protocol, protocol) for protocol in harness.PROTOCOLS], play)

    def test_a_head_request_whose_answer_has_a_body_poisons_nobody(self):
        def play(protocol):
            answer = self.world.gatehouse.curl(protocol, "/with-body", "--head")
            self.assertEqual(answer.status, 200, answer.error)

        self.world.endpoint.scripts["/with-body"] = answering(FIVE, "keep")
        self.play_all(self.world, [(protocol, protocol) for protocol in harness.PROTOCOLS], play)


LENIENT = [
    ("a head that LF alone ends", answering(b"HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\nhello", "keep"), 200, "line_end"),
    ("a field that goes on in the next line", answering(OK + b"A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello", "keep"), 200, "fold"),
    ("Content-Length twice, the same", answering(OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "keep"), 200, "length"),
    ("blanks behind a chunk size", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0 \r\n\r\n", "keep"), 200, "chunk_size"),
    ("what is right", answering(FIVE, "keep"), 200, None),
    ("Content-Length twice, different", answering(OK + b"Content-Length: 5\nContent-Length: 6\n\nhello!", "keep"), 502, None),
    ("both lengths", answering(OK + b"Content-Length: 5\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n", "keep"), 502, None),
    ("chunks that LF alone ends", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", "keep"), {502, CUT}, None),
    ("a field before the first", answering(OK + b" A: b\r\nContent-Length: 5\r\n\r\nhello", "keep"), 502, None),
]


class LenientAnswers(Table):
    @classmethod
    def setUpClass(cls):
        scripts = {f"/lenient-{number}": script for number, (_, script, *_) in enumerate(LENIENT)}
        cls.world = cls.enterClassContext(World(scripts, upstream='tolerance = "lenient"'))

    def repairs(self, what):
        return self.world.gatehouse.metric(f'^gatehouse_upstream_repairs_total{{upstream="app",repair="{what}"}}')

    def test_what_has_one_meaning_is_put_right_and_counted(self):
        def play(protocol, path, expected, repair):
            before = self.repairs(repair) if repair else 0
            answer = self.world.gatehouse.curl(protocol, path)
            outcome = CUT if answer.exit_code else answer.status
            self.assertIn(outcome, expected if isinstance(expected, set) else {expected}, answer.error)
            if outcome == 200:
                self.assertEqual(answer.body, b"hello")
            if repair:
                self.assertEqual(self.repairs(repair), before + 1)

        self.play_all(self.world, [(f"{name}, {protocol}", protocol, f"/lenient-{number}", expected, repair)
                                   for number, (name, _, expected, repair) in enumerate(LENIENT) for protocol in harness.PROTOCOLS], play)


class Expectations(Table):
    """A real endpoint that looks at Expect before it reads a body."""

    BODY = b"x" * 100_000

    @classmethod
    def setUpClass(cls):
        cls.expected = []

        def inviting(wire, request):
            cls.expected.append(request.get("expect"))
            if request.get("expect") == "100-continue":
                wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            answer(wire, wire.read_body(request))

        def silent(wire, request):
            cls.expected.append(request.get("expect"))
            answer(wire, wire.read_body(request))

        def refusing(wire, request):
            cls.expected.append(request.get("expect"))
            wire.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno!")
            wire.connection.recv(1)  # until it is closed

        def answer(wire, request):
            body = b"%d" % len(request.body)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        cls.world = cls.enterClassContext(World({"/inviting": inviting, "/silent": silent, "/refusing": refusing}))

    def test_curl_sends_its_body_whoever_invites_it(self):
        def play(protocol, path):
            began = time.monotonic()
            answer = self.world.gatehouse.curl(protocol, path, "--header", "Expect: 100-continue", "--expect100-timeout", "30", body=self.BODY)
            self.assertEqual((answer.status, answer.body), (200, b"100000"), answer.error)
            self.assertLess(time.monotonic() - began, 20)  # nobody waited for curl to lose its patience
            if protocol == "h1":  # on the others it does not wait: whether its body had begun when the request left here is chance
                self.assertEqual(self.expected[-1], "100-continue")

        self.play_all(self.world, [(f"{path}, {protocol}", protocol, path) for path in ("/inviting", "/silent") for protocol in harness.PROTOCOLS], play)

    def ask(self, path):
        """http.client up to the first line that comes for a request whose body is held back."""
        connection = http.client.HTTPConnection("127.0.0.1", self.world.gatehouse.http, timeout=30)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(len(self.BODY)))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        return connection, connection.sock.recv(12, socket.MSG_WAITALL)

    def test_http_client_is_invited_by_the_endpoint_or_after_a_second(self):
        def play(path, least):
            began = time.monotonic()
            connection, line = self.ask(path)
            self.assertEqual(line, b"HTTP/1.1 100")
            self.assertGreaterEqual(time.monotonic() - began, least)
            self.assertEqual(connection.sock.recv(13, socket.MSG_WAITALL), b" Continue\r\n\r\n")
            connection.send(self.BODY)
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read()), (200, b"100000"))
            connection.close()

        self.play_all(self.world, [("inviting", "/inviting", 0), ("silent", "/silent", 0.99)], play)

    def test_a_refusal_comes_at_once_and_the_body_is_not_asked_for(self):
        def play():
            connection, line = self.ask("/refusing")
            self.assertEqual(line, b"HTTP/1.1 401")
            connection.close()

        self.play_all(self.world, [("refusing",)], play)


if __name__ == "__main__":
    main()
