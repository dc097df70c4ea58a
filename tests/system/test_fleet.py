"""Three machines behind the kernel's own balancer: a rolling restart loses nothing, sessions resume on any of them, and a
QUIC client that moves is still brought to the machine that knows it.

The machines are network namespaces. The balancer is nftables: a new flow goes to the next machine that is ready, or,
where it is the QUIC of a client that has moved, to the machine whose server id its connection id carries.
"""

import asyncio
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

from aioquic.asyncio.client import connect
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration

import harness
from h3_client import H3Client

ADDRESS, PORT, ADMIN = "10.99.0.1", 8443, 9180
MACHINES = (1, 2, 3)
CONFIG = f"""
[server]
workers = 2
admin = "MACHINE:{ADMIN}"
drain_delay = "4s"
drain_timeout = "5s"
secret_file = "SHARED/secret"
quic_server_id = "0NUMBER"
[[listeners]]
address = "0.0.0.0:{PORT}"
[listeners.tls]
certificates = [{{{{ certificate = "SHARED/site.pem", private_key = "SHARED/site-key.pem" }}}}]
ticket_key_files = ["SHARED/tickets"]
[[routes]]
to = "app"
request_headers = {{{{ set = {{{{ "X-Machine" = "NUMBER" }}}} }}}}
[upstreams.app]
endpoints = ["unix:SHARED/one.sock", "unix:SHARED/two.sock"]
[upstreams.app.sticky]
cookie = "where"
"""
# What clients do until they are told to end, each with a pool of one connection: as curl does, which sends a request
# again that a kept connection did not take. `fresh` makes a new connection for each.
CLIENTS = {"h1": ["--http1.1"], "h2": ["--http2"], "h3": ["--http3-only"],
           "fresh h1": ["--http1.1", "-H", "Connection: close"]}
RATE = 20  # requests of each in a second


def run(command, **options):
    return subprocess.run(command if isinstance(command, list) else command.split(), check=True, capture_output=True,
                          text=True, **options)


def address_of(number):
    return f"10.99.{number}.2"


class Namespace:
    """A machine's network: there as long as the process that holds it, joined to ours by a cable."""

    def __init__(self, number):
        self.holder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, preexec_fn=lambda: os.unshare(os.CLONE_NEWNET))
        self.enter = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        run(f"ip link add cable{number} type veth peer name eth0 netns {self.holder.pid}")
        run(f"ip address add 10.99.{number}.1/24 dev cable{number}")
        run(f"ip link set cable{number} up")
        for command in (f"address add {address_of(number)}/24 dev eth0", "link set eth0 up", "link set lo up"):
            run([*self.enter, "ip", *command.split()])

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


class Balancer:
    """nftables, told who is ready by asking every /readyz ten times a second."""

    def __init__(self):
        self.ready, self.stopped = None, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        run(["nft", "-f", "-"], input="""
            table ip fleet {
                chain in {
                    type nat hook output priority -100
                }
                chain out {
                    type nat hook postrouting priority 100
                    ip daddr 10.99.0.0/16 masquerade
                }
            }""")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def watch(self):
        while not self.stopped.wait(0.1):
            self.balance([number for number in MACHINES if self.is_ready(number)])

    @staticmethod
    def is_ready(number):
        connection = http.client.HTTPConnection(address_of(number), ADMIN, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def balance(self, ready):
        if ready == self.ready:
            return
        by_turn = ", ".join(f"{turn} : {address_of(number)}" for turn, number in enumerate(ready))
        # A packet of QUIC with a short header (no 0x80) has our connection id behind its first byte: one byte with the
        # configuration and the length, then the server id.
        by_id = ", ".join(f"{number} : {address_of(number)}" for number in MACHINES)
        rules = f"flush chain ip fleet in\nadd rule ip fleet in ip daddr {ADDRESS} udp dport {PORT} @th,64,8 & 0x80 == 0 " \
                f"@th,72,8 0x0b dnat to @th,80,8 map {{ {by_id} }}\n"
        if ready:
            rules += f"add rule ip fleet in ip daddr {ADDRESS} meta l4proto {{ tcp, udp }} th dport {PORT} " \
                     f"dnat to numgen inc mod {len(ready)} map {{ {by_turn} }}\n"
        run(["nft", "-f", "-"], input=rules)
        self.ready = ready  # what the kernel does now, not what it is about to be told


class Machine(harness.Gatehouse):
    def __init__(self, number, shared):
        self.number, self.namespace = number, Namespace(number)
        super().__init__(CONFIG.replace("SHARED", str(shared)).replace("MACHINE", address_of(number))
                         .replace("NUMBER", str(number)))

    def command(self):
        return [*self.namespace.enter, *super().command()]

    def stop(self):
        """Asks it to end, and waits until it has."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(harness.PATIENCE)

    def start(self):
        self.messages = []
        self.__enter__()

    def pages(self):
        page = harness.curl(f"http://{address_of(self.number)}:{ADMIN}/metrics").body.decode()
        samples = (line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def requests(self):
        return sum(value for name, value in self.pages().items() if name.startswith("gatehouse_requests_total"))


class Fleet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gatehouse-fleet-")))
        cls.certificate, _ = harness.make_certificate(cls.shared, "site", "localhost")
        for name, size in (("tickets", 80), ("secret", 32)):
            run(["openssl", "rand", "-out", str(cls.shared / name), str(size)])
            (cls.shared / name).chmod(0o600)
        for name in ("one.sock", "two.sock"):
            cls.enterClassContext(harness.backend("--unix", str(cls.shared / name)))
        cls.machines = []
        for number in MACHINES:
            machine = Machine(number, cls.shared)
            cls.addClassCleanup(machine.namespace.close)
            cls.machines.append(cls.enterClassContext(machine))
        cls.balancer = cls.enterClassContext(Balancer())
        harness.wait_until(lambda: cls.balancer.ready == list(MACHINES), "all three are in the balancer")

    def test_a_rolling_restart_loses_no_request(self):
        clients = {name: self.client(options) for name, options in CLIENTS.items()}
        for machine in self.machines:
            before = {other.number: other.requests() for other in self.machines if other is not machine}
            self.assertEqual(machine.stop(), 0, machine.log())
            self.assertNotIn(machine.number, self.balancer.ready, "it ended before the balancer had seen it")
            for other in self.machines:  # the two that stay carry the load
                if other is not machine:
                    harness.wait_until(lambda o=other: o.requests() >= before[o.number] + RATE / 2, "requests")
            machine.start()
            harness.wait_until(lambda: self.balancer.ready == list(MACHINES), "it is back in the balancer")
            harness.wait_until(lambda m=machine: m.requests() > 0, "a request for the one that is back")
        answers = {name: self.answers(client) for name, client in clients.items()}
        for name, lines in answers.items():
            self.assertGreater(len(lines), RATE, name)
            self.assertEqual([line for line in lines if not line.startswith("200 0 ")], [], name)
        print({name: f"{len(lines)} requests, 0 failed" for name, lines in answers.items()})

    def client(self, options):
        return subprocess.Popen(
            ["curl", "--silent", "--rate", f"{RATE}/s", "--max-time", "30", "--cacert",
             self.certificate, "--resolve", f"localhost:{PORT}:{ADDRESS}", *options, "--output", "/dev/null",
             "--write-out", "%{stderr}%{http_code} %{exitcode} %{num_connects}\n", f"https://localhost:{PORT}/slow/20?[1-100000]"],
            stderr=subprocess.PIPE, text=True)  # which has no buffer that would be lost at the end

    def answers(self, client):
        """A line for each request that has come to its end."""
        self.assertIsNone(client.poll())
        client.terminate()
        lines = client.communicate(timeout=harness.PATIENCE)[1].splitlines(keepends=True)
        return [line for line in lines if line.endswith("\n")]

    def test_a_session_of_one_machine_resumes_on_another(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=str(self.certificate))
            context.maximum_version = version
            first, session, _ = self.shake_hands(context, 1)
            self.assertFalse(first)
            resumed = [self.shake_hands(context, number, session)[0] for number in (2, 3)]
            self.assertEqual(resumed, [True, True], version)

    def shake_hands(self, context, number, session=None):
        """(whether it resumed, a session for the next one, the answer)"""
        with socket.create_connection((address_of(number), PORT), timeout=harness.PATIENCE) as tcp, \
                context.wrap_socket(tcp, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: tls.recv(65536), b""))
            return tls.session_reused, tls.session, answer

    def test_an_affinity_cookie_of_one_machine_is_honoured_by_the_others(self):
        def visit(number, *options, query="affinity"):
            return harness.curl(f"https://localhost:{PORT}/echo?{query}", "--cacert", str(self.certificate), "--resolve",
                                f"localhost:{PORT}:{address_of(number)}", *options).fields.get("set-cookie", "")

        cookie = visit(1).partition(";")[0]
        self.assertRegex(cookie, "^where=.")
        self.assertEqual([visit(number, "--cookie", cookie) for number in (2, 3) * 4], [""] * 8)
        forged = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
        self.assertNotEqual(visit(2, "--cookie", forged, query="forged"), "")
        visits = [machine.access_log(count, lambda line: line["query"] == "affinity")
                  for machine, count in zip(self.machines, (1, 4, 4))]
        endpoint = visits[0][0]["endpoint"]
        self.assertEqual({line["endpoint"] for line in visits[1] + visits[2]}, {endpoint})

    def test_a_quic_session_of_one_machine_resumes_on_another(self):
        tickets = []

        async def visit(number, ticket=None):
            async with self.quic(address_of(number), tickets.append, ticket) as client:
                self.assertEqual((await client.request("/echo"))[0], 200)
                return client._quic.tls.session_resumed

        self.assertFalse(asyncio.run(visit(1)))
        harness.wait_until(lambda: tickets, "a ticket")
        self.assertTrue(asyncio.run(visit(2, tickets[0])))

    def quic(self, address, on_ticket=None, ticket=None):
        configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=True, server_name="localhost",
                                          session_ticket=ticket)
        configuration.load_verify_locations(str(self.certificate))
        return connect(address, PORT, configuration=configuration, create_protocol=H3Client,
                       session_ticket_handler=on_ticket)

    def test_a_client_that_moves_is_brought_to_the_machine_of_its_connection(self):
        async def move():
            async with self.quic(ADDRESS) as client:
                machines = set()
                for _ in range(6):  # without the server id five of six moves would very likely go astray
                    status, _, body = await client.request("/echo")
                    self.assertEqual(status, 200)
                    machines.add(dict(json.loads(body)["headers"])["X-Machine"])
                    await client.rebind()
                self.assertEqual((await client.request("/echo"))[0], 200)
                self.assertIsNone(client.terminated)
                return machines

        self.assertEqual(len(asyncio.run(move())), 1)


class Document(unittest.TestCase):
    """deploy/scaling.md: what it shows is taken by the programs that it is for."""

    TEXT = (harness.ROOT / "deploy" / "scaling.md").read_text()

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```$", self.TEXT, re.DOTALL | re.MULTILINE)

    def test_its_ruleset_is_one(self):
        ruleset, = self.blocks("nft")
        run(["nft", "--check", "-f", "-"], input=ruleset)

    def test_its_keys_and_its_configuration_fit(self):
        with tempfile.TemporaryDirectory(prefix="gatehouse-scaling-") as name:
            folder = pathlib.Path(name)
            keys, = self.blocks("sh")
            run(["sh", "-ec", keys], cwd=folder)
            harness.make_certificate(folder, "site", "localhost")
            shared, ids = self.blocks("toml")
            tls = shared[shared.index("[listeners.tls]") + len("[listeners.tls]"):]
            file = folder / "gatehouse.toml"
            file.write_text(ids + shared[len("[server]"):shared.index("[listeners.tls]")].replace("/etc/gatehouse", name) + f"""
                [[listeners]]
                address = ":{PORT}"
                [listeners.tls]
                certificates = [{{ certificate = "site.pem", private_key = "site-key.pem" }}]
                {tls.replace("/etc/gatehouse", name)}
                [[routes]]
                respond = {{ status = 404 }}""")
            done = run([harness.BINARY, "check", str(file)])
            self.assertEqual([line for line in done.stderr.splitlines() if "expires on" not in line], [])

    def test_the_arithmetic_is_right(self):
        work = (20_000 * 29 + 10_000 * 35 + 1_000 * 464 + 500 * 673) / 1e6
        self.assertIn(f"= {work:.2f} cores of work,\nso {work / 0.6:.1f} cores", self.TEXT)
        for name, cost in (("request over h1", 29), ("request over h3", 35), ("full handshake", 464), ("new QUIC", 673)):
            row, = [line for line in self.TEXT.splitlines() if name in line and "us |" in line]
            shown = int(re.search(r"([\d,]+) /s", row)[1].replace(",", ""))
            self.assertIn(f"| {cost} us |", row)
            self.assertLess(abs(shown - 0.6e6 / cost) / shown, 0.04, row)
        for kib, gib in ((40, "3.8"), (69, "6.6")):
            self.assertEqual(f"{100_000 * kib / 1024 / 1024:.1f}", gib)
            self.assertRegex(self.TEXT, rf"\| {kib} KiB \| {gib} GiB \|")


def can_balance():
    """Whether this machine lets us have a network of our own with nftables in it; from then on we are in it."""
    try:
        os.unshare(os.CLONE_NEWNET)
        run("ip link set lo up")
        run(f"ip address add {ADDRESS}/32 dev lo")
        run("nft add table ip probe")
        return True
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"skipped: no network namespaces with nftables here: {getattr(error, 'stderr', error)}")
        return False


if __name__ == "__main__":
    if not can_balance():
        sys.exit(77)
    harness.main()
