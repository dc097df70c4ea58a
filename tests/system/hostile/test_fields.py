"""HTTP/1 start lines, fields, targets, Host, upgrades and limits: RFC 9112 sections 2, 3, 5 and 9, RFC 9110 sections 5, 7 and 9."""

import h1_client
from world import Table, World, main

HOST = b"Host: localhost\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def get(fields=b"", target=b"/row", method=b"GET", version=b"HTTP/1.1", host=HOST):
    return b"%s %s %s\r\n%s%s\r\n" % (method, target, version, host, fields)


def with_host(value):
    return get(host=b"Host: " + value + b"\r\n")


REFUSED = [
    ("lines that LF alone ends", {400}, b"GET /row HTTP/1.1\nHost: localhost\n\n"),
    ("one field that LF alone ends", {400}, get(b"A: b\nC: d\r\n")),
    ("a request line that LF alone ends", {400}, b"GET /row HTTP/1.1\nHost: localhost\r\n\r\n"),
    ("CR in a value", {400}, get(b"A: b\rc\r\n")),
    ("CR in a name", {400}, get(b"A\rb: c\r\n")),
    ("CR alone before a field", {400}, get(b"\rA: b\r\n")),
    ("NUL in a value", {400}, get(b"A: b\0c\r\n")),
    *[(f"control {code:#x} in a value", {400}, get(b"A: b%cc\r\n" % code)) for code in (1, 7, 8, 0xB, 0xC, 0x1B, 0x1F, 0x7F)],
    ("a field without a colon", {400}, get(b"Field\r\n")),
    ("an empty name", {400}, get(b": value\r\n")),
    *[(f"{char!r} in a name", {400}, get(b"A" + char + b"b: c\r\n")) for char in (b" ", b"\t", b"(", b'"', b"\x80", b"/", b"[", b"@", b",")],
    ("a blank before the colon", {400}, get(b"A : b\r\n")),
    ("a blank before the first field", {400}, b"GET /row HTTP/1.1\r\n Host: localhost\r\nHost: localhost\r\n\r\n"),
    ("a folded field", {400}, get(b"A: b\r\n c\r\n")),
    ("a folded field with a tab", {400}, get(b"A: b\r\n\tc\r\n")),
    ("Host twice, different", {400}, get(b"Host: other\r\n")),
    ("Host twice, equal", {400}, get(HOST)),
    ("no Host", {400}, get(host=b"")),
    ("an empty Host", {400}, with_host(b"")),
    *[(f"Host: {value!r}", {400}, with_host(value))
      for value in (b"localhost/path", b"user@localhost", b"localhost,other", b"local host", b"[::1", b"::1", b"localhost:99999", b"localhost:1:2",
                    b"localhost:x", b"[fe80::1%25eth0]", b"local\thost", b"localhost#", b"localhost?", b"local\\host", b"\xc3\xa4")],
    ("GET *", {400}, get(target=b"*")),
    ("CONNECT", {405, 400}, b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n"),
    ("CONNECT with a body", {405, 400}, b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 3\r\n\r\nabc"),
    ("CONNECT with chunks", {405, 400}, b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a fragment", {400}, get(target=b"/row#part")),
    ("two blanks", {400}, b"GET  /row HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("a tab", {400}, b"GET\t/row HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("a blank in the target", {400}, get(target=b"/row x")),
    ("a blank behind the version", {400}, b"GET /row HTTP/1.1 \r\n" + HOST + b"\r\n"),
    ("a relative target", {400}, get(target=b"row")),
    *[(f"version {version!r}", {400, 505}, get(version=version))
      for version in (b"HTTP/2.0", b"HTTP/1.10", b"HTTP/01.1", b"http/1.1", b"HTTP/1.1x", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/11", b"HTTPS/1.1", b"HTTP/-1.1",
                      b"HTTP/3.0", b"HTTP/0.9", b"XTTP/1.1")],
    ("HTTP/0.9", {400}, b"GET /row\r\n"),
    ("a hundred empty lines first", {400}, b"\r\n" * 100 + get()),
    ("NUL in the target", {400}, get(target=b"/ro\0w")),
    ("a control in the target", {400}, get(target=b"/ro\x01w")),
    ("a backslash in the target", {400}, get(target=b"/ro\\w")),
    ("an encoded NUL", {400}, get(target=b"/ro%00w")),
    ("a broken escape", {400}, get(target=b"/ro%zzw")),
    ("above the root", {400}, get(target=b"/../etc/passwd")),
    ("above the root, encoded", {400}, get(target=b"/%2e%2e/etc/passwd")),
    ("above the root, with encoded slashes", {400}, get(target=b"/a%2f..%5c..%2fetc/passwd")),
    ("an absolute target and a Host that is none", {400}, get(target=b"http://localhost/row", host=b"Host: a/b\r\n")),
    ("three empty lines first", {400}, b"\r\n" * 3 + get()),
    ("the preface of HTTP/2", {400, 405, 505}, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("TRACE", {405}, get(b"Cookie: secret\r\n", method=b"TRACE")),
    ("a method with a bracket", {400}, get(method=b"G(T")),
    ("a method of a hundred letters", {400, 405, 501}, get(method=b"A" * 100)),
    ("a target of 70 KiB", {414, 431}, get(target=b"/" + b"a" * 70000)),
    ("a field of 140 KiB", {431}, get(b"A: " + b"b" * 140000 + b"\r\n")),
    ("2000 fields", {431}, get(b"".join(b"A%d: b\r\n" % n for n in range(2000)))),
    ("a field more than allowed", {431}, get(b"".join(b"A%d: b\r\n" % n for n in range(101)))),
    ("Connection names Host", {400}, get(b"Connection: Host\r\n")),
]

# (name, bytes, method, check of the endpoint's request)
SERVED = [
    ("an empty line first", b"\r\n" + get(), lambda request: request.target == "/row"),
    ("two empty lines first", b"\r\n\r\n" + get(), lambda request: request.target == "/row"),
    *[(f"the path {path!r}", get(target=path), lambda request, path=path: request.target == path.decode())
      for path in (b"/group%2Fproject", b"/key//of/./a/../bucket", b"/queues/%2F/x", b"/a%5Cb", b"/%252F", b"/img/https://x/y", b"/%C1%E0", b"/a;v=1?b//../[c]")],
    ("characters that no path has", get(target=b'/\xc3\xa4|{}^<>"`?\xff|\\'), lambda request: request.target == "/%C3%A4%7C%7B%7D%5E%3C%3E%22%60?%FF%7C%5C"),
    ("a Host with an empty port", with_host(b"localhost:"), lambda request: request.get("host") == "localhost"),
    ("an absolute target with another Host", get(target=b"http://localhost/row", host=b"Host: other\r\n"),
     lambda request: request.target == "/row" and request.all("host") == ["localhost"]),
    ("a Host with a dot at the end and capitals", with_host(b"LOCALHOST."), lambda request: request.get("host") == "localhost"),
    ("a Host with an IPv6 address", with_host(b"[::1]:80"), lambda request: request.get("host").startswith("[::1]")),
    ("an absolute target", get(target=b"http://localhost/row"), lambda request: request.target == "/row" and request.all("host") == ["localhost"]),
    ("a method of its own", get(method=b"PURGE"), lambda request: request.method == "PURGE"),
    ("a method override", get(b"X-HTTP-Method-Override: DELETE\r\n"), lambda request: request.method == "GET" and request.get("x-http-method-override") == "DELETE"),
    ("Upgrade: h2c", get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
     lambda request: not request.all("upgrade") and not request.all("http2-settings")),
    ("an upgrade to something unknown", get(b"Connection: Upgrade\r\nUpgrade: foo\r\n"), lambda request: not request.all("upgrade")),
    ("Upgrade that Connection does not name", get(b"Upgrade: websocket\r\n"), lambda request: not request.all("upgrade")),
    ("fields of one hop", get(b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip, trailers\r\nTrailer: A\r\n"
                              b"Proxy-Authorization: Basic eA==\r\n"),
     lambda request: not any(request.all(name) for name in ("x-hop", "keep-alive", "proxy-connection", "trailer", "proxy-authorization"))),
    ("Connection names what only we may say", get(b"Connection: X-Forwarded-For, Cookie\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: a=b\r\n"),
     lambda request: request.all("x-forwarded-for") == ["127.0.0.1"] and not request.all("cookie")),
    ("a hundred fields", get(b"".join(b"A%d: b\r\n" % n for n in range(99))), lambda request: request.get("a98") == "b"),
    ("bytes beyond ASCII in a value", get(b"A: \xc3\xa4\xff\r\n"), lambda request: request.get("a") == "\xc3\xa4\xff"),
    ("an empty value", get(b"A:\r\n"), lambda request: request.get("a") == ""),
    ("duplicates in their order", get(b"A: 1\r\nB: x\r\nA: 2\r\n"), lambda request: request.all("a") == ["1", "2"]),
]


class Fields(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def ask(self, data, **options):
        return h1_client.ask(self.world.gatehouse.http, data, **options)

    def test_what_is_not_a_request_is_refused_and_reaches_nobody(self):
        def play(statuses, data):
            mark = self.world.endpoint.mark()
            reply = self.ask(data + SECOND)
            self.assertEqual(len(reply.statuses), 1, reply.raw[:500])
            self.assertIn(reply.statuses[0], statuses)
            self.assertRegex(reply.heads[0], "(?i)\r\nconnection: close")
            self.assertEqual(reply.ended, "closed")
            self.assertEqual(self.world.endpoint.since(mark), [])

        self.play_all(self.world, REFUSED, play)

    def test_what_is_odd_and_right_is_passed_on_plainly(self):
        def play(data, holds):
            mark = self.world.endpoint.mark()
            reply = self.ask(data, expect=1)
            self.assertEqual(reply.statuses, [200], reply.raw[:500])
            (request,) = self.world.endpoint.since(mark)
            self.assertTrue(holds(request), (request.target, request.fields))

        self.play_all(self.world, SERVED, play)

    def test_a_client_hello_on_a_cleartext_port_gets_no_more_than_an_answer_of_ours(self):
        def play(data):
            mark = self.world.endpoint.mark()
            reply = self.ask(data)
            self.assertLessEqual(set(reply.statuses), {400})
            self.assertIn(reply.ended, ("closed", "reset"))
            self.assertEqual(self.world.endpoint.since(mark), [])

        self.play_all(self.world, [("ClientHello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n" + bytes(500))], play)

    def test_many_pipelined_requests_are_answered_in_their_order(self):
        def play(count):
            with h1_client.connect(self.world.gatehouse.http) as connection:
                reply = h1_client.talk(connection, b"".join(get(target=b"/n%d" % n) for n in range(count)), expect=count)
            self.assertEqual(reply.bodies, [b"/n%d" % n for n in range(count)])

        self.play_all(self.world, [("three", 3), ("five hundred", 500)], play)


if __name__ == "__main__":
    main()
