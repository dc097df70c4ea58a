#!/usr/bin/env python3
"""gatehouse.toml(5) in mdoc(7) from config/reference.toml, which is the one list of keys: manual.py REFERENCE >PAGE

Each section becomes a part of the page, each line `key = default  # what it does` an entry. Comments that stand above a
section or a key belong to it.
"""

import datetime
import os
import re
import sys
import textwrap

HEAD = """.Dd {day}
.Dt GATEHOUSE.TOML 5
.Os
.Sh NAME
.Nm gatehouse.toml
.Nd configuration of the gatehouse proxy and application host
.Sh DESCRIPTION
"""

TAIL = """.Sh FILES
.Bl -tag -width Ds
.It Pa gatehouse.toml , /etc/gatehouse/gatehouse.toml
Where
.Xr gatehouse 1
looks for it, in this order.
.El
.Sh EXAMPLES
In front of an application on port 5000:
.Bd -literal -offset indent
[[listeners]]
address = ":443"
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]

[[routes]]
to = "app"

[upstreams.app]
endpoints = ["127.0.0.1:5000"]
.Ed
.Sh SEE ALSO
.Xr gatehouse 1
"""


def escape(text):
    text = text.replace("\\", "\\e")
    return "\\&" + text if text.startswith((".", "'")) else text


def prose(text):
    """Each sentence on a line of its own."""
    text = re.sub(r"(?<=[A-Za-z)0-9`\"])\. +(?=[A-Z\"$0-9])", ".\n", text.strip())
    lines = [line for sentence in text.split("\n") for line in textwrap.wrap(sentence, 78, break_on_hyphens=False)]
    return "".join(escape(line) + "\n" for line in lines)


def literal(code):
    """As the argument of a macro."""
    return escape(code).replace('"', "\\(dq").replace("]", "]\\&")


def split_comment(line):
    """(code, comment) of a line; # within quotes is code."""
    quoted = False
    for i, c in enumerate(line):
        if c == '"':
            quoted = not quoted
        elif c == "#" and not quoted:
            return line[:i].rstrip(), line[i + 1:].strip()
    return line.rstrip(), ""


def page(lines):
    out, above, listing = [], [], False
    seen_section = False
    for line in lines:
        code, comment = split_comment(line)
        if not code:
            if comment:
                above.append(comment)
            elif above:
                out += [".El\n"] if listing else []
                listing = False
                out += [".Pp\n"] if out else []
                out.append(prose(" ".join(above)))
                above = []
            continue
        section = re.fullmatch(r"\[{1,2}[\w.]+\]{1,2}", code)
        if section:
            out += [".El\n"] if listing else []
            listing = False
            out += [] if seen_section else [".Sh SECTIONS\n"]
            seen_section = True
            out.append(f".Ss {literal(code)}\n")
            text = " ".join([*above, comment]).strip()
            out += [prose(text)] if text else []
        else:
            out += [] if listing else [".Bl -tag -width Ds\n"]
            listing = True
            text = " ".join([*above, comment]).strip()
            out.append(f".It Li {literal(code)}\n" + (prose(text) if text else ""))
        above = []
    out += [".El\n"] if listing else []
    return "".join(out)


def main():
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    day = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC) if epoch else datetime.datetime.now(datetime.UTC)
    with open(sys.argv[1], encoding="utf-8") as reference:
        lines = reference.read().splitlines()
    sys.stdout.write(HEAD.format(day=f"{day:%B} {day.day}, {day.year}") + page(lines) + TAIL)


if __name__ == "__main__":
    main()
