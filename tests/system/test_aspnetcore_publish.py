"""From `dotnet new` over `dotnet publish` to `gatehouse host FOLDER`, with the web.config that publish writes."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import threading
import unittest

import apps
import dotnet
from harness import PROTOCOLS, wait_until

VERSIONS = {"h1": "1.1", "h2": "2", "h3": "3"}


class Host(apps.Host):
    """`gatehouse host FOLDER`; what the app writes to its home is thrown away with the rest."""

    def __init__(self, folder):
        super().__init__(str(folder))
        self.environment = {"HOME": str(self.directory)}

    def process_of(self, name):
        return self.app_status(name)["instances"][0]["pid"]


class Published(unittest.TestCase):
    def test_a_stock_web_app_runs_as_its_web_config_says(self):
        with dotnet.copy_of("stockwebapp", "webapp") as folder, Host(folder) as gatehouse:
            for protocol in PROTOCOLS:
                with self.subTest(protocol):
                    answer = gatehouse.curl(protocol, "/Privacy")
                    self.assertEqual((answer.status, answer.version), (200, VERSIONS[protocol]), answer.error)
                    style = gatehouse.curl(protocol, re.search(rb'href="(/lib/bootstrap[^"]*)"', answer.body)[1].decode())
                    self.assertEqual((style.status, style.fields["content-type"]), (200, "text/css"))
            self.assertNotIn("warning: ", gatehouse.log().replace("warning: the certificate", ""))
            former = gatehouse.process_of("stockwebapp")
            for protocol in PROTOCOLS:
                os.kill(gatehouse.process_of("stockwebapp"), signal.SIGKILL)
                self.assertEqual(gatehouse.curl(protocol, "/Privacy").status, 200)
            self.assertNotEqual(gatehouse.process_of("stockwebapp"), former)

    def test_the_next_publish_replaces_it_and_no_request_is_lost(self):
        dotnet.published("stockweb", "web")  # or skip
        with tempfile.TemporaryDirectory(prefix="gatehouse-publish-", ignore_cleanup_errors=True) as place:
            project = pathlib.Path(place, "shop")
            dotnet.must("new", "web", "-o", project, directory=place)
            dotnet.must("publish", "-o", project / "out", directory=project)
            with Host(project / "out") as gatehouse:
                self.assertEqual(gatehouse.curl("h2", "/").body, b"Hello World!")
                program = project / "Program.cs"
                program.write_text(program.read_text().replace("Hello World!", "Hello again!"))
                with self.requests(gatehouse) as answers:
                    dotnet.must("publish", "-o", project / "out", directory=project)
                    wait_until(lambda: (b"Hello again!", 200) in answers, "the new release serves")
            self.assertEqual(set(answers), {(b"Hello World!", 200), (b"Hello again!", 200)})
            self.assertNotIn("did not stop when asked", gatehouse.log())

    @contextlib.contextmanager
    def requests(self, gatehouse):
        """One after the other over each protocol, until the end of the block; yields the list of their (body, status)."""
        answers, ended = [], threading.Event()

        def ask(protocol):
            while not ended.is_set():
                answer = gatehouse.curl(protocol, "/")
                answers.append((answer.body, answer.status))
        threads = [threading.Thread(target=ask, args=(protocol,)) for protocol in PROTOCOLS]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def test_what_web_config_says_of_the_site_holds(self):
        with dotnet.copy_of("stockweb", "web") as folder:
            file = folder / "web.config"
            text = file.read_text(encoding="utf-8-sig")
            text = text.replace('stdoutLogEnabled="false"', 'stdoutLogEnabled="true"')  # into a folder that is not there
            file.write_text(text.replace("</system.webServer>", """
                <security><requestFiltering><requestLimits maxAllowedContentLength="1000" /></requestFiltering></security>
                <httpProtocol><customHeaders><add name="X-Frame-Options" value="DENY" /></customHeaders></httpProtocol>
                <rewrite><rules><rule name="https"><match url="(.*)" /><conditions><add input="{HTTPS}" pattern="off" /></conditions>
                <action type="Redirect" url="https://{HTTP_HOST}/{R:1}" redirectType="Permanent" /></rule>
                <rule name="old"><match url="^old/(.*)$" /><action type="Redirect" url="/new/{R:1}" redirectType="Found" /></rule>
                <rule name="more"><match url="^(a|b)$" /><action type="Redirect" url="/new" /></rule></rules></rewrite>
                </system.webServer>"""))
            with Host(folder) as gatehouse:
                for protocol in PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/").fields["x-frame-options"], "DENY")
                    self.assertEqual(gatehouse.curl(protocol, "/", body=b"x" * 1001).status, 413)
                    moved = gatehouse.curl(protocol, "/old/page?a=1")
                    self.assertEqual((moved.status, moved.fields["location"]), (302, "/new/page?a=1"))
                gatehouse.await_message('<rule> is not used here: the rule "more"')
                output = folder / "logs" / "stdout.log"
                wait_until(lambda: output.exists() and "Now listening on" in output.read_text(), "its output")
                redirected = gatehouse.ask("/")
                self.assertEqual((redirected.status, redirected.fields["location"]), (308, f"https://127.0.0.1:{gatehouse.port}/"))
                former = gatehouse.process_of("stockweb")
                changed = file.read_text().replace('value="DENY"', 'value="SAMEORIGIN"').replace(
                    'hostingModel="inprocess"', 'hostingModel="inprocess" startupTimeLimit="77"')
                file.write_text(changed)  # holds at once, as under IIS
                wait_until(lambda: gatehouse.curl("h2", "/").fields.get("x-frame-options") == "SAMEORIGIN", "the new field")
                wait_until(lambda: gatehouse.process_of("stockweb") != former, "another process")


class Broken(unittest.TestCase):
    """What a publish can lack is told to the browser of this machine, in the log and by the status."""

    def check(self, folder, reason):
        with Host(folder) as gatehouse:
            answer = gatehouse.curl("h2", "/")
            self.assertEqual(answer.status, 503)
            self.assertRegex(answer.body.decode(), reason)
            gatehouse.await_message(f"warning app stockweb: slot 0 .*{reason}")
            self.assertRegex(gatehouse.app_line("stockweb"), reason)

    def test_a_framework_that_is_not_there(self):
        with dotnet.copy_of("stockweb", "web") as folder:
            file = folder / "stockweb.runtimeconfig.json"
            options = json.loads(file.read_text())
            for framework in options["runtimeOptions"]["frameworks"]:
                framework["version"] = "99.0.0"
            file.write_text(json.dumps(options))
            self.check(folder, r"the framework Microsoft\.\w+\.App 99\.0\.0, for which it was published, is not installed")

    def test_no_assembly(self):
        with dotnet.copy_of("stockweb", "web") as folder:
            (folder / "stockweb.dll").unlink()
            self.check(folder, r"there is no \./stockweb\.dll")

    def test_an_assembly_that_it_needs(self):
        with dotnet.copy_of("grpc") as folder:
            (folder / "Grpc.AspNetCore.Server.dll").unlink()
            shutil.copy(folder / "grpc.runtimeconfig.json", folder / "stockweb.runtimeconfig.json")
            for ending in ("dll", "deps.json"):
                (folder / f"grpc.{ending}").rename(folder / f"stockweb.{ending}")
            (folder / "web.config").write_text((folder / "web.config").read_text(encoding="utf-8-sig").replace("grpc.dll", "stockweb.dll"))
            self.check(folder, r"the assembly Grpc\.AspNetCore\.Server is not there; publish the application as a whole")


class Others(unittest.TestCase):
    def test_a_program_behind_http_platform(self):
        with tempfile.TemporaryDirectory(prefix="gatehouse-platform-") as place:
            pathlib.Path(place, "hello.txt").write_text("hello")
            pathlib.Path(place, "web.config").write_text("""<configuration><system.webServer>
                <httpPlatform processPath="python3" arguments="-m http.server --bind 127.0.0.1 %HTTP_PLATFORM_PORT%" />
                </system.webServer></configuration>""")
            with Host(place) as gatehouse:
                for protocol in PROTOCOLS:
                    self.assertEqual(gatehouse.curl(protocol, "/hello.txt").body, b"hello")


if __name__ == "__main__":
    dotnet.main()
