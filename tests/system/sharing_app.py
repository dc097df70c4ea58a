"""A process of some user that registers prefixes with Gatehouse and serves them, told what to do by lines on standard input.

    listen [PORT]     on 127.0.0.1; says the port
    register PREFIX   what listens there, on the connection of this process; says what Gatehouse says
    line LINE         sends a line as it is (PORT stands for the port); says what Gatehouse says
    unlisten          the registration stays
    received          how many bytes all clients have sent, since the listener before
    drain             releases what is registered, once nothing is in flight; says what Gatehouse says

Its response to every request is NAME, or NAME a little later for /slow. One line for each line.
"""

import socket
import sys
import threading
import time


class App:
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.gatehouse = None
        self.listener = None
        self.received = 0

    def serve(self, connection):
        head = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    self.received += len(piece)
                    head += piece
                request, _, head = head.partition(b"\r\n\r\n")
                if b"/slow" in request.split(b"\r\n")[0]:
                    time.sleep(0.5)  # what a slow app does
                body = self.name.encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def listen(self, port="0"):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", int(port)))
        self.listener.listen(128)
        self.received = 0
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return str(self.listener.getsockname()[1])

    def unlisten(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        return "done"

    def line(self, line):
        if self.gatehouse is None:
            self.gatehouse = socket.socket(socket.AF_UNIX)
            self.gatehouse.connect(self.path)
            self.answers = self.gatehouse.makefile("r")
        port = str(self.listener.getsockname()[1]) if self.listener and self.listener.fileno() >= 0 else ""
        try:
            self.gatehouse.sendall(line.replace("PORT", port).encode() + b"\n")
        except BrokenPipeError:  # it was refused before it had said anything: that is what is there to be read
            pass
        answer = self.answers.readline().strip()
        if not answer.startswith("ok"):
            self.reconnect_if_gone()
        return answer

    def reconnect_if_gone(self):
        try:
            gone = self.gatehouse.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return
        except ConnectionResetError:  # it was refused, and what it has said meanwhile is dropped
            gone = True
        if gone:
            self.gatehouse = None

    def told(self, line):
        verb, _, rest = line.partition(" ")
        if verb == "register":
            return self.line(f"register {rest} 127.0.0.1:PORT")
        if verb == "line":
            return self.line(rest)
        if verb == "drain":
            return self.line("drain")
        if verb == "received":
            return str(self.received)
        return {"listen": self.listen, "unlisten": self.unlisten}[verb](*rest.split())


def main():
    app = App(*sys.argv[1:3])
    for line in sys.stdin:
        print(app.told(line.strip()), flush=True)


if __name__ == "__main__":
    main()
