"""The image of deploy/Dockerfile, built and run: as a sidecar by environment and by file, in a compose file's words, and as
the entry point of an app's own image.

There is no Docker engine here: buildah builds, podman runs where it can (`buildah run` does elsewhere, with the image's
entry point, user and environment). The program was compiled already: it is handed over as the Dockerfile allows, so that
a run does not compile it again; with GATEHOUSE_IMAGE_FROM_SOURCE=1 the image's own stage does, on a plain Debian, which
takes the network and minutes. Else the base is a Debian made with mmdebstrap once and kept, with the packages of the section `run` in it, and is
called debian:trixie-slim and python:3.13-slim.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import yaml

import harness
import images
from harness import PROTOCOLS, curl, wait_until

DEPLOY = harness.ROOT / "deploy"
COMPOSE = DEPLOY / "compose"
FROM_SOURCE = bool(os.environ.get("GATEHOUSE_IMAGE_FROM_SOURCE"))
NOBODY = 65532
MOST_MIB = 32


def program():
    """What ninja has built for images."""
    return pathlib.Path(harness.BINARY).parent / "portable" / "gatehouse"


def setUpModule():
    """Builds the image, once for all tests."""
    Images.store = unittest.enterModuleContext(images.Store())
    Images.directory = pathlib.Path(unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="gatehouse-image-")))
    Images.directory.chmod(0o755)
    given = Images.directory / "given"
    given.mkdir()
    subprocess.run(["strip", "-o", given / "gatehouse", program()], check=True)
    options = [] if FROM_SOURCE else ["--build-context", f"given={given}", "--build-arg", "PROGRAM=given"]
    Images.store.add_base(BASE, "debian:trixie-slim", "python:3.13-slim")
    Images.store.build(DEPLOY / "Dockerfile", "gatehouse", *options)
    Images.store.build(COMPOSE / "entrypoint" / "Dockerfile", "app")
    images.enter_network("gatehouse")
    Images.podman = images.podman_works(Images.store, "gatehouse")
    print(f"containers are run by {'podman' if Images.podman else 'buildah run'}", flush=True)
    Images.certificate, Images.key = harness.make_certificate(Images.directory, "localhost", "localhost")
    os.chown(Images.key, NOBODY, NOBODY)


class Images(unittest.TestCase):
    """What the tests share."""

    def container(self, image="gatehouse", **keywords):
        return images.Container(self.store, image, podman=self.podman, **keywords)

    def secrets(self):
        return {str(self.certificate): "/run/secrets/cert", str(self.key): "/run/secrets/key"}

    def ask(self, protocol, path, port=8443, certificate=None):
        answer = curl(f"https://localhost:{port}{path}", PROTOCOLS[protocol], "--cacert", str(certificate or self.certificate))
        self.assertEqual(answer.status, 200, f"{protocol}: {answer.error}")
        self.assertEqual(answer.version, {"h1": "1.1", "h2": "2", "h3": "3"}[protocol])
        return answer


    def check_process(self, pid):
        """Who runs, and with whose libraries: the image brings all of them."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        self.assertRegex(status, rf"(?m)^Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}$")
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        libraries = set(re.findall(r"\S*/lib[^/\s]*\.so\S*", maps))
        self.assertGreater(len(libraries), 10)
        self.assertEqual([path for path in libraries if "/opt/gatehouse/lib/" not in path], [])


class TestImage(Images):
    def root(self):
        """The image's files."""
        container = self.store.buildah("from", "gatehouse").strip()
        return pathlib.Path(self.store.buildah("mount", container).strip())

    def test_the_image_says_how_it_is_run(self):
        config = self.store.config("gatehouse")
        self.assertEqual(config["User"], f"{NOBODY}:{NOBODY}")
        self.assertEqual(config["StopSignal"], "SIGTERM")
        self.assertEqual(set(config["ExposedPorts"]), {"8443/tcp", "8443/udp"})
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "gatehouse", "healthcheck"])
        self.assertEqual(config["Entrypoint"] + config["Cmd"], ["gatehouse", "run"])

    def test_nothing_is_in_it_but_what_runs(self):
        root = self.root()
        files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
        executable = sorted(name for name, path in files.items() if path.stat().st_mode & 0o111)
        self.assertEqual(executable, ["opt/gatehouse/bin/gatehouse", "opt/gatehouse/lib/ld.so"])
        elsewhere = [name for name in files if not name.startswith(("opt/gatehouse/", "etc/", "var/lib/dpkg/status.d/"))]
        self.assertEqual(elsewhere, [])
        self.assertIn("opt/gatehouse/lib/libngtcp2.so.16", files)
        self.assertLess(sum(path.stat().st_size for path in files.values()), MOST_MIB * 1024 * 1024)
        # For scanners and lawyers: a record and a licence for every package.
        packages = {name.rpartition("/")[2] for name in files if name.startswith("var/lib/dpkg/status.d/")}
        self.assertLessEqual({"libc6", "libssl3t64", "libngtcp2-16", "ca-certificates"}, packages)
        for package in packages:
            self.assertIn(f"opt/gatehouse/share/doc/{package}/copyright", files)
            self.assertIn("Version: ", files[f"var/lib/dpkg/status.d/{package}"].read_text())

    def test_as_a_sidecar_by_environment_with_secrets(self):
        (self.directory / "to").write_text("127.0.0.1:5000\n")
        environment = {"GATEHOUSE_TO_FILE": "/run/secrets/to", "GATEHOUSE_CERTIFICATE_FILE": "/run/secrets/cert",
                       "GATEHOUSE_PRIVATE_KEY_FILE": "/run/secrets/key", "GATEHOUSE_ADMIN": ":9180"}
        volumes = {**self.secrets(), str(self.directory / "to"): "/run/secrets/to"}
        with harness.backend(port=5000), self.container(environment=environment, volumes=volumes) as container:
            for protocol in PROTOCOLS:
                seen = self.ask(protocol, "/echo").json()
                self.assertEqual(dict(seen["headers"])["X-Forwarded-Proto"], "https")
            self.check_process(container.pid)
            well = container.healthcheck()
            self.assertEqual((well.returncode, well.stdout), (0, "127.0.0.1:9180: ready\n"), well.stderr)
            self.check_drain(container)
            lines = [json.loads(line) for line in container.text(container.out).splitlines() if line.startswith("{")]
            self.assertEqual([line["path"] for line in lines], ["/echo"] * 3 + ["/slow/2000"])
            self.assertEqual(sorted(line["protocol"] for line in lines[:3]), ["h1", "h2", "h3"])  # workers write blocks

    def check_drain(self, container):
        """SIGTERM while a request runs: the health check fails, the request is answered, the exit code is 0."""
        answers = []
        request = threading.Thread(target=lambda: answers.append(self.ask("h2", "/slow/2000")))
        request.start()
        wait_until(lambda: "requests_in_flight" in (page := self.metrics()) and re.search(
            r"^gatehouse_requests_in_flight\{[^}]*\} [1-9]", page, re.MULTILINE), "a request in flight")
        os.kill(container.pid, signal.SIGTERM)
        wait_until(lambda: curl("http://127.0.0.1:9180/readyz").status == 503, "draining")
        ill = container.healthcheck()
        self.assertEqual(ill.returncode, 1, ill.stdout)
        self.assertRegex(ill.stderr, r"127\.0\.0\.1:9180 answered: HTTP/1\.1 503 .*: draining")
        self.assertEqual(container.process.wait(harness.PATIENCE), 0)
        request.join()
        self.assertEqual(len(answers), 1)

    def metrics(self):
        return curl("http://127.0.0.1:9180/metrics").body.decode()

    def test_by_file_with_an_admin_socket(self):
        file = self.directory / "gatehouse.toml"
        file.write_text('[server]\nadmin = "unix:/run/gatehouse/admin.sock"\n[[listeners]]\naddress = ":8443"\n'
                        '[listeners.tls]\ncertificates = [{ certificate = "/run/secrets/cert", '
                        'private_key = "/run/secrets/key" }]\n[[routes]]\nto = "app"\n'
                        '[upstreams.app]\nendpoints = ["127.0.0.1:5000"]\n')
        volumes = {**self.secrets(), str(file): "/etc/gatehouse/gatehouse.toml"}
        with harness.backend(port=5000), self.container(volumes=volumes) as container:
            self.ask("h3", "/echo")
            well = container.healthcheck()
            self.assertEqual((well.returncode, well.stdout), (0, "unix:/run/gatehouse/admin.sock: ready\n"), well.stderr)
            stopped = container.exec("gatehouse", "stop")  # finds the process by the same file
            self.assertEqual(stopped.returncode, 0, stopped.stderr)
            self.assertEqual(container.process.wait(harness.PATIENCE), 0)

    def test_what_the_image_is_compiled_from_is_whole(self):
        """What .dockerignore lets through; compiling it takes too long here."""
        dockerfile = self.directory / "Context"
        dockerfile.write_text("FROM scratch\nCOPY . /source\n")
        self.store.build(dockerfile, "context")
        container = self.store.buildah("from", "context").strip()
        source = pathlib.Path(self.store.buildah("mount", container).strip()) / "source"
        self.assertEqual(sorted(path.name for path in source.iterdir()),
                         ["CMakeLists.txt", "CMakePresets.json", "common", "config", "deploy", "proxy"])
        for folder in ("common", "config", "proxy"):
            here = {path.relative_to(harness.ROOT) for path in (harness.ROOT / folder).rglob("*") if path.is_file()
                    and "__pycache__" not in path.parts}
            self.assertEqual(here, {path.relative_to(source) for path in (source / folder).rglob("*") if path.is_file()})
        configured = subprocess.run(["cmake", "-S", source, "-B", self.directory / "configured", "-G", "Ninja",
                                     "-DGATEHOUSE_TESTS=OFF"], capture_output=True, text=True, check=False)
        self.assertEqual(configured.returncode, 0, configured.stderr)

    def test_the_guide_has_every_variable(self):
        helps = [subprocess.run([harness.BINARY, command, "--help"], capture_output=True, text=True, check=True).stdout
                 for command in ("proxy", "host")]
        guide = (DEPLOY / "docker.md").read_text()
        listed = dict(re.findall(r"^\| `(GATEHOUSE_\w+)` \| (\w+) \|", guide, re.MULTILINE))
        real = [set(re.findall(r"\[(GATEHOUSE_\w+)\]", text)) for text in helps]
        of = {**dict.fromkeys(real[0], "proxy"), **dict.fromkeys(real[1], "host"), **dict.fromkeys(real[0] & real[1], "both")}
        self.assertEqual(listed, of)

    def test_without_any_configuration_it_says_what_it_wants(self):
        container = self.container()
        with self.assertRaisesRegex(AssertionError, "set GATEHOUSE_TO"), container:
            pass
        self.assertEqual(container.process.returncode, 1)


class TestCompose(Images):
    """deploy/compose, with the names and ports that are written there."""

    def test_the_sidecar_file(self):
        compose = yaml.safe_load((COMPOSE / "sidecar.yaml").read_text())
        services = compose["services"]
        for service in services.values():
            for volume in service.get("volumes", []):
                source = (COMPOSE / volume.split(":")[0]).resolve()
                self.assertTrue(source.exists(), volume)
        build = services["gatehouse"]["build"]
        self.assertTrue((COMPOSE / build["context"] / build["dockerfile"]).is_file())
        self.assertEqual(services["gatehouse"]["ports"], ["8443:8443/tcp", "8443:8443/udp"])
        app = services["app"]
        with subprocess.Popen(["python3", DEPLOY / "demo_app.py"], env={**os.environ, **app["environment"]}) as process:
            try:
                # As a user whom nobody knows: state and runtime folder are open to all.
                with self.container(environment=services["gatehouse"]["environment"], user="4321:4321") as container:
                    authority = self.directory / "self-signed.pem"
                    authority.write_text(container.exec_read("/var/lib/gatehouse/localhost.pem"))
                    for protocol in PROTOCOLS:
                        self.ask(protocol, "/", certificate=authority)
                    self.check_prometheus()
                    self.assertEqual(container.end(signal.SIGTERM), 0)
            finally:
                process.kill()

    def check_prometheus(self):
        """Its configuration finds Gatehouse by the name that it has in the compose file."""
        if not shutil.which("prometheus"):
            print("no prometheus here: its scrape was not tried")
            return
        checked = subprocess.run(["promtool", "check", "config", "--syntax-only", COMPOSE / "prometheus.yml"],
                                 capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        with subprocess.Popen(["prometheus", f"--config.file={COMPOSE / 'prometheus.yml'}",
                               f"--storage.tsdb.path={self.directory / 'tsdb'}", "--web.listen-address=127.0.0.1:9090"],
                              stderr=subprocess.DEVNULL) as process:
            try:
                query = "http://127.0.0.1:9090/api/v1/query?query="
                def value(expression):
                    answer = curl(query + expression)
                    result = answer.json()["data"]["result"] if answer.status == 200 else []
                    return result[0]["value"][1] if result else None
                wait_until(lambda: value("up") == "1", "gatehouse:9180 is scraped")
                self.assertEqual(value("sum(gatehouse_requests_total)"), "3")
            finally:
                process.terminate()

    def test_as_the_entry_point_of_an_app(self):
        config = self.store.config("app")
        self.assertEqual(config["Entrypoint"], ["gatehouse", "host", "--name", "app", "--"])
        environment = {"GATEHOUSE_CERTIFICATE_FILE": "/run/secrets/cert", "GATEHOUSE_PRIVATE_KEY": "/run/secrets/key"}
        with self.container("app", environment=environment, volumes=self.secrets()) as container:
            wait_until(lambda: "is ready" in container.text(container.err), "the app is ready")
            pids = {self.ask(protocol, "/").json()["pid"] for protocol in PROTOCOLS}
            self.assertEqual(len(pids), 1)
            well = container.healthcheck()
            self.assertEqual((well.returncode, well.stdout), (0, "127.0.0.1:9180: ready\n"), well.stderr)
            self.check_process(container.pid)
            app = next(images.descendants(container.pid))
            os.kill(app, signal.SIGKILL)
            self.assertEqual(self.ask("h2", "/").status, 200)
            self.assertNotIn(app, list(images.descendants(container.pid)))
            self.assertEqual(container.end(signal.SIGTERM), 0)
            self.assertIn('"path":"/"', container.text(container.out))


if __name__ == "__main__":
    if not shutil.which("buildah") or not shutil.which("mmdebstrap"):
        images.skip("no buildah or no mmdebstrap")
    if not program().is_file():
        images.skip(f"no {program()}")
    BASE = (images.base_archive("image-plain", "python3") if FROM_SOURCE else
            images.base_archive("image-base", *images.run_packages(), "python3"))
    images.enter_mounts()
    harness.main()
