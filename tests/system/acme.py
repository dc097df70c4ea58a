"""An authority for tests: Pebble, and a name server for which every name is this machine. Within a document's session."""

import json
import subprocess

import harness

DIRECTORY_PORT, MANAGEMENT_PORT, DNS_PORT = 14000, 15000, 8053


def start(machine):
    """Serves until the session ends; dehydrated asks it by itself. Its root is in the file that $ACME_ROOT names."""
    folder = machine.folder / "acme"
    folder.mkdir()
    certificate, key = harness.make_certificate(folder, "authority", "localhost", "127.0.0.1")
    (folder / "pebble.json").write_text(json.dumps({"pebble": {
        "listenAddress": f"127.0.0.1:{DIRECTORY_PORT}", "managementListenAddress": f"127.0.0.1:{MANAGEMENT_PORT}",
        "certificate": str(certificate), "privateKey": str(key), "httpPort": 80, "tlsPort": 443,
        "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
    with open(folder / "log", "wb") as log:
        for command in (["pebble-challtestsrv", "-http01", "127.0.0.1:5002", "-https01", "127.0.0.1:5003", "-tlsalpn01", "127.0.0.1:5001",
                         "-doh", "127.0.0.1:5004", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{DNS_PORT}",
                         "-management", "127.0.0.1:5005"],
                        ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{DNS_PORT}"]):
            subprocess.Popen(command, stdout=log, stderr=log, env={
                **machine.environment, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0",
                "PEBBLE_AUTHZREUSE": "0"})
    root = folder / "root.pem"

    def issued():
        answer = harness.curl(f"https://localhost:{MANAGEMENT_PORT}/roots/0", "--cacert", str(certificate))
        return answer.status == 200 and answer.body
    root.write_bytes(harness.wait_until(issued, "the authority serves"))
    with open("/etc/dehydrated/conf.d/authority.sh", "w", encoding="utf-8") as settings:
        settings.write(f'CA=https://localhost:{DIRECTORY_PORT}/dir\nCURL_OPTS="--cacert {certificate}"\n')
    machine.environment["ACME_ROOT"] = str(root)
