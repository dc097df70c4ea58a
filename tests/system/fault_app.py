#!/usr/bin/env python3
"""An app for Gatehouse to host that can do everything wrong that apps do: fault_app.py [MODE [ARGUMENT]].

It listens as the environment says (LISTEN_FDS, SOCKET, else PORT), speaks HTTP/1.1 with a thread for each connection, and
imports little, so that it starts within some 30 ms.

  serve            as it should be (the default); ARGUMENT is what /release answers
  exit [CODE]      ends at once, with a last word on stderr
  mute             runs, but never listens
  elsewhere        listens, but not where it was told to
  slow MS          listens after so many milliseconds
  unready [FILE]   listens, but /ready answers 503 while FILE does not exist
  stubborn         ignores SIGTERM, and so does a child of it
  orphan           leaves a process in a session of its own that holds the listening socket too
  thief PATH       sends its PORT to who listens on the Unix socket PATH; told "taken" it waits, else it goes on
  flood            writes to stdout without a newline, as fast as it can
  silent           closes stdout and stderr
  deaf             accepts, and never answers
  failing          answers everything with 500, at once
  picky HOST       answers 400 to other hosts, and redirects to https what has not come by it

  /             what it has seen of the request, as JSON          /pid          its number
  /self         what it was started with, as JSON                /release      ARGUMENT
  /ready        200, or 503 in the mode unready                  /slow/MS      answers after MS milliseconds
  /record/MS    writes the field X-Id and the method to $RECORD, waits MS milliseconds, answers
  /exit/CODE    ends at once, without an answer                  /crash        likewise, by SIGKILL
  /hang         never answers                                    /zombies/N    starts N orphans that end at once
  /say/WORD     WORD on stderr                                   /grow/MIB     holds that much memory from now on
  /flooded      how many bytes the mode flood has written        /stream/N     N pieces of 10 bytes, each after 10 ms
  /unlisten     lives on, and listens no more; its connection is closed
"""

import os
import signal
import socket
import sys
import threading
import time

MODE = sys.argv[1] if len(sys.argv) > 1 else "serve"
ARGUMENT = sys.argv[2] if len(sys.argv) > 2 else ""
held = []
flooded = 0


def listening_socket():
    if os.environ.get("LISTEN_FDS") == "1" and os.environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=3)
    if path := os.environ.get("SOCKET"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(os.environ["PORT"])))
    listener.listen(1024)
    return listener


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.protocol = lines[0].split(" ")
        self.fields = [line.split(": ", 1) for line in lines[1:] if ": " in line]
        self.named = {name.lower(): value for name, value in self.fields}
        self.body = 0

    def json(self):
        import json
        return json.dumps({"method": self.method, "target": self.target, "protocol": self.protocol, "fields": self.fields,
                           "body": self.body, "pid": os.getpid()}).encode()


def read_body(request, stream):
    """Its length; None if it ended early."""
    if request.named.get("transfer-encoding", "").lower() == "chunked":
        total = 0
        while True:
            line = stream.readline()
            if not line:
                return None
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while stream.readline().strip():
                    pass
                return total
            if len(stream.read(size + 2)) < size + 2:
                return None
            total += size
    size = int(request.named.get("content-length", 0))
    return size if len(stream.read(size)) == size else None


def about_process():
    """What of us and the machine an app can see that it should not, or should."""
    import json
    import resource
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    return json.dumps({
        "pid": os.getpid(), "group": os.getpgrp(), "session": os.getsid(0), "directory": os.getcwd(),
        "environment": dict(os.environ), "descriptors": AT_START,
        "no_new_privs": status["NoNewPrivs"], "blocked": status["SigBlk"], "ignored": status["SigIgn"],
        "nice": os.nice(0), "user": status["Uid"].split()[0], "umask": status["Umask"],
        "files": resource.getrlimit(resource.RLIMIT_NOFILE), "terminal": has_terminal()}).encode()


def has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
        return True
    except OSError:
        return False


def orphan(work):
    """A process that is nobody's child but init's (or a subreaper's), in a session of its own."""
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            work()
        os._exit(0)
    os.waitpid(child, 0)


def record(request, argument):
    line = f"{request.named.get('x-id', '-')} {request.method} {os.getpid()}\n".encode()
    with open(os.environ["RECORD"], "ab", buffering=0) as file:
        file.write(line)  # one write to a file that is open to append: whole, whatever kills us afterwards
    time.sleep(int(argument or 0) / 1000)
    return b"recorded"


def zombies(count):
    for _ in range(int(count)):
        orphan(lambda: os._exit(0))
    return b"left"


def say(word):
    os.write(2, word.encode() + b"\n")
    return b"said"


def unlisten():
    for listener in held:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    return b"deaf"


def grow(mebibytes):
    held.append(b"x" * (int(mebibytes) << 20))
    return b"grown"


def stream(connection, pieces):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(pieces):
        time.sleep(0.01)
        connection.sendall(b"a\r\n123456789\n\r\n")
    connection.sendall(b"0\r\n\r\n")


def answer_to(request, what, argument):
    """(status, body)."""
    if MODE == "failing":
        return 500, b"always"
    if MODE == "picky" and request.named.get("host", "").partition(":")[0] != ARGUMENT:
        return 400, b"not mine"
    if MODE == "picky" and request.named.get("x-forwarded-proto") != "https":
        return 301, b"by https"
    if what == "ready":
        return (503, b"not yet") if MODE == "unready" and not (ARGUMENT and os.path.exists(ARGUMENT)) else (200, b"ready")
    if what == "exit":
        os._exit(int(argument))
    if what == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "iisintegration":
        say("told: " + request.named.get("ms-aspnetcore-event", "nothing"))
    if what == "hang":
        threading.Event().wait()
    if what == "slow":
        time.sleep(int(argument) / 1000)
    given = {"pid": lambda: str(os.getpid()).encode(), "self": about_process, "release": ARGUMENT.encode,
             "record": lambda: record(request, argument), "zombies": lambda: zombies(argument), "say": lambda: say(argument),
             "grow": lambda: grow(argument), "unlisten": unlisten,
             "flooded": lambda: str(flooded).encode()}
    return 200, given.get(what, request.json)()


def serve_connection(connection):
    stream_in = connection.makefile("rb", 65536)
    try:
        while True:
            lines = []
            while (line := stream_in.readline()) not in (b"\r\n", b""):
                lines.append(line)
            if not line:
                return
            request = Request(b"".join(lines))
            request.body = read_body(request, stream_in)
            if request.body is None:
                return
            what, _, argument = request.target.split("?")[0].strip("/").partition("/")
            if what == "stream":
                stream(connection, int(argument))
                continue
            status, body = answer_to(request, what, argument)
            head = f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            connection.sendall(head + (b"" if request.method == "HEAD" else body))
            if what == "unlisten":
                return
    except OSError:
        pass  # the other side went away
    finally:
        connection.close()


def serve(listener):
    threading.stack_size(256 * 1024)
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            threading.Event().wait()
        if MODE == "deaf":
            held.append(connection)
            continue
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve_connection, args=(connection,), daemon=True).start()


def flood():
    global flooded
    block = b"\x00\xff flood without an end " * 4096
    while True:
        flooded += os.write(1, block)


def tell_port(path):
    with socket.socket(socket.AF_UNIX) as to:
        to.connect(path)
        to.sendall(os.environ["PORT"].encode())
        if to.recv(16) == b"taken":
            threading.Event().wait()


def main():
    if MODE == "exit":
        os.write(2, b"the last word before the end\n")
        sys.exit(int(ARGUMENT or 3))
    if MODE == "mute":
        threading.Event().wait()
    if MODE == "elsewhere":
        os.environ["PORT"] = "0"
    if MODE == "thief":
        tell_port(ARGUMENT)
    if MODE == "slow":
        time.sleep(int(ARGUMENT) / 1000)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            threading.Event().wait()
    if MODE == "silent":
        os.close(1)
        os.close(2)
    listener = listening_socket()
    held.append(listener)
    if MODE == "orphan":
        orphan(lambda: serve(listener))
    if MODE == "flood":
        threading.Thread(target=flood, daemon=True).start()
    serve(listener)


AT_START = {}
for number in range(256):
    try:
        AT_START[number] = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        pass
main()
