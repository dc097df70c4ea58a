#!/usr/bin/env python3
"""The app of the demo: answers every request with what it has seen of it, as JSON or, for browsers, as a page.

Speaks plain HTTP/1.1 on the loopback port that the environment variable PORT names, as any app may that Gatehouse hosts.
"""

import hashlib
import html
import http.server
import json
import os

SHOWN_FIRST = ("host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-request-id")
PREVIEW = 200

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Gatehouse demo</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #8884; overflow-wrap: anywhere }}
th {{ white-space: nowrap; font-weight: 600 }}
strong {{ font-size: 1.2em }}
</style>
<h1>It works</h1>
<p>Your browser reached Gatehouse over <strong id="protocol">…</strong>;
process {pid} of this app was asked over <strong>{protocol}</strong>. Reload once or twice: after the first visit
browsers move to HTTP/3, because Gatehouse offers it with Alt-Svc.</p>
<table>
<tr><th>Request</th><td>{method} {target}</td></tr>
{rows}
</table>
<script>
const names = {{"http/1.1": "HTTP/1.1", "h2": "HTTP/2", "h3": "HTTP/3"}};
const used = performance.getEntriesByType("navigation")[0].nextHopProtocol;
document.getElementById("protocol").textContent = names[used] || used || "an unknown protocol";
</script>
</html>
"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def read_body(self):
        """The body's length, digest and beginning, whatever its framing."""
        digest, size, beginning = hashlib.sha256(), 0, b""
        for piece in self.body_pieces():
            digest.update(piece)
            size += len(piece)
            beginning = (beginning + piece)[:PREVIEW]
        return size, digest.hexdigest(), beginning.decode("utf-8", "replace")

    def body_pieces(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while left := int(self.rfile.readline().split(b";")[0], 16):
                yield from self.exactly(left)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            yield from self.exactly(int(self.headers.get("Content-Length", 0)))

    def exactly(self, left):
        while left:
            piece = self.rfile.read(min(left, 65536))
            if not piece:
                raise ConnectionError("the body ended early")
            left -= len(piece)
            yield piece

    def answer(self):
        size, digest, beginning = self.read_body()
        seen = {
            "pid": os.getpid(),
            "protocol": self.request_version,
            "method": self.command,
            "target": self.path,
            "headers": self.headers.items(),
            "body": {"bytes": size, "sha256": digest, "beginning": beginning},
        }
        if "text/html" in self.headers.get("Accept", ""):
            kind, text = "text/html; charset=utf-8", page(seen)
        else:
            kind, text = "application/json", json.dumps(seen, indent=2) + "\n"
        payload = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer

    def log_message(self, *_):
        """Gatehouse has the access log."""


def page(seen):
    def order(field):
        name = field[0].lower()
        return SHOWN_FIRST.index(name) if name in SHOWN_FIRST else len(SHOWN_FIRST)

    fields = sorted(seen["headers"], key=order)
    fields.append(("(body)", f"{seen['body']['bytes']} bytes"))
    rows = "\n".join(f"<tr><th>{html.escape(n)}</th><td>{html.escape(v)}</td></tr>" for n, v in fields)
    return PAGE.format(
        pid=seen["pid"],
        protocol=html.escape(seen["protocol"]),
        method=html.escape(seen["method"]),
        target=html.escape(seen["target"]),
        rows=rows,
    )


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


if __name__ == "__main__":
    with Server(("127.0.0.1", int(os.environ.get("PORT", "5000"))), Handler) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
