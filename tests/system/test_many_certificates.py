"""1,500 certificates: each file is read once, a reload reads what has changed, and all else goes on while it does."""

import concurrent.futures
import datetime
import errno
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import tempfile
import unittest

import harness
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

COUNT = 1500
SERVER = '[server]\nadmin = "127.0.0.1:{admin}"\n'


class Folder:
    """Certificates of one key, each for a name of its own."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-certificates-"))
        self.key = ec.generate_private_key(ec.SECP256R1())
        (self.path / "key.pem").write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.stems = [f"site{number}" for number in range(COUNT)]
        for stem in self.stems:
            self.issue(stem)

    def issue(self, stem):
        """Under its final name by a rename, as it is done well."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{stem}.example")])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=80))
                       .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{stem}.example")]), False)
                       .sign(self.key, hashes.SHA256()))
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        draft = self.path / "draft"
        draft.write_bytes(pem)
        draft.rename(self.file(stem))
        return pem

    def file(self, stem):
        return self.path / f"{stem}.pem"

    def listener(self, more=()):
        entries = ",\n".join(f'{{{{ certificate = "{self.file(stem)}", private_key = "{self.path}/key.pem" }}}}'
                             for stem in [*self.stems, *more])
        return f'[[listeners]]\naddress = ":{{port}}"\n[listeners.tls]\ncertificates = [\n{entries}\n]\n'


ROUTE = '[[routes]]\nrespond = {{ status = 200, body = "here" }}\n'


def served(gatehouse, name):
    """The certificate that a client gets for this name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", gatehouse.port), timeout=harness.PATIENCE) as raw:
        with context.wrap_socket(raw, server_hostname=name) as client:
            return ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True)).encode()


class ManyCertificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(shutil.rmtree, cls.folder.path)

    def reload(self, gatehouse):
        """Returns how many files were read, and how many were known."""
        seen = len(gatehouse.messages)
        done = gatehouse.control("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        gatehouse.await_message("files were read", after=seen)
        counts = re.findall(r"certificates and keys (\d+) files were read, (\d+) are as they were", "".join(gatehouse.messages[seen:]))
        self.assertEqual(len(counts), 1)
        return tuple(map(int, counts[0]))

    def test_a_reload_reads_what_has_changed_and_nothing_else(self):
        with harness.Gatehouse(SERVER + self.folder.listener() + ROUTE) as gatehouse:
            before = served(gatehouse, "site7.example")
            self.assertEqual(before, self.folder.file("site7").read_bytes())
            read, known = self.reload(gatehouse)  # what was written right before the start is read again
            self.assertEqual(read + known, COUNT + 1)
            self.assertEqual(self.reload(gatehouse), (0, COUNT + 1))
            renewed = self.folder.issue("site7")
            self.assertEqual(self.reload(gatehouse), (1, COUNT))
            self.assertEqual(served(gatehouse, "site7.example"), renewed)
            for stem in (self.folder.stems[0], self.folder.stems[-1]):
                self.assertEqual(served(gatehouse, f"{stem}.example"), self.folder.file(stem).read_bytes())
            self.folder.file("site8").write_text("broken")
            done = gatehouse.control("reload")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout + done.stderr, r"gatehouse\.toml:\d+:\d+: .*site8\.pem: no certificate in it")
            self.assertEqual(served(gatehouse, "site7.example"), renewed)
            self.folder.issue("site8")

    def begin_to_load(self, gatehouse, stem):
        """Adds a certificate whose file is a pipe, so that a reload gets as far as that file; returns where to write it."""
        os.mkfifo(self.folder.file(stem))
        gatehouse.write(SERVER + self.folder.listener([stem]) + ROUTE)
        gatehouse.process.send_signal(signal.SIGHUP)

        def opened():
            try:
                return os.open(self.folder.file(stem), os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                self.assertEqual(error.errno, errno.ENXIO)  # nobody reads yet
                return None

        return harness.wait_until(opened, "the file is being read")

    def test_all_goes_on_while_certificates_are_loaded(self):
        with harness.Gatehouse(SERVER + self.folder.listener() + ROUTE) as gatehouse, \
             concurrent.futures.ThreadPoolExecutor() as threads:
            pipe = self.begin_to_load(gatehouse, "slow")
            for path in ("/healthz", "/readyz", "/metrics", "/status.json"):
                self.assertEqual(harness.curl(f"http://127.0.0.1:{gatehouse.admin}{path}").status, 200, path)
            for protocol in harness.PROTOCOLS:
                self.assertEqual(harness.curl(gatehouse.url(), "--insecure", harness.PROTOCOLS[protocol]).body, b"here")
            # Two more are asked for, and are run as one when this one has ended.
            seen = len(gatehouse.messages)
            waiting = [threads.submit(gatehouse.control, "reload") for _ in range(2)]
            harness.wait_until(lambda: "".join(gatehouse.messages[seen:]).count("command reload on the control socket") == 2,
                               "both have asked")
            self.assertFalse(any(each.done() for each in waiting))
            pem = self.folder.issue("other")
            self.folder.file("other").replace(self.folder.path / "ready.pem")
            (self.folder.path / "ready.pem").replace(self.folder.file("slow"))  # what the next reload reads
            os.write(pipe, pem)
            os.close(pipe)
            for each in waiting:
                self.assertEqual(each.result().stdout.splitlines()[-1], "configuration 3 is in force")
            self.assertEqual(served(gatehouse, "other.example"), pem)
            self.folder.file("slow").unlink()

    def test_the_end_does_not_wait_for_a_load(self):
        with harness.Gatehouse(SERVER + self.folder.listener() + ROUTE) as gatehouse, \
             concurrent.futures.ThreadPoolExecutor() as threads:
            pipe = self.begin_to_load(gatehouse, "never")
            seen = len(gatehouse.messages)
            waiting = threads.submit(gatehouse.control, "reload")
            gatehouse.await_message("command reload", after=seen)
            gatehouse.process.send_signal(signal.SIGTERM)
            self.assertIn("the server is draining", waiting.result().stdout + waiting.result().stderr)
            self.assertEqual(gatehouse.process.wait(harness.PATIENCE), 0)
            os.close(pipe)
            self.folder.file("never").unlink()


if __name__ == "__main__":
    harness.main()
