#!/usr/bin/env python3
"""An endpoint that does what poisons pools of connections: bytes behind its answers, early closes, bodies where none may be.

  /MODE/TAG   an answer whose body and X-Tag are TAG, in the manner of MODE, see MODES; MODE-at-once: what may have no body has one
  /who        who authenticated on this connection, as IIS remembers it: Authorization of the first request that had one

Every fake answer says "evil" and has a number. It is sent only where it comes before the next request: what an endpoint says later is an
answer. Of a request that comes on a connection with a fake on it TCP tells which was first, at least over loopback:

  crossed  the request lay here when the fake had just been sent, or the last segment of Gatehouse's does not acknowledge the fake: the
           request had left before the fake came, and nobody can tell that from an answer
  reused   every other one: it left after the fake had come

`/facts` gives the counts, and `crossings`, the numbers of those fakes that crossed. Requests that are not exactly what a client of
test_pool.py sends, to the last byte, are counted as `malformed`.
"""

import array
import asyncio
import collections
import fcntl
import json
import random
import re
import socket
import sys
import termios

import uvloop

HEAD = re.compile(rb"^(GET|HEAD|POST) (/\S*) HTTP/1\.1\r\n((?:[A-Za-z0-9-]+: [^\r\n]*\r\n)*)\r\n")
MODES = ("plain", "late", "soon", "behind", "close", "drop", "reset", "nobody", "nobody-at-once", "unmodified",
         "unmodified-at-once", "half", "early", "slow", "twice", "chunks")
facts = collections.Counter()
crossings = []


def fake():
    """(number, answer): each can be told from all others."""
    facts["made"] += 1
    tag = f"evil{facts['made']}"
    return facts["made"], f"HTTP/1.1 200 OK\r\nX-Tag: {tag}\r\nContent-Length: {len(tag)}\r\n\r\n{tag}".encode()


class Evil(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.input, self.identity = transport, b"", None
        self.busy = self.dead = False
        self.fake = None  # the number of the one on this connection
        self.crossed = False
        self.skip = 0  # bytes of a body that was answered early
        self.loop = asyncio.get_running_loop()
        # Beside the loop, to look at what it has not read yet.
        self.socket = socket.fromfd(transport.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        facts["connections"] += 1

    def connection_lost(self, _):
        self.dead = True
        self.socket.close()

    def data_received(self, data):
        if self.fake is not None:
            if not self.crossed and self.unacknowledged() > 0:
                self.note_crossing()
            elif not self.crossed:
                facts["reused"] += 1
            self.transport.abort()
            return
        self.input += data[self.skip:]
        self.skip -= min(self.skip, len(data))
        while self.input and not self.busy and self.take():
            pass

    def take(self):
        """One request; False until it is whole."""
        found = HEAD.match(self.input)
        if not found:
            if b"\r\n\r\n" in self.input:
                facts["malformed"] += 1
                self.transport.abort()
            return False
        method, target = found[1].decode(), found[2].decode()
        fields = dict(line.lower().split(b": ", 1) for line in found[3].split(b"\r\n") if line)
        mode, _, tag = target[1:].partition("/")
        length = int(fields.get(b"content-length", b"0"))
        if mode == "early" and method == "POST":
            have = len(self.input) - found.end()
            self.skip = length - min(have, length)
            self.input = self.input[found.end() + length - self.skip:]
            self.write(self.answer(tag))
            return True
        if len(self.input) < found.end() + length:
            return False
        body, self.input = self.input[found.end():found.end() + length], self.input[found.end() + length:]
        if method == "POST" and body != tag.encode():
            facts["malformed"] += 1
        facts["requests"] += 1
        if b"authorization" in fields and self.identity is None:
            self.identity = fields[b"authorization"].decode()
        self.respond(method, mode, tag)
        return True

    def write(self, data):
        if not self.dead:
            self.transport.write(data)

    def unread(self):
        """The first byte that has come and was not read: b"" is an end, None that nothing has come."""
        try:
            return self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def unacknowledged(self):
        left = array.array("i", [0])
        fcntl.ioctl(self.socket, termios.TIOCOUTQ, left)
        return left[0]

    def unasked(self):
        """A fake answer, unless the next request has come. Past the loop, whose writes would wait for the end of its turn."""
        unanswered = self.input or self.busy or self.transport.is_closing() or self.transport.get_write_buffer_size() > 0
        if self.dead or unanswered or self.unread() is not None:
            return
        number, answer = fake()
        try:
            self.socket.send(answer)
        except OSError:
            return
        facts["fakes"] += 1
        self.fake = number
        if self.unread():
            self.note_crossing()  # now: its connection may be gone before it is read

    def note_crossing(self):
        self.crossed = True
        facts["crossed"] += 1
        crossings.append(self.fake)

    @staticmethod
    def answer(tag, status="200 OK", more=""):
        return f"HTTP/1.1 {status}\r\nX-Tag: {tag}\r\n{more}Content-Length: {len(tag)}\r\n\r\n{tag}".encode()

    def later(self, seconds, action, *arguments):
        self.busy = True

        def run():
            self.busy = False
            action(*arguments)
            self.data_received(b"")

        self.loop.call_later(seconds, run)

    def respond(self, method, mode, tag):
        whole = self.answer(tag)
        if method == "HEAD" and mode in ("plain", "late", "soon", "close"):
            whole = whole[:-len(tag)]  # the others send a body all the same
        if mode in ("who", "facts"):
            text = self.identity or "nobody" if mode == "who" else json.dumps({**facts, "crossings": crossings})
            self.write(self.answer(text))
        elif mode == "drop":
            self.transport.close()
        elif mode == "reset":
            self.transport.abort()
        elif mode == "late":
            self.write(whole)
            self.loop.call_later(random.uniform(0, 0.005), self.unasked)
        elif mode == "soon":
            self.write(whole)
            self.loop.call_soon(self.unasked)
        elif mode == "behind":
            self.write(whole + fake()[1])
        elif mode == "close":
            self.write(whole)
            self.loop.call_later(random.uniform(0, 0.003), self.transport.close)
        elif mode in ("nobody", "unmodified"):
            whole = self.answer(tag, "204 No Content" if mode == "nobody" else "304 Not Modified")
            self.write(whole[:-len(tag)])
            self.loop.call_later(random.uniform(0, 0.003), self.unasked)
        elif mode in ("nobody-at-once", "unmodified-at-once"):
            self.write(self.answer(tag, "204 No Content" if mode.startswith("nobody") else "304 Not Modified"))
        elif mode == "half":
            self.write(whole[:-3])
            self.later(random.uniform(0, 0.01), self.write, whole[-3:])
        elif mode == "slow":
            self.later(random.uniform(0, 0.01), self.write, whole)
        elif mode == "twice":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole)
        elif mode == "chunks":
            head = f"HTTP/1.1 200 OK\r\nX-Tag: {tag}\r\nTransfer-Encoding: chunked\r\n\r\n"
            self.write(f"{head}{len(tag):x}\r\n{tag}\r\n0\r\n\r\n".encode())
        else:
            self.write(whole)


async def serve():
    server = await asyncio.get_running_loop().create_server(Evil, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
