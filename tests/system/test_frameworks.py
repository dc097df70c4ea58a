"""Real frameworks as hosted apps, each started by one line: they see the client's address, scheme and host, not ours.

Each answers its own idea of these as JSON: {"scheme", "client", "host", "protocol"}.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import apps
import harness

FLASK = """
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)


@app.route("/", methods=["GET", "POST"])
def seen():
    return {"scheme": request.scheme, "client": request.remote_addr, "host": request.host,
            "protocol": request.environ["SERVER_PROTOCOL"], "body": len(request.get_data())}
"""

STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def seen(request):
    return JSONResponse({"scheme": request.url.scheme, "client": request.client.host, "host": request.headers["host"],
                         "protocol": "HTTP/" + request.scope["http_version"], "body": len(await request.body())})


app = Starlette(routes=[Route("/", seen, methods=["GET", "POST"])])
"""

EXPRESS = """
const express = require("express");
const app = express();
app.set("trust proxy", "loopback");
app.use(express.raw({type: () => true}));
app.all("/", (request, response) => response.json({
  scheme: request.protocol, client: request.ip, host: request.get("host"), protocol: "HTTP/" + request.httpVersion,
  body: Buffer.isBuffer(request.body) ? request.body.length : 0}));
app.listen(process.env.PORT, "127.0.0.1");
"""

NODE = """
const http = require("http");
http.createServer(async (request, response) => {
  let size = 0;
  for await (const piece of request) size += piece.length;
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({
    scheme: request.headers["x-forwarded-proto"], client: request.headers["x-forwarded-for"], host: request.headers.host,
    protocol: "HTTP/" + request.httpVersion, body: size}));
}).listen(process.env.SOCKET || process.env.PORT);
"""

JAVA = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class App {
  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 128);
    server.createContext("/", exchange -> {
      int size = exchange.getRequestBody().readAllBytes().length;
      var fields = exchange.getRequestHeaders();
      byte[] answer = String.format("{\\"scheme\\":\\"%s\\",\\"client\\":\\"%s\\",\\"host\\":\\"%s\\",\\"protocol\\":\\"%s\\",\\"body\\":%d}",
          fields.getFirst("X-Forwarded-Proto"), fields.getFirst("X-Forwarded-For"), fields.getFirst("Host"),
          exchange.getProtocol(), size).getBytes();
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    server.start();
  }
}
"""

GO = """
package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, "http"))
	if err != nil {
		panic(err)
	}
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := io.Copy(io.Discard, r.Body)
		json.NewEncoder(w).Encode(map[string]any{
			"scheme": r.Header.Get("X-Forwarded-Proto"), "client": r.Header.Get("X-Forwarded-For"),
			"host": r.Host, "protocol": r.Proto, "body": size})
	})))
}
"""


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


class Frameworks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-framework-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, command, *options):
        """`gatehouse host OPTIONS -- COMMAND` in the folder."""
        with apps.Host(*command, options=("--directory", str(self.folder), *options)) as gatehouse:
            for protocol in harness.PROTOCOLS:
                for body in (None, b"x" * 5000):
                    with self.subTest(protocol, body=body is not None):
                        answer = gatehouse.curl(protocol, "/", "--ipv4", "--header", "X-Forwarded-For: 9.9.9.9",
                                                "--header", "X-Forwarded-Proto: gopher",
                                                "--header", "Content-Type: application/octet-stream", body=body)
                        self.assertEqual(answer.status, 200, answer.error or answer.body[:500])
                        self.assertEqual(answer.json(), {"scheme": "https", "client": "127.0.0.1",
                                                         "host": f"localhost:{gatehouse.port}", "protocol": "HTTP/1.1",
                                                         "body": len(body or b"")})

    @needs("gunicorn")
    def test_flask_under_gunicorn(self):
        (self.folder / "app.py").write_text(FLASK)
        # It binds to what PORT says by itself.
        self.check(["gunicorn", "--workers", "2", "app:app"])

    @needs("gunicorn")
    def test_flask_under_gunicorn_on_an_inherited_socket(self):
        (self.folder / "app.py").write_text(FLASK)
        self.check(["gunicorn", "app:app"], "--transport", "inherit")

    def test_starlette_under_uvicorn(self):
        (self.folder / "app.py").write_text(STARLETTE)
        self.check(["python3", "-m", "uvicorn", "--fd", "3", "--proxy-headers", "--forwarded-allow-ips=*", "app:app"],
                   "--transport", "inherit")

    @needs("node")
    def test_express(self):
        (self.folder / "app.js").write_text(EXPRESS)
        self.check(["node", "app.js"], "--env", "NODE_PATH=/usr/share/nodejs")

    @needs("node")
    def test_node_on_a_port_and_on_a_socket(self):
        (self.folder / "app.js").write_text(NODE)
        for transport in ("port", "socket"):
            self.check(["node", "app.js"], "--transport", transport)

    @needs("java")
    def test_java_from_one_source_file(self):
        (self.folder / "App.java").write_text(JAVA)
        self.check(["java", "App.java"])

    @needs("go")
    def test_go_on_an_inherited_socket(self):
        (self.folder / "main.go").write_text(GO)
        apps.build_go(self.folder / "main.go", self.folder / "app")
        self.check([str(self.folder / "app")], "--transport", "inherit")


if __name__ == "__main__":
    harness.main()
