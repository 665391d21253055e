#!/usr/bin/env python3
"""Writes the hand-made seeds of the fuzzers below `corpus/`: messages that a parser might take wrongly. What the fuzzers
find themselves has names of hexadecimal digits and is left alone.

    Tests/Fuzz/seeds.py
"""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


# --- DNS (RFC 1035) ---


def name(text):
    parts = text.encode().split(b".") if text else []
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def header(flags, questions=1, answers=0, authorities=0, additional=0, number=0x1234):
    return struct.pack(">6H", number, flags, questions, answers, authorities, additional)


def record(owner, kind, data, lifetime=60, group=1):
    return owner + struct.pack(">HHIH", kind, group, lifetime, len(data)) + data


A, CNAME, SOA, AAAA, OPT, ANY = 1, 5, 6, 28, 41, 255
HOST = name("a.example.org")
# The longest name: 255 bytes with its lengths and its end.
LONGEST = (bytes([63]) + b"a" * 63) * 3 + bytes([61]) + b"a" * 61 + b"\0"
ASKED = b"\xc0\x0c"


def question(host=HOST, kind=A, group=1):
    return host + struct.pack(">HH", kind, group)


def options(size=1232, data=b"", owner=b"\0"):
    return record(owner, OPT, data, lifetime=0, group=size)


write("dns-query", {
    "plain": header(0x0100) + question(),
    "aaaa": header(0x0100) + question(kind=AAAA),
    "any-case": header(0x0110) + question(name("A.eXample.ORG"), ANY),
    "class-chaos": header(0x0100) + question(name("version.bind"), 16, 3),
    "root": header(0x0100) + question(b"\0"),
    "name-of-255-bytes": header(0x0100) + question(LONGEST),
    "name-of-256-bytes": header(0x0100) + question((bytes([63]) + b"a" * 63) * 3 + bytes([62]) + b"a" * 62 + b"\0"),
    "name-of-127-labels": header(0x0100) + question(b"\1a" * 127 + b"\0"),
    "label-of-64-bytes": header(0x0100) + question(bytes([64]) + b"a" * 64 + b"\0"),
    "label-with-dot": header(0x0100) + question(b"\x0da.example.org\0"),
    "label-with-zero": header(0x0100) + question(b"\3a\0b\3org\0"),
    "label-with-dash-outside": header(0x0100) + question(name("-a.b-.org")),
    "label-of-utf8": header(0x0100) + question(name("b\u00fccher.example")),
    "pointer-to-itself": header(0x0100) + b"\xc0\x0c" + b"\0\1\0\1",
    "pointer-forward": header(0x0100) + b"\xc0\x0e\1a\0" + b"\0\1\0\1",
    "pointer-into-header": header(0x0100, number=0x0161) + b"\1b\xc0\x00" + b"\0\1\0\1",
    "pointer-cut": header(0x0100) + b"\1a\xc0",
    "label-of-old-kinds": header(0x0100) + b"\x41\0\x80\0",
    "edns": header(0x0100, additional=1) + question() + options(),
    "edns-small": header(0x0100, additional=1) + question() + options(1),
    "edns-large": header(0x0100, additional=1) + question() + options(65535),
    "edns-cookie": header(0x0100, additional=1) + question() + options(4096, b"\0\x0a\0\x08" + b"c" * 8),
    "edns-twice": header(0x0100, additional=2) + question() + options() + options(),
    "edns-with-name": header(0x0100, additional=1) + question() + options(owner=ASKED),
    "edns-longest-name": header(0x0100, additional=1) + question(LONGEST) + options(512),
    "other-additional": header(0x0100, additional=2) + question() + record(ASKED, A, b"\1\2\3\4") + options(),
    "three-additional": header(0x0100, additional=3) + question() + options(),
    "two-questions": header(0x0100, questions=2) + question() + question(),
    "no-question": header(0x0100, questions=0),
    "an-answer": header(0x8180, answers=1) + question() + record(ASKED, A, b"\1\2\3\4"),
    "update": header(0x2800) + question(),
    "header-only": header(0x0100),
    "eleven-bytes": header(0x0100)[:11],
    "bytes-behind": header(0x0100) + question() + b"tail",
})


def reply(*answers, authorities=(), kind=A, host=HOST, flags=0x8180):
    sections = b"".join(answers) + b"".join(authorities)
    return header(flags, 1, len(answers), len(authorities)) + question(host, kind) + sections


def authority(lifetime, minimum):
    return record(b"\xc0\x0e", SOA, b"\0\0" + struct.pack(">5I", 1, 3600, 600, 86400, minimum), lifetime)


def alias(index):
    return record(name(f"n{index}.example.org"), CNAME, name(f"n{index + 1}.example.org"))


ADDRESS = b"\xcb\x00\x71\x01"
write("dns-response", {
    "one-address": reply(record(ASKED, A, ADDRESS)),
    "two-addresses-one-twice": reply(*[record(ASKED, A, bytes([203, 0, 113, n])) for n in (1, 2, 1)]),
    "aaaa": reply(record(ASKED, AAAA, bytes(range(16))), kind=AAAA),
    "a-for-aaaa": reply(record(ASKED, A, ADDRESS), kind=AAAA),
    "address-of-3-bytes": reply(record(ASKED, A, ADDRESS[:3])),
    "address-of-other-class": reply(record(ASKED, A, ADDRESS, group=3)),
    "address-of-other-name": reply(record(name("evil.example.org"), A, ADDRESS)),
    "other-case": reply(record(name("A.EXAMPLE.ORG"), A, ADDRESS)),
    "lifetimes": reply(record(ASKED, A, ADDRESS, 0xffffffff), record(ASKED, A, b"\1\1\1\1", 0x7fffffff)),
    "alias": reply(record(ASKED, CNAME, name("b.example.org")), record(name("b.example.org"), A, ADDRESS, 9)),
    "alias-behind-address": reply(record(name("b.org"), A, ADDRESS), record(ASKED, CNAME, name("b.org"))),
    "alias-compressed": reply(record(ASKED, CNAME, b"\1b\xc0\x0e"), record(b"\1b\xc0\x0e", A, ADDRESS)),
    "alias-to-itself": reply(record(ASKED, CNAME, ASKED)),
    "alias-and-back": reply(record(ASKED, CNAME, name("b.org")), record(name("b.org"), CNAME, ASKED)),
    "alias-of-eight": reply(*map(alias, range(8)), record(name("n8.example.org"), A, ADDRESS), host=name("n0.example.org")),
    "alias-of-nine": reply(*map(alias, range(9)), record(name("n9.example.org"), A, ADDRESS), host=name("n0.example.org")),
    "alias-that-is-longer": reply(record(ASKED, CNAME, name("b.org") + b"x")),
    "alias-cut": reply(record(ASKED, CNAME, b"\5b")),
    "alias-asked-for": reply(record(ASKED, CNAME, name("b.org")), kind=CNAME),
    "none": reply(authorities=[authority(300, 60)]),
    "none-for-ever": reply(authorities=[authority(0xffffffff, 0x80000000)]),
    "none-such": reply(authorities=[authority(60, 300)], flags=0x8183),
    "authority-of-19-bytes": reply(authorities=[record(ASKED, SOA, b"\0" * 19)]),
    "cut": reply(flags=0x8380),
    "refused": reply(flags=0x8185),
    "not-authentic-flags": reply(record(ASKED, A, ADDRESS), flags=0xffb0),
    "compression-loop": header(0x8180, answers=2) + question() + record(b"\xc0\x1f", A, ADDRESS),
    "compression-staircase": header(0x8180, answers=1) + question(b"\1a\0")
    + record(b"\1b\xc0\x0c", 16, b"\1c\xc0\x13" * 3) + record(b"\xc0\x13", A, ADDRESS),
    "question-compressed": header(0x8180, answers=1, number=0x0161) + b"\1a\xc0\x00" + b"\0\1\0\1"
    + record(ASKED, A, ADDRESS),
    "record-past-the-end": reply(record(ASKED, A, ADDRESS))[:-1],
    "more-records-than-there-are": header(0x8180, answers=0xffff) + question() + record(ASKED, A, ADDRESS),
    "513-records": header(0x8180, answers=256, authorities=257) + question(),
    "names-of-255-bytes": reply(record(ASKED, CNAME, LONGEST), record(LONGEST, A, ADDRESS), host=LONGEST),
    "edns": header(0x8180, answers=1, additional=1) + question() + record(ASKED, A, ADDRESS) + options(),
})

# --- TLS (RFC 8446) ---


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(kind, data):
    return struct.pack(">H", kind) + vector(2, data)


def server_name(*hosts):
    return extension(0, vector(2, b"".join(b"\0" + vector(2, host.encode()) for host in hosts)))


def protocols(*words):
    return extension(16, vector(2, b"".join(vector(1, word.encode()) for word in words)))


def hello(*extensions, session=b"", suites=b"\x13\x01\x13\x02", tail=b""):
    body = b"\3\3" + b"r" * 32 + vector(1, session) + vector(2, suites) + vector(1, b"\0")
    return b"\1" + vector(3, body + vector(2, b"".join(extensions)) + tail)


def records(message, size=16384, version=b"\3\1"):
    parts = [message[start:start + size] for start in range(0, len(message), size)]
    return b"".join(b"\x16" + version + vector(2, part) for part in parts)


PLAIN = hello(server_name("a.example.org"), protocols("h2", "http/1.1"))
GREASE = extension(0x0a0a, b""), extension(0x1a1a, b"\0")
ECH = extension(0xfe0d, b"\0\0\1\0\1\7" + vector(2, b"k" * 32) + vector(2, b"p" * 16))
write("client-hello", {
    "plain": records(PLAIN),
    "upper-case": records(hello(server_name("A.Example.ORG"))),
    "no-name": records(hello(protocols("h2"))),
    "no-extensions": records(b"\1" + vector(3, b"\3\3" + b"r" * 32 + b"\0" + vector(2, b"\x13\1") + b"\1\0")),
    "records-of-one-byte": records(PLAIN, 1),
    "records-of-five-bytes": records(PLAIN, 5),
    "split-in-header": records(PLAIN[:3]) + records(PLAIN[3:]),
    "split-in-name": records(PLAIN[:60]) + records(PLAIN[60:]),
    "empty-record": records(PLAIN[:60]) + b"\x16\3\1\0\0" + records(PLAIN[60:]),
    "alert-between": records(PLAIN[:60]) + b"\x15\3\3\0\2\1\0" + records(PLAIN[60:]),
    "record-of-16385-bytes": b"\x16\3\1\x40\1",
    "record-version-4": records(PLAIN, version=b"\4\0"),
    "grease": records(hello(GREASE[0], server_name("a.example.org"), GREASE[1], suites=b"\x0a\x0a\x13\1")),
    "ech": records(hello(server_name("outer.example.org"), ECH)),
    "ech-without-name": records(hello(ECH)),
    "padding": records(hello(server_name("a.example.org"), extension(21, b"\0" * 200))),
    "session-of-32-bytes": records(hello(server_name("a.example.org"), session=b"s" * 32)),
    "two-names-in-one": records(hello(server_name("a.example.org", "b.example.org"))),
    "two-name-extensions": records(hello(server_name("a.example.org"), server_name("b.example.org"))),
    "name-of-other-kind": records(hello(extension(0, vector(2, b"\1" + vector(2, b"a.example.org"))))),
    "name-list-empty": records(hello(extension(0, b"\0\0"))),
    "name-empty": records(hello(server_name(""))),
    "name-extension-empty": records(hello(extension(0, b""))),
    "name-of-an-address": records(hello(server_name("192.0.2.1"))),
    "name-of-an-address-v6": records(hello(server_name("2001:db8::1"))),
    "name-of-hexadecimal": records(hello(server_name("0x7f000001"))),
    "name-with-final-dot": records(hello(server_name("a.example.org."))),
    "name-with-zero": records(hello(server_name("a.example.org\0.evil.org"))),
    "name-with-unicode": records(hello(server_name("a\u212a.example.org"))),
    "name-of-253-bytes": records(hello(server_name("a" * 63 + ("." + "a" * 63) * 2 + "." + "a" * 61))),
    "name-of-254-bytes": records(hello(server_name("a" * 63 + ("." + "a" * 63) * 2 + "." + "a" * 62))),
    "protocols-empty": records(hello(protocols())),
    "protocol-empty": records(hello(protocols("", "h2"))),
    "protocols-too-long": records(hello(extension(16, b"\0\xff\2h2"))),
    "bytes-behind-extensions": records(hello(server_name("a.example.org"), tail=b"x")),
    "bytes-behind-hello": records(PLAIN + b"x"),
    "early-data-behind": records(PLAIN) + b"\x17\3\3\0\1x",
    "server-hello": records(b"\2" + PLAIN[1:]),
    "too-long": records(b"\1\2\0\0"),
    "length-past-limit": records(b"\1\xff\xff\xff"),
    "http": "GET / HTTP/1.1\r\n\r\n",
    "ssl2": b"\x80\x2e\1\0\2\0\x15\0\0\0\x10",
})

# --- HTTP (RFC 9112) ---


def head(line, *fields, body=""):
    return "\r\n".join([line, *fields, "", ""]) + body


AT = "Host: a.example.org"
CHUNKED = "Transfer-Encoding: chunked"
UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"]
write("http-head", {
    "get": head("GET / HTTP/1.1", AT),
    "get-old": head("GET / HTTP/1.0"),
    "older": "GET /\r\n",
    "post": head("POST /a?b=c HTTP/1.1", AT, "Content-Length: 3", body="abc"),
    "pipeline": head("POST / HTTP/1.1", AT, "Content-Length: 3", body="abc") + head("GET /2 HTTP/1.1", AT) * 2,
    "options": head("OPTIONS * HTTP/1.1", AT),
    "absolute": head("GET http://A.example.org:80/x HTTP/1.1", "Host: a.EXAMPLE.org:80"),
    "absolute-old": head("GET http://a.example.org HTTP/1.0"),
    "absolute-other-host": head("GET http://b.example.org/ HTTP/1.1", AT),
    "absolute-user": head("GET http://a.example.org@evil.org/ HTTP/1.1", AT),
    "absolute-https": head("GET https://a.example.org/ HTTP/1.1", AT),
    "absolute-with-query": head("GET http://a.example.org?x HTTP/1.1", AT),
    "connect": head("CONNECT a.example.org:443 HTTP/1.1", "Host: a.example.org:443"),
    "connect-path": head("CONNECT /a HTTP/1.1", AT),
    "host-twice": head("GET / HTTP/1.1", AT, "Host: evil.org"),
    "host-twice-the-same": head("GET / HTTP/1.1", AT, "hOST: a.example.org"),
    "host-list": head("GET / HTTP/1.1", "Host: a.example.org, evil.org"),
    "host-empty": head("GET / HTTP/1.1", "Host: "),
    "host-missing": head("GET / HTTP/1.1"),
    "host-final-dot": head("GET / HTTP/1.1", "Host: a.example.org.:80"),
    "host-two-dots": head("GET / HTTP/1.1", "Host: a.example.org.."),
    "host-v6": head("GET / HTTP/1.1", "Host: [2001:DB8::1]:8080"),
    "host-brackets-empty": head("GET / HTTP/1.1", "Host: []"),
    "host-port-0": head("GET / HTTP/1.1", "Host: a.example.org:0"),
    "host-port-65536": head("GET / HTTP/1.1", "Host: a.example.org:65536"),
    "host-port-empty": head("GET / HTTP/1.1", "Host: a.example.org:"),
    "host-unicode": head("GET / HTTP/1.1", "Host: \u212a.example.org"),
    "host-zero": head("GET / HTTP/1.1", "Host: a.example.org\0.evil.org"),
    "space-before-colon": head("GET / HTTP/1.1", "Host : a.example.org"),
    "folded": head("GET / HTTP/1.1", "X: 1", " Host: evil.org", AT),
    "folded-first": head("GET / HTTP/1.1", " " + AT, AT),
    "tabs": head("GET / HTTP/1.1", "Host:\t a.example.org \t", "X:"),
    "control-in-value": head("GET / HTTP/1.1", AT, "X: a\x07b"),
    "latin1-in-value": head("GET / HTTP/1.1", AT, "X: xyz").encode().replace(b"xyz", b"\xe4\xff"),
    "no-colon": head("GET / HTTP/1.1", AT, "junk"),
    "lf-only": head("GET / HTTP/1.1", AT).replace("\r", ""),
    "lf-in-line": head("GET / HTTP/1.1", "X: a\n" + AT, AT),
    "cr-in-line": head("GET / HTTP/1.1", "X: a\r" + AT, AT),
    "cr-cr-lf": "GET / HTTP/1.1\r\r\n" + AT + "\r\n\r\n",
    "empty-line-first": "\r\n" + head("GET / HTTP/1.1", AT),
    "two-spaces": head("GET  / HTTP/1.1", AT),
    "target-with-hash": head("GET /#x HTTP/1.1", AT),
    "target-with-space": head("GET /a b HTTP/1.1", AT),
    "version-2": head("GET / HTTP/2.0", AT),
    "version-lower": head("GET / http/1.1", AT),
    "preface-of-2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "method-of-33-bytes": head("M" * 33 + " / HTTP/1.1", AT),
    "fields-of-129": head("GET / HTTP/1.1", AT, *["X:"] * 128),
    "length-and-chunked": head("POST / HTTP/1.1", AT, "Content-Length: 5", CHUNKED, body="0\r\n\r\n"),
    "length-twice": head("POST / HTTP/1.1", AT, "Content-Length: 1", "Content-Length: 2", body="ab"),
    "length-list": head("POST / HTTP/1.1", AT, "Content-Length: 1, 1", body="a"),
    "length-signed": head("POST / HTTP/1.1", AT, "Content-Length: +1", body="a"),
    "length-of-19-digits": head("POST / HTTP/1.1", AT, "Content-Length: 9999999999999999999"),
    "length-of-18-digits": head("POST / HTTP/1.1", AT, "Content-Length: 999999999999999999", body="abc"),
    "chunked": head("POST / HTTP/1.1", AT, CHUNKED, body="3\r\nabc\r\n0\r\n\r\n") + head("GET / HTTP/1.1", AT),
    "chunked-upper": head("POST / HTTP/1.1", AT, "TRANSFER-ENCODING: CHUNKED", body="A\r\n0123456789\r\n0\r\n\r\n"),
    "chunked-extension": head("POST / HTTP/1.1", AT, CHUNKED, body='1;a="b\r\na\r\n0;x\r\n\r\n'),
    "chunked-extension-lf": head("POST / HTTP/1.1", AT, CHUNKED, body="1;a\nb\r\na\r\n0\r\n\r\n"),
    "chunked-space": head("POST / HTTP/1.1", AT, CHUNKED, body="1 \r\na\r\n0\r\n\r\n"),
    "chunked-0x": head("POST / HTTP/1.1", AT, CHUNKED, body="0x1\r\na\r\n0\r\n\r\n"),
    "chunked-longer": head("POST / HTTP/1.1", AT, CHUNKED, body="1\r\nabc\r\n0\r\n\r\n"),
    "chunked-overflow": head("POST / HTTP/1.1", AT, CHUNKED, body="10000000000000003\r\nabc\r\n0\r\n\r\n"),
    "chunked-largest": head("POST / HTTP/1.1", AT, CHUNKED, body="fffffffffffffff\r\nabc"),
    "chunked-trailer": head("POST / HTTP/1.1", AT, CHUNKED, body="0\r\nX-Sum: 1\r\n\r\n"),
    "chunked-trailer-host": head("POST / HTTP/1.1", AT, CHUNKED, body="0\r\nHost: evil.org\r\n\r\n"),
    "chunked-old": head("POST / HTTP/1.0", AT, CHUNKED, body="0\r\n\r\n"),
    "chunked-twice": head("POST / HTTP/1.1", AT, CHUNKED, CHUNKED, body="0\r\n\r\n"),
    "chunked-list": head("POST / HTTP/1.1", AT, "Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"),
    "chunked-vertical-tab": head("POST / HTTP/1.1", AT, "Transfer-Encoding: \x0bchunked", body="0\r\n\r\n"),
    "smuggled": head("POST / HTTP/1.1", AT, "Content-Length: 37", body="GET / HTTP/1.1\r\nHost: b.example.org\r\n\r\n"),
    "upgrade": head("GET / HTTP/1.1", AT, *UPGRADE) + head("GET /2 HTTP/1.1", AT),
    "upgrade-with-body": head("POST / HTTP/1.1", AT, *UPGRADE, "Content-Length: 1", body="a\x81\x05Hello"),
    "upgrade-h2c": head("GET / HTTP/1.1", AT, "Upgrade: h2c, websocket/13"),
    "upgrade-of-nothing": head("GET / HTTP/1.1", AT, "Upgrade: , ,") + head("GET / HTTP/1.1", AT),
    "upgrade-gap": head("GET / HTTP/1.1", AT, "Upgrade: a, ,b"),
    "upgrade-unicode": head("GET / HTTP/1.1", AT, "Upgrade: h2c\u0301"),
    "answer": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "answer-interim": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\n\r\n",
    "answer-upgrade": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81",
    "answer-without-words": "HTTP/1.1 204\r\n\r\n",
    "answer-of-four-digits": "HTTP/1.1 2000 OK\r\n\r\n",
    "answer-lf": "HTTP/1.1 200 OK\n\n",
    "tls": b"\x16\3\1\0\x05hello",
})

# --- Texts of a policy ---

write("host-pattern", {f"{number:02}-{label}": text for number, (label, text) in enumerate([
    ("name", "api.github.com"), ("name-upper", "API.GitHub.com."), ("name-one-part", "intranet"), ("dot", "."),
    ("two-dots", "a..b"), ("underscore", "_dmarc.example.org"), ("dash-first", "-a.example.org"),
    ("dash-last", "a-.example.org"), ("part-of-63", "a" * 63 + ".org"), ("part-of-64", "a" * 64 + ".org"),
    ("name-of-253", "a" * 63 + ("." + "a" * 63) * 2 + "." + "a" * 61),
    ("name-of-254", "a" * 63 + ("." + "a" * 63) * 2 + "." + "a" * 62), ("localhost", "x.LOCALHOST"),
    ("kelvin", "\u212aelvin.example.org"), ("umlaut", "b\u00fccher.example"), ("punycode", "xn--bcher-kva.example"),
    ("full-width", "\uff41.example.org"), ("soft-hyphen", "a\u00ad.example.org"), ("combining-dot", "a.\u0301example.org"),
    ("zero", "a.example.org\0"), ("line", "a.example.org\r\n"), ("right-to-left", "a.\u202eexample.org"),
    ("not-utf8", b"a\xff.example.org"), ("octal", "0177.1"), ("hexadecimal", "0x7f.0x1"), ("hexadecimal-last", "a.0x7f"),
    ("number", "2130706433"), ("wildcard", "*.pypi.org"), ("wildcard-top", "*.com"), ("wildcard-top-dot", "*.com."),
    ("wildcard-all", "*"), ("wildcard-dot", "*."), ("wildcard-twice", "*.*.example.org"), ("wildcard-inner", "a.*.org"),
    ("wildcard-part", "*a.example.org"), ("wildcard-combining", "*\u0301.example.org"),
    ("wildcard-port", "*.example.org:443"), ("port", "a.example.org:8443"), ("ports", "a.example.org:443,80,8000-8010"),
    ("port-standard", "a.example.org:443,80"), ("port-twice", "a.example.org:1,1"), ("port-udp", "a.example.org:53/udp"),
    ("port-0", "a.example.org:0"), ("port-65536", "a.example.org:65536"), ("port-empty", "a.example.org:"),
    ("port-backwards", "192.0.2.1:9-8"), ("block", "192.0.2.0/24"), ("block-udp", "192.0.2.0/24:123/udp"),
    ("block-bits", "192.0.2.1/24"), ("block-33", "192.0.2.0/33"), ("block-all", "0.0.0.0/0"), ("block-zeros", "192.0.2.0/024"),
    ("block-arabic-digits", "192.0.2.0/\u0662\u0664"), ("address-leading-zero", "192.0.02.1"), ("metadata", "169.254.169.254"),
    ("v6", "2001:db8::1"), ("v6-ports", "[2001:db8::/32]:443,1/udp"), ("v6-ports-outside", "[2001:db8::]/32:443"),
    ("v6-brackets-open", "[2001:db8::1"), ("v6-text-behind", "[2001:db8::1]x"), ("v6-all-groups", "1:2:3:4:5:6:7:8"),
    ("v6-last-zero", "1:2:3:4:5:6:7::"), ("v6-first-zero", "::2:3:4:5:6:7:8"), ("v6-two-gaps", "1::2::3"),
    ("v6-three-colons", ":::1"), ("v6-dotted", "64:ff9b::192.0.2.1"), ("v6-dotted-first", "192.0.2.1::"),
    ("v6-mapped", "::ffff:169.254.169.254"), ("v6-zone", "fe80::1%eth0"), ("v6-five-digits", "::00001"),
    ("v6-signed", "::+1"), ("v6-full-width", "::\uff11"), ("v6-six-to-four", "2002:7f00:1::"), ("range", "8000-8010"),
    ("udp", "123/udp"), ("rate", "50/second"), ("rate-most", "1000000/minute"), ("size", "1536M"),
    ("size-most", "9223372036854775807"), ("size-terabytes", "8388607T"), ("size-too-many", "8388608T"),
    ("percent", "200%"), ("percent-most", "100000%"), ("empty", ""),
])})

# --- Templates (TOML 1.0.0) ---


def template(*lines):
    return "\n".join(["version = 1", *lines, ""])


def network(*lines):
    return template("[network]", 'mode = "restricted"', *lines)


write("template", {
    "version": template(),
    "head": template('description = "One line"', 'store = "nix"', 'store_paths = ["/opt/a", "/opt/b"]'),
    "store-directory": template('store = "/srv/tree"'),
    "root": template("[root]", 'size = "2G"', "inodes = 400_000"),
    "workspace": template("[workspace]", 'mode = "read-only"'),
    "limits": template("[limits]", 'memory = "4G"', "tasks = 0x400", 'cpu = "200%"'),
    "limit-of-9-exabytes": template("[limits]", 'memory = "9223372036854775807"'),
    "agent": template(
        "[agent]", 'user = "worker"', 'command = ["bash", "-l"]', 'setup = ["npm ci"]', 'persist = [".cache", ".npm"]',
        "allow_root = true", 'env = { LANG = "C.UTF-8", "A_1" = "" }'),
    "environment": template("[agent.env]", 'A = """', 'two \\', '   lines"""', "B = '''a'b'''"),
    "secrets": template(
        "[secrets.key]", 'file = "/etc/key"', 'expose = "env"', 'variable = "KEY"', '[secrets."other.one"]',
        'credential = "other"'),
    "secrets-same-variable": template(
        "[secrets]", 'a = { file = "/a", expose = "env", variable = "X" }',
        'b = { file = "/b", expose = "env", variable = "X" }'),
    "mounts": template(
        "[[mounts]]", 'source = "/opt/data"', 'target = "/data"', "[[mounts]]", 'source = "/opt/more"',
        'target = "/more"', "read_only = false"),
    "mounts-covering": template(
        "[[mounts]]", 'source = "/opt/data"', 'target = "/data"', "[[mounts]]", 'source = "/x"', 'target = "/data/x"'),
    "network": network(
        'allow = ["a.example.org", "*.b.example.org:8443", "192.0.2.0/24:123/udp", "[2001:db8::/32]:443"]',
        'deny = ["x.b.example.org"]', 'budget = { egress = "2G" }', 'rate.connections = "50/second"'),
    "network-tables": network(
        'allow = [{ host = "a.example.org", ports = [443, "8000-8010"], via = "gateway" },',
        '  { host = "b.example.org", ports = ["53/udp"], via = "direct" }, { cidr = "198.51.100.7" },',
        '  { preset = "registry" }]'),
    "network-array-of-tables": network("[[network.allow]]", 'host = "a.example.org"', "[[network.allow]]", "ports = []"),
    "network-private": network("private = true", 'allow = ["10.0.0.0/8:5432"]'),
    "network-private-refused": network('allow = ["10.0.0.0/8:5432", { host = "-" }, "fd00::1"]'),
    "network-without-mode": template("[network]", 'allow = ["a.example.org"]'),
    "network-wrong": network('allow = [1, { host = 2 }, { host = "a.org", cidr = "192.0.2.1" }, {}]', "deny = {}"),
    "preset": template('description = "A registry"', 'allow = ["registry.example", "*.registry.example:8443"]'),
    "preset-in-preset": template('allow = [{ preset = "registry" }]'),
    "configuration": '[limits]\nunenforced = "warn"\n',
    "version-2": "version = 2\nfuture = {}\n",
    "version-missing": "[agent]\n",
    "unknown-keys": template("[agnet]", 'user = "x"', "[limits]", 'memroy = "1G"'),
    "dotted": 'version = 1\nagent.env.A = "1"\nagent."env".B = "2"\n[limits]\ntasks=64\n',
    "deep-at-limit": "[" + ".".join("a" * 16) + "]\n",
    "deep-header": "[" + ".".join(["a"] * 200) + "]\n",
    "deep-dotted": ".".join(["a"] * 200) + " = 1\n",
    "deep-arrays": "a = " + "[" * 400 + "]" * 400 + "\n",
    "deep-arrays-open": "a = " + "[" * 800 + "\n",
    "deep-inline": "a = " + "{ a = " * 100 + "1" + " }" * 100 + "\n",
    "not-utf8": b'version = 1\ndescription = "\xff"\n',
    "surrogate": b'version = 1\ndescription = "\xed\xa0\x80"\n',
    "overlong": b'version = 1\ndescription = "\xc0\x80"\n',
    "utf8-cut": b'version = 1\ndescription = "\xe2\x80',
    "byte-order-mark": b"\xef\xbb\xbfversion = 1\n",
    "zero-byte": template('description = "a\0b"'),
    "zero-escaped": template('description = "a\\u0000b"'),
    "escapes": template('description = "\\t\\"\\\\ \\u00e9\\U0001F642"'),
    "escape-of-surrogate": template('description = "\\ud800"'),
    "escape-unknown": template('description = "\\x"'),
    "right-to-left": template('description = "\u202e"', '"\u202e" = 1'),
    "crlf": "version = 1\r\n[agent]\r\nsetup = [\r\n  'a', # one\r\n]\r\n",
    "cr-only": "version = 1\r[agent]\r",
    "dates": template("a = 1979-05-27T07:32:00.999999-07:00", "b = 07:32:00", "c = 1979-05-27 07:32:00Z"),
    "numbers": template("a = [0xff, 0o7, 0b1, 1e400, -inf, nan, 1_0, +0.0, 9223372036854775807]"),
    "number-too-large": template("[limits]", "tasks = 9223372036854775808"),
    "duplicate-key": template("[limits]", "tasks = 2", "tasks = 3"),
    "duplicate-table": template("[limits]", "[limits]"),
    "inline-extended": template("agent = { }", "[agent.env]"),
    "string-open": template('description = "no end'),
    "long-string-open": template('description = """no end'),
    "table-name-empty": template("[]"),
    "table-name-open": template("[agent"),
    "value-missing": template("description ="),
    "comment": "# nothing",
    "empty": "",
})
