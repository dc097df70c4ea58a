"""The Debian package and the tarball, made of the program as it is built: in a fresh root they serve, upgrades keep what was
edited, a purge leaves nothing; pages and completions are true.
"""

import gzip
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest

import fresh_root
import harness

BUILD = pathlib.Path(os.environ.get("GATEHOUSE_BUILD_DIR", harness.ROOT / "build" / "release"))
NEEDED = ("cpack", "dpkg-deb", "dpkg-shlibdeps", "unshare", "ldconfig")
# Users stay when a package goes; these are theirs.
ACCOUNTS = re.compile(r"\./etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)-?")
LOGS = re.compile(r"\./(var/log/dpkg\.log|var/lib/systemd/deb-systemd-helper-\w+|var/cache/ldconfig(/.*)?)")


def run(*command, **keywords):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False, **keywords)


def dependencies_of(package):
    depends = run("dpkg-deb", "--field", package, "Depends").stdout
    return [group[0] for group in fresh_root.names_in(depends)]


def setUpModule():
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing or os.geteuid() != 0 or not pathlib.Path("/usr/share/base-passwd").exists():
        raise unittest.SkipTest(f"needs root on Debian, and {missing or 'no more'}")
    Package.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-package-"))
    unittest.addModuleCleanup(shutil.rmtree, Package.folder, ignore_errors=True)
    made = run("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", Package.folder)
    if made.returncode != 0:
        raise AssertionError(made.stdout + made.stderr)
    Package.deb = next(Package.folder.glob("gatehouse_*.deb"))
    Package.tree = Package.folder / "tree"
    run("dpkg-deb", "--extract", Package.deb, Package.tree)


class Package(unittest.TestCase):
    folder = deb = tree = None

    def test_lintian_finds_nothing(self):
        if not shutil.which("lintian"):
            self.skipTest("no lintian")
        found = run("lintian", "--allow-root", "--fail-on", "error,warning", self.deb)
        self.assertEqual((found.returncode, found.stdout), (0, ""))

    def test_the_pages_are_well_formed_and_complete(self):
        for name, words in (("man1/gatehouse.1.gz", ["reload", "-print-config", "SIGHUP", "LISTEN_FDS"]),
                            ("man5/gatehouse.toml.5.gz", ["drain_timeout", "[[listeners]]", "rapid_fail", "Become this user"])):
            source = gzip.decompress((self.tree / "usr/share/man" / name).read_bytes()).decode()
            page = subprocess.run(["mandoc", "-T", "lint", "-W", "style"], input=source, capture_output=True, text=True, check=False)
            complaints = [line for line in page.stdout.splitlines() if "referenced manual not found" not in line]
            self.assertEqual(complaints, [])
            text = subprocess.run(["mandoc", "-T", "utf8"], input=source, capture_output=True, text=True, check=True).stdout
            plain = re.sub(".\b", "", text)
            for word in words:
                self.assertIn(word, re.sub(r"\s+", " ", plain))
        commands = re.findall(r"^  (\w+) +\S", harness_help().split("SUBCOMMANDS:")[-1], re.M)
        self.assertIn("reload", commands)
        page = gzip.decompress((self.tree / "usr/share/man/man1/gatehouse.1.gz").read_bytes()).decode()
        for command in commands:
            self.assertIn(f".It Cm {command}", page)

    def complete_in_bash(self, *words):
        file = self.tree / "usr/share/bash-completion/completions/gatehouse"
        script = (f'source {file}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatehouse; printf "%s\\n" "${{COMPREPLY[@]}}"')
        return run("bash", "-c", script, "bash", *words).stdout.split()

    def complete_in_fish(self, line):
        file = self.tree / "usr/share/fish/vendor_completions.d/gatehouse.fish"
        environment = {**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "TERM": "dumb"}
        script = f"source {file}; complete -C '{line}'"
        return [row.split("\t")[0] for row in run("fish", "--no-config", "-c", script, env=environment).stdout.splitlines()]

    def complete_in_zsh(self, line, wanted):
        """What an interactive zsh shows after a tab, until it has shown `wanted`."""
        folder = self.tree / "usr/share/zsh/vendor-completions"
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "HOME": str(self.folder), "TERM": "dumb"})
        try:
            setup = f"PROMPT='>'; fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; setopt autolist; echo rea''dy\n"
            os.write(terminal, setup.encode())
            shown = read_until(terminal, "ready")
            os.write(terminal, line.encode() + b"\t\t")
            shown = read_until(terminal, wanted)
            os.write(terminal, b"\x15exit\n")
            return shown
        finally:
            os.close(terminal)
            os.waitpid(child, 0)

    def test_bash_completes(self):
        self.assertEqual(self.complete_in_bash("gatehouse", "rel"), ["reload"])
        self.assertEqual(self.complete_in_bash("gatehouse", "check", "--conf"), ["--config"])
        self.assertEqual(self.complete_in_bash("gatehouse", "host", "--transport", ""), ["port", "socket", "inherit"])
        self.assertEqual(self.complete_in_bash("gatehouse", "app", "web", "rec"), ["recycle"])
        self.assertEqual(self.complete_in_bash("gatehouse", "proxy", "--pri"), ["--private-key", "--print-config"])
        self.assertEqual(self.complete_in_bash("gatehouse", "proxy", "--certificate", ""), [], "files")

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish_completes(self):
        self.assertEqual(self.complete_in_fish("gatehouse rel"), ["reload"])
        self.assertEqual(sorted(self.complete_in_fish("gatehouse host --transport ")), ["inherit", "port", "socket"])
        self.assertIn("recycle", self.complete_in_fish("gatehouse app web rec"))
        self.assertEqual(sorted(self.complete_in_fish("gatehouse proxy --pri")), ["--print-config", "--private-key"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_completes(self):
        self.assertIn("reload", self.complete_in_zsh("gatehouse rel", "reload"))
        self.assertIn("inherit", self.complete_in_zsh("gatehouse host --transport in", "inherit"))
        self.assertIn("--print-config", self.complete_in_zsh("gatehouse proxy --print", "--print-config"))


def served(root, *command):
    """What port 80 answers while `command` runs in the root."""
    process = subprocess.Popen(fresh_root.inside(root, "RUNTIME_DIRECTORY=/tmp", "STATE_DIRECTORY=/tmp", *command),
                               stderr=subprocess.PIPE, text=True)
    inner = 0
    try:
        log = []
        while not log or (log[-1] and " ready: " not in log[-1]):
            log.append(process.stderr.readline())
        if " ready: " not in log[-1]:
            raise AssertionError("".join(log))
        inner = int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        return run("nsenter", "-t", inner, "-n", "curl", "-s", "http://127.0.0.1/").stdout
    finally:
        # What ends the first process of a namespace from within it would leave unshare alone.
        os.kill(inner, signal.SIGTERM) if inner else process.kill()
        process.communicate(timeout=harness.PATIENCE)
        for left in (root / "tmp").iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = Package.folder / "root"
        cls.root.mkdir()
        fresh_root.make(cls.root, dependencies_of(Package.deb))
        cls.before = fresh_root.files_in(cls.root)

    def inside(self, *command):
        return run(*fresh_root.inside(self.root, *command))

    def dpkg(self, *arguments, package=None):
        if package:
            shutil.copy(package, self.root / "tmp" / "package.deb")
            arguments = (*arguments, "/tmp/package.deb")
        done = self.inside("dpkg", *arguments)
        (self.root / "tmp" / "package.deb").unlink(missing_ok=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def newer(self, version, configuration=None):
        """The package again as a later version, perhaps with another default configuration."""
        tree, made = Package.folder / version, Package.folder / f"{version}.deb"
        run("dpkg-deb", "--raw-extract", Package.deb, tree)
        control = tree / "DEBIAN" / "control"
        control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
        if configuration:
            (tree / "etc/gatehouse/gatehouse.toml").write_text(configuration)
        self.assertEqual(run("dpkg-deb", "--build", "--root-owner-group", tree, made).returncode, 0)
        return made

    def serves(self):
        """Runs it as the unit does, with the one right it has; returns what port 80 answers."""
        as_user = ["setpriv", "--reuid=gatehouse", "--regid=gatehouse", "--clear-groups", "--inh-caps=-all,+net_bind_service",
                   "--ambient-caps=+net_bind_service", "--bounding-set=-all,+net_bind_service", "--no-new-privs",
                   "gatehouse", "run", "/etc/gatehouse/gatehouse.toml"]
        return served(self.root, *as_user)

    def test_its_life(self):
        self.dpkg("--install", package=Package.deb)
        check = self.inside("gatehouse", "check")
        self.assertEqual((check.returncode, check.stdout), (0, "/etc/gatehouse/gatehouse.toml: valid\n"), check.stderr)
        self.assertTrue((self.root / "etc/systemd/system/multi-user.target.wants/gatehouse.service").is_symlink())
        self.assertFalse((self.root / "etc/systemd/system/sockets.target.wants/gatehouse.socket").is_symlink())
        keys = (self.root / "etc/gatehouse/certificates").stat()
        self.assertEqual(keys.st_mode & 0o777, 0o750)
        self.assertIn("Gatehouse is installed", self.serves())
        self.assertIn('"status":200', (self.root / "var/log/gatehouse/access.log").read_text())

        configuration = self.root / "etc/gatehouse/gatehouse.toml"
        edited = configuration.read_text().replace("Gatehouse is installed.", "Edited.")
        configuration.write_text(edited)
        self.dpkg("--install", package=self.newer("90.0"))
        self.assertEqual(configuration.read_text(), edited)
        self.dpkg("--force-confdef", "--force-confold", "--install", package=self.newer("91.0", edited + "# other\n"))
        self.assertEqual(configuration.read_text(), edited)
        self.assertIn("Edited.", self.serves())

        self.dpkg("--remove", "gatehouse")
        self.assertEqual(configuration.read_text(), edited)
        self.assertFalse((self.root / "usr/bin/gatehouse").exists())
        self.dpkg("--purge", "gatehouse")
        left = {path for path in fresh_root.files_in(self.root) - self.before if not ACCOUNTS.fullmatch(path) and not LOGS.fullmatch(path)}
        self.assertEqual(left, set())
        self.assertEqual({path for path in self.before - fresh_root.files_in(self.root) if not LOGS.fullmatch(path)}, set())


class Tarball(unittest.TestCase):
    """Unpacked into a root that has what its INSTALL says, and nothing else, it serves from where it lies."""

    MOMENT = "1780000000"

    @classmethod
    def setUpClass(cls):
        cls.file = cls.made("one")
        cls.root = Package.folder / "tarball-root"
        cls.unpacked = cls.root / "opt" / cls.file.name.removesuffix(".tar.gz")

    @classmethod
    def made(cls, name):
        folder = Package.folder / name
        folder.mkdir()
        done = run(harness.ROOT / "deploy" / "package" / "tarball", BUILD, folder, env={**os.environ, "SOURCE_DATE_EPOCH": cls.MOMENT})
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return pathlib.Path(done.stdout.strip())

    def test_the_same_build_makes_the_same_bytes(self):
        self.assertEqual(self.file.read_bytes(), self.made("two").read_bytes())

    def test_the_package_is_the_same_too(self):
        for name in ("deb-one", "deb-two"):
            done = run("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", Package.folder / name,
                       env={**os.environ, "SOURCE_DATE_EPOCH": self.MOMENT})
            self.assertEqual(done.returncode, 0, done.stderr)
        one, two = (next((Package.folder / name).glob("*.deb")) for name in ("deb-one", "deb-two"))
        self.assertEqual(one.read_bytes(), two.read_bytes())

    def test_it_has_all_and_serves(self):
        with tarfile.open(self.file) as archive:
            entries = archive.getmembers()
        self.assertEqual({(entry.uid, entry.gid, entry.uname, entry.mtime) for entry in entries}, {(0, 0, "", int(self.MOMENT))})
        self.assertEqual({entry.name.split("/")[0] for entry in entries}, {self.unpacked.name})
        names = {entry.name.partition("/")[2] for entry in entries}
        for name in ("bin/gatehouse", "INSTALL", "share/doc/gatehouse/examples/reference.toml", "share/doc/gatehouse/copyright",
                     "lib/systemd/system/gatehouse.service", "share/bash-completion/completions/gatehouse",
                     "share/man/man1/gatehouse.1.gz", "share/man/man5/gatehouse.toml.5.gz", "etc/gatehouse/gatehouse.toml"):
            self.assertIn(name, names)

        with tarfile.open(self.file) as archive:
            statement = archive.extractfile(f"{self.unpacked.name}/INSTALL").read().decode()
        packages = re.search(r"apt install -t \S+ (.*)", statement)[1].split()
        self.root.mkdir()
        fresh_root.make(self.root, packages)
        (self.root / "opt").mkdir(exist_ok=True)
        self.assertEqual(run("tar", "-xf", self.file, "-C", self.root / "opt").returncode, 0)
        program = f"/opt/{self.unpacked.name}/bin/gatehouse"
        version = run(*fresh_root.inside(self.root, program, "version"))
        self.assertEqual(version.returncode, 0, version.stderr)
        self.assertIn(f"-{version.stdout.split()[1]}-", self.file.name)
        linked = run("readelf", "--dynamic", self.unpacked / "bin" / "gatehouse").stdout
        for library in re.findall(r"\(NEEDED\).*\[(.*)\]", linked):
            self.assertIn(f"    {library}\n", statement)
        (self.root / "opt" / "here.toml").write_text('[[listeners]]\naddress = "127.0.0.1:80"\n[[routes]]\nrespond = { status = 200, body = "here" }\n')
        self.assertEqual(served(self.root, program, "run", "/opt/here.toml"), "here")


def harness_help():
    return run(harness.BINARY, "--help").stdout


def read_until(terminal, wanted):
    shown, deadline = "", time.monotonic() + harness.PATIENCE
    while wanted not in shown:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"{wanted!r} is not in {shown!r}")
        shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


if __name__ == "__main__":
    harness.main()
