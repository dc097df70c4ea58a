"""`gatehouse doctor` and the warnings of `gatehouse check` on a machine with real faults."""

import json
import os
import pathlib
import resource
import socket
import subprocess
import tempfile
import unittest

import harness


def gatehouse(command, file, *options, files=None, user=None):
    """The finished child; `files`: its hard limit of open files."""
    def limit():
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    home = pathlib.Path(file).parent
    return subprocess.run([harness.BINARY, command, str(file), *options], capture_output=True, text=True, check=False,
                          timeout=harness.PATIENCE, preexec_fn=limit, user=user,
                          env={**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_RUNTIME_DIR": str(home)})


class Machine(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="gatehouse-doctor-")))
        self.certificate, self.key = harness.make_certificate(self.folder, "localhost", "localhost", "127.0.0.1")
        self.key.chmod(0o600)
        self.port = harness.free_port()
        self.closed = harness.free_port()

    def write(self, more="", admin="", host="localhost"):
        self.file = self.folder / "gatehouse.toml"
        self.file.write_text(f"""
[server]
admin = "{admin}"
[log.access]
output = "access.log"
[[listeners]]
address = "127.0.0.1:{self.port}"
[listeners.tls]
certificates = [{{ certificate = "localhost.pem", private_key = "localhost-key.pem" }}]
[[routes]]
hosts = ["{host}"]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:{self.closed}"]
{more}""")
        return self.file

    def findings(self, exit_code, check=None, **options):
        done = gatehouse("doctor", self.file, "--json", **options)
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        found = json.loads(done.stdout)["findings"]
        return [finding for finding in found if check in (None, finding["check"])]

    def one(self, check, grade, part, **options):
        """The one finding of a check that has `part` in it is of this grade."""
        found = [finding for finding in self.findings(1, check, **options) if part in finding["message"]]
        self.assertEqual([finding["grade"] for finding in found], [grade], found)
        return found[0]["message"]

    def test_a_machine_in_order_has_no_problem(self):
        with harness.backend() as backend:
            self.closed = backend.port
            self.write()
            for finding in self.findings(0):
                self.assertNotEqual(finding["grade"], "problem", finding)
            text = gatehouse("doctor", self.file)
        self.assertEqual(text.returncode, 0)
        self.assertRegex(text.stdout, r"(?m)^ok +endpoint +127\.0\.0\.1:\d+ of app accepts connections$")
        self.assertRegex(text.stdout, r"(?m)^0 problems, \d+ warnings?, \d+ ok$")

    def test_a_closed_endpoint(self):
        self.write()
        self.assertIn("refuses connections; start", self.one("endpoint", "problem", f"127.0.0.1:{self.closed} of app"))

    def test_a_name_that_nobody_knows(self):
        self.write('[[routes]]\npath = "/n"\nto = "named"\n[upstreams.named]\nendpoints = ["no-such-name.invalid:80"]\n'
                   '[timeouts]\nconnect = "1s"\n')
        self.assertIn("cannot resolve", self.one("endpoint", "problem", "no-such-name.invalid:80 of named"))

    def test_a_busy_port_names_who_has_it(self):
        self.write()
        with socket.socket() as taken, socket.socket(type=socket.SOCK_DGRAM) as udp:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            udp.bind(("127.0.0.1", self.port))
            message = self.one("port", "problem", f"TCP 127.0.0.1:{self.port}")
            self.assertIn(f"(process {os.getpid()}); stop that", message)
            self.assertIn("HTTP/3 would be off", self.one("port", "warning", f"UDP 127.0.0.1:{self.port}"))
            checked = gatehouse("check", self.file)
            self.assertEqual(checked.returncode, 0)
            self.assertRegex(checked.stderr, rf"gatehouse\.toml:6:1: warning: no HTTP/3 on 127\.0\.0\.1:{self.port}: ")

    def test_an_expired_and_a_foreign_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-not_before", "20200101000000Z", "-not_after", "20210101000000Z", "-subj", "/CN=localhost",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)
        self.write()
        self.assertIn("localhost.pem expired on 2021-01-01; renew it", self.one("certificate", "problem", "expired"))
        harness.make_certificate(self.folder, "other", "localhost")
        (self.folder / "other-key.pem").replace(self.key)
        self.assertIn("does not belong", self.one("certificate", "problem", "private key"))

    def test_a_host_without_certificate(self):
        self.write(host="elsewhere.example")
        message = self.one("certificate", "warning", "elsewhere.example")
        checked = gatehouse("check", self.file)
        self.assertEqual((checked.returncode, checked.stdout), (0, f"{self.file}: valid\n"))
        self.assertIn(message, checked.stderr)

    def test_keys_that_all_can_read_or_nobody_can(self):
        self.write()
        self.key.chmod(0o644)
        self.assertIn("`chmod 600", self.one("certificate", "problem", "every user"))
        if os.geteuid() == 0:
            self.key.chmod(0o600)
            self.folder.chmod(0o755)
            message = self.one("certificate", "problem", "localhost-key.pem", user="nobody")
            self.assertIn("Permission denied", message)

    def test_few_descriptors(self):
        self.write("[limits]\nmax_connections = 5000\n")
        self.assertIn("LimitNOFILE=", self.one("descriptors", "problem", "max_connections is 5000", files=1000))

    def test_apps_and_files(self):
        self.write("""[[routes]]
path = "/web"
to = "web"
[apps.web]
command = ["no-such-program"]
[[routes]]
path = "/script"
to = "script"
[apps.script]
command = ["sh", "missing.sh"]
output = "file:no/such/folder/app.log"
""")
        self.one("app", "problem", 'no program "no-such-program" in PATH')
        self.one("app", "problem", 'there is no "missing.sh"')
        self.assertIn("`mkdir -p", self.one("file", "problem", "the output of script"))
        self.file.chmod(0o666)
        self.assertIn("`chmod o-w", self.one("file", "problem", "every user"))

    def test_a_broken_configuration_is_all_there_is_to_say(self):
        self.write("nonsense = 1\n")
        found = self.findings(1)
        self.assertEqual({finding["check"] for finding in found}, {"configuration"})


class Running(unittest.TestCase):
    def test_a_running_instance_is_ours_and_is_not_disturbed(self):
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port)) as instance:
            answers = [instance.curl(protocol, "/echo").status for protocol in harness.PROTOCOLS]
            done = gatehouse("doctor", instance.file, "--json")
            ports = [finding for finding in json.loads(done.stdout)["findings"] if finding["check"] == "port"]
            self.assertEqual(len(ports), 4)
            for finding in ports:
                self.assertEqual(finding["grade"], "ok")
                self.assertIn(f"is ours already: gatehouse (process {instance.process.pid})", finding["message"])
            if os.geteuid() == 0:
                instance.directory.chmod(0o755)
                stranger = gatehouse("doctor", instance.file, "--json", user="nobody")
                self.assertEqual(ports, [finding for finding in json.loads(stranger.stdout)["findings"]
                                         if finding["check"] == "port"])
            self.assertEqual(answers, [instance.curl(protocol, "/echo").status for protocol in harness.PROTOCOLS])
            self.assertNotIn("HTTP/3", gatehouse("check", instance.file).stderr)


if __name__ == "__main__":
    harness.main()
