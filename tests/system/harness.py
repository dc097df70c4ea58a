"""What the system tests share: the real binary as a child, backends, certificates, clients, and what it left behind.

Every Gatehouse runs in a temporary directory of its own, on ports that the kernel chose, and must end with exit code 0.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("GATEHOUSE_BINARY", str(ROOT / "build" / "release" / "gatehouse"))
SANITIZED = "asan" in BINARY or "tsan" in BINARY  # slower, and memory that is given back is kept for a while
PATIENCE = 30  # seconds until something that must happen has not
PROTOCOLS = {"h1": "--http1.1", "h2": "--http2", "h3": "--http3-only"}


def free_port():
    """A port that is free for TCP and UDP on all addresses."""
    for _ in range(50):
        with socket.socket(socket.AF_INET6) as tcp, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            tcp.bind(("::", 0))
            try:
                udp.bind(("::", tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]
    raise RuntimeError("no port is free for both TCP and UDP")


def free_ports(count):
    """Different ones: where few ports are in use, the kernel likes to give the same again."""
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return ports


def wait_until(condition, what, patience=PATIENCE):
    """Waits for an outside event that can only be polled; its value is returned."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {patience} s: {what}")


def make_certificate(directory, name, *hosts, key="ec"):
    """A self-signed certificate for `hosts`; returns the paths of (certificate, key)."""
    algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else ["-newkey", "rsa:2048"]
    certificate, private_key = directory / f"{name}.pem", directory / f"{name}-key.pem"
    names = ",".join(f"IP:{host}" if re.fullmatch(r"[0-9.]+|.*:.*", host) else f"DNS:{host}" for host in hosts)
    subprocess.run(
        ["openssl", "req", "-x509", *algorithm, "-nodes", "-days", "10", "-subj", f"/CN={hosts[0]}",
         "-addext", f"subjectAltName={names}", "-keyout", private_key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, private_key


class Gatehouse:
    """The real binary on a configuration; use as a context manager.

    `config` may hold the placeholders {port} (TLS, h1 h2 h3), {http} (cleartext), {admin} and {directory}; {cert} and {key} name a
    certificate for localhost. What else is in braces must be doubled.
    """

    def __init__(self, config, arguments=(), environment=None, expect_exit=0, pass_fds=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-test-"))
        self.port, self.http, self.admin = free_ports(3)
        self.certificate, self.key = make_certificate(self.directory, "localhost", "localhost", "127.0.0.1", "::1")
        self.file = self.directory / "gatehouse.toml"
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.expect_exit = expect_exit
        self.pass_fds = pass_fds
        self.popen = {}  # more of what Popen takes
        self.write(config)
        self.process = None
        self.messages = []
        self.message_arrived = threading.Condition()

    def write(self, config):
        preamble = "" if "[server]" in config else '[server]\nadmin = "127.0.0.1:{admin}"\n'
        if "[log.access]" not in config:
            preamble += '[log.access]\noutput = "{directory}/access.log"\n'
        self.file.write_text((preamble + config).format(
            port=self.port, http=self.http, admin=self.admin, directory=self.directory, cert=self.certificate, key=self.key))

    def command(self):
        return [BINARY, "run", str(self.file), *self.arguments]

    def __enter__(self):
        environment = {**os.environ, "XDG_STATE_HOME": str(self.directory / "state"),
                       "XDG_RUNTIME_DIR": str(self.directory), **self.environment}
        self.process = subprocess.Popen(self.command(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                                        errors="replace", env=environment, cwd=self.directory, pass_fds=self.pass_fds, **self.popen)
        threading.Thread(target=self._collect, daemon=True).start()
        try:
            self.await_message(r"\bready\b")
        except AssertionError:
            self.process.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE + 30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("Gatehouse did not stop on SIGTERM:\n" + self.log()) from None
        if kind is not None or code != self.expect_exit:
            sys.stderr.write(self.log()[-6000:] + "\n")
        if kind is None and code != self.expect_exit:
            raise AssertionError(f"Gatehouse exited with {code}")

    def _collect(self):
        with self.process.stderr as stream:
            self._collect_from(stream)

    def _collect_from(self, stream):
        for line in stream:
            with self.message_arrived:
                self.messages.append(line)
                self.message_arrived.notify_all()
        with self.message_arrived:
            self.messages.append("")  # the end
            self.message_arrived.notify_all()

    def log(self):
        return "".join(self.messages)

    def await_message(self, pattern, after=0):
        """Waits for a line on stderr that matches; returns the number of lines seen so far."""
        def found():
            return any(re.search(pattern, line) for line in self.messages[after:])
        with self.message_arrived:
            arrived = self.message_arrived.wait_for(
                lambda: found() or (self.messages and self.messages[-1] == ""), PATIENCE)
            if not (arrived and found()):
                raise AssertionError(f"no message matches {pattern!r}:\n{self.log()}")
            return len(self.messages)

    def control(self, command):
        """`gatehouse COMMAND` for this process; returns the finished child."""
        return subprocess.run([BINARY, *command.split(), str(self.file)], capture_output=True, text=True, cwd=self.directory,
                              timeout=PATIENCE + 30, check=False,
                              env={**os.environ, "XDG_RUNTIME_DIR": str(self.directory)})

    def resident_kib(self):
        """Memory, and always the same under a sanitizer, which keeps for a while what is given back."""
        return 0 if SANITIZED else int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def metrics(self):
        """The page as {"name{labels}": value}."""
        page = curl(f"http://127.0.0.1:{self.admin}/metrics").body.decode()
        samples = (line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def metric(self, pattern):
        """The sum of all samples whose name and labels match."""
        return sum(value for name, value in self.metrics().items() if re.search(pattern, name))

    def await_alt_svc(self, value=1, listener=""):
        """Waits until HTTP/3 is advertised (or, with 0, is not)."""
        sample = f'gatehouse_alt_svc_advertised{{listener="{listener or f":{self.port}"}"}}'
        wait_until(lambda: self.metrics().get(sample) == value, f"{sample} is {value}")

    def access_log(self, count=0, wanted=lambda line: True):
        """The lines that are wanted as objects, once there are `count` of them."""
        path = self.directory / "access.log"

        def lines():
            text = path.read_text() if path.exists() else ""
            return [line for line in map(json.loads, text.splitlines()) if wanted(line)]

        wait_until(lambda: len(lines()) >= count, f"{count} lines in the access log")
        return lines()

    def url(self, path="/"):
        return f"https://localhost:{self.port}{path}"

    def curl(self, protocol, path="/", *options, **keywords):
        """curl over TLS or QUIC, with the certificate checked."""
        return curl(self.url(path), "--cacert", str(self.certificate), PROTOCOLS[protocol], *options, **keywords)


class Answer:
    """What curl got: status, version ("1.1", "2", "3"), fields (lower-case names, the last of each), body, exit code."""

    def __init__(self, done):
        self.exit_code, self.error = done.returncode, done.stderr.decode(errors="replace")
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/") and re.match(rb"HTTP/\S+ 1\d\d", head):
            head, _, rest = rest.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/"):
            head, rest = b"", done.stdout
        self.body, _, outcome = rest.rpartition(b"\n@@")
        self.status, self.version = (outcome.decode().split() + ["", ""])[:2]
        self.status = int(self.status or 0)
        lines = head.decode("latin-1").split("\r\n")[1:]
        self.all_fields = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines]
        self.fields = {name.lower(): value for name, value in self.all_fields}

    def json(self):
        return json.loads(self.body)


def curl(url, *options, body=None, timeout=60):
    command = ["curl", "--silent", "--show-error", "--max-time", str(timeout), "--include",
               "--write-out", "\n@@%{http_code} %{http_version}", *options, url]
    if body is not None and "--upload-file" not in options:
        command += ["--data-binary", "@-"]
    return Answer(subprocess.run(command, input=body, capture_output=True, timeout=timeout + 10, check=False))


@contextlib.contextmanager
def backend(*arguments, port=0):
    """tests/system/backend.py as a process of its own; yields it with .port and .kill9()."""
    process = subprocess.Popen([sys.executable, "-B", str(ROOT / "tests" / "system" / "backend.py"), "--port", str(port),
                                *arguments], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline().split()
    process.port = int(line[1]) if len(line) == 2 else 0
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# One upstream behind every protocol: what most tests need.
LISTENERS = """
[[listeners]]
address = ":{port}"
[listeners.tls]
certificates = [{{ certificate = "{cert}", private_key = "{key}" }}]
[[listeners]]
address = "127.0.0.1:{http}"
"""

SIMPLE = LISTENERS + """[[routes]]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:BACKEND"]
"""


def simple(backend_port, more=""):
    return SIMPLE.replace("BACKEND", str(backend_port)) + more


def main():
    unittest.main(verbosity=2)
