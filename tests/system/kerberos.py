"""A realm of Kerberos on loopback, by MIT's KDC, for the tests that sign in."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import PATIENCE, free_port, wait_until

MISSING = [name for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit") if not shutil.which(name)]


class Realm:
    """A KDC on loopback with the user alice, and the key of HTTP/localhost; use as a context manager."""
    NAME = "TEST.EXAMPLE"

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-realm-"))
        self.keytab = self.directory / "http.keytab"
        port = free_port()
        (self.directory / "krb5.conf").write_text(f"""[libdefaults]
default_realm = {self.NAME}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
[realms]
{self.NAME} = {{
  kdc = 127.0.0.1:{port}
}}
[domain_realm]
localhost = {self.NAME}
""")
        (self.directory / "kdc.conf").write_text(f"""[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{self.NAME} = {{
  database_name = {self.directory}/principal
  key_stash_file = {self.directory}/stash
  acl_file = {self.directory}/acl
}}
[logging]
kdc = STDERR
""")
        self.environment = {"KRB5_CONFIG": str(self.directory / "krb5.conf"), "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf"),
                            "KRB5CCNAME": f"FILE:{self.directory}/tickets", "KRB5RCACHETYPE": "none"}

    def run(self, *command, text=""):
        return subprocess.run(command, env={**os.environ, **self.environment}, input=text, capture_output=True, text=True,
                              check=True, timeout=PATIENCE)

    def __enter__(self):
        self.run("kdb5_util", "create", "-s", "-r", self.NAME, "-P", "master")
        for query in ("addprinc -pw secret alice", "addprinc -randkey HTTP/localhost", f"ktadd -k {self.keytab} HTTP/localhost"):
            self.run("kadmin.local", "-r", self.NAME, "-q", query)
        self.kdc = subprocess.Popen(["krb5kdc", "-n", "-r", self.NAME], env={**os.environ, **self.environment},
                                    stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        def has_a_ticket():
            self.kdc.poll()
            with contextlib.suppress(subprocess.CalledProcessError):
                return self.run("kinit", "alice", text="secret\n")
            return None

        wait_until(has_a_ticket, "the KDC gives alice a ticket")
        return self

    def __exit__(self, *_):
        self.kdc.terminate()
        self.kdc.wait()
        shutil.rmtree(self.directory)
