"""The proxies that are measured, each with one worker and without access log, in front of the same nginx backend."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/gatehouse"
PROXY_CORE, CLIENT_CORE = "0", "1"
NAMES = ("gatehouse", "nginx", "haproxy", "yarp")
FILES = {"1k": 1024, "1m": 1 << 20}

GATEHOUSE = """
[server]
workers = 1
admin = ""
control = "{directory}/control-{port}.sock"
[log]
level = "error"
[log.access]
output = "off"
[[listeners]]
address = ":{port}"
alt_svc = "{alt_svc}"
[listeners.tls]
certificates = [{{ certificate = "{directory}/cert.pem", private_key = "{directory}/key.pem" }}]
[[routes]]
to = "backend"
[upstreams.backend]
endpoints = ["127.0.0.1:{backend}"]
[limits]
max_connections = 15000
"""

# For the measures of tunnels alone: a second route would be looked up by every request of the others.
GATEHOUSE_TALK = """
[[routes]]
path = "/talk"
to = "talk"
[upstreams.talk]
endpoints = ["127.0.0.1:{talk}"]
"""

NGINX = """
daemon off; master_process off; worker_processes 1; pid {directory}/nginx.pid; error_log stderr crit;
worker_rlimit_nofile 18000;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2; fastcgi_temp_path {directory}/t3;
  uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
  keepalive_requests 100000000; keepalive_timeout 300s;
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 100000000; }}
  ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on; http2_max_concurrent_streams 128;
  server {{
    listen {port} ssl; listen {port} quic reuseport; http2 on; quic_gso on;
    add_header Alt-Svc 'h3=":{port}"; ma=86400';
    location /talk {{
      proxy_pass http://127.0.0.1:{talk}; proxy_http_version 1.1; proxy_read_timeout 1h; proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
    }}
    location / {{
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Request-Id $request_id;
    }}
  }}
}}
"""

BACKEND = """
daemon off; master_process off; worker_processes 1; pid {directory}/backend.pid; error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_temp_path {directory}/b1; proxy_temp_path {directory}/b2; fastcgi_temp_path {directory}/b3;
  uwsgi_temp_path {directory}/b4; scgi_temp_path {directory}/b5; sendfile on; tcp_nodelay on; open_file_cache max=10;
  keepalive_requests 100000000; keepalive_timeout 300s;
  server {{ listen 127.0.0.1:{backend} backlog=4096; root {directory}/files; }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 8000
  tune.quic.frontend.max-streams-bidi 100
  limited-quic
defaults
  mode http
  timeout client 300s
  timeout server 300s
  timeout connect 5s
  timeout tunnel 1h
  http-reuse always
frontend front
  bind :{port} ssl crt {directory}/both.pem alpn h2,http/1.1
  bind quic4@:{port} ssl crt {directory}/both.pem alpn h3
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid]
  http-response set-header Alt-Svc 'h3=":{port}"; ma=86400'
  use_backend talk if {{ path /talk }}
  default_backend back
backend talk
  server one 127.0.0.1:{talk}
backend back
  server one 127.0.0.1:{backend} pool-max-conn -1
"""


def yarp():
    """A stock YARP, published with the machine's .NET SDK; the first time its package comes from NuGet."""
    sys.path.insert(0, str(ROOT / "tests" / "system"))
    import dotnet  # noqa: PLC0415, only where it is asked for
    return dotnet.published("yarp") / "yarp.dll"


def free_port():
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        return tcp.getsockname()[1]


def pinned(core, *command, wrapper=()):
    return ["taskset", "-c", core, *wrapper, *command]


def await_listening(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} exited with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args} does not listen")


class Peer:
    """One running process; its CPU time and memory as the kernel accounts them."""

    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=None if os.environ.get("BENCH_DEBUG") else subprocess.DEVNULL)
        await_listening(port, self.process)

    def cpu_seconds(self):
        # schedstat counts nanoseconds, where utime and stime are ticks.
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def prepare(directory):
    """The certificate and the files that the backend serves."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", directory / "key.pem", "-out", directory / "cert.pem"], check=True, capture_output=True)
    (directory / "both.pem").write_text((directory / "cert.pem").read_text() + (directory / "key.pem").read_text())
    (directory / "files").mkdir()
    directory.chmod(0o755)
    for name, size in FILES.items():
        (directory / "files" / name).write_bytes(os.urandom(size))


def start_backend(directory):
    port = free_port()
    (directory / "backend.conf").write_text(BACKEND.format(directory=directory, backend=port))
    return Peer("backend", pinned(CLIENT_CORE, "nginx", "-c", str(directory / "backend.conf"), "-e", "stderr"), port)


def start(name, directory, backend_port, wrapper=(), talk_port=None):
    """Starts one of NAMES; `wrapper` goes before its program (valgrind)."""
    port = free_port()
    if name == "yarp":
        program = ["dotnet", yarp(), port, backend_port, directory / "cert.pem", directory / "key.pem"]
        return Peer(name, pinned(PROXY_CORE, *map(str, program), wrapper=wrapper), port)
    text = {"gatehouse": GATEHOUSE + (GATEHOUSE_TALK if talk_port else ""), "nginx": NGINX, "haproxy": HAPROXY}[name]
    file = directory / f"{name}-{port}.conf"
    # Under valgrind a second has few requests: our own tries of the QUIC port would count as theirs.
    alt_svc = "off" if wrapper else "auto"
    file.write_text(text.format(directory=directory, port=port, backend=backend_port, talk=talk_port or 1, alt_svc=alt_svc))
    program = {
        "gatehouse": [str(PROGRAM), "run", str(file)],
        "nginx": ["nginx", "-c", str(file), "-e", "stderr"],
        "haproxy": ["haproxy", "-db", "-f", str(file)],
    }[name]
    return Peer(name, pinned(PROXY_CORE, *program, wrapper=wrapper), port)
