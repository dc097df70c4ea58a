"""What the dashboards show: for each panel its title, the question that it answers, its unit and its queries."""

HERE = 'instance=~"$instance"'
INSTANCE = "label_values(gatehouse_build_info, instance)"

# Sizes on a page of 24 columns.
NUMBER, THIRD, HALF = (4, 4), (8, 8), (12, 8)


def panel(kind, title, question, queries, unit="short", size=HALF, **more):
    if isinstance(queries, str):
        queries = [(queries, "")]
    return {"type": kind, "title": title, "question": question, "queries": queries, "unit": unit, "size": size, **more}


def number(title, question, query, unit="short", **more):
    return panel("stat", title, question, query, unit, NUMBER, **more)


def lines(title, question, *queries, unit="short", size=HALF, **more):
    return panel("timeseries", title, question, list(queries), unit, size, **more)


def states(title, question, query, legend, values, size=HALF):
    return panel("state-timeline", title, question, [(query, legend)], "short", size, values=values)


def rate(metric, labels=HERE):
    return f"rate(gatehouse_{metric}{{{labels}}}[$__rate_interval])"


def total(metric, by="", labels=HERE):
    return f"sum{f' by ({by})' if by else ''} ({rate(metric, labels)})"


def quantile(value, metric, by="", labels=HERE):
    return f"histogram_quantile({value}, sum by (le{', ' + by if by else ''}) ({rate(metric + '_bucket', labels)}))"


def errors(metric, by, codes, labels=HERE):
    """The part of requests that failed; zero where none did, nothing where there was none."""
    bad, good = total(metric, by, f'{labels}, code=~"{codes}"'), total(metric, by, labels)
    return f"({bad} or {good} * 0) / ({good} > 0)"


WELL = (("1", "well", "green"), ("0", "out", "red"))
FINE = (("0", "no", "green"), ("1", "yes", "red"))
OFFERED = (("1", "offered", "green"), ("0", "withdrawn", "red"))

OVERVIEW = {
    "title": "Gatehouse overview",
    "about": "Is it serving, how much, how fast, over which protocols, and what fails?",
    "variables": {"instance": INSTANCE},
    "panels": [
        number("Requests", "How many requests are answered in a second?", total("requests_total"), "reqps"),
        number("Errors", "Which part of the answers is a 5xx?", errors("requests_total", "", "5.."), "percentunit", limits=(0.001, 0.01)),
        number("p99", "How long does the slowest request of a hundred take?", quantile(0.99, "request_duration_seconds"), "s", limits=(1, 5)),
        number("In flight", "How many requests are being answered now?", f"sum(gatehouse_requests_in_flight{{{HERE}}})"),
        number("Connections", "How many clients are connected?", f"sum(gatehouse_connections{{{HERE}}})"),
        number("Serving", "How many Gatehouses serve, those that drain not counted?", f"sum(1 - gatehouse_draining{{{HERE}}})", limits=(1, 0.5)),
        lines("Requests by protocol", "Over which protocols do clients come?", (total("requests_total", "protocol"), "{{protocol}}"),
              unit="reqps", size=THIRD, stacked=True),
        lines("Latency by protocol", "How long do requests take over each protocol: half of them, and 99 of 100?",
              (quantile(0.5, "request_duration_seconds", "protocol"), "{{protocol}} p50"),
              (quantile(0.99, "request_duration_seconds", "protocol"), "{{protocol}} p99"), unit="s", size=THIRD),
        lines("Answers by class", "How many answers are successes, redirects, the clients' errors, ours?",
              (f'sum by (class) (label_replace({rate("requests_total")}, "class", "${{1}}xx", "code", "(.).."))', "{{class}}"),
              unit="reqps", size=THIRD, stacked=True, colours={"2xx": "green", "3xx": "blue", "4xx": "orange", "5xx": "red"}),
        lines("Requests by route", "Which routes are busiest?", (f'topk(10, {total("requests_total", "route")})', "{{route}}"),
              unit="reqps", size=THIRD, stacked=True),
        lines("p99 by route", "Which routes are slow?", (quantile(0.99, "request_duration_seconds", "route"), "{{route}}"), unit="s", size=THIRD),
        lines("Errors by route", "Which routes fail?", (errors("requests_total", "route", "5.."), "{{route}}"), unit="percentunit", size=THIRD),
        lines("Faults", "Why does Gatehouse itself refuse or break off requests, and who is to blame?",
              (f'{total("faults_total", "fault, blame")} > 0', "{{fault}} ({{blame}})"), unit="reqps", size=THIRD),
        lines("Error budget", "How many times too fast do routes use up the errors that the objective allows (1: just in time)?",
              ("route:gatehouse_error_budget_burn:rate1h", "{{route}} over 1 h"),
              ("route:gatehouse_error_budget_burn:rate6h", "{{route}} over 6 h"), size=THIRD),
        lines("Firing alerts", "What are people being told?",
              ('sum by (alertname, severity) (ALERTS{alertname=~"Gatehouse.*", alertstate="firing"})', "{{alertname}} ({{severity}})"),
              size=THIRD, stacked=True),
        lines("Bodies", "How many bytes of bodies come in and go out?", (total("request_body_bytes_total"), "in"),
              (total("response_body_bytes_total"), "out"), unit="Bps", size=(5, 7)),
        lines("Cache", "What does the cache do for the requests of its routes?",
              (total("cache_requests_total", "result"), "{{result}}"), unit="reqps", size=(5, 7), stacked=True),
        lines("Cache memory", "How full is the cache?",
              (f"gatehouse_cache_bytes{{{HERE}}} / (gatehouse_cache_bytes_limit > 0)", "{{instance}}"), unit="percentunit", size=(5, 7)),
        lines("Sign-ins", "How do users sign in, and what is refused?",
              (total("auth_total", "scheme, outcome"), "{{scheme}} {{outcome}}"), unit="reqps", size=(5, 7), stacked=True),
        lines("Tunnels", "How many WebSockets and other tunnels are open?",
              (f"sum by (protocol) (gatehouse_tunnels{{{HERE}}})", "{{protocol}}"), size=(4, 7), stacked=True),
        lines("Processor", "How many processors does it use?", (f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval])", "{{instance}}"),
              size=(5, 7)),
        lines("Memory", "How much memory does it hold?", (f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}"), unit="bytes", size=(5, 7)),
        lines("Descriptors", "Which part of its file descriptors is in use?",
              (f"process_open_fds{{{HERE}}} / process_max_fds and on (job, instance) gatehouse_build_info", "{{instance}}"),
              unit="percentunit", size=(5, 7)),
    ],
}

UPSTREAM = f'{HERE}, upstream=~"$upstream"'
UPSTREAMS = {
    "title": "Gatehouse upstreams and endpoints",
    "about": "Are the upstreams well, which endpoint is not, and what do retries and queues hide?",
    "variables": {"instance": INSTANCE, "upstream": "label_values(gatehouse_upstream_queue, upstream)"},
    "panels": [
        number("Well", "How many endpoints may get requests?", f"sum(gatehouse_endpoint_healthy{{{UPSTREAM}}})"),
        number("Out", "How many endpoints are left out?", f"count(gatehouse_endpoint_healthy{{{UPSTREAM}}}) - sum(gatehouse_endpoint_healthy{{{UPSTREAM}}})",
               limits=(1, 2)),
        number("Requests", "How many requests go to endpoints in a second?", total("upstream_requests_total", labels=UPSTREAM), "reqps"),
        number("Errors", "Which part of them is answered with a 5xx or not at all?", errors("upstream_requests_total", "", "5..|none", UPSTREAM),
               "percentunit", limits=(0.01, 0.05)),
        number("p99", "How long does the slowest request of a hundred take?", quantile(0.99, "upstream_request_duration_seconds", labels=UPSTREAM), "s",
               limits=(1, 5)),
        number("Waiting", "How many requests wait for a place?", f"sum(gatehouse_upstream_queue{{{UPSTREAM}}})", limits=(1, 100)),
        lines("Requests by upstream", "Which upstreams are busy?", (total("upstream_requests_total", "upstream", UPSTREAM), "{{upstream}}"),
              unit="reqps", size=THIRD, stacked=True),
        lines("Latency by upstream", "How long do they take: half of the requests, and 99 of 100?",
              (quantile(0.5, "upstream_request_duration_seconds", "upstream", UPSTREAM), "{{upstream}} p50"),
              (quantile(0.99, "upstream_request_duration_seconds", "upstream", UPSTREAM), "{{upstream}} p99"), unit="s", size=THIRD),
        lines("Errors by upstream", "Which upstreams fail, retries that succeeded counted too?",
              (errors("upstream_requests_total", "upstream", "5..|none", UPSTREAM), "{{upstream}}"), unit="percentunit", size=THIRD),
        states("Endpoints", "Which endpoints were left out, and when?", f"min by (upstream, endpoint) (gatehouse_endpoint_healthy{{{UPSTREAM}}})",
               "{{upstream}} {{endpoint}}", WELL),
        lines("Answers by endpoint", "What does each endpoint answer (none: nothing that could be passed on)?",
              (total("upstream_requests_total", "endpoint, code", UPSTREAM), "{{endpoint}} {{code}}"), unit="reqps"),
        lines("Waiting line", "Do requests pile up before an upstream?", (f"sum by (upstream) (gatehouse_upstream_queue{{{UPSTREAM}}})", "{{upstream}}"),
              size=THIRD),
        lines("Retries", "How many requests had to be sent once more, and why?",
              (total("upstream_retries_total", "upstream, reason", UPSTREAM), "{{upstream}} {{reason}}"), unit="reqps", size=THIRD),
        lines("Without a way out", "How many retries did the budget forbid, and how many requests went to endpoints known to be unwell?",
              (total("upstream_retries_denied_total", "upstream", UPSTREAM), "{{upstream}} retries denied"),
              (total("upstream_panics_total", "upstream", UPSTREAM), "{{upstream}} none is well"), unit="reqps", size=THIRD),
        lines("Connections", "How many connections are in use, how many are kept for later?",
              (f"sum by (upstream, state) (gatehouse_upstream_connections{{{UPSTREAM}}})", "{{upstream}} {{state}}"), size=THIRD),
        lines("Connects", "Can endpoints be reached?", (total("upstream_connects_total", "upstream, result", UPSTREAM), "{{upstream}} {{result}}"),
              unit="cps", size=THIRD),
        lines("Health checks", "What do active checks find?", (total("health_checks_total", "endpoint, result", UPSTREAM), "{{endpoint}} {{result}}"),
              unit="ops", size=THIRD),
        lines("Ejections", "Which endpoints were taken out because requests failed?",
              (f"sum by (upstream, endpoint) (gatehouse_endpoint_ejections_total{{{UPSTREAM}}})", "{{upstream}} {{endpoint}}"), size=(16, 6)),
        lines("Repairs", "Which lenient upstreams answer what is not quite HTTP, and what had to be put right?",
              (total("upstream_repairs_total", "upstream, repair", UPSTREAM), "{{upstream}} {{repair}}"), unit="reqps", size=(8, 6)),
        lines("Handed over", "Which upstreams hand requests to which others, and where is that refused?",
              (total("delegations_total", "upstream, target, result", UPSTREAM), "{{upstream}} to {{target}} {{result}}"), unit="reqps"),
        lines("Registrations", "How many prefixes have processes registered?",
              (f"sum by (reservation) (gatehouse_registrations{{{HERE}}})", "{{reservation}}"), size=(12, 6)),
        lines("Registrations that come and go", "Which come and go, which are lost or refused?",
              (f"sum by (reservation, event) (increase(gatehouse_registration_events_total{{{HERE}}}[$__rate_interval])) > 0",
               "{{reservation}} {{event}}"), size=(12, 6)),
    ],
}

APP = f'{HERE}, app=~"$app"'
# Apps are upstreams of the same name.
OF_APPS = f'{HERE}, upstream=~"$app"'
APPS = {
    "title": "Gatehouse apps and processes",
    "about": "Do the hosted apps run, which crash, and what do they use?",
    "variables": {"instance": INSTANCE, "app": "label_values(gatehouse_app_parked, app)"},
    "panels": [
        number("Ready", "How many processes take requests?", f'sum(gatehouse_app_instances{{{APP}, state="ready"}})', limits=(1, 0.5)),
        number("Starting", "How many are on their way?", f'sum(gatehouse_app_instances{{{APP}, state="starting"}})'),
        number("Parked", "How many apps are not started any more because they keep failing?", f"sum(gatehouse_app_parked{{{APP}}})", limits=(1, 1.5)),
        number("Crashes", "How many processes ended by themselves in an hour?", f'sum(increase(gatehouse_app_exits_total{{{APP}, reason!="stopped"}}[1h]))',
               limits=(1, 5)),
        number("Start", "How long does a start take, from the process to ready (half of them)?",
               f"histogram_quantile(0.5, sum by (le) (gatehouse_app_start_duration_seconds_bucket{{{APP}}}))", "s"),
        number("Memory", "How much memory do all processes hold?", f"sum(gatehouse_app_resident_bytes{{{APP}}})", "bytes"),
        lines("Processes", "How many processes are in which state?", (f"sum by (app, state) (gatehouse_app_instances{{{APP}}})", "{{app}} {{state}}"),
              size=THIRD),
        lines("Ends", "Which processes end, and how (stopped: as told)?",
              (f"sum by (app, reason) (increase(gatehouse_app_exits_total{{{APP}}}[$__rate_interval])) > 0", "{{app}} {{reason}}"), size=THIRD),
        lines("Starts", "How many starts succeed (ok), and why do the others fail?",
              (f"sum by (app, reason) (increase(gatehouse_app_starts_total{{{APP}}}[$__rate_interval])) > 0", "{{app}} {{reason}}"), size=THIRD),
        states("Parked apps", "Which apps were parked, and when?", f"max by (app) (gatehouse_app_parked{{{APP}}})", "{{app}}", FINE, THIRD),
        states("Failed recycles", "Which apps run the former release because the new one does not get ready?",
               f"max by (app) (gatehouse_app_recycle_failed{{{APP}}})", "{{app}}", FINE, THIRD),
        lines("Start times", "How long do starts take: half of them, and 95 of 100, since Gatehouse runs?",
              (f"histogram_quantile(0.5, sum by (le, app) (gatehouse_app_start_duration_seconds_bucket{{{APP}}}))", "{{app}} p50"),
              (f"histogram_quantile(0.95, sum by (le, app) (gatehouse_app_start_duration_seconds_bucket{{{APP}}}))", "{{app}} p95"), unit="s", size=THIRD),
        lines("Hooks", "Which hooks were run, and which of them failed or were not run?",
              (f"sum by (app, event, result) (increase(gatehouse_app_hooks_total{{{APP}}}[$__rate_interval])) > 0", "{{app}} {{event}} {{result}}"),
              size=THIRD),
        lines("Memory by process", "Does a process grow?",
              (f"gatehouse_app_resident_bytes{{{APP}}}", "{{app}}#{{exported_instance}}"), unit="bytes", size=THIRD),
        lines("Requests by process", "Do all processes get their share?", (total("upstream_requests_total", "endpoint", OF_APPS), "{{endpoint}}"),
              unit="reqps", size=THIRD),
        lines("Waiting line", "Do requests wait for an app that starts or is busy?",
              (f"sum by (upstream) (gatehouse_upstream_queue{{{OF_APPS}}})", "{{upstream}}"), size=THIRD),
        lines("p99 by app", "How slow are the apps?", (quantile(0.99, "upstream_request_duration_seconds", "upstream", OF_APPS), "{{upstream}}"), unit="s"),
        lines("Errors by app", "Which apps answer with a 5xx, or not at all?",
              (errors("upstream_requests_total", "upstream", "5..|none", OF_APPS), "{{upstream}}"), unit="percentunit"),
    ],
}

LISTENER = f'{HERE}, listener=~"$listener"'
RESUMED = LISTENER + ', resumed="true"'
OVER_H3 = LISTENER + ', protocol="h3"'
TLS_QUIC = {
    "title": "Gatehouse TLS and QUIC",
    "about": "Do handshakes succeed, when do certificates end, and is HTTP/3 used and well?",
    "variables": {"instance": INSTANCE, "listener": "label_values(gatehouse_connections_refused_total, listener)"},
    "panels": [
        number("Handshakes", "How many handshakes succeed in a second?", total("tls_handshakes_total", labels=LISTENER), "ops"),
        number("Failures", "Which part of the handshakes fails?",
               f"{total('tls_handshake_failures_total', labels=LISTENER)} / ({total('tls_handshakes_total', labels=LISTENER)}"
               f" + {total('tls_handshake_failures_total', labels=LISTENER)} > 0)", "percentunit", limits=(0.05, 0.25)),
        number("Resumed", "Which part of the handshakes resumes a session?",
               f"({total('tls_handshakes_total', labels=RESUMED)} or vector(0))"
               f" / ({total('tls_handshakes_total', labels=LISTENER)} > 0)", "percentunit"),
        number("Over HTTP/3", "Which part of the requests comes over HTTP/3?",
               f"{total('requests_total', labels=OVER_H3)} / ({total('requests_total', labels=LISTENER)} > 0)", "percentunit"),
        number("Renewal", "How long until the first certificate should have been renewed?",
               f"min(gatehouse_certificate_renewal_due_timestamp_seconds{{{LISTENER}}} - time())", "s", limits=(0, -12 * 86400)),
        number("QUIC connections", "How many clients are connected over QUIC?", f"sum(gatehouse_connections{{{OVER_H3}}})"),
        lines("Handshakes by protocol", "For which protocol are handshakes made?", (total("tls_handshakes_total", "protocol", LISTENER), "{{protocol}}"),
              unit="ops", size=THIRD, stacked=True),
        lines("Handshakes by version", "Which TLS versions do clients speak, and do they resume?",
              (total("tls_handshakes_total", "version, resumed", LISTENER), "TLS {{version}} resumed: {{resumed}}"), unit="ops", size=THIRD, stacked=True),
        lines("Failed handshakes", "Why do handshakes fail?",
              (total("tls_handshake_failures_total", "listener, reason", LISTENER) + " > 0", "{{listener}} {{reason}}"), unit="ops", size=THIRD),
        lines("Certificates", "How long is each certificate good for?",
              (f"gatehouse_certificate_expiry_timestamp_seconds{{{LISTENER}}} - time()", "{{listener}} {{certificate}}"), unit="s"),
        states("Alt-Svc", "Do listeners offer HTTP/3 to clients on h1 and h2?", f"min by (listener) (gatehouse_alt_svc_advertised{{{LISTENER}}})",
               "{{listener}}", OFFERED),
        lines("Requests by protocol", "How much of the traffic has moved to HTTP/3?", (total("requests_total", "protocol", LISTENER), "{{protocol}}"),
              unit="reqps", size=THIRD, stacked=True),
        lines("Connections", "How many clients are connected, over which protocol?",
              (f"sum by (protocol) (gatehouse_connections{{{LISTENER}}})", "{{protocol}}"), size=THIRD, stacked=True),
        lines("New connections", "How many connections are accepted, refused over a limit, closed to make room for others, or ended for what clients did?",
              (total("connections_total", "protocol", LISTENER), "{{protocol}}"), (total("connections_refused_total", "reason", LISTENER), "refused: {{reason}}"),
              (total("connections_evicted_total", "state", LISTENER), "closed for others: {{state}}"),
              (total("connections_cut_total", "reason", LISTENER), "ended: {{reason}}"),
              (total("proxy_header_failures_total", "reason", LISTENER), "PROXY header: {{reason}}"),
              unit="cps", size=THIRD),
        lines("Datagrams", "How many UDP datagrams come, go, and are thrown away?",
              (total("quic_datagrams_received_total", "", LISTENER), "received"), (total("quic_datagrams_sent_total", "", LISTENER), "sent"),
              (total("quic_datagrams_dropped_total", "", LISTENER), "dropped"), unit="pps", size=THIRD),
        lines("Retry and reset", "Must clients prove their address, and do packets come for connections that are gone?",
              (total("quic_retries_total", "", LISTENER), "Retry"), (total("quic_stateless_resets_total", "", LISTENER), "stateless reset"),
              unit="pps", size=THIRD),
        lines("Migrations", "How many clients moved to another address without losing their connection?",
              (total("quic_migrations_total", "listener", LISTENER), "{{listener}}"), unit="ops", size=THIRD),
    ],
}

DASHBOARDS = {"overview": OVERVIEW, "upstreams": UPSTREAMS, "apps": APPS, "tls-quic": TLS_QUIC}
