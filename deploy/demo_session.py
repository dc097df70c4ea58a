#!/usr/bin/env python3
"""Runs the demo: a certificate, and Gatehouse that hosts the app; until Ctrl-C, or through the checks of --check.

Called by deploy/demo inside the toolchain, after the build.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
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

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent / "build" / "release" / "gatehouse"
ADMIN = "127.0.0.1:9180"
APP = "demo"
PATIENCE = 20
STOP_TIMEOUT = 40  # longer than the drain of Gatehouse
PROTOCOLS = (("HTTP/1.1", "--http1.1", "1.1"), ("HTTP/2", "--http2", "2"), ("HTTP/3", "--http3-only", "3"))


class DemoError(Exception):
    pass


def make_certificate(directory):
    certificate, key = directory / "localhost.pem", directory / "localhost-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


def require_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError as error:
                raise DemoError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from error


@contextlib.contextmanager
def running(name, command, **options):
    """A child that is asked to stop, and made to, when the block is left."""
    process = subprocess.Popen(command, text=True, start_new_session=True, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                print(f"{name} did not stop in {STOP_TIMEOUT} s; killed", file=sys.stderr)
                process.kill()
                process.wait()


@contextlib.contextmanager
def gatehouse(port, certificate, key, control, log):
    """Gatehouse, once it has said that it is ready."""
    command = [PROGRAM, "host", "--name", APP, "--instances", "2", "--listen", f":{port}", "--certificate", certificate,
               "--private-key", key, "--admin", ADMIN, "--control", control, "--", "python3", HERE / "demo_app.py"]
    with open(log, "w+") as errors, running("Gatehouse", command, stdout=errors, stderr=subprocess.PIPE) as process:
        for line in process.stderr:
            errors.write(line)
            errors.flush()
            if re.search(r"\bready\b", line):
                break
        else:
            raise DemoError("Gatehouse did not start:\n" + log.read_text())
        # From here on its messages go where the access log goes.
        pump = subprocess.Popen(["cat"], stdin=process.stderr, stdout=errors)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_TIMEOUT)
            pump.wait(STOP_TIMEOUT)


def ask(port, certificate, flag, body):
    """One request by curl: (status, version, headers, what the backend saw)."""
    command = ["curl", "--silent", "--show-error", "--max-time", "20", "--ipv4", "--cacert", certificate, flag,
               "--dump-header", "-", "--write-out", "\n%{http_code} %{http_version}", f"https://localhost:{port}/demo?q=1"]
    if body is not None:
        command += ["--header", "Content-Type: application/octet-stream", "--data-binary", "@-"]
    done = subprocess.run(command, input=body, capture_output=True, check=False)
    if done.returncode != 0:
        raise DemoError(done.stderr.decode().strip() or f"curl exited with {done.returncode}")
    head, _, rest = done.stdout.decode().replace("\r\n", "\n").partition("\n\n")
    payload, _, outcome = rest.rpartition("\n")
    status, version = outcome.split()
    fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
    return int(status), version, fields, json.loads(payload)


def faults_of(port, method, body, version, answer):
    """What is wrong with an answer, as sentences."""
    status, used, fields, seen = answer
    forwarded = {name.lower(): value for name, value in seen["headers"]}
    wanted = {
        "status": (status, 200),
        "protocol to the client": (used, version),
        "protocol to the app": (seen["protocol"], "HTTP/1.1"),
        "method": (seen["method"], method),
        "target": (seen["target"], "/demo?q=1"),
        "Host": (forwarded.get("host"), f"localhost:{port}"),
        "X-Forwarded-For": (forwarded.get("x-forwarded-for"), "127.0.0.1"),
        "X-Forwarded-Proto": (forwarded.get("x-forwarded-proto"), "https"),
        "X-Forwarded-Host": (forwarded.get("x-forwarded-host"), f"localhost:{port}"),
        "X-Forwarded-Port": (forwarded.get("x-forwarded-port"), str(port)),
        "body": (seen["body"]["sha256"], hashlib.sha256(body or b"").hexdigest()),
    }
    if version != "3":
        wanted["Alt-Svc"] = (f'h3=":{port}"' in fields.get("alt-svc", ""), True)
    return [f"{what} is {got!r}, not {right!r}" for what, (got, right) in wanted.items() if got != right]


def await_alt_svc():
    """Gatehouse offers HTTP/3 once it has tried it itself, which may be a moment after it is ready."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        page = subprocess.run(["curl", "--silent", f"http://{ADMIN}/metrics"], capture_output=True, text=True, check=False).stdout
        if re.search(r"^gatehouse_alt_svc_advertised\{.*\} 1$", page, re.M):
            return
        time.sleep(0.05)
    raise DemoError("HTTP/3 is not advertised; `gatehouse status` says why")


def check(port, certificate):
    """Asks over every protocol; prints a table; returns whether all of it was right."""
    row = "{:<9} {:<5} {:<7} {:<55} {}"
    print(row.format("protocol", "", "status", "the app saw", "Alt-Svc"))
    wrong = []
    for name, flag, version in PROTOCOLS:
        for method, body in (("GET", None), ("POST", bytes(range(256)) * 400)):
            try:
                answer = ask(port, certificate, flag, body)
            except (DemoError, ValueError) as error:
                print(row.format(name, method, "-", "-", "-"))
                wrong.append(f"{name} {method}: {error}")
                continue
            status, _, fields, seen = answer
            forwarded = {n.lower(): v for n, v in seen["headers"]}
            summary = "{} for {} {} {}, {} B".format(
                seen["protocol"], forwarded.get("x-forwarded-for"), forwarded.get("x-forwarded-proto"),
                forwarded.get("x-forwarded-host"), seen["body"]["bytes"])
            print(row.format(name, method, status, summary, fields.get("alt-svc", "-")))
            wrong += [f"{name} {method}: {fault}" for fault in faults_of(port, method, body, version, answer)]
    for line in wrong:
        print("wrong:", line)
    return not wrong


def pids_that_answer(port, certificate):
    """Of the two processes of the app, once both have answered."""
    seen = set()
    deadline = time.monotonic() + PATIENCE
    while len(seen) < 2 and time.monotonic() < deadline:
        seen.add(ask(port, certificate, "--http2", None)[3]["pid"])
    return seen


def ask_until(stopped, port, certificate, flag, failures):
    """Requests without end; returns how many were answered as they should be."""
    answered = 0
    while not stopped.is_set():
        try:
            status = ask(port, certificate, flag, None)[0]
        except (DemoError, ValueError) as error:
            status = error
        answered += status == 200
        if status != 200:
            failures.append(status)
    return answered


def await_new_processes(port, certificate, before, count):
    new = set()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        new |= {ask(port, certificate, "--http1.1", None)[3]["pid"]} - before
        if len(new) == count:
            return new
    raise DemoError(f"{len(new)} new processes of the app have answered, not {count}")


def check_under_load(port, certificate, what, act, renewed):
    """Does `act`, which takes the numbers of the app's processes and renews as many as `renewed` says, while each
    protocol is asked without a pause."""
    before = pids_that_answer(port, certificate)
    stopped, failures = threading.Event(), []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asking = [pool.submit(ask_until, stopped, port, certificate, flag, failures) for _, flag, _ in PROTOCOLS]
        try:
            act(before)
            new = await_new_processes(port, certificate, before, renewed)
        finally:
            stopped.set()
        answered = sum(each.result() for each in asking)
    print(f"{what}: {answered} requests answered meanwhile, {len(failures)} failed; "
          f"new: {', '.join(map(str, sorted(new)))}")
    return not failures and answered > 0


def recycle(control):
    subprocess.run([PROGRAM, "app", APP, "recycle", "--control", control], check=True, stdout=subprocess.DEVNULL)


def metrics_answer():
    done = subprocess.run(["curl", "--silent", "--fail", f"http://{ADMIN}/metrics"], capture_output=True, check=False)
    return b"gatehouse_requests_total" in done.stdout


def check_all(port, certificate, control):
    await_alt_svc()
    good = check(port, certificate)
    good &= check_under_load(port, certificate, "recycle", lambda _: recycle(control), renewed=2)
    good &= check_under_load(port, certificate, "kill -9", lambda pids: os.kill(min(pids), signal.SIGKILL), renewed=1)
    if not metrics_answer():
        print(f"wrong: http://{ADMIN}/metrics does not count the requests")
        good = False
    return good


def invite(port, control, process):
    print(f"""
Gatehouse is running, and hosts a small app with two processes. Try:

  browser              https://localhost:{port}/      (accept the certificate; reload for HTTP/3)
  curl -k --http1.1    https://localhost:{port}/hello
  curl -k --http2      https://localhost:{port}/hello
  curl -k --http3-only https://localhost:{port}/hello   (a curl with HTTP/3: deploy/toolchain exec curl ...)
  curl -k -d 'a body'  https://localhost:{port}/hello

  what it does         deploy/toolchain exec build/release/gatehouse status
  recycle the app      deploy/toolchain exec build/release/gatehouse app {APP} recycle --control {control}
  crash it             kill -9 one of the processes that status names

  metrics              http://{ADMIN}/metrics
  health               http://{ADMIN}/healthz, http://{ADMIN}/readyz

Ctrl-C stops it.""", flush=True)
    try:
        process.wait()
        raise DemoError(f"Gatehouse ended by itself with exit code {process.returncode}")
    except KeyboardInterrupt:
        print("\nstopping", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--port", type=int, default=8443)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="gatehouse-demo-") as directory:
        directory = pathlib.Path(directory)
        log = directory / "gatehouse.log"
        try:
            require_free(arguments.port)
            certificate, key = make_certificate(directory)
            control = directory / "control"
            with gatehouse(arguments.port, certificate, key, control, log) as process:
                if not arguments.check:
                    invite(arguments.port, control, process)
                    good = True
                else:
                    good = check_all(arguments.port, certificate, control)
            if process.returncode != 0:
                print(f"wrong: Gatehouse exited with {process.returncode}")
                good = False
        except DemoError as error:
            print(f"deploy/demo: {error}", file=sys.stderr)
            good = False
        except KeyboardInterrupt:
            good = not arguments.check
        if not good and log.exists():
            print("the log of Gatehouse:\n" + log.read_text()[-4000:], file=sys.stderr)
    if arguments.check:
        print("all as it should be" if good else "NOT as it should be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
