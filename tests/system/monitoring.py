"""A real Prometheus for the system tests, on the configuration of deploy/prometheus with a target and a pace of the test's."""

import contextlib
import datetime
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import yaml

import apps
import harness

SOURCE = harness.ROOT / "deploy" / "prometheus"

SERVER = """
[server]
admin = "127.0.0.1:{admin}"
registrations = "{directory}/registrations.sock"
"""
RESERVATION = """
[[reservations]]
prefix = "https://localhost:{port}/reserved/"
user = "root"
"""


@contextlib.contextmanager
def everybody(config, backend):
    """Gatehouse with the two above, a file {directory}/users, and something that is registered: families that need more than traffic."""
    gatehouse = apps.Gatehouse(config)
    users = gatehouse.directory / "users"
    users.write_text("alice:$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW\n")
    users.chmod(0o600)
    with gatehouse, registered(gatehouse, "/reserved/", backend.port):
        yield gatehouse


@contextlib.contextmanager
def registered(gatehouse, path, port):
    with socket.socket(socket.AF_UNIX) as registration:
        registration.connect(str(gatehouse.directory / "registrations.sock"))
        registration.sendall(f"register https://localhost:{gatehouse.port}{path} 127.0.0.1:{port}\n".encode())
        said = registration.makefile().readline()
        if said != "ok\n":
            raise AssertionError(said)
        yield


def require():
    """Ends the test as skipped where there is no Prometheus (deploy/toolchain installs no services on a machine)."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("skipped: there is no prometheus here")
        raise SystemExit(77)


class Prometheus:
    """Scrapes a Gatehouse and evaluates the real rules; a context manager. Two things differ from what users run: the pace
    (a scrape and an evaluation each `interval`) and, if `at_once`, how long an alert waits before it fires (`for:` is left out)."""

    def __init__(self, gatehouse, interval="1s" if harness.SANITIZED else "250ms", at_once=False):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-prometheus-"))
        self.port = harness.free_port()
        rules = self.directory / "rules"
        shutil.copytree(SOURCE / "rules", rules)
        if at_once:
            alerts = rules / "alerts.yml"
            alerts.write_text(re.sub(r"(?m)^ +for: \w+\n", "", alerts.read_text()))
        config = yaml.safe_load((SOURCE / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": interval, "evaluation_interval": interval, "scrape_timeout": interval}
        [job] = config["scrape_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{gatehouse.admin}"]}]
        job["scrape_timeout"] = job["scrape_interval"] = interval
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.process = None

    def __enter__(self):
        with open(self.directory / "log", "w") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stderr=log, stdout=log)
        try:
            harness.wait_until(self.ready, "Prometheus is ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(harness.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory)

    def log(self):
        """Warnings and errors."""
        return (self.directory / "log").read_text()

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(self.log())
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
            return answer.status == 200
        return False

    def api(self, path, **parameters):
        """The `data` of an answer; an error of Prometheus's is ours."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=harness.PATIENCE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {json.load(error)['error']}") from None

    def query(self, expression):
        """An instant query: [(labels, value)]."""
        data = self.api("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def await_value(self, expression, wanted=lambda value: value == value, patience=harness.PATIENCE):
        """Waits until the query has a sample that is wanted (any number, by default); returns its value."""
        def found():
            return [value for _, value in self.query(expression) if wanted(value)]
        return harness.wait_until(found, f"{expression} has a value", patience)[0]

    def await_scrapes(self, count=1):
        """Waits for that many scrapes from now on, and for an evaluation of every rule after them."""
        begun = self.await_value("sum_over_time(up[1h])")  # of those that succeeded
        self.await_value("sum_over_time(up[1h])", lambda value: value >= begun + count)
        now = datetime.datetime.now(datetime.UTC)

        def evaluated():
            groups = self.api("rules")["groups"]
            return all(datetime.datetime.fromisoformat(group["lastEvaluation"]) > now for group in groups)
        harness.wait_until(evaluated, "all rules are evaluated")

    def names(self):
        """Every metric that there is, recorded ones included."""
        return set(self.api("label/__name__/values"))

    def firing(self):
        return {alert["labels"]["alertname"]: alert for alert in self.api("alerts")["alerts"] if alert["state"] == "firing"}
