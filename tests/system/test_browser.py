"""A real browser: the first visit over HTTP/2, and over HTTP/3 once Alt-Svc has been seen."""

import shutil
import subprocess
import tempfile
import unittest

import harness

# Chromium trusts the test's certificate by its key. It speaks QUIC with unknown roots only to hosts that are named in
# --origin-to-force-quic-on; naming another port allows the host without forcing anything on ours.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--enable-quic", "--origin-to-force-quic-on=localhost:1"]

# Asks again on the same origin until an answer came over h3; the access log shows what was used.
PAGE = """<!doctype html><title>test</title><script>
(async () => {
  for (let n = 0; n < 100; ++n) {
    const url = '/echo?try=' + n;
    await (await fetch(url)).text();
    const entry = performance.getEntriesByName(new URL(url, location).href)[0];
    if (entry && entry.nextHopProtocol === 'h3') break;
    await new Promise(done => setTimeout(done, 100));
  }
  const body = new Uint8Array(300000).fill(7);
  await fetch('/echo?upload', {method: 'POST', body});
})();
</script>"""


def key_hash(certificate):
    """Base64 of the SHA-256 of the certificate's public key."""
    shell = (f"openssl x509 -in '{certificate}' -noout -pubkey | openssl pkey -pubin -outform der |"
             " openssl dgst -sha256 -binary | openssl base64")
    return subprocess.run(["sh", "-c", shell], check=True, capture_output=True, text=True).stdout.strip()


class Browser(unittest.TestCase):
    def test_chromium_moves_from_h2_to_h3(self):
        chromium = shutil.which("chromium")
        self.assertIsNotNone(chromium, "chromium is not installed")
        page = f"[[routes]]\npath = \"/page\"\nrespond = {{{{ status = 200, body = '''{PAGE.replace('{', '{{').replace('}', '}}')}''' }}}}\n" \
               "response_headers = {{ set = {{ Content-Type = \"text/html\" }} }}\n"
        with harness.backend() as backend, harness.Gatehouse(harness.simple(backend.port, page)) as gatehouse, \
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            browser = subprocess.Popen(
                [chromium, *FLAGS, f"--user-data-dir={profile}",
                 f"--ignore-certificate-errors-spki-list={key_hash(gatehouse.certificate)}", gatehouse.url("/page")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                lines = harness.wait_until(
                    lambda: (log := gatehouse.access_log()) and any("upload" in (line["query"] or "") for line in log) and log,
                    "the page's upload", patience=90)
            finally:
                browser.kill()
                browser.wait()
        protocols = [line["protocol"] for line in lines if "Chrom" in (line["user_agent"] or "")]
        self.assertEqual(protocols[0], "h2")
        upload = next(line for line in lines if "upload" in (line["query"] or ""))
        self.assertEqual((upload["protocol"], upload["status"], upload["bytes_in"]), ("h3", 200, 300000))


if __name__ == "__main__":
    harness.main()
