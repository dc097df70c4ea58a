"""Gatehouse, Debian's nginx and HAProxy, each in front of an endpoint of its own, as a careful operator would set them up: with the
limits of heads raised where they have to be set, and nothing that the peers call unsafe."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile

from world import harness

GATEHOUSE = """[server]
workers = 1
admin = ""
[log]
level = "error"
[log.access]
output = "{{directory}}/access.log"
[[listeners]]
address = ":{{port}}"
[listeners.tls]
certificates = [{{{{ certificate = "{{cert}}", private_key = "{{key}}" }}}}]
[[listeners]]
address = "127.0.0.1:{{http}}"
[[routes]]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:{endpoint}"]
[upstreams.app.outlier]
consecutive_failures = 0
"""

NGINX = """
daemon off; master_process off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2; fastcgi_temp_path {directory}/t3;
  uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5; large_client_header_buffers 8 32k; proxy_buffer_size 64k;
  proxy_buffers 8 64k; proxy_busy_buffers_size 128k; underscores_in_headers on; ignore_invalid_headers off; client_max_body_size 0;
  keepalive_requests 1000000; proxy_next_upstream off; merge_slashes off;
  map $http_host $name {{ default $http_host; "" $host; }}
  upstream app {{ server 127.0.0.1:{endpoint}; keepalive 64; keepalive_requests 1000000; }}
  ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
  server {{
    listen 127.0.0.1:{http}; listen 127.0.0.1:{tls} ssl; listen 127.0.0.1:{tls} quic; http2 on;
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $name; }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 8000
  tune.bufsize 65536
  tune.http.maxhdr 1000
  limited-quic
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  http-reuse always
  retries 0
  option abortonclose
frontend front
  bind 127.0.0.1:{http}
  bind 127.0.0.1:{tls} ssl crt {directory}/both.pem alpn h2,http/1.1
  bind quic4@127.0.0.1:{tls} ssl crt {directory}/both.pem alpn h3
  default_backend app
backend app
  server one 127.0.0.1:{endpoint}
"""


class Peer:
    """A proxy that runs; `socket` is its endpoint's, on which nobody listens to cases yet."""

    def __init__(self, name, endpoint, http, tls, certificate):
        self.name, self.socket, self.http, self.tls, self.certificate = name, endpoint, http, tls, certificate


def _started(stack, name, template, endpoint):
    directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-valid-")))
    certificate, key = harness.make_certificate(directory, "localhost", "localhost")
    certificate, key = certificate.rename(directory / "cert.pem"), key.rename(directory / "key.pem")
    (directory / "both.pem").write_text(certificate.read_text() + key.read_text())
    http, tls, file = harness.free_port(), harness.free_port(), directory / f"{name}.conf"
    file.write_text(template.format(directory=directory, endpoint=endpoint.getsockname()[1], http=http, tls=tls))
    command = {"nginx": ["nginx", "-c", str(file), "-e", str(directory / "error.log")], "haproxy": ["haproxy", "-db", "-f", str(file)]}[name]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)

    def listens():
        assert process.poll() is None, f"{name} has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", http)) == 0

    harness.wait_until(listens, f"{name} listens")
    return Peer(name, endpoint, http, tls, certificate)


@contextlib.contextmanager
def all_peers():
    """[gatehouse, nginx, haproxy]; Gatehouse has to end well."""
    with contextlib.ExitStack() as stack:
        endpoints = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512)) for _ in range(3)]
        gatehouse = stack.enter_context(harness.Gatehouse(GATEHOUSE.format(endpoint=endpoints[0].getsockname()[1])))
        yield [Peer("gatehouse", endpoints[0], gatehouse.http, gatehouse.port, gatehouse.certificate),
               _started(stack, "nginx", NGINX, endpoints[1]), _started(stack, "haproxy", HAPROXY, endpoints[2])]
