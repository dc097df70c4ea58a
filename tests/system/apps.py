"""What the tests of hosted apps share: configurations, Gatehouse with a look at its apps, and that nothing is left of them."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess

import harness

FAULT_APP = pathlib.Path(__file__).with_name("fault_app.py")


def words(*mode):
    """The command that starts fault_app.py, as a TOML array."""
    return json.dumps(["python3", "-I", "-S", str(FAULT_APP), *map(str, mode)])


def app(name, command, keys=""):
    return f'[apps.{name}]\ncommand = {command}\ndirectory = "{{directory}}"\n{keys}\n'


def hosted(*mode, keys="", more=""):
    """fault_app.py in this mode behind all protocols, as the app `web`."""
    return harness.LISTENERS + '[[routes]]\nto = "web"\n' + app("web", words(*mode), keys) + more


def build_go(source, program):
    """Go's own library is compiled once for a build directory."""
    cache = pathlib.Path(os.environ.get("GATEHOUSE_BUILD_DIR", program.parent)) / "go-cache"
    subprocess.run(["go", "build", "-o", program, source.name], cwd=source.parent, check=True, timeout=240,
                   env={**os.environ, "GOCACHE": str(cache), "GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"})


def environment_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # gone, or a zombie


def state_of(pid):
    """"Z" for a zombie, "" for nobody."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


class Gatehouse(harness.Gatehouse):
    """With apps; when it has ended none of their processes may be left."""

    def app(self, verb, name="web"):
        return self.control(f"app {name} {verb}")

    def must(self, verb, name="web"):
        done = self.app(verb, name)
        if done.returncode != 0:
            raise AssertionError(f"app {name} {verb}: {done.stdout}{done.stderr}")
        return done.stdout

    def status(self):
        """/status.json, as `gatehouse status --json` prints it."""
        done = self.control("status --json")
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        return json.loads(done.stdout)

    def app_status(self, name="web"):
        return next(app for app in self.status()["apps"] if app["name"] == name)

    def app_line(self, name="web"):
        """The state of the app itself and why it is not well, in a line."""
        app = self.app_status(name)
        recycle = "  RECYCLE FAILED" if app["recycle_failed"] else ""
        return f'{app["state"]}  restarts {app["restarts"]}{recycle}  ({app["why"] or ""})'

    def endpoints(self, upstream="web"):
        """{name: state} of an upstream's endpoints."""
        found = next(one for one in self.status()["upstreams"] if one["name"] == upstream)
        return {endpoint["name"]: endpoint["state"] for endpoint in found["endpoints"]}

    def await_state(self, state, name="web"):
        return harness.wait_until(lambda: re.match(state, line := self.app_line(name)) and line, f"{name} is {state}")

    def processes(self):
        """The numbers of all processes that bear the mark of one of its instances."""
        mark = f"GATEHOUSE_INSTANCE={self.process.pid}.".encode()
        return [pid for pid in all_pids() if any(entry.startswith(mark) for entry in environment_of(pid))]

    def zombies(self):
        """Children of ours that nobody has waited for."""
        found = []
        for pid in all_pids():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                if fields[0] == "Z" and int(fields[1]) == self.process.pid:
                    found.append(pid)
        return found

    def pid(self, path="/pid"):
        answer = harness.curl(f"http://127.0.0.1:{self.http}{path}")
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {answer.body} {answer.error}\n{self.log()}")
        return int(answer.body)

    def await_in_flight(self, count):
        """Waits until so many requests are at endpoints; those to the admin address do not count."""
        def at_endpoints():
            return sum(endpoint["in_flight"] for one in self.status()["upstreams"] for endpoint in one["endpoints"])
        harness.wait_until(lambda: at_endpoints() >= count, f"{count} requests in flight")

    def ask(self, path="/", *options, **keywords):
        """curl without TLS."""
        return harness.curl(f"http://127.0.0.1:{self.http}{path}", *options, **keywords)

    def __exit__(self, kind, *rest):
        super().__exit__(kind, *rest)
        if left := self.processes():
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{len(left)} processes of its apps are left")


class Host(Gatehouse):
    """`gatehouse host -- COMMAND`, without a file."""

    def __init__(self, *command, options=()):
        super().__init__("")
        self.hosted, self.options = command, options

    def command(self):
        return [harness.BINARY, "host", "--listen", f":{self.port}", "--http", f"127.0.0.1:{self.http}",
                "--admin", f"127.0.0.1:{self.admin}", "--certificate", str(self.certificate), "--private-key", str(self.key),
                "--control", str(self.directory / "control"), *self.options, "--", *self.hosted]

    def control(self, command):
        where = ["--admin", f"127.0.0.1:{self.admin}"] if command.startswith("status") else ["--control", str(self.directory / "control")]
        return subprocess.run([harness.BINARY, *command.split(), *where], capture_output=True, text=True, check=False,
                              timeout=harness.PATIENCE)
