"""What the tests of container images share: a ground of their own to build and run in, buildah, and running containers.

Nothing of it is left behind: storage is in a temporary directory, mounts and addresses in namespaces of this process. The
one thing that is kept, in ~/.cache/gatehouse, is a Debian with the packages that an image is made of.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile

import harness

PACKAGES = harness.ROOT / "deploy" / "packages"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatehouse"
RELEASE = "trixie"
APT = pathlib.Path("/etc/apt")
PR_SET_CHILD_SUBREAPER = 36


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


# ---- the base ------------------------------------------------------------------------------------------------------

def sources():
    """The files that say where this machine, a Debian 13 of its own or in a root, has its packages from."""
    lists = [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]
    found = [path for path in lists if path.suffix in (".list", ".sources") and path.exists() and path.read_text().strip()]
    return found or skip("this machine's apt has no sources to make a Debian from")


def run_packages():
    """The section `run` of deploy/packages, as apt wants it."""
    for line in PACKAGES.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["run"]:
            yield f"{words[1]}/{RELEASE}-backports" if words[2:] == ["backports"] else words[1]


def base_archive(name, *packages):
    """A small Debian with these packages as a tar file: from the cache, or made now, which needs the archive."""
    wanted = ",".join(packages)
    lists = sources()
    key = hashlib.sha256(f"{name} {wanted} {[path.read_text() for path in lists]}".encode()).hexdigest()[:16]
    archive = CACHE / f"{name}-{key}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="making-") as work:
            made = pathlib.Path(work) / "base.tar"
            done = subprocess.run(
                ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={wanted}",
                 "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=path-exclude=/usr/share/man/*",
                 "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
                 "--dpkgopt=path-include=/usr/share/doc/*/copyright", RELEASE, str(made), *map(str, lists)],
                capture_output=True, text=True, check=False)
            if done.returncode != 0:
                skip(f"no Debian to begin with could be made:\n{done.stderr[-2000:]}")
            for old in CACHE.glob(f"{name}-*.tar"):
                old.unlink()
            made.rename(archive)
    return archive


# ---- the ground ----------------------------------------------------------------------------------------------------

def enter_mounts():
    """Puts this process into a mount namespace of its own. In a chroot what is the root becomes a mount there, as buildah
    wants it."""
    if os.geteuid() != 0:
        skip("containers are built and run as root here")
    try:
        os.unshare(os.CLONE_NEWNS)
    except OSError as error:
        skip(f"no mount namespace: {error}")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a killed buildah leaves is ours to find
    if subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode != 0:
        subprocess.run(["mount", "--rbind", "/", "/mnt"], check=True)
        os.chroot("/mnt")
        os.chdir(harness.ROOT)


def enter_network(host_name):
    """And into a network with nothing but loopback, where this machine is called `host_name`."""
    os.unshare(os.CLONE_NEWNET | os.CLONE_NEWUTS)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    socket.sethostname(host_name)
    with tempfile.NamedTemporaryFile("w", prefix="gatehouse-hosts-") as hosts:
        hosts.write(f"127.0.0.1 localhost {host_name}\n::1 localhost\n")
        hosts.flush()
        os.chmod(hosts.name, 0o644)
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)


class Store:
    """Images and containers of one test; a context manager."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-images-"))
        # In memory, since every layer is a copy of the one below; seen by this process's namespace only.
        subprocess.run(["mount", "-t", "tmpfs", "none", self.directory], check=True)
        self.options = ["--storage-driver", "vfs", "--root", str(self.directory / "storage"),
                        "--runroot", str(self.directory / "run")]
        self.environment = {**os.environ, "TMPDIR": str(self.directory)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in list(descendants(os.getpid())):  # of containers that could not be ended well
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["umount", "--recursive", "--lazy", self.directory], check=False)
        self.directory.rmdir()

    def command(self, *words):
        return ["buildah", *self.options, *map(str, words)]

    @staticmethod
    def limits():
        """This process's own: buildah would raise them, which not every machine allows."""
        for name, which in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
            yield "--ulimit={}={}:{}".format(name, *resource.getrlimit(which))

    def buildah(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False, env=self.environment)
        if done.returncode != 0:
            raise AssertionError(f"buildah {' '.join(map(str, words))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def add_base(self, archive, *tags):
        container = self.buildah("from", "scratch").strip()
        self.buildah("add", container, archive, "/")
        self.buildah("commit", "--rm", container, tags[0])
        for tag in tags[1:]:
            self.buildah("tag", tags[0], tag)

    def build(self, dockerfile, tag, *options):
        """What it says while it builds; HEALTHCHECK is of Docker's format only."""
        return self.buildah("build", "--isolation", "chroot", "--pull-never", "--format", "docker", "--layers=false",
                            *self.limits(),                            "-f", dockerfile, "-t", tag, *options, harness.ROOT)

    def config(self, image):
        return json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]


# ---- containers ----------------------------------------------------------------------------------------------------

def podman_works(store, image):
    done = subprocess.run(["podman", *store.options, "run", "--rm", "--network", "host", image, "version"],
                          capture_output=True, text=True, check=False)
    return done.returncode == 0


class Container:
    """A container that runs as the image says: its entry point, command, user (or another) and environment, and
    `environment` and `volumes` besides. By podman where that runs, else by `buildah run`, which knows no entry points: they are read out
    of the image here. Both on this process's network and with its host name."""

    def __init__(self, store, image, *, arguments=None, environment=None, volumes=None, user=None, podman=False):
        self.store, self.image, self.podman = store, image, podman
        self.config = store.config(image)
        self.environment, self.volumes = environment or {}, volumes or {}
        self.user = user or self.config["User"]
        self.words = (self.config.get("Entrypoint") or []) + (arguments or self.config.get("Cmd") or [])
        self.arguments = arguments or []
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.name = self.process = self.pid = None

    def options(self):
        given = [f"--env={name}={value}" for name, value in self.environment.items()]
        given.append(f"--user={self.user}")
        return given + [f"--volume={source}:{target}" for source, target in self.volumes.items()]

    def start_command(self):
        if self.podman:
            self.name = f"gatehouse-test-{os.getpid()}"
            return ["podman", *self.store.options, "run", "--rm", "--name", self.name, "--network", "host", "--uts", "host",
                    *self.options(), self.image, *self.arguments]
        self.name = self.store.buildah("from", *self.store.limits(), self.image).strip()
        return self.store.command("run", "--isolation", "chroot", "--uts", "host", *self.options(), self.name, "--", *self.words)

    def exec(self, *words):
        """A command in the running container, as `docker exec` does it: its root, user and environment."""
        user, _, group = self.user.partition(":")
        command = (["podman", *self.store.options, "exec", self.name, *words] if self.podman else
                   ["nsenter", f"--target={self.pid}", "--mount", "--root", "--wdns=/", "--env", f"--setuid={user}",
                    f"--setgid={group}", self.path_of(words[0]), *words[1:]])
        return subprocess.run(command, capture_output=True, text=True, timeout=harness.PATIENCE, check=False)

    def path_of(self, program):
        """Where the container's PATH has it."""
        folders = dict(variable.split("=", 1) for variable in self.config["Env"])["PATH"].split(":")
        root = pathlib.Path(f"/proc/{self.pid}/root")
        return next(f"{folder}/{program}" for folder in folders if (root / folder[1:] / program).exists())

    def exec_read(self, path):
        """A file in it: there may be nothing in it that could print one."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}").read_text()

    def healthcheck(self):
        """The image's own; ["CMD", ...]"""
        return self.exec(*self.config["Healthcheck"]["Test"][1:])

    def __enter__(self):
        self.process = subprocess.Popen(self.start_command(), stdout=self.out, stderr=self.err, stdin=subprocess.DEVNULL,
                                        env=self.store.environment)
        try:
            harness.wait_until(lambda: "ready:" in self.text(self.err) or self.process.poll() is not None, "ready")
            self.pid = self.find()
            if self.pid is None:
                raise AssertionError(f"it does not run:\n{self.text(self.err)}")
        except AssertionError:
            self.end(signal.SIGKILL)
            self.out.close()
            self.err.close()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            sys.stderr.write(self.text(self.out)[-3000:] + self.text(self.err)[-3000:])
        self.end(signal.SIGKILL)
        self.out.close()
        self.err.close()

    def text(self, stream):
        stream.seek(0)
        return stream.read()

    def find(self):
        """Gatehouse's number outside: the process of this container that runs it."""
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe").endswith("/opt/gatehouse/bin/gatehouse"):
                    return pid
        return None

    def end(self, number):
        """Sends it the signal; its exit code."""
        if self.process.poll() is None:
            pid = self.pid or self.find()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid or self.process.pid, number)
            if pid is None:
                self.process.kill()
        return self.process.wait(harness.PATIENCE + 30)


def descendants(pid):
    """The processes below it. Children are listed by the thread that has made them."""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield int(child)
                yield from descendants(int(child))
