"""An endpoint and an HTTP/1 client that play cases (valid_case.py) by the thousand: both on one event loop, connections kept,
requests pipelined. They read whatever is HTTP at all and judge nothing."""

import asyncio
import contextlib

PATIENCE = 10  # seconds until a case that nothing comes of has failed
NO_BODY = (204, 304)


class Request:
    """What came to the endpoint."""

    def __init__(self, line, fields, body, trailers):
        self.method, self.target, self.version = line.split(b" ", 2)
        self.fields, self.body, self.trailers = fields, body, trailers

    def origin(self):
        """The target in origin form: some send on what they have got."""
        scheme, separator, rest = self.target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            return self.target
        path = rest[len(rest.replace(b"?", b"/").partition(b"/")[0]):]
        return path if path.startswith(b"/") else b"/" + path


class Response:
    """What came to the client; `whole` if it came to its end, `last` if its connection ends with it."""

    def __init__(self, status=0, reason=b"", fields=()):
        self.status, self.reason, self.fields = status, reason, list(fields)
        self.body, self.trailers, self.interims = b"", [], []
        self.whole = self.last = False

    def get(self, name):
        return next((value for key, value in self.fields if key == name), None)


def fields_of(lines):
    pairs = [line.partition(b":") for line in lines]
    return [(name.lower(), value.strip(b" \t")) for name, _, value in pairs]


def head_at(data, at):
    """(first line, fields, where the head ends), or None."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    line, *lines = data[at:end].split(b"\r\n")
    return line, fields_of(lines), end + 4


def chunks_at(data, at):
    """(body, trailers, where they end), or None."""
    parts = []
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end].partition(b";")[0].strip(b" \t"), 16)
        at = end + 2
        if size == 0:
            break
        if len(data) < at + size + 2:
            return None
        parts.append(data[at:at + size])
        at += size + 2
    else:
        return None
    if data.startswith(b"\r\n", at):
        return b"".join(parts), [], at + 2
    end = data.find(b"\r\n\r\n", at)
    return None if end < 0 else (b"".join(parts), fields_of(data[at:end].split(b"\r\n")), end + 4)


def body_at(fields, data, at):
    """The same; the body is None where nothing says how long it is."""
    names = dict(fields)
    if b"chunked" in names.get(b"transfer-encoding", b"").lower():
        return chunks_at(data, at)
    if b"content-length" not in names:
        return None, [], at
    size = int(names[b"content-length"])
    return None if len(data) < at + size else (data[at:at + size], [], at + size)


class Book:
    """Of the endpoint behind one proxy: the `cases` that are played, by number, the requests that it has `seen` of each, `strangers`
    that are none of them, and the open `transports`."""

    def __init__(self):
        self.cases, self.seen, self.strangers, self.transports = {}, {}, [], set()

    def forget(self, cases):
        for case in cases:
            self.seen.pop(case.number, None)


class Endpoint(asyncio.Protocol):
    """One connection of a proxy to it."""

    def __init__(self, book):
        self.book, self.data, self.told = book, b"", False

    def connection_made(self, transport):
        self.transport = transport
        self.book.transports.add(transport)

    def connection_lost(self, _):
        self.book.transports.discard(self.transport)

    def data_received(self, data):
        self.data += data
        try:
            while self.data and not self.transport.is_closing() and self._take():
                pass
        except (ValueError, KeyError) as error:
            self.book.strangers.append((repr(error), self.data[:2000]))
            self.transport.abort()

    def _take(self):
        head = head_at(self.data, 0)
        if head is None:
            return False
        line, fields, at = head
        names = dict(fields)
        body = body_at(fields, self.data, at)
        if body is None:
            if b"expect" in names and not self.told:
                self.told = True
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return False
        self.told, self.data = False, self.data[body[2]:]
        number = int(names[b"x-case"])
        if number not in self.book.cases:  # its client has given up
            self.transport.abort()
            return False
        self.book.seen.setdefault(number, []).append(Request(line, fields, body[0] or b"", body[1]))
        self._respond(self.book.cases[number])
        return True

    def _respond(self, case):
        data = case.response_bytes()
        if case.pieces == 1:
            self.transport.write(data)
            if case.endpoint_closes:
                self.transport.close()
            return
        size = len(data) // case.pieces + 1
        parts = [data[at:at + size] for at in range(0, len(data), size)]
        self._send(parts, case)

    def _send(self, parts, case):
        if self.transport.is_closing():
            return
        self.transport.write(parts.pop(0))
        if parts:
            asyncio.get_running_loop().call_soon(self._send, parts, case)
        elif case.endpoint_closes:
            self.transport.close()


class Link(asyncio.Protocol):
    """A connection of the client."""

    def __init__(self):
        self.data, self.ended, self._waiter = b"", False, None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        self._wake()

    def eof_received(self):
        self.ended = True
        self._wake()

    def connection_lost(self, _):
        self.ended = True
        self._wake()

    def write(self, data):
        """What nobody reads any more is not sent."""
        if not self.ended and not self.transport.is_closing():
            self.transport.write(data)

    def _wake(self):
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def more(self):
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def take(self, method):
        """The next final response with the interims before it, or None; not whole if the connection has ended within it."""
        at, interims = 0, []
        while (head := head_at(self.data, at)) is not None:
            line, fields, at = head
            status, _, reason = line.partition(b" ")[2].partition(b" ")
            if not 100 <= int(status) < 200:
                break
            interims.append(int(status))
        else:
            return None
        response = Response(int(status), reason, fields)
        response.interims = interims
        if method == b"HEAD" or response.status in NO_BODY:
            found = b"", [], at
        else:
            found = body_at(fields, self.data, at)
        unlimited = found is not None and found[0] is None
        if (found is None or unlimited) and not self.ended:
            return None
        response.whole = found is not None
        response.body, response.trailers, end = (self.data[at:], [], len(self.data)) if found is None or unlimited else found
        response.last = unlimited or b"close" in (response.get(b"connection") or b"").lower()
        self.data = self.data[end:]
        return response


async def connect(port):
    return (await asyncio.get_running_loop().create_connection(Link, "127.0.0.1", port))[1]


async def _send(link, case, step):
    """The case's bytes, in pieces of `step` (0: in one); the body waits for 100 where the case does."""
    head, body = case.request_bytes()
    data = head if case.waits else head + body
    for at in range(0, len(data), step or len(data)):
        link.write(data[at:at + (step or len(data))])
        if step:
            await asyncio.sleep(0)
    if case.waits:
        while b"\r\n\r\n" not in link.data and not link.ended:
            await link.more()
        link.write(body)


def taken(link, method):
    try:
        return link.take(method)
    except ValueError:  # no HTTP: nothing behind it can be told
        response = Response()
        response.last = True
        return response


async def _play_on(link, cases, step, responses):
    for case in cases:
        await _send(link, case, step)
    for case in cases:
        while (response := taken(link, case.method)) is None:
            if link.ended:
                return
            await link.more()
        responses.append(response)
        if response.last:
            return


async def play_together(port, cases, step=0):
    """Pipelines the cases on one connection; {number: Response}, without those that nothing came of."""
    link, responses = await connect(port), []
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_play_on(link, cases, step, responses), PATIENCE)
    finally:
        link.transport.abort()
    return {case.number: response for case, response in zip(cases, responses, strict=False)}


async def play(port, cases, book, step=0):
    """Plays all of them, each that ends its connection as the last one there; {number: Response}. What the endpoint has seen of
    those that have to be played again is forgotten."""
    found, left = {}, list(cases)
    while left:
        turn = 1 if left[0].waits else next((at for at, case in enumerate(left) if case.waits), len(left))
        turn = next((at + 1 for at, case in enumerate(left[:turn]) if case.closes), turn)
        came = await play_together(port, left[:turn], step)
        if not came:  # the first one is to blame, and has one chance more if it was not alone
            book.forget(left)
            came = await play_together(port, left[:1], step) if turn > 1 else {}
            came.setdefault(left[0].number, Response())
        found |= came
        left = [case for case in left if case.number not in found]
        book.forget(left)
    return found
