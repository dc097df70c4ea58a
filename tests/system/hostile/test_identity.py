"""Who a client is, and what it asks for, as the endpoint, the log and the admin address are told: the same on each protocol."""

import itertools
import json
import re
import socket

import h1_client
from world import Table, World, harness, main

VOUCHING = ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: evil", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil", "X-Real-IP: 6.6.6.6",
            "Forwarded: for=6.6.6.6", "X-Original-URL: /evil", "X-Rewrite-URL: /evil", "X-Original-Host: evil", "True-Client-IP: 6.6.6.6", "CF-Connecting-IP: 6.6.6.6",
            "X-Client-IP: 6.6.6.6", "X-Cluster-Client-Ip: 6.6.6.6", "Remote-User: root", "X-Remote-User: root", "X-ARR-ClientCert: AAAA", "X-Client-Cert: AAAA",
            "X-SSL-Client-Cert: AAAA", "SSL-Client-Cert: AAAA", "X-SSL-Cert: AAAA", "X-MS-CLIENT-PRINCIPAL: root", "X-MS-CLIENT-PRINCIPAL-NAME: root", "Front-End-Https: on",
            "X-Scheme: gopher", "X-Url-Scheme: gopher", "Client-Cert: :AAAA:", "X-Sendfile-Type: X-Accel-Redirect", "X-Accel-Mapping: /=/", "MS-ASPNETCORE-TOKEN: x",
            "MS-ASPNETCORE-CLIENTCERT: x"]
EVIL = re.compile("6\\.6\\.6\\.6|gopher|evil|root|AAAA|^x$|X-Accel|^/=/$|^on$", re.I)

# Paths that mean the same as /admin, or lead to it in some parser: (name, path)
WAYS_TO_ADMIN = [("escaped", "/%61dmin"), ("two slashes", "//admin"), ("up and down", "/x/../admin"), ("a dot", "/./admin"), ("escaped dots", "/x/%2e%2e/admin"),
                 ("a parameter", "/admin;a=b"), ("a slash at the end", "/admin/"), ("escaped, in capitals", "/%61%64MIN".lower()), ("mixed escapes", "/%61%64%6d%69n"),
                 ("an encoded slash", "/x/..%2fadmin"), ("an encoded slash behind", "/admin%2fx"), ("an encoded backslash", "/x/..%5cadmin"), ("escaped twice", "/%2561dmin"),
                 ("an overlong slash", "/x/..%c0%afadmin"), ("an overlong letter", "/%c1%a1dmin"), ("dots with a parameter", "/x/..;a/admin"),
                 ("an encoded semicolon", "/admin%3ba"), ("slashes that not all merge", "/x/q//../../../admin")]
FORGED = 'a"b\\c\x1b[31m\x07é'


class Identity(Table):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(more='[[routes]]\npath = "/admin"\nrespond = {{ status = 403, body = "closed" }}\n'))

    def test_what_vouches_for_somebody_never_comes_from_a_client(self):
        def play(protocol, field):
            mark = self.world.endpoint.mark()
            answer = self.world.gatehouse.curl(protocol, "/row", "--header", field)
            self.assertEqual(answer.status, 200, answer.error)
            (seen,) = self.world.endpoint.since(mark)
            # An id that we make is hexadecimal, and may have any letters of these in a row.
            ours = [pair for pair in seen.fields if pair[0].lower() != "x-request-id"]
            self.assertFalse([pair for pair in ours if EVIL.search(pair[1])], seen.fields)
            self.assertEqual(seen.all("x-forwarded-proto"), ["https"])

        rows = [(f"{spelled}, {protocol}", protocol, spelled) for field in VOUCHING for protocol in harness.PROTOCOLS
                for spelled in (field, field.partition(":")[0].replace("-", "_") + ":" + field.partition(":")[2])]
        self.play_all(self.world, rows, play)

    def test_each_way_to_a_closed_path_is_closed(self):
        def play(protocol, path):
            mark = self.world.endpoint.mark()
            answer = self.world.gatehouse.curl(protocol, path, "--path-as-is")
            self.assertIn(answer.status, (400, 403), answer.error)
            self.assertEqual(self.world.endpoint.since(mark), [])

        self.play_all(self.world, [(f"{name}, {protocol}", protocol, path) for name, path in WAYS_TO_ADMIN for protocol in harness.PROTOCOLS], play)

    def test_a_host_never_chooses_an_address(self):
        def play(host):
            mark = self.world.endpoint.mark()
            answer = self.world.gatehouse.curl("h1", "/row", "--header", f"Host: {host}")
            self.assertIn(answer.status, (200, 421))
            self.assertLessEqual(len(self.world.endpoint.since(mark)), 1)

        self.play_all(self.world, [("the admin address", f"127.0.0.1:{self.world.gatehouse.admin}"), ("a cloud's metadata", "169.254.169.254")], play)

    def test_each_request_is_one_line_of_the_log_and_valid_json(self):
        paths = (f"/line-{number}" for number in itertools.count())

        def play(protocol, option, value):
            path = next(paths)
            self.world.gatehouse.curl(protocol, path, option, value)
            self.assertEqual(len(self.world.gatehouse.access_log(1, lambda line: line["path"] == path)), 1)
            text = (self.world.gatehouse.directory / "access.log").read_bytes()
            self.assertFalse(re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text))
            for line in text.splitlines():
                json.loads(line)

        rows = [(f"{option}, {protocol}", protocol, option, value) for protocol in harness.PROTOCOLS
                for option, value in (("--user-agent", FORGED), ("--referer", FORGED), ("--user-agent", "x" * 8000))]
        self.play_all(self.world, rows, play)

    def test_pages_of_ours_repeat_nothing_that_a_client_sent(self):
        def play(protocol, path):
            answer = self.world.gatehouse.curl(protocol, path, "--path-as-is", "--header", "Accept: text/html")
            self.assertIn(answer.status, (400, 403, 404))
            self.assertNotIn(b"<script", answer.body.lower())
            self.assertNotIn(b"reflected", answer.body)

        self.play_all(self.world, [(protocol, protocol, "/../reflected<script>") for protocol in harness.PROTOCOLS], play)

    def test_the_admin_address_answers_its_own_names_and_changes_nothing_on_get(self):
        def play(head, statuses):
            with socket.create_connection(("127.0.0.1", self.world.gatehouse.admin), timeout=10) as connection:
                reply = h1_client.talk(connection, head, expect=1)
            self.assertIn(reply.statuses[0] if reply.statuses else 0, statuses, reply.raw[:300])

        own = b"127.0.0.1:%d" % self.world.gatehouse.admin
        self.play_all(self.world, [
            ("a name of another's", b"GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n", (0, 400, 403, 404, 421)),
            ("from another's page", b"GET /status HTTP/1.1\r\nHost: %s\r\nOrigin: http://evil.example\r\n\r\n" % own, (0, 400, 403, 404)),
            ("a path up", b"GET /../../etc/passwd HTTP/1.1\r\nHost: %s\r\n\r\n" % own, (0, 400, 404)),
            ("a POST", b"POST /status HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n" % own, (0, 404, 405)),
            ("itself", b"GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % own, (200,)),
        ], play)


if __name__ == "__main__":
    main()
