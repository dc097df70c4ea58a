"""Odd but legal requests, feature by feature; and what browsers send although RFC 3986 does not list it.

A feature is a function of a case and of chance. Its slot says what it is about: a case has at most one feature of a slot. Only those
that are `everywhere` can be said on h2 and h3.
"""

SLOTS = {}
TOKEN = b"!#$%&'*+-.^_`|~0189abczABCZ"
PCHAR = b"abcXYZ019-._~!$&'()*+,;=:@"


def odd(slot, everywhere=True):
    """Puts a feature into its slot."""
    def register(feature):
        feature.everywhere, feature.label = everywhere, "request: " + feature.__name__.replace("_", " ")
        SLOTS.setdefault(slot, []).append(feature)
        return feature
    return register


def some(random, alphabet, least, most):
    return bytes(random.choices(alphabet, k=random.randint(least, most)))


# The method.

@odd("method")
def registered_method(case, random):
    case.method = random.choice(b"PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH REPORT MKCOL LOCK UNLOCK SEARCH QUERY PURGE LINK COPY MOVE ACL "
                                b"M-SEARCH VERSION-CONTROL UPDATEREDIRECTREF MKREDIRECTREF ORDERPATCH BIND CHECKIN".split())


@odd("method")
def head_method(case, _):
    case.method = b"HEAD"


@odd("method")
def method_of_any_token(case, random):
    case.method = some(random, TOKEN, 1, 32)


@odd("method")
def long_method(case, random):
    case.method = some(random, b"ABCXYZ-_", 33, 60)


# The target. A path of more than one segment stands around what is odd, so that a server can go wrong in either direction.

def placed(random, odd_part):
    return b"/a/" + odd_part + random.choice([b"", b"/", b"/b", b"/b/c"])


@odd("target")
def path_characters(case, random):
    case.target = placed(random, some(random, PCHAR, 1, 60))


@odd("target")
def escapes(case, random):
    kinds = [b"%20", b"%41", b"%7E", b"%7e", b"%c3%a4", b"%C3%A4", b"%25", b"%2525", b"%3F", b"%23", b"%3b", b"%2B", b"%ff", b"%80", b"%E2%82%AC", b"%7C"]
    case.target = placed(random, b"x".join(random.choices(kinds, k=random.randint(1, 5))))


@odd("target")
def encoded_slash(case, random):
    case.target = placed(random, random.choice([b"group%2Fproject", b"%2f", b"@scope%2fpackage", b"x%2F", b"%2Fx", b"https:%2F%2Fexample.org%2Fi.png"]))


@odd("target")
def encoded_backslash(case, random):
    case.target = placed(random, random.choice([b"x%5Cy", b"%5c", b"%5C%5c"]))


@odd("target")
def twice_encoded(case, random):
    case.target = placed(random, random.choice([b"%252F", b"%252e%252E", b"%255C", b"%252f..", b"%25252F"]))


@odd("target")
def empty_segments(case, random):
    case.target = random.choice([b"//", b"//a", b"/a//b", b"/a//", b"/a///b//c", b"/https://example.org/x", b"/a/;/b"])


@odd("target")
def dot_segments(case, random):
    case.target = random.choice([b"/a/./b", b"/a/../b", b"/a/b/..", b"/a/.", b"/.", b"/a/%2e/b", b"/a/%2E%2e/b", b"/a/.%2e/", b"/a/..;x/b", b"/a/x/../../b"])


@odd("target")
def dots_that_are_names(case, random):
    case.target = placed(random, random.choice([b"...", b".well-known", b"..x", b"x..", b".x", b"x.", b"x/.../y", b"%2e%2e%2e", b".%20"]))


@odd("target")
def parameters(case, random):
    case.target = placed(random, random.choice([b"x;v=1", b";v=1", b"x;", b"x;a=1;b=2", b"x;a=%2F", b"x;a=1,2", b"jsessionid;A=b/x;c"]))


@odd("target")
def raw_characters(case, random):
    case.target = placed(random, b"x" + some(random, b'|{}^<>"`[]', 1, 6))


@odd("target")
def raw_utf8(case, random):
    case.target = placed(random, random.choice(["ä", "日本語", "naïve", "😀", "é", "x\u00a0y"]).encode())


@odd("target")
def raw_bytes(case, random):
    case.target = placed(random, some(random, bytes(range(0x80, 0x100)), 1, 5))


@odd("target")
def long_path(case, random):
    case.target = b"/" + some(random, PCHAR + b"/", 1000, 7900).replace(b"//", b"/x").replace(b"/.", b"/x").replace(b"..", b".x")


@odd("target")
def query(case, random):
    case.target = b"/q?" + some(random, PCHAR + b"/?", 0, 80)


@odd("target")
def query_of_any_escape(case, random):
    case.target = b"/q?a=" + b"".join(b"%%%02x" % random.randrange(256) for _ in range(random.randint(1, 6)))


@odd("target")
def query_of_broken_escapes(case, random):
    case.target = b"/q?a=" + random.choice([b"100%", b"%", b"%%", b"%zz", b"%1", b"5%&b=6%25", b"%u00e4", b"%=%"])


@odd("target")
def query_of_raw_characters(case, random):
    case.target = b"/q?" + some(random, b"ab=&" + b"|{}^<>\"`[]\\'", 1, 30)


@odd("target")
def query_of_raw_utf8(case, random):
    case.target = b"/q?q=" + random.choice(["ä", "日本語", "😀", "a=é&b=ü"]).encode() + some(random, b"\x80\xa4\xff", 0, 2)


@odd("target")
def query_that_looks_like_a_path(case, random):
    case.target = b"/q?" + random.choice([b"/../x", b"//", b"http://example.org/../%2F", b"..", b"?", b"?a?", b"a=/./", b"%2e%2e%2f", b"%5C"])


@odd("target")
def long_query(case, random):
    case.target = b"/q?" + some(random, PCHAR + b"/?&", 1000, 7900)


@odd("target")
def server_wide(case, _):
    case.method, case.target = b"OPTIONS", b"*"


# Where it goes to.

@odd("host", everywhere=False)
def absolute_form(case, random):
    case.authority_form = random.choice([b"http", b"HTTP", b"Http", b"https"]) + b"://localhost"


@odd("host", everywhere=False)
def absolute_form_of_a_query(case, _):
    case.authority_form, case.target, case.meant_target = b"http://localhost", b"?a=b", b"/?a=b"


@odd("host", everywhere=False)
def absolute_form_of_another_host(case, random):
    case.authority_form, case.host, case.meant_host = b"http://localhost", random.choice([b"localhost:81", b"other.example"]), b"localhost"


@odd("host", everywhere=False)
def a_host_line_in_another_way(case, random):
    case.host_line, case.host_last = random.choice([b"host: %s", b"HOST:%s", b"hOsT:\t%s", b"Host:   %s", b"Host: %s \t"]), random.random() < 0.5


@odd("host")
def spelled_host(case, random):
    case.host = random.choice([b"LOCALHOST", b"LocalHost", b"localhost:80", b"localhost:443", b"localhost:8080", b"127.0.0.1", b"[::1]", b"[::1]:80", b"a-b.example",
                               b"x" * 60 + b".example", b"1.2.3", b"xn--bcher-kva.example", b"localhost:1", b"localhost:65535", b"LOCALHOST:8080"])


@odd("host")
def host_with_an_empty_port(case, _):
    case.host = b"localhost:"


@odd("host")
def host_with_a_dot_behind(case, _):
    case.host = b"localhost."


@odd("host")
def host_of_legal_marks(case, random):
    case.host = random.choice([b"a_b.example", b"a~b", b"a!b", b"a$b", b"a&b", b"a'b", b"a(b)", b"a*b", b"a+b", b"a,b", b"a;b", b"a=b", b"_x", b"-x-"])


@odd("host")
def host_of_escapes(case, _):
    case.host = b"a%20b.example"


# The connection, and the version.

@odd("connection", everywhere=False)
def old_version(case, random):
    case.version, case.closes = b"HTTP/1.0", True
    if random.random() < 0.3:
        case.host = None


@odd("connection", everywhere=False)
def old_version_that_keeps_alive(case, random):
    case.version, case.closes = b"HTTP/1.0", True
    case.request.unchecked.append((b"Connection", random.choice([b"keep-alive", b"Keep-Alive"])))


@odd("connection", everywhere=False)
def keeps_alive(case, random):
    case.request.unchecked += random.choice([
        [(b"Connection", b"keep-alive")], [(b"connection", b"Keep-Alive")], [(b"Connection", b"keep-alive"), (b"Keep-Alive", b"timeout=5, max=100")],
        [(b"Connection", b", keep-alive,,")], [(b"Proxy-Connection", b"keep-alive")], [(b"Connection", b"keep-alive"), (b"Connection", b"keep-alive")],
        [(b"Connection", b"")]])


@odd("connection", everywhere=False)
def closes(case, random):
    case.closes = True
    case.request.unchecked.append((b"Connection", random.choice([b"close", b"Close", b"CLOSE", b"close, x-hop", b"keep-alive, close", b"TE, close"])))


@odd("connection", everywhere=False)
def fields_of_one_hop(case, random):
    name = b"x-of-this-hop-" + some(random, b"abc", 0, 12)
    case.request.unchecked += [(b"Connection", name + b", TE"), (name, b"of this hop"), (b"TE", random.choice([b"trailers", b"trailers, deflate;q=0.5", b"gzip", b""]))]


@odd("connection", everywhere=False)
def an_upgrade_that_nobody_takes(case, _):
    """As curl --http2 and Java's client ask on cleartext."""
    case.request.unchecked += [(b"Connection", b"Upgrade, HTTP2-Settings"), (b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"AAMAAABkAAQAAP__")]


@odd("connection", everywhere=False)
def empty_line_before(case, _):
    case.before = b"\r\n"


@odd("connection", everywhere=False)
def two_empty_lines_before(case, _):
    case.before = b"\r\n\r\n"


@odd("connection")
def te_trailers(case, _):
    case.request.unchecked.append((b"te", b"trailers"))
