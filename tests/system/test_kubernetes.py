"""deploy/kubernetes as kubectl renders it: its parts fit each other, and what is in it works with the real binary, which
is probed, drained and ended here as the kubelet would do it.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
import unittest

import yaml

import harness

FOLDER = harness.ROOT / "deploy" / "kubernetes"
SECRETS = {"gatehouse-certificate": ["tls.crt", "tls.key"], "gatehouse-shared": ["secret", "ticket-key", "ticket-key-old"],
           "app-certificate": ["tls.crt", "tls.key"]}


def kustomize(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", duration).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def fits(selector, labels):
    return bool(selector) and selector.items() <= labels.items()


def parse_blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


class Rendered:
    """What one base renders to."""

    def __init__(self, documents):
        self.documents = documents
        self.deployment, = self.kind("Deployment")
        self.template = self.deployment["spec"]["template"]
        self.pod = self.template["spec"]
        self.container, = [each for each in self.pod["containers"] if each["name"] == "gatehouse"]
        self.ports = {port["name"]: port for port in self.container["ports"]}
        self.text = next(c["data"]["gatehouse.toml"] for c in self.kind("ConfigMap"))
        self.config = tomllib.loads(self.text)

    def kind(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    def mount(self, folder):
        """The Gatehouse container's volumes as folders; returns what /etc, /run and /var are there."""
        certificate, key = harness.make_certificate(folder, "made", "localhost")
        contents = {"tls.crt": certificate.read_bytes(), "tls.key": key.read_bytes(), "secret": os.urandom(32),
                    "ticket-key": os.urandom(80), "ticket-key-old": os.urandom(80)}
        places = {}
        for mount in self.container["volumeMounts"]:
            place = folder / mount["name"]
            place.mkdir()
            places[mount["mountPath"]] = place
            volume, = [each for each in self.pod["volumes"] if each["name"] == mount["name"]]
            for source in volume.get("projected", {}).get("sources", []):
                self.project(source, place, contents)
        return places

    def project(self, source, place, contents):
        if "configMap" in source:
            found = [each for each in self.kind("ConfigMap") if each["metadata"]["name"] == source["configMap"]["name"]]
            for name, text in found[0]["data"].items():
                (place / name).write_text(text)
            return
        for item in source["secret"]["items"]:
            assert item["key"] in SECRETS[source["secret"]["name"]], item
            path = place / item["path"]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(contents[item["key"]])
            path.chmod(0o440)


class Base:
    """The same questions to each base."""

    @classmethod
    def setUpClass(cls):
        cls.base = Rendered(kustomize(FOLDER / cls.name))

    def test_every_selector_finds_what_it_is_for(self):
        labels = self.base.template["metadata"]["labels"]
        self.assertTrue(fits(self.base.deployment["spec"]["selector"]["matchLabels"], labels))
        for spread in self.base.pod.get("topologySpreadConstraints", []):
            self.assertTrue(fits(spread["labelSelector"]["matchLabels"], labels))
        budget, = self.base.kind("PodDisruptionBudget")
        self.assertTrue(fits(budget["spec"]["selector"]["matchLabels"], labels))
        scaler, = self.base.kind("HorizontalPodAutoscaler")
        target = scaler["spec"]["scaleTargetRef"]
        self.assertEqual((target["kind"], target["name"]), ("Deployment", self.base.deployment["metadata"]["name"]))
        self.assertNotIn("replicas", self.base.deployment["spec"])
        self.assertGreater(scaler["spec"]["minReplicas"], budget["spec"]["maxUnavailable"])

    def test_services_lead_to_ports_that_are_there(self):
        services = self.base.kind("Service")
        offered = {}
        for service in services:
            self.assertTrue(fits(service["spec"]["selector"], self.base.template["metadata"]["labels"]))
            for port in service["spec"]["ports"]:
                self.assertEqual(port["protocol"], self.base.ports[port["targetPort"]]["protocol"])
                offered[port["name"]] = port["port"]
        self.assertEqual(offered, {"https": 443, "http3": 443, "http": 80, "admin": 9180})
        monitor, = self.base.kind("ServiceMonitor")
        watched = [s for s in services if fits(monitor["spec"]["selector"]["matchLabels"], s["metadata"]["labels"])]
        self.assertEqual([[port["name"] for port in service["spec"]["ports"]] for service in watched], [["admin"]])
        self.assertEqual([endpoint["port"] for endpoint in monitor["spec"]["endpoints"]], ["admin"])

    def test_the_configuration_listens_where_the_pod_says(self):
        config, ports = self.base.config, self.base.ports
        listening = {(int(each["address"].rpartition(":")[2]), "tls" in each) for each in config["listeners"]}
        self.assertEqual(listening, {(ports["https"]["containerPort"], True), (ports["http"]["containerPort"], False)})
        self.assertEqual((ports["http3"]["containerPort"], ports["http3"]["protocol"]), (ports["https"]["containerPort"], "UDP"))
        self.assertEqual(config["server"]["admin"], f":{ports['admin']['containerPort']}")
        self.assertEqual([each["alt_svc"] for each in config["listeners"] if "tls" in each], [443])
        self.assertTrue(config["server"]["watch"])

    def test_a_pod_has_the_time_to_leave(self):
        leaving = sum(seconds(self.base.config["server"][key]) for key in ("drain_delay", "drain_timeout"))
        self.assertGreaterEqual(self.base.pod["terminationGracePeriodSeconds"], leaving + 10)
        for container in self.base.pod["containers"]:
            if container is not self.base.container:
                self.assertGreaterEqual(container["lifecycle"]["preStop"]["sleep"]["seconds"], leaving)

    def test_it_may_do_nothing_but_serve(self):
        context = {**self.base.pod["securityContext"], **self.base.container["securityContext"]}
        self.assertEqual((context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]), (True, 65532, 65532))
        self.assertEqual((context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"], context["capabilities"]),
                         (False, True, {"drop": ["ALL"]}))
        self.assertFalse(self.base.pod["automountServiceAccountToken"])
        for port in self.base.ports.values():
            self.assertGreater(port["containerPort"], 1023)  # no root needed
        written = {mount["mountPath"] for mount in self.base.container["volumeMounts"] if not mount.get("readOnly")}
        self.assertEqual(written, {"/run/gatehouse", "/var/lib/gatehouse"})

    def test_the_binary_lives_and_leaves_as_the_pod_says(self):
        with tempfile.TemporaryDirectory(prefix="gatehouse-kubernetes-") as folder:
            places = self.base.mount(pathlib.Path(folder))
            file = places["/etc/gatehouse"] / "gatehouse.toml"
            text = file.read_text().replace(self.base.config["server"]["drain_delay"], "2s")
            for path, place in places.items():
                text = text.replace(f"{path}/", f"{place}/")
            file.write_text(text)
            environment = {**os.environ, "POD_IP": "10.0.0.1"}
            for variable in self.base.container["env"]:
                if "value" in variable:
                    environment[variable["name"]] = str(places[variable["value"]])
            self.check(file, environment)
            self.live_and_leave(file, environment)

    def check(self, file, environment):
        done = subprocess.run([harness.BINARY, "check", file], capture_output=True, text=True, env=environment, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        # A test's certificate; and metrics are for the whole cluster, whose network policies say who may reach the pod.
        unexpected = [line for line in done.stderr.splitlines() if "expires on" not in line and '"admin": metrics' not in line]
        self.assertEqual(unexpected, [])

    def words(self, command, file):
        """A command of the pod, for the binary and the file that stand here for the image's."""
        self.assertEqual(command[0], "gatehouse")
        return [harness.BINARY, *[str(file) if word == "/etc/gatehouse/gatehouse.toml" else word for word in command[1:]]]

    def live_and_leave(self, file, environment):
        process = subprocess.Popen(self.words(["gatehouse", *self.base.container["args"]], file), env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        with process.stderr:
            try:
                self.probe_and_drain(process, file, environment)
            finally:
                if process.poll() is None:
                    process.kill()
                    print(process.stderr.read())
                process.wait()

    def probe(self, name):
        wanted = self.base.container[name]["httpGet"]
        return harness.curl(f"http://127.0.0.1:{self.base.ports[wanted['port']]['containerPort']}{wanted['path']}").status

    def probe_and_drain(self, process, file, environment):
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            harness.wait_until(lambda n=name: self.probe(n) == 200, name)
        scaler, = self.base.kind("HorizontalPodAutoscaler")
        metric = next(each["pods"]["metric"]["name"] for each in scaler["spec"]["metrics"] if each["type"] == "Pods")
        url = f"https://localhost:{self.base.ports['https']['containerPort']}/"
        self.assertIn(harness.curl(url, "--insecure").status, (502, 503))  # there is nothing behind it here
        page = harness.curl(f"http://127.0.0.1:{self.base.ports['admin']['containerPort']}/metrics").body.decode()
        self.assertRegex(page, rf"(?m)^{metric}\{{.*\}} \d")
        self.assertIn(harness.curl(url, "--insecure", "--http3-only").version, ("3",))
        pre_stop = self.words(self.base.container["lifecycle"]["preStop"]["exec"]["command"], file)
        subprocess.run(pre_stop, check=True, env=environment, stdout=subprocess.DEVNULL)
        self.assertEqual(self.probe("readinessProbe"), 503)
        self.assertEqual(self.probe("livenessProbe"), 200)
        process.send_signal(signal.SIGTERM)
        self.assertIn(harness.curl(url, "--insecure").status, (502, 503))  # still served: that is what drain_delay is for
        self.assertEqual(process.wait(harness.PATIENCE), 0)


class Edge(Base, unittest.TestCase):
    name = "edge"


class Sidecar(Base, unittest.TestCase):
    name = "sidecar"


class Overlay(unittest.TestCase):
    def test_the_one_of_the_readme_renders(self):
        readme = (FOLDER / "README.md").read_text()
        with tempfile.TemporaryDirectory(prefix="gatehouse-kubernetes-") as folder:
            overlay = pathlib.Path(folder) / "mine"
            shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
            overlay.mkdir()
            shutil.copy(FOLDER / "edge" / "gatehouse.toml", overlay)
            with open(overlay / "gatehouse.toml", "a", encoding="utf-8") as file:
                file.write("# mine\n")
            (overlay / "kustomization.yaml").write_text(parse_blocks(readme, "yaml")[0])
            making = next(block for block in parse_blocks(readme, "sh") if "openssl" in block)
            subprocess.run(["sh", "-ec", making], cwd=overlay, check=True)
            certificate, key = harness.make_certificate(overlay, "tls", "localhost")
            certificate.rename(overlay / "tls.crt")
            key.rename(overlay / "tls.key")
            mine = Rendered(kustomize(overlay))
        secrets = {secret["metadata"]["name"]: sorted(secret["data"]) for secret in mine.kind("Secret")}
        self.assertEqual(secrets, {name: SECRETS[name] for name in ("gatehouse-certificate", "gatehouse-shared")})
        self.assertTrue(mine.text.endswith("# mine\n"))
        self.assertEqual(mine.container["image"], "registry.example.com/gatehouse:0.1.0")
        self.assertEqual({document["metadata"].get("namespace") for document in mine.documents}, {"web"})


def have_ports_of_our_own():
    """The pods' ports are fixed: a network of our own has them free."""
    try:
        os.unshare(os.CLONE_NEWNET)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True)
        return True
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"skipped: no network namespace here: {error}")
        return False


if __name__ == "__main__":
    if shutil.which("kubectl") is None:
        print("skipped: there is no kubectl")
        sys.exit(77)
    if not have_ports_of_our_own():
        sys.exit(77)
    harness.main()
