"""The metrics as a real Prometheus sees them: every family with its labels, numbers that make sense, alerts that arrive, and
a scrape of ten thousand series that costs little and takes nothing from the workers."""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import subprocess
import unittest

import apps
import harness
import monitoring
from tunnel_ends import H1Tunnel, RawServer

# Every family that users rely on, with exactly its labels (without those that Prometheus adds, and `le`).
FAMILIES = {
    "build_info": "version",
    "connections": "listener protocol",
    "connections_total": "listener protocol",
    "connections_refused_total": "listener reason",
    "connections_evicted_total": "listener state",
    "connections_cut_total": "listener reason",
    "proxy_header_failures_total": "listener reason",
    "tls_handshakes_total": "listener version protocol resumed",
    "tls_handshake_failures_total": "listener reason",
    "certificate_expiry_timestamp_seconds": "listener certificate",
    "certificate_renewal_due_timestamp_seconds": "listener certificate",
    "alt_svc_advertised": "listener",
    "quic_datagrams_received_total": "listener",
    "quic_datagrams_sent_total": "listener",
    "quic_datagrams_dropped_total": "listener",
    "quic_retries_total": "listener",
    "quic_stateless_resets_total": "listener",
    "quic_migrations_total": "listener",
    "requests_total": "listener protocol route code",
    "requests_in_flight": "listener protocol",
    "request_duration_seconds": "protocol route",
    "request_body_bytes_total": "protocol",
    "response_body_bytes_total": "protocol",
    "throttled_seconds_total": "route",
    "tunnels": "protocol route",
    "tunnel_bytes_total": "protocol direction",
    "faults_total": "fault blame",
    "auth_total": "route scheme outcome",
    "delegations_total": "upstream target result",
    "cache_requests_total": "route result",
    "cache_bytes": "",
    "cache_bytes_limit": "",
    "cache_entries": "",
    "cache_evictions_total": "",
    "upstream_requests_total": "upstream endpoint code",
    "upstream_request_duration_seconds": "upstream",
    "upstream_connections": "upstream endpoint state",
    "upstream_connects_total": "upstream endpoint result",
    "upstream_extra_bytes_total": "upstream endpoint",
    "upstream_connections_not_kept_total": "upstream endpoint reason",
    "upstream_short_of_room_total": "upstream",
    "upstream_connections_open": "",
    "upstream_connections_limit": "",
    "upstream_retries_total": "upstream reason",
    "upstream_retries_denied_total": "upstream",
    "upstream_repairs_total": "upstream repair",
    "upstream_panics_total": "upstream",
    "upstream_queue": "upstream",
    "endpoint_healthy": "upstream endpoint",
    "endpoint_ejections_total": "upstream endpoint",
    "health_checks_total": "upstream endpoint result",
    "app_instances": "app state",
    "app_starts_total": "app reason",
    "app_exits_total": "app reason",
    "app_hooks_total": "app event result",
    "app_start_duration_seconds": "app",
    "app_resident_bytes": "app exported_instance",  # `instance` on the page; to Prometheus that is the target
    "app_parked": "app",
    "app_recycle_failed": "app",
    "registrations": "reservation",
    "registration_events_total": "reservation event",
    "config_last_reload_success": "",
    "config_last_reload_timestamp_seconds": "",
    "draining": "",
    "workers_hanging": "",
    "access_log_lines_total": "",
    "access_log_dropped_total": "",
    "log_lines_total": "",
    "log_dropped_total": "",
    "log_suppressed_total": "",
}
PROCESS = ("cpu_seconds_total", "open_fds", "max_fds", "resident_memory_bytes", "virtual_memory_bytes", "threads", "start_time_seconds")
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, float("inf"))


def everything(port, talk=1):
    """A configuration in which every family has a series: an upstream with a bad endpoint and checks, one that talks, and an app."""
    return monitoring.SERVER + harness.LISTENERS + f"""
[[routes]]
to = "shop"
limits = {{{{ bandwidth = 5000 }}}}
[[routes]]
path = "/web"
to = "web"
[[routes]]
path = "/talk"
to = "talk"
[[routes]]
path = "/delegate"
to = "router"
[[routes]]
path = "/private"
to = "shop"
auth = {{{{ schemes = ["Basic"], users = "{{directory}}/users", anonymous = true }}}}
[[routes]]
path = "/kept"
to = "shop"
cache = "http"
[upstreams.talk]
endpoints = ["127.0.0.1:{talk}"]
[upstreams.router]
endpoints = ["127.0.0.1:{port}"]
delegate_to = ["shop"]
[upstreams.shop]
endpoints = ["127.0.0.1:{port}", "127.0.0.1:1"]
[upstreams.shop.health]
path = "/status/200"
interval = "200ms"
unhealthy_after = 1000
""" + monitoring.RESERVATION + apps.app("web", apps.words(), 'start = "eager"\nhooks = {{ started = ["true"] }}')


def label_names(series):
    return " ".join(sorted(set(series) - {"__name__", "job", "instance", "le"}))


class PrometheusTest(unittest.TestCase):
    maxDiff = None

    def test_scrapes_every_family_with_its_labels(self):
        with contextlib.closing(RawServer()) as talk, harness.backend() as backend:
            gatehouse = self.enterContext(monitoring.everybody(everything(backend.port, talk.port), backend))
            with monitoring.Prometheus(gatehouse) as prometheus:
                for _ in range(2):  # a rate wants two scrapes, with requests between them
                    H1Tunnel(gatehouse, "/talk").close()
                    for protocol, path in itertools.product(harness.PROTOCOLS, ("/bytes/1000", "/web", "/delegate/shop", "/private", "/kept")):
                        for _ in range(3):
                            self.assertEqual(gatehouse.curl(protocol, path).status, 200)
                    prometheus.await_scrapes()
                harness.wait_until(lambda: gatehouse.curl("h1", "/bytes/1000").status == 200 and
                                   gatehouse.metric("^gatehouse_endpoint_ejections_total") > 0, "the bad endpoint is ejected")
                prometheus.await_value("gatehouse_app_resident_bytes", lambda value: value > 0)
                prometheus.await_value("gatehouse_endpoint_ejections_total", lambda value: value > 0)
                prometheus.await_scrapes()
                self.the_target_is_well(prometheus, gatehouse)
                self.families_are_complete(prometheus)
                self.quantiles_are_numbers(prometheus)
                self.assertEqual(prometheus.log(), "", "Prometheus has something to complain about")
            page = harness.curl(f"http://127.0.0.1:{gatehouse.admin}/metrics").body
            checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))
            self.the_list_of_metrics_is_true(page.decode())

    def the_list_of_metrics_is_true(self, page):
        """The table of deploy/prometheus/README.md against the page."""
        described = dict(re.findall(r"^# HELP gatehouse_(\w+) (.*)$", page, re.MULTILINE))
        kinds = dict(re.findall(r"^# TYPE gatehouse_(\w+) (.*)$", page, re.MULTILINE))
        rows = []
        for name, labels in FAMILIES.items():
            labels = ", ".join(f"`{label.removeprefix('exported_')}`" for label in labels.split())
            rows.append(f"| `{name}` | {kinds[name]} | {labels}{' ' if labels else ''}| {described[name]} |")
        listed = re.findall(r"^\| `\w+` \| (?:gauge|counter|histogram) .*$", (monitoring.SOURCE / "README.md").read_text(), re.MULTILINE)
        self.assertEqual(listed, rows)
        self.assertEqual(set(described), set(FAMILIES))

    def the_target_is_well(self, prometheus, gatehouse):
        def target_up():
            return [target for target in prometheus.api("targets")["activeTargets"] if target["health"] == "up"]
        [target] = harness.wait_until(target_up, "the target is up")
        self.assertEqual(target["lastError"], "")
        self.assertEqual(target["labels"], {"instance": f"127.0.0.1:{gatehouse.admin}", "job": "gatehouse"})

    def families_are_complete(self, prometheus):
        found = {}
        for series in prometheus.api("series", **{"match[]": '{__name__=~"gatehouse_.*"}'}):
            name = series["__name__"].removeprefix("gatehouse_")
            if "le" in series:
                name = name.removesuffix("_bucket")
            elif name.endswith(("_sum", "_count")):
                continue  # of a histogram, whose buckets are looked at
            found.setdefault(name, set()).add(label_names(series))
        wanted = {name: {" ".join(sorted(labels.split()))} for name, labels in FAMILIES.items()}
        self.assertEqual(found, wanted)
        self.assertLessEqual({f"process_{name}" for name in PROCESS}, prometheus.names())
        described = prometheus.api("metadata")
        for name in FAMILIES:
            [about] = described["gatehouse_" + name]
            self.assertTrue(about["help"])
            self.assertEqual(about["type"] == "counter", name.endswith("_total"), name)
            self.assertEqual(about["type"] == "histogram", name.endswith("duration_seconds"), name)
        for histogram in ("request_duration_seconds", "upstream_request_duration_seconds", "app_start_duration_seconds"):
            buckets = prometheus.query(f"count by (le) (gatehouse_{histogram}_bucket)")
            self.assertEqual(sorted(float(labels["le"]) for labels, _ in buckets), list(BUCKETS), histogram)

    def quantiles_are_numbers(self, prometheus):
        for record in ("route:gatehouse_request_duration_seconds:p99_5m", "upstream:gatehouse_upstream_request_duration_seconds:p99_5m",
                       "protocol:gatehouse_request_duration_seconds:p50_5m"):
            values = [value for _, value in prometheus.query(record)]
            self.assertGreaterEqual(len(values), 2, record)
            for value in values:
                self.assertTrue(0 < value < 120, (record, value))

    def test_an_alert_fires_when_an_app_is_killed_for_good(self):
        keys = 'start = "eager"\nrapid_fail = {{ count = 2, window = "60s" }}'
        command = '["sh", "-c", "test ! -e broken && exec python3 -I -S ' + str(apps.FAULT_APP) + '"]'
        config = harness.LISTENERS + '[[routes]]\nto = "web"\n' + apps.app("web", command, keys)
        with apps.Gatehouse(config) as gatehouse, monitoring.Prometheus(gatehouse, at_once=True) as prometheus:
            gatehouse.await_state("serving")
            prometheus.await_value("gatehouse_app_parked", lambda value: value == 0)
            prometheus.await_scrapes(2)
            self.assertNotIn("GatehouseAppParked", prometheus.firing())
            (gatehouse.directory / "broken").touch()
            os.kill(gatehouse.pid(), signal.SIGKILL)
            alert = harness.wait_until(lambda: prometheus.firing().get("GatehouseAppParked"), "the alert fires")
            self.assertEqual(alert["labels"]["app"], "web")
            self.assertEqual(alert["labels"]["severity"], "critical")
            self.assertIn("App web is parked", alert["annotations"]["summary"])
            self.assertIn("`gatehouse app web start`", alert["annotations"]["runbook"])
            (gatehouse.directory / "broken").unlink()
            gatehouse.must("start")  # as the runbook says
            gatehouse.await_state("serving")
            prometheus.await_value("gatehouse_app_parked", lambda value: value == 0)

    def test_alt_svc_that_is_withdrawn_shows(self):
        with harness.backend() as backend, holder_of_udp() as taken:
            gatehouse = harness.Gatehouse(harness.simple(backend.port, f"""
[[listeners]]
address = "127.0.0.1:{taken}"
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
"""))
            with gatehouse:
                gatehouse.await_alt_svc()
                samples = {name: value for name, value in gatehouse.metrics().items() if "alt_svc_advertised" in name}
                self.assertEqual(samples, {f'gatehouse_alt_svc_advertised{{listener=":{gatehouse.port}"}}': 1,
                                           f'gatehouse_alt_svc_advertised{{listener="127.0.0.1:{taken}"}}': 0})


class ScrapeCostTest(unittest.TestCase):
    """Processor time of the threads, as the kernel counts it, so that a machine that has other things to do changes little."""

    ROUTES = 110
    SERIES = 10_000
    SCRAPES = 10

    def config(self, port):
        text = harness.LISTENERS
        for number in range(self.ROUTES):
            text += f"""
[[routes]]
path = "/r{number}"
to = "u{number}"
strip_prefix = true
[upstreams.u{number}]
endpoints = ["127.0.0.1:{port}"]
"""
        return text

    def milliseconds(self, gatehouse):
        """Processor time so far: of the control thread, and of all others."""
        spent = {int(task.name): int((task / "schedstat").read_text().split()[0]) / 1e6
                 for task in pathlib.Path(f"/proc/{gatehouse.process.pid}/task").iterdir()}
        control = spent.pop(gatehouse.process.pid)
        return control, sum(spent.values())

    def test_ten_thousand_series_cost_the_control_thread_little_and_the_workers_nothing(self):
        with harness.backend() as backend, harness.Gatehouse(self.config(backend.port)) as gatehouse:
            for protocol, option in harness.PROTOCOLS.items():
                url = gatehouse.url(f"/r[0-{self.ROUTES - 1}]/status/204")
                subprocess.run(["curl", "-sf", option, "--cacert", gatehouse.certificate, url], check=True, timeout=60,
                               stdout=subprocess.DEVNULL)
                self.assertEqual(gatehouse.metric(f'^gatehouse_requests_total.*protocol="{protocol}"'), self.ROUTES)
            self.assertGreaterEqual(len(gatehouse.metrics()), self.SERIES)
            costs = []
            before = self.milliseconds(gatehouse)
            for _ in range(self.SCRAPES):
                harness.curl(f"http://127.0.0.1:{gatehouse.admin}/metrics")
                after = self.milliseconds(gatehouse)
                costs.append((after[0] - before[0], after[1] - before[1]))
                before = after
            control, others = min(cost for cost, _ in costs), min(cost for _, cost in costs)
            print(f"  a scrape of {len(gatehouse.metrics())} series: control thread {control:.1f} ms, all others {others:.2f} ms")
            if not harness.SANITIZED:
                self.assertLess(control, 50)
            self.assertLess(others, 2)


class holder_of_udp:
    """A port whose UDP side somebody else has."""

    def __enter__(self):
        import socket
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port = harness.free_port()
        self.socket.bind(("127.0.0.1", port))
        return port

    def __exit__(self, *_):
        self.socket.close()


if __name__ == "__main__":
    monitoring.require()
    harness.main()
