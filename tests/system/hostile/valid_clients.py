"""The clients of h2 and h3 that play cases (valid_case.py), a connection's streams at once; they return what valid_wire.play() does."""

import pylsqpack

import h3_client
from h2_client import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, H2Client, block, frame
from valid_wire import Response

LARGEST = 16384  # a frame of h2
PATIENCE = 8  # seconds until streams that nothing comes of have failed


class Heads:
    """Makes a Response of the heads and data of a stream."""

    def __init__(self):
        self.response, self.interims, self.data, self.trailers = None, [], b"", []

    def on_head(self, fields):
        status = int(dict(fields).get(b":status", 0))
        rest = [(name, value) for name, value in fields if not name.startswith(b":")]
        if 100 <= status < 200:
            self.interims.append(status)
        elif self.response is None:
            self.response = Response(status, b"", rest)
        else:
            self.trailers = rest

    def finish(self, whole):
        response = self.response or Response()
        response.interims, response.body, response.trailers, response.whole = self.interims, self.data, self.trailers, whole
        return response


class Recording(H2Client):
    """Keeps fields of one name apart, and the fields of every head."""

    def __init__(self, *arguments, **options):
        self.recorded = {}
        super().__init__(*arguments, **options)

    def heads(self, number):
        return self.recorded.setdefault(number, Heads())

    def _take(self, kind, flags, number, payload):
        if kind == DATA:
            self.heads(number).data += payload
        if kind not in (HEADERS, CONTINUATION):
            super()._take(kind, flags, number, payload)
            return
        self._block += payload
        if kind == HEADERS:
            self.stream(number).ended |= bool(flags & END_STREAM)
        if flags & END_HEADERS:
            self.heads(number).on_head(self.decoder.decode(self._block, raw=True))
            self._block = b""


def in_frames(number, case):
    head = block(*case.request_fields())
    parts = [head[at:at + LARGEST] for at in range(0, len(head), LARGEST)]
    trailers = case.request.trailers if case.request.framing == "chunked" else []
    body, last = case.request.body, END_STREAM if not case.request.body and not trailers else 0
    data = frame(HEADERS, last | (END_HEADERS if len(parts) == 1 else 0), number, parts[0])
    for at, part in enumerate(parts[1:], 2):
        data += frame(CONTINUATION, END_HEADERS if at == len(parts) else 0, number, part)
    for at in range(0, len(body), LARGEST):
        data += frame(DATA, END_STREAM if at + LARGEST >= len(body) and not trailers else 0, number, body[at:at + LARGEST])
    if trailers:
        data += frame(HEADERS, END_STREAM | END_HEADERS, number, block(*((name.lower(), value) for name, value in trailers)))
    return data


def play_h2(peer, cases):
    numbers = {case.number: 2 * at + 1 for at, case in enumerate(cases)}
    with Recording(peer.tls, peer.certificate) as client:
        client.socket.settimeout(PATIENCE)
        client.send(b"".join(in_frames(numbers[case.number], case) for case in cases))
        client.until_over(*numbers.values())
        return {case: client.heads(number).finish(client.stream(number).ended) for case, number in numbers.items()}


def of_h3(stream):
    heads = Heads()
    for number, (kind, payload) in enumerate(h3_client._frames(stream.raw)):
        if kind == h3_client.HEADERS:
            heads.on_head(pylsqpack.Decoder(0, 0).feed_header(number, payload)[1])
        elif kind == h3_client.DATA:
            heads.data += payload
    return heads.finish(stream.ended)


def play_h3(peer, cases):
    streams = {}
    with h3_client.H3Client(peer.tls, peer.certificate) as client:
        for case in cases:
            trailers = case.request.trailers if case.request.framing == "chunked" else []
            data = h3_client.head(*case.request_fields())
            data += h3_client.frame(h3_client.DATA, case.request.body) if case.request.body else b""
            data += h3_client.head(*((name.lower(), value) for name, value in trailers)) if trailers else b""
            streams[case.number] = client.open(data, end=True)
        client.until_over(*streams.values(), patience=PATIENCE)
        return {case: of_h3(client.stream(number)) for case, number in streams.items()}


def play(peer, cases, book):
    """What one stream does to its connection is no fault of the others: what nothing has come of is played again, alone."""
    play_all = {"h2": play_h2, "h3": play_h3}[cases[0].protocol]
    found = play_all(peer, cases)
    again = [case for case in cases if not found[case.number].status and len(cases) > 1]
    book.forget(again)
    for case in again:
        found |= play_all(peer, [case])
    return found
