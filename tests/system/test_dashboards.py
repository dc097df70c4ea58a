"""Every query of every dashboard and every rule, asked of a real Prometheus that scrapes a Gatehouse to which all has happened
that they show: traffic over each protocol, crashes, refused and failed requests, a queue, bad handshakes, a moved client."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import subprocess
import time
import unittest
import xml.etree.ElementTree

import yaml
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

import apps
import harness
import monitoring
from h3_client import h3_client
from tunnel_ends import TUNNELS, RawServer

DASHBOARDS = harness.ROOT / "dashboards"
RULES = harness.ROOT / "deploy" / "prometheus" / "rules"
NAME = re.compile(r"\b(?:\w+:)?(?:gatehouse|process)[_:]\w+(?::\w+)*|\bALERTS\b|\bup\b")

CONFIG = monitoring.SERVER + harness.LISTENERS + monitoring.RESERVATION + """
[[routes]]
to = "shop"
[[routes]]
path = "/web"
to = "web"
strip_prefix = true
[[routes]]
path = "/broken"
to = "broken"
[[routes]]
path = "/dead"
to = "dead"
[[routes]]
path = "/narrow"
to = "narrow"
strip_prefix = true
[[routes]]
path = "/old"
redirect = "/new"
[[routes]]
path = "/talk"
to = "talk"
[[routes]]
path = "/delegate"
to = "router"
[[routes]]
path = "/kept"
to = "shop"
strip_prefix = true
cache = "http"
response_headers = {{ set = {{ Cache-Control = "max-age=60" }} }}
[[routes]]
path = "/private"
to = "shop"
auth = {{ schemes = ["Basic"], users = "{directory}/users" }}

[upstreams.router]
endpoints = ["127.0.0.1:BACKEND"]
delegate_to = ["shop"]
[upstreams.shop]
endpoints = ["127.0.0.1:BACKEND", "127.0.0.1:1"]
[upstreams.shop.health]
path = "/status/200"
interval = "300ms"
unhealthy_after = 1000
[upstreams.shop.outlier]
consecutive_failures = 2
eject_for = "500ms"
[upstreams.dead]
endpoints = ["127.0.0.1:1"]
[upstreams.dead.health]
path = "/"
interval = "300ms"
unhealthy_after = 1
[upstreams.talk]
endpoints = ["127.0.0.1:TALK"]
[upstreams.narrow]
endpoints = ["127.0.0.1:BACKEND"]
max_requests = 1
""" + apps.app("web", apps.words(), 'start = "eager"\nhooks = {{ started = ["true"] }}') + apps.app(
    "broken", apps.words("exit"), 'start = "eager"\nrapid_fail = {{ count = 2, window = "60s" }}')


# Queries that may show nothing but zero here: what is too brief for a scrape (an app that starts), or would take a limit, a
# release, a connection or an endpoint of its own to provoke.
QUIET = {"apps.json 'Starting' A", "apps.json 'Waiting line' A", "apps.json 'Failed recycles' A", "tls-quic.json 'New connections' B",
         "tls-quic.json 'New connections' C", "tls-quic.json 'New connections' D",
         "tls-quic.json 'New connections' E", "tls-quic.json 'Retry and reset' B", "upstreams.json 'Without a way out' A",
         "upstreams.json 'Repairs' A"}


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def rules():
    """{file and name: expression}"""
    return {f"{path.name} {rule.get('record') or rule['alert']}": rule["expr"] for path in RULES.glob("*.yml")
            for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}


def choices(prometheus, variable):
    """What a variable that is at "All" stands for in an expression."""
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
    values = {labels[label] for labels, _ in prometheus.query(f'{metric}{{{label}!=""}}')}
    return "(" + "|".join(re.escape(value).replace("\\", "\\\\") for value in sorted(values)) + ")"


def queries(prometheus):
    """Every query of a panel, as Grafana would send it with all variables at "All": {where: expression}."""
    found = {}
    for name, dashboard in dashboards().items():
        values = {"__rate_interval": "2m"}
        values |= {one["name"]: choices(prometheus, one) for one in dashboard["templating"]["list"] if one["type"] == "query"}
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = target["expr"]
                for variable, value in values.items():
                    expression = expression.replace("$" + variable, value)
                found[f"{name} {panel['title']!r} {target['refId']}"] = expression
    return found


def bad_handshake(gatehouse):
    with socket.create_connection(("127.0.0.1", gatehouse.port)) as client:
        client.sendall(b"\x16\x03\x01\x00\x05hello")
        client.recv(100)


def resume(gatehouse):
    """A TLS session that is taken up again."""
    context = ssl.create_default_context(cafile=str(gatehouse.certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for reused in (False, True):
        with socket.create_connection(("127.0.0.1", gatehouse.port)) as tcp:
            with context.wrap_socket(tcp, server_hostname="localhost", session=session) as client:
                if client.session_reused != reused:
                    raise AssertionError(f"session_reused is not {reused}")
                session = client.session


def stray_datagrams(gatehouse):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"?", ("127.0.0.1", gatehouse.port))


def half_open(gatehouse):
    """More connections begun and left alone than one client is trusted with: the next is told to prove its address (Retry)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(12):
            begun = QuicConnection(configuration=QuicConfiguration(alpn_protocols=H3_ALPN, server_name="localhost"))
            begun.connect(("127.0.0.1", gatehouse.port), now=time.monotonic())
            for data, address in begun.datagrams_to_send(now=time.monotonic()):
                client.sendto(data, address)


async def move(gatehouse):
    """A QUIC client that goes on from another port."""
    async with h3_client(gatehouse.port, gatehouse.certificate) as client:
        await client.request("/bytes/10")
        await client.rebind()
        for _ in range(2):  # the path is validated between them, which is what counts
            await client.request("/bytes/10")


def requests(gatehouse):
    """Once everything that a client can cause."""
    for protocol in harness.PROTOCOLS:
        for path, status in (("/bytes/2000", 200), ("/web/", 200), ("/dead/", 502), ("/broken/", 503), ("/old/", 308), ("/status/500", 500),
                             ("/delegate/shop", 200)):
            answer = gatehouse.curl(protocol, path, body=b"something")
            if answer.status != status:
                raise AssertionError(f"{protocol} {path}: {answer.status} {answer.error}")
        for path, status in (("/kept/bytes/2000", 200), ("/private/", 401)):
            answer = gatehouse.curl(protocol, path)
            if answer.status != status:
                raise AssertionError(f"{protocol} {path}: {answer.status} {answer.error}")
    with monitoring.registered(gatehouse, "/reserved/brief/", gatehouse.admin):
        pass
    bad_handshake(gatehouse)
    resume(gatehouse)
    stray_datagrams(gatehouse)
    half_open(gatehouse)
    asyncio.run(move(gatehouse))


class DashboardsTest(unittest.TestCase):
    def test_they_are_current_and_grafana_can_load_them(self):
        checked = subprocess.run(["python3", "-B", str(DASHBOARDS / "generate"), "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(set(dashboards()), {"overview.json", "upstreams.json", "apps.json", "tls-quic.json"})
        for name, dashboard in dashboards().items():
            with self.subTest(name):
                self.assertNotIn("id", dashboard)
                self.assertEqual(dashboard["templating"]["list"][0]["type"], "datasource")
                cells = [(x, y) for panel in dashboard["panels"] for place in [panel["gridPos"]]
                         for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
                self.assertEqual(len(cells), len(set(cells)), "panels lie on one another")
                self.assertLess(max(x for x, _ in cells), 24)
                for panel in dashboard["panels"]:
                    self.assertTrue(panel["description"].endswith("?"), panel["title"])
                    sources = {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])}
                    self.assertEqual(sources, {"${datasource}"})

    def test_every_panel_and_every_rule_has_data(self):
        with harness.backend() as backend:
            config = CONFIG.replace("BACKEND", str(backend.port)).replace("TALK", str(RawServer().port))
            with monitoring.everybody(config, backend) as gatehouse, monitoring.Prometheus(gatehouse, at_once=True) as prometheus:
                self.provoke(gatehouse, prometheus)
                self.names_exist(prometheus)
                self.rules_are_well(prometheus)
                self.panels_have_data(prometheus)
                self.pictures_can_be_drawn(prometheus)

    def provoke(self, gatehouse, prometheus):
        gatehouse.await_state("parked", "broken")
        for _ in range(3):  # a rate wants two scrapes with something between them
            requests(gatehouse)
            prometheus.await_scrapes()
        for _ in range(2):
            self.assertEqual(gatehouse.curl("h1", "/web/crash", body=b"once").status, 502)
            prometheus.await_scrapes()
        slow = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", "--cacert", str(gatehouse.certificate), option,
                                  gatehouse.url("/narrow/slow/800")]) for option in harness.PROTOCOLS.values()]
        prometheus.await_value('gatehouse_upstream_queue{upstream="narrow"}', lambda value: value > 0)
        for one in slow:
            one.wait(harness.PATIENCE)
        with contextlib.ExitStack() as stack:
            for tunnel in TUNNELS.values():
                stack.enter_context(contextlib.closing(tunnel(gatehouse, "/talk")))
            prometheus.await_scrapes()
        prometheus.await_value("gatehouse_quic_migrations_total", lambda value: value > 0)
        prometheus.await_value("gatehouse_app_resident_bytes", lambda value: value > 0)
        prometheus.await_scrapes()

    def names_exist(self, prometheus):
        known = prometheus.names()
        for where, expression in {**queries(prometheus), **rules()}.items():
            used = set(NAME.findall(expression))
            self.assertTrue(used or expression.startswith("vector("), where)
            self.assertEqual(used - known, set(), where)

    def rules_are_well(self, prometheus):
        for group in prometheus.api("rules")["groups"]:
            for rule in group["rules"]:
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""), rule["name"])
        recorded = [where.split()[1] for where in rules() if where.startswith("recording.yml")]
        self.assertEqual([name for name in recorded if not self.has_data(prometheus, name)], [])

    def panels_have_data(self, prometheus):
        empty, flat = [], []
        for where, expression in queries(prometheus).items():
            if not self.has_data(prometheus, expression):
                empty.append(where)
            elif not self.has_data(prometheus, f"max_over_time(({expression})[3m:500ms]) > 0"):
                flat.append(where)
        self.assertEqual(empty, [])
        self.assertEqual(sorted(set(flat) - QUIET), [], "nothing but zero, though it was provoked")

    def pictures_can_be_drawn(self, prometheus):
        for name, dashboard in dashboards().items():
            drawn = subprocess.run([DASHBOARDS / "draw", name.removesuffix(".json"), f"http://127.0.0.1:{prometheus.port}", "--minutes", "1"],
                                   capture_output=True, text=True, check=False)
            self.assertEqual(drawn.returncode, 0, drawn.stderr)
            written = {element.text for element in xml.etree.ElementTree.fromstring(drawn.stdout).iter("{http://www.w3.org/2000/svg}text")}
            self.assertLessEqual({panel["title"] for panel in dashboard["panels"]}, written)
            self.assertNotIn("no data", written, name)

    def has_data(self, prometheus, expression):
        return any(value == value for _, value in prometheus.query(expression))


if __name__ == "__main__":
    monitoring.require()
    harness.main()
