"""An HTTP/1 client that sends any bytes and says exactly what came back."""

import contextlib
import re
import socket
import ssl

PATIENCE = 15


class Reply:
    """`statuses` of the complete responses; `ended`: "open", "closed" (FIN) or "reset"; `raw`; `heads` as text; `bodies`."""

    def __init__(self):
        self.raw, self.statuses, self.heads, self.bodies, self.ended = b"", [], [], [], "open"


def take_response(data, method):
    """(head, body, rest) of the first response that is complete in `data`, else None."""
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    status = int(head.split(b" ", 2)[1])
    if 100 <= status < 200 or status in (204, 304) or method == "HEAD":
        return head, b"", rest
    if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        body = b""
        while True:
            line, separator, rest = rest.partition(b"\r\n")
            if not separator:
                return None
            size = int(line, 16)
            if len(rest) < size + 2:
                return None
            body, rest = body + rest[:size], rest[size + 2:]
            if size == 0:
                return head, body, rest
    match = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if not match or len(rest) < int(match[1]):
        return None
    return head, rest[:int(match[1])], rest[int(match[1]):]


def connect(port, secure=False, certificate=None):
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not secure:
        return connection
    context = ssl.create_default_context(cafile=str(certificate))
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(connection, server_hostname="localhost")


def talk(connection, data, expect=None, dribble=False, method="GET"):
    """Sends, then reads `expect` final responses, or to the end where it is None."""
    reply = Reply()
    with contextlib.suppress(OSError):  # who refuses may close before the last byte; what it said is read below
        if dribble:
            for position in range(len(data)):
                connection.sendall(data[position:position + 1])
        else:
            connection.sendall(data)
    rest = b""
    while expect is None or sum(status >= 200 for status in reply.statuses) < expect:
        try:
            more = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            reply.ended = "reset"
            break
        except ssl.SSLError:
            reply.ended = "reset"
            break
        except TimeoutError:
            break
        if not more:
            reply.ended = "closed"
            break
        reply.raw += more
        rest += more
        while taken := take_response(rest, method):
            head, body, rest = taken
            reply.statuses.append(int(head.split(b" ", 2)[1]))
            reply.heads.append(head.decode("latin-1"))
            reply.bodies.append(body)
    return reply


def ask(port, data, **options):
    with connect(port) as connection:
        return talk(connection, data, **options)
