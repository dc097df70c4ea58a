"""What tests of the service share: a notify socket as systemd has it, sockets handed over, and a thread that hangs."""

import contextlib
import ctypes
import os
import pathlib
import re
import socket
import sys

import harness

# Moves the given descriptors to 3 and up, says whom they are for, and becomes the program.
HAND_OVER = """
import os, sys
given = [os.dup(int(number)) for number in sys.argv[1].split(",")]
high = [os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(given)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(high)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=":".join("s%d" % i for i in range(len(high))))
os.execv(sys.argv[2], sys.argv[2:])
"""


class NotifySocket:
    """Where a service says how it is; messages are dicts."""

    def __init__(self, directory):
        self.path = pathlib.Path(directory) / "notify.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))

    def close(self):
        self.socket.close()

    def next(self, patience=harness.PATIENCE):
        """The next message; None if there is none for so long."""
        self.socket.settimeout(patience)
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.splitlines())

    def until(self, name):
        """The first message with this variable."""
        while (message := self.next()) is not None:
            if name in message:
                return message
        raise AssertionError(f"nobody said {name}")


class Activated(harness.Gatehouse):
    """A Gatehouse that gets `sockets` from whoever starts it; may be entered again, as after a restart."""

    def __init__(self, config, sockets, **keywords):
        super().__init__(config, pass_fds=[each.fileno() for each in sockets], **keywords)

    def command(self):
        return [sys.executable, "-c", HAND_OVER, ",".join(map(str, self.pass_fds)), *super().command()]

    def __enter__(self):
        self.messages.clear()
        return super().__enter__()


def tcp(address="127.0.0.1", port=0):
    return socket.create_server((address, port), backlog=512)


def udp(address, port, share=True):
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if share:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((address, port))
    return bound


def thread_named(pid, name):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise AssertionError(f"no thread {name}")


@contextlib.contextmanager
def hanging(pid, name):
    """Holds one thread of a process for the time of the block, as a debugger would; the others run on."""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    thread = thread_named(pid, name)

    def ptrace(request):
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    ptrace(seize)
    ptrace(interrupt)
    os.waitpid(thread, 0x40000000)  # __WALL: until it stands still
    try:
        yield
    finally:
        try:
            ptrace(detach)
        except ProcessLookupError:  # it was killed meanwhile; until we have taken note its process stays a zombie
            os.waitpid(thread, 0x40000000)


def identity(pid):
    """{thread: (uids, gids, groups, effective capabilities)} of a process."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        name = "main" if task.name == str(pid) else (task / "comm").read_text().strip()
        found[name] = tuple(
            re.search(rf"^{key}:\s*(.*)$", status, re.M)[1].split() for key in ("Uid", "Gid", "Groups", "CapEff"))
    return found
