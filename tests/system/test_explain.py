"""`gatehouse explain` says before what the running program does afterwards: the same request is asked of both."""

import json
import re
import subprocess
import tempfile
import unittest
import pathlib

import harness

MORE = """
[[routes]]
path = "/api"
to = "app"
strip_prefix = true
forwarded = "rfc7239"
request_headers = {{ set = {{ X-Set = "1" }}, remove = ["X-Gone"] }}
response_headers = {{ set = {{ X-Frame-Options = "DENY" }} }}
[[routes]]
path = "/moved"
redirect = "https://elsewhere.example{{uri}}"
"""
HEADERS = ("X-Gone: 1", "Accept: text/html", "X-Forwarded-For: 6.6.6.6", "Cookie: a=b")


def explain(url, file, *options):
    return subprocess.run([harness.BINARY, "explain", url, str(file), *options], capture_output=True, text=True,
                          timeout=harness.PATIENCE, check=False)


class Explain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = cls.enterClassContext(harness.backend())
        cls.gatehouse = cls.enterClassContext(harness.Gatehouse(harness.simple(cls.backend.port, MORE)))

    def explained(self, path, *options, exit_code=0):
        done = explain(self.gatehouse.url(path), self.gatehouse.file, "--client", "127.0.0.1", "--json", *options)
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_the_head_that_the_endpoint_gets_is_the_one_that_was_foretold(self):
        for protocol in harness.PROTOCOLS:
            for path in ("/echo?x=1", "/api/echo?x=1", "/api/./echo", "/echo//a%2Fb?|", "/api/echo//%2F|"):
                with self.subTest(protocol=protocol, path=path):
                    options = [word for header in HEADERS for word in ("--header", header)]
                    said = self.explained(path, "--protocol", protocol, *options)
                    answer = self.gatehouse.curl(protocol, path, "--path-as-is", "-4", "-A", "", *options)
                    self.assertEqual(answer.status, 200, answer.error)
                    seen = answer.json()
                    first, *lines = [line for line in said["endpoint_request"] if line]
                    self.assertEqual(first, f"{seen['method']} {seen['target']} HTTP/1.1")
                    foretold = dict(line.split(": ", 1) for line in lines)
                    real = dict(seen["headers"])
                    self.assertEqual(foretold.pop("X-Request-Id"), "(new for each request)")
                    request_id = real.pop("X-Request-Id")
                    self.assertRegex(request_id, "^[0-9a-f]{16}")
                    made = re.sub("[0-9a-f]{24}$", "(new at each start)", real.pop("Via"))
                    self.assertEqual(foretold.pop("Via"), made)
                    self.assertEqual({name.lower(): value for name, value in foretold.items()},
                                     {name.lower(): value for name, value in real.items()})
                    for field in said["answer"]["fields"]:
                        value = field["value"].replace("(new for each request)", request_id)
                        self.assertEqual(answer.fields[field["name"].lower()], value)

    def test_refusals_and_redirects_are_foretold(self):
        for path, fault in (("/a%00b", "unsafe_target"), ("/../x", "unsafe_target"), ("/x/../api/echo", "ambiguous_path"), ("/%61pi/echo", "prefix_not_literal"),
                            ("/moved/x?y=1", "")):
            for protocol in harness.PROTOCOLS:
                with self.subTest(path=path, protocol=protocol):
                    redirect = not fault
                    said = self.explained(path, "--protocol", protocol, exit_code=0 if redirect else 1)
                    answer = self.gatehouse.curl(protocol, path, "--path-as-is")
                    self.assertEqual(said["answer"]["status"], answer.status)
                    foretold = {field["name"].lower(): field["value"] for field in said["answer"]["fields"]}
                    self.assertEqual(foretold.get("location"), answer.fields.get("location"))
                    self.assertEqual(foretold.get("proxy-status"), answer.fields.get("proxy-status"))
                    if not redirect:
                        self.assertEqual(said["fault"]["token"], fault)
                    if fault == "ambiguous_path":
                        self.assertIn("/x/../api/echo", said["route"]["why"])

    def test_the_access_log_names_the_same_route_and_upstream(self):
        said = self.explained("/api/echo")
        self.gatehouse.curl("h2", "/api/echo?logged")
        line = self.gatehouse.access_log(1, lambda entry: entry["query"] == "logged")[0]
        self.assertEqual((line["route"], line["upstream"]), (said["route"]["name"], said["upstream"]["name"]))
        self.assertEqual(line["listener"], said["listener"]["name"])

    def test_nothing_is_touched(self):
        self.gatehouse.curl("h1", "/echo")
        series = "^gatehouse_(connections_total|requests_total|upstream_connects_total)"
        before = self.gatehouse.metric(series)
        self.assertGreater(before, 0)
        self.explained("/echo")
        self.assertEqual(self.gatehouse.metric(series), before)

    def test_text_reads_from_the_listener_to_the_limits(self):
        done = explain(self.gatehouse.url("/api/echo"), self.gatehouse.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        titles = [match[1] for match in re.finditer(r"^([A-Za-z][A-Za-z_ ]*?)(?:  |$)", done.stdout, re.MULTILINE)]
        wanted = ["request", "outcome", "listener", "certificate", "decided by", "route", "rewrites", "upstream",
                  "The endpoint gets", "What holds"]
        self.assertEqual([title for title in titles if title in wanted], wanted)
        self.assertEqual(done.stdout, explain(self.gatehouse.url("/api/echo"), self.gatehouse.file).stdout)


class Questions(unittest.TestCase):
    def test_exit_codes_tell_bad_questions_from_bad_configurations(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "g.toml")
            file.write_text('[[listeners]]\naddress = ":8080"\n[[routes]]\npath = "/x"\nrespond = { status = 204 }\n')
            self.assertEqual(explain("http://localhost:8080/x", file).returncode, 0)
            missed = explain("http://localhost:8080/y", file)
            self.assertEqual(missed.returncode, 1)
            self.assertIn("refused with 404: no_route", missed.stdout)
            elsewhere = explain("http://localhost:9/", file)
            self.assertEqual(elsewhere.returncode, 1)
            self.assertIn("nobody listens on port 9", elsewhere.stdout)
            self.assertEqual(explain("localhost:8080/x", file).returncode, 2)
            self.assertEqual(explain("http://localhost:8080/x", file, "--header", "nonsense").returncode, 2)
            file.write_text("nonsense = 1\n")
            broken = explain("http://localhost:8080/x", file)
            self.assertEqual((broken.returncode, broken.stdout), (1, ""))
            self.assertIn("nonsense", broken.stderr)


if __name__ == "__main__":
    harness.main()
