"""One document in a machine of its own: namespaces with the loopback alone, and changes to /etc and the like that are gone after it.

    python3 document_session.py run DOCUMENT       its commands, in order, in one shell
    python3 document_session.py certify DOCUMENT   the same with an authority for certificates (acme.py)
    python3 document_session.py check DOCUMENT     its TOML, by `gatehouse check`

Started by start(), inside the namespaces; ends with 1 and the reason where the document is not true.
"""

import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import acme
import documents
import harness

BLOCK_SECONDS = 200
BACKGROUND = re.compile(r"^(.*[^&\n])&[ \t]*$", re.MULTILINE)
ALONE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
# A root made by chroot is no mount whose propagation could be changed; the toolchain has made a mount namespace for it.
WAYS = ([*ALONE, "--mount-proc"],
        [*ALONE, "--propagation", "unchanged", "--mount-proc"],
        [*ALONE, "--map-root-user", "--mount-proc"])
OWN_CHANGES = ("/etc", "/srv", "/var/lib", "/var/log", "/run", "/opt")


def way_in():
    """How this machine lets us be alone; None: it does not."""
    for way in WAYS:
        if subprocess.run([*way, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode == 0:
            return way
    return None


def start(way, verb, document, more=""):
    """The session of a document, with more commands behind its own; returns (exit code, what it says)."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-document-") as folder:
        done = subprocess.run([*way, sys.executable, "-B", __file__, verb, str(document), folder],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              input=more, timeout=280)
    return done.returncode, done.stdout


def prepare_machine(folder):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    changes = folder / "changes"
    changes.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "changes", changes], check=True)
    for number, place in enumerate(place for place in OWN_CHANGES if os.path.isdir(place)):
        upper, work = changes / f"{number}-upper", changes / f"{number}-work"
        upper.mkdir()
        work.mkdir()
        shutil.copystat(place, upper)
        subprocess.run(["mount", "-t", "overlay", "changes", "-o", f"lowerdir={place},upperdir={upper},workdir={work}", place],
                       check=True)


class Machine:
    """What both verbs need: a home, a PATH with the program on it, a directory to begin in."""

    def __init__(self, folder):
        self.folder, self.home, self.start = folder, folder / "home", folder / "home" / "work"
        self.bin = folder / "bin"
        for directory in (self.start, self.bin, folder / "run"):
            directory.mkdir(parents=True)
        (self.bin / "gatehouse").symlink_to(harness.BINARY)
        (self.home / ".curlrc").write_text("silent\nshow-error\n")
        kept = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
        kept |= {name: value for name, value in os.environ.items() if name.startswith("DOTNET_")}
        self.environment = {**kept, "HOME": str(self.home), "USER": "root", "XDG_RUNTIME_DIR": str(folder / "run"),
                            "PATH": f"{self.bin}:{os.environ['PATH']}", "GATEHOUSE_SOURCE": str(harness.ROOT),
                            "GOCACHE": os.path.join(os.environ.get("GATEHOUSE_BUILD_DIR", folder), "go-cache"),  # its library, once
                            "GOPROXY": "off"}

    def put(self, block):
        path = self.start / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)


def knows_of_http3():
    """Nothing that is to be advertised is not: no reader is as fast as we are. Where no admin page says so, it is not asked."""
    page = harness.curl("http://127.0.0.1:9180/metrics").body
    return not re.search(rb"^gatehouse_alt_svc_advertised\{.*\} 0$", page, re.MULTILINE)


class Shell:
    """One bash for a whole document; what it starts in the background is awaited."""

    def __init__(self, machine):
        self.background = machine.folder / "background.log"
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(machine.folder / "notify"))
        self.machine, self.printed = machine, b""
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=machine.start, env={**machine.environment, "NOTIFY_SOCKET": str(machine.folder / "notify")})
        self.tell("set -eEu -o pipefail; trap 'echo \"line $LINENO failed: $BASH_COMMAND\"' ERR")

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def run(self, block):
        """Runs it to its end and returns what it printed."""
        script = self.machine.folder / f"line-{block.line}.sh"
        script.write_text(BACKGROUND.sub(rf"\1>>{self.background} 2>&1 &", block.text))
        self.forget_notices()
        mark = f"@@ end of line {block.line} @@"
        self.tell(f". {script} </dev/null; printf '\\n%s\\n' '{mark}'")
        printed = self.read_to(mark.encode())
        for command in BACKGROUND.findall(block.text):
            self.settle(command)
        return printed

    def forget_notices(self):
        """Those of reloads, and of what has ended by now."""
        self.notices.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self.notices.recv(4096):
                pass

    def read_to(self, mark):
        deadline = time.monotonic() + BLOCK_SECONDS
        while mark not in self.printed:
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise documents.Mistake(f"not done within {BLOCK_SECONDS} s; it has printed:\n{self.printed.decode(errors='replace')}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise documents.Mistake(f"failed:\n{self.printed.decode(errors='replace')}\n{self.background_text()}")
            self.printed += piece
        printed, _, self.printed = self.printed.partition(mark)
        return printed.decode(errors="replace")

    def settle(self, command):
        """Waits until what runs in the background serves: gatehouse says so, of anything else the port is open."""
        if re.search(r"\bgatehouse (run|proxy|host)\b", command):
            self.notices.settimeout(harness.PATIENCE)
            try:
                while b"READY=1" not in self.notices.recv(4096):
                    pass
            except TimeoutError:
                raise documents.Mistake(f"{command}: not ready\n{self.background_text()}") from None
            harness.wait_until(knows_of_http3, f"{command}: HTTP/3 is advertised\n{self.background_text()}")
            return
        for port in map(int, re.findall(r"\b([1-9][0-9]{3,4})\b", command)):
            harness.wait_until(lambda: accepts(port), f"{command}: port {port} is open\n{self.background_text()}")

    def background_text(self):
        return self.background.read_text(errors="replace")[-6000:] if self.background.exists() else ""

    def end(self):
        self.process.stdin.close()
        self.process.wait(harness.PATIENCE)


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def certify(document, machine):
    acme.start(machine)
    run(document, machine)


def run(document, machine):
    shell = Shell(machine)
    more = documents.Block(0, "sh", [], sys.stdin.read())
    for block in [*documents.blocks_of(document), *([more] if more.text else [])]:
        where = f"{document}:{block.line}"
        if block.file:
            machine.put(block)
        if not block.runs:
            continue
        try:
            printed = shell.run(block)
        except (documents.Mistake, AssertionError) as mistake:
            raise documents.Mistake(f"{where}:\n{block.text}{mistake}") from None
        missing = documents.difference(block.output, printed) if block.output else None
        if missing is not None:
            raise documents.Mistake(f"{where}:\n{block.text}does not print: {missing}\nbut:\n{printed}\n{shell.background_text()}")
    shell.end()


def check(document, machine):
    made = harness.make_certificate(machine.folder, "made", "localhost", "example.com", "*.example.com")
    for block in documents.blocks_of(document):
        if block.language == "toml":
            check_block(document, block, machine, made)


def check_block(document, block, machine, made):
    directory = machine.start / f"line-{block.line}"
    directory.mkdir()
    where = f"{document}:{block.line}"
    try:
        text = documents.completed(block.text)
        pairs, others, directories, programs = documents.files_named(text)
    except ValueError as error:
        raise documents.Mistake(f"{where}: {error}") from None
    for name in directories:
        (directory / name).mkdir(parents=True, exist_ok=True)
    contents = {name: source.read_bytes() for pair in pairs for name, source in zip(pair, made)}
    contents |= {name: os.urandom(size) for name, size in others.items()}
    contents |= documents.sign_in_files(text)
    for name, content in contents.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o600)
    for name in programs:
        if not shutil.which(name, path=machine.environment["PATH"]) and "/" not in name:
            (machine.bin / name).symlink_to("/bin/true")
    file = directory / "gatehouse.toml"
    file.write_text(text)
    done = subprocess.run(["gatehouse", "check", str(file)], capture_output=True, text=True, check=False, cwd=directory,
                          env=machine.environment)
    if done.returncode != 0 or "error" in done.stderr:
        raise documents.Mistake(f"{where}: gatehouse check says:\n{done.stdout}{done.stderr}of:\n{text}")


def main(verb, document, folder):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    prepare_machine(pathlib.Path(folder))
    try:
        {"run": run, "certify": certify, "check": check}[verb](pathlib.Path(document), Machine(pathlib.Path(folder)))
    except documents.Mistake as mistake:
        print(mistake)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
