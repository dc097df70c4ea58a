"""The contract of the ASP.NET Core Module, with the stock host as its judge: every app here is what WebApplication.CreateBuilder makes."""

import contextlib
import hashlib
import os
import re
import threading
import unittest

import dotnet
import harness
from harness import PROTOCOLS, wait_until

MVC = ("stockmvc", "mvc")

# A body whose length is known, and one whose length is not.
LENGTHS = {protocol: ([], ["--header", "Transfer-Encoding: chunked" if protocol == "h1" else "Content-Length:"]) for protocol in PROTOCOLS}


def reporter(*mode, keys=dotnet.PROFILE, more=""):
    return dotnet.Gatehouse(dotnet.hosted(dotnet.published("reporter") / "reporter.dll", *mode, keys=keys, more=more))


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gatehouse = cls.enterClassContext(reporter(more='[limits]\nmax_request_body = "off"\n'))
        cls.gatehouse.ask("/pid")  # the first request waits for the start

    def test_the_host_is_told_what_the_module_tells_it(self):
        host = self.gatehouse.ask("/host").json()
        told = host["environment"]
        self.assertEqual(host["addresses"], [f"http://127.0.0.1:{told['ASPNETCORE_PORT']}"])
        self.assertRegex(told["ASPNETCORE_TOKEN"], "^[0-9a-f]{32}$")
        self.assertEqual(told["ASPNETCORE_APPL_PATH"], "/")
        self.assertEqual(told["ASPNETCORE_IIS_WEBSOCKETS_SUPPORTED"], "true")
        self.assertEqual(told["ASPNETCORE_ANCM_HTTPS_PORT"], str(self.gatehouse.port))
        self.assertEqual(told["ASPNETCORE_IIS_HTTPAUTH"], "anonymous;")
        self.assertEqual(host["schemes"], [], "it waits for tokens of Windows users")

    def test_a_request_past_gatehouse_is_refused(self):
        port = self.gatehouse.ask("/host").json()["environment"]["ASPNETCORE_PORT"]
        for token in ([], ["--header", "MS-ASPNETCORE-TOKEN: 00000000000000000000000000000000"]):
            self.assertEqual(harness.curl(f"http://127.0.0.1:{port}/pid", *token).status, 400)
        for protocol in PROTOCOLS:
            self.assertEqual(self.gatehouse.curl(protocol, "/pid", "--header", "MS-ASPNETCORE-TOKEN: forged").status, 200)
        self.gatehouse.await_message(r"'MS-ASPNETCORE-TOKEN' does not match the expected pairing token '\(hidden\)'")

    def test_the_request_is_what_the_client_has_sent(self):
        body = os.urandom(300_000)
        forged = ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: evil", "X-Forwarded-Prefix: /evil",
                  "MS-ASPNETCORE-CLIENTCERT: AAAA", "MS-ASPNETCORE-WINAUTHTOKEN: 1f4", "MS-ASPNETCORE-EVENT: shutdown")
        fields = [option for field in forged for option in ("--header", field)]
        expected = {"method": "POST", "host": f"localhost:{self.gatehouse.port}", "scheme": "https", "is_https": True, "path_base": "",
                    "path": "/iisintegration/ä b", "query": "?q=%20", "protocol": "HTTP/1.1", "client": "127.0.0.1", "certificate": None,
                    "user": None, "size": len(body), "hash": hashlib.sha256(body).hexdigest(), "upgrade": False}
        for protocol in PROTOCOLS:
            for length in LENGTHS[protocol]:
                with self.subTest(protocol, length=length):
                    answer = self.gatehouse.curl(protocol, "/iisintegration/%C3%A4%20b?q=%20", "--ipv4", *fields, *length, body=body)
                    self.assertEqual(answer.status, 200, answer.error or answer.body)
                    seen = answer.json()
                    self.assertEqual({name: seen[name] for name in expected}, expected)
                    self.assertNotIn("ms-aspnetcore-clientcert", [name.lower() for name, _ in seen["fields"]])
        plain = self.gatehouse.ask("/plain", "--header", "X-Forwarded-Proto: https").json()
        self.assertEqual((plain["scheme"], plain["client"], plain["host"]), ("http", "127.0.0.1", f"127.0.0.1:{self.gatehouse.http}"))

    def test_the_apps_limit_of_uploads_is_its_own(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                for length in LENGTHS[protocol]:
                    # It counts the frames of chunks too.
                    self.assertEqual(self.gatehouse.curl(protocol, "/limited", *length, body=b"x" * 99_000).status, 200)
                    self.assertEqual(self.gatehouse.curl(protocol, "/limited", *length, body=b"x" * 100_001).status, 413)
                body = os.urandom(1 << 20) * 60
                answer = self.gatehouse.curl(protocol, "/unlimited", body=body)
                self.assertEqual(answer.status, 200, answer.error)
                self.assertEqual((answer.json()["size"], answer.json()["hash"]), (len(body), hashlib.sha256(body).hexdigest()))
                self.assertEqual(self.gatehouse.curl(protocol, "/default", body=body).status, 413, "Kestrel's own 30,000,000")

    def test_an_answer_that_the_app_breaks_off_does_not_end_well(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                answer = self.gatehouse.curl(protocol, "/unfinished")
                self.assertEqual(answer.body, b"half of it")
                self.assertNotEqual(answer.exit_code, 0)

    def test_an_exception_in_a_request_is_the_apps_500(self):
        for protocol in PROTOCOLS:
            answer = self.gatehouse.curl(protocol, "/throw")
            self.assertEqual((answer.status, answer.fields["server"]), (500, "Kestrel"))

    # Kestrel has neither on HTTP/1.1: an app that asks is told so, and decides by itself.
    def test_what_http_1_1_cannot_carry_is_not_offered(self):
        seen = self.gatehouse.curl("h2", "/features").json()
        self.assertEqual((seen["trailers"], seen["reset"]), (False, False))


class Paths(unittest.TestCase):
    def test_the_path_base_is_the_operators(self):
        keys = dotnet.PROFILE + '\nenvironment = {{ ASPNETCORE_APPL_PATH = "/shop" }}'
        with reporter(keys=keys) as gatehouse:
            for protocol in PROTOCOLS:
                seen = gatehouse.curl(protocol, "/shop/cart?id=1").json()
                self.assertEqual((seen["path_base"], seen["path"]), ("/shop", "/cart"))
            gatehouse.must("stop")
            gatehouse.await_message("Request finished HTTP/1.1 POST .*iisintegration - 202")


class OnASocket(unittest.TestCase):
    """The module knows ports only. A private socket needs no pairing: nobody else comes there."""

    def test_the_profile_on_a_unix_socket(self):
        with reporter(keys=dotnet.PROFILE + '\ntransport = "socket"') as gatehouse:
            for protocol in PROTOCOLS:
                seen = gatehouse.curl(protocol, "/", "--ipv4").json()
                self.assertEqual((seen["scheme"], seen["client"], seen["host"]), ("https", "127.0.0.1", f"localhost:{gatehouse.port}"))
            gatehouse.must("stop")
            gatehouse.await_message("slot 0 stopped")
            self.assertNotIn("iisintegration", gatehouse.log())


class Https(unittest.TestCase):
    """`dotnet new mvc` calls UseHttpsRedirection and UseHsts."""

    def test_redirection_leads_to_https_and_ends_there(self):
        assembly = dotnet.published(*MVC) / "stockmvc.dll"
        trusting = '[[listeners]]\naddress = "127.0.0.1:{admin}"\ntrusted_proxies = ["127.0.0.1"]\n'
        config = '[server]\nadmin = "unix:{directory}/admin"\n' + dotnet.hosted(assembly) + trusting
        with dotnet.Gatehouse(config) as gatehouse:
            for protocol in PROTOCOLS:
                for path in ("/", "/Home/Privacy", "/lib/bootstrap/dist/css/bootstrap.min.css"):
                    answer = gatehouse.curl(protocol, path)
                    self.assertEqual(answer.status, 200, (path, answer.fields))
            redirected = gatehouse.ask("/Home/Privacy?a=b", "--resolve", f"localhost:{gatehouse.http}:127.0.0.1")
            self.assertEqual((redirected.status, redirected.fields["location"]),
                             (307, f"https://127.0.0.1:{gatehouse.port}/Home/Privacy?a=b"))
            followed = gatehouse.ask("/Home/Privacy", "--location", "--max-redirs", "1", "--cacert", str(gatehouse.certificate))
            self.assertEqual(followed.status, 200)
            behind = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/", "--header", "X-Forwarded-Proto: https",
                                  "--header", "X-Forwarded-For: 192.0.2.7", "--header", "Host: shop.example")
            self.assertEqual(behind.status, 200, behind.fields)
            self.assertIn("strict-transport-security", behind.fields)


class Ends(unittest.TestCase):
    def test_it_is_told_to_shut_down_and_what_is_in_flight_is_answered(self):
        with reporter() as gatehouse:
            first = gatehouse.pid()
            answers = []
            slow = threading.Thread(target=lambda: answers.append(gatehouse.curl("h2", "/slow?milliseconds=1500")))
            slow.start()
            gatehouse.await_in_flight(1)
            gatehouse.must("recycle")
            slow.join()
            self.assertEqual((answers[0].status, answers[0].body), (200, b"slow"))
            gatehouse.await_message(r"Request finished HTTP/1.1 POST .*/iisintegration - 202")
            gatehouse.await_message("Application is shutting down")
            gatehouse.await_message("slot 0 stopped")
            self.assertNotEqual(gatehouse.pid(), first)
            self.assertEqual(gatehouse.metric(r'^gatehouse_app_exits_total{.*reason="(signaled|killed)'), 0)

    def test_without_the_profile_it_gets_sigterm(self):
        with reporter(keys="") as gatehouse:
            gatehouse.pid()
            gatehouse.must("stop")
            gatehouse.await_message("Application is shutting down")
            gatehouse.await_message("slot 0 stopped")
            self.assertNotIn("iisintegration", gatehouse.log())

    def test_one_that_never_comes_to_an_end_is_killed(self):
        with reporter("stubborn", keys=dotnet.PROFILE + '\nstop_timeout = "1s"') as gatehouse:
            gatehouse.pid()
            gatehouse.must("stop")
            gatehouse.await_message("Application is shutting down")
            gatehouse.await_message("did not stop when asked, and was killed")
            wait_until(lambda: not gatehouse.processes(), "it has ended")

    def test_a_crash_costs_the_request_that_caused_it(self):
        with reporter() as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    first = gatehouse.pid()
                    self.assertEqual(gatehouse.curl(protocol, "/exit?code=3").status, 502)
                    self.assertNotEqual(gatehouse.pid(), first)
            self.assertEqual(gatehouse.curl("h2", "/crash").status, 502)
            gatehouse.await_message("asked to crash")
            gatehouse.await_message("ended by signal 6 .*it ended itself: asked to crash")


class Offline(unittest.TestCase):
    def test_the_file_of_a_deploy_counts_however_it_is_spelt(self):
        with dotnet.copy_of("stockweb", "web") as folder, \
                dotnet.Gatehouse(dotnet.hosted(folder / "stockweb.dll")) as gatehouse:
            self.assertEqual(gatehouse.ask("/").body, b"Hello World!")
            (folder / "App_Offline.htm").write_text("<p>back soon")
            wait_until(lambda: gatehouse.ask("/").status == 503, "it is offline")
            for protocol in PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/").body, b"<p>back soon")
            (folder / "App_Offline.htm").unlink()
            wait_until(lambda: gatehouse.ask("/").body == b"Hello World!", "it is online")


class Starts(unittest.TestCase):
    @contextlib.contextmanager
    def failing(self, mode, keys=""):
        with reporter(mode, keys=dotnet.PROFILE + '\nerror_page = "detailed"\n' + keys) as gatehouse:
            answer = gatehouse.curl("h2", "/")
            self.assertEqual(answer.status, 503)
            yield gatehouse, answer.body.decode()

    def test_the_first_request_waits_for_a_slow_one(self):
        with reporter("slow") as gatehouse:
            answers = {}
            asking = [threading.Thread(target=lambda p=protocol: answers.update({p: gatehouse.curl(p, "/pid")})) for protocol in PROTOCOLS]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            self.assertEqual({protocol: answer.status for protocol, answer in answers.items()}, dict.fromkeys(PROTOCOLS, 200))
            self.assertEqual(len({answer.body for answer in answers.values()}), 1)

    def test_an_exception_in_program_is_told(self):
        with self.failing("throws") as (gatehouse, page):
            cause = 'signal 6 .*unhandled exception System.InvalidOperationException: the connection string "Orders" is missing'
            self.assertRegex(page, cause)
            self.assertRegex(gatehouse.app_line(), cause)
            gatehouse.await_message(f"warning app web: slot 0 .*{cause}")

    def test_an_exception_of_a_hosted_service_is_told(self):
        with self.failing("broken") as (_, page):
            self.assertIn("Unhandled exception. System.InvalidOperationException: no database answers", page)

    def test_a_worker_that_never_listens_is_parked_and_why(self):
        with self.failing("worker", 'start = "eager"\nstart_timeout = "2s"\nrapid_fail = {{ count = 2, window = "60s" }}\n') as (gatehouse, page):
            self.assertRegex(page, r"did not listen on 127\.0\.0\.1:\d+ within 2\.0 s")
            self.assertIn("working, and listening to nobody", page)
            self.assertRegex(gatehouse.await_state("parked"), r"did not listen on 127\.0\.0\.1:\d+")
            self.assertRegex(gatehouse.curl("h2", "/").body.decode(), r"did not listen on 127\.0\.0\.1:\d+")


class WithoutTheProfile(unittest.TestCase):
    FORWARDED = 'environment = {{ ASPNETCORE_FORWARDEDHEADERS_ENABLED = "true" }}\n'

    def check(self, mode, keys, address):
        with reporter(*mode, keys=self.FORWARDED + keys) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/", "--ipv4", body=b"x" * 100_000)
                    self.assertEqual(answer.status, 200, answer.body)
                    seen = answer.json()
                    self.assertEqual((seen["scheme"], seen["client"], seen["host"], seen["size"]),
                                     ("https", "127.0.0.1", f"localhost:{gatehouse.port}", 100_000))
            host = gatehouse.ask("/host").json()
            self.assertRegex(" ".join(host["addresses"]), address)
            self.assertNotIn("ASPNETCORE_TOKEN", host["environment"])
            first = gatehouse.pid()
            gatehouse.must("recycle")
            wait_until(lambda: gatehouse.pid() != first, "another process serves")

    def test_kestrel_on_a_port(self):
        self.check((), "", r"^http://127\.0\.0\.1:\d+$")

    def test_kestrel_on_a_unix_socket(self):
        self.check((), 'transport = "socket"\n', "^http://unix:/.*/s$")

    def test_kestrel_on_a_socket_that_it_inherits_with_one_line_of_its_own(self):
        self.check(("inherits",), 'transport = "inherit"\n', r"^http://127\.0\.0\.1:\d+$")

    def test_the_stock_template_on_a_unix_socket(self):
        keys = 'transport = "socket"\n'
        with dotnet.Gatehouse(dotnet.hosted(dotnet.published("stockweb", "web") / "stockweb.dll", keys=keys)) as gatehouse:
            for protocol in PROTOCOLS:
                self.assertEqual(gatehouse.curl(protocol, "/").body, b"Hello World!")
            self.assertTrue(re.search("Now listening on: http://unix:", gatehouse.log()))


if __name__ == "__main__":
    dotnet.main()
