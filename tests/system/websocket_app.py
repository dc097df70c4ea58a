"""A WebSocket server on python3-websockets: echoes, says hello on /hello, closes with 4001 on /close. PORT is where it listens; 0: anywhere."""

import os
import sys

from websockets.sync.server import serve


def talk(connection):
    path = connection.request.path
    if path == "/hello":
        connection.send("hello, " + connection.request.headers["X-Forwarded-Proto"])
    if path == "/close":
        connection.close(4001, "that is all")
        return
    for message in connection:
        connection.send(message)


def refuse(connection, request):
    return connection.respond(403, "not for you\n") if request.path == "/refused" else None


with serve(talk, "127.0.0.1", int(os.environ.get("PORT", "0")), process_request=refuse, max_size=None,
           select_subprotocol=lambda _, offered: "chat" if "chat" in offered else None) as server:
    print("listening", server.socket.getsockname()[1], flush=True)
    server.serve_forever()
    sys.exit(0)
