"""Rows of the threat list about networks that are short to say: each by what arrives, or does not, where it should not."""

import os
import subprocess
import time

from support import eventually, sandboxctl, text
from test_network import NetworkTest, internet, text_of

ACCESS = f"{internet.WORK}/access.log"


def answered():
    """Requests that the web origins have answered."""
    with open(ACCESS, encoding="utf-8") as file:
        return len(file.readlines())


def script(lines):
    return "import socket,sys,os\n" + lines


class Rows(NetworkTest):
    ROOT = "[agent]\nallow_root = true\n[network]\n"

    def python(self, lines, name="web", *options):
        return self.inside("python3 -", name, *options, stdin=script(lines).encode()).strip()

    def test_without_a_network_there_is_none(self):
        # NET-01, DNS-01.
        self.create("web")
        before, asked = internet.sunk(), len(internet.questions())
        tries = ("import errno\nfor f,a in((2,'203.0.113.66'),(10,'2001:db8:1::66'),(2,'169.254.169.254')):\n"
                 " for k in(socket.SOCK_STREAM,socket.SOCK_DGRAM):\n"
                 "  try: socket.socket(f,k).connect((a,80)); print('reached',a)\n"
                 "  except OSError as e: print(errno.errorcode[e.errno])\n"
                 "try: print(socket.getaddrinfo('canary-1.example.org',80))\nexcept OSError: print('no name')\n")
        self.assertEqual(self.python(tries).split("\n"), ["ENETUNREACH"] * 6 + ["no name"])
        self.assertEqual(self.inside("ls /sys/class/net", "web").split(), ["lo"])
        self.assertEqual((internet.sunk(), internet.questions()[asked:]), (before, []))
        # The control: the same where there is one.
        text("network", "set", "web", "full")
        self.assertIn("reached 203.0.113.66", self.python(tries))
        self.assertTrue([q for q in internet.questions()[asked:] if "canary-1" in q])

    def test_no_other_protocols(self):
        # NET-04, NET-06: neither the agent nor its root makes packets of its own; what is no TCP of a rule stays.
        tries = ("for f,k,p in((2,3,47),(2,3,4),(2,3,50),(2,3,255),(10,3,58),(2,1,132),(17,3,768),(2,3,1),(2,2,136)):\n"
                 " try: socket.socket(f,k,p); print('made',f,k,p)\n"
                 " except OSError: pass\n"
                 "for a in('8.8.8.8','203.0.113.10'):\n"
                 " for p in(443,123,500,4500,51820,3478):\n"
                 "  s=socket.socket(2,2)\n"
                 "  try: s.connect((a,p)); s.send(b'x'); s.send(b'x')\n"
                 "  except OSError: continue\n"
                 "  print('sent',a,p)\n")
        self.create("web", template=self.ROOT + 'mode = "restricted"\nallow = ["api.example.org"]\n')
        before = internet.sunk()
        for user in ("agent", "root"):
            self.assertNotIn("made", self.python(tries, "web", "--user", user))
        self.assertEqual(internet.sunk(), before)
        control = subprocess.run(["python3", "-c", script(tries)], capture_output=True, text=True, check=True).stdout
        self.assertIn("made 2 3 47", control)
        self.assertIn("sent 8.8.8.8 443", control)
        self.assertGreater(internet.sunk(), before)

    def test_sources_are_ones_own(self):
        # NET-15, NET-16: no other address, no fragment past the rules, no neighbour but the one there is.
        self.create("web", template=self.ROOT + 'mode = "full"\n')
        link = next(name for name in os.listdir("/sys/class/net") if name.startswith("sbx-"))
        neighbours = text_of("ip", "neigh", "show", "dev", link)
        self.assertEqual(neighbours.count("PERMANENT"), 2)
        before = internet.seen()
        spoof = ("s=socket.socket(2,2); s.setsockopt(0,15,1)\n"  # IP_FREEBIND
                 "try: s.bind(('198.51.100.99',4000)); s.sendto(b'x',('8.8.8.1',53000)); print('sent')\n"
                 "except OSError: pass\n"
                 "for level,option in((0,19),(41,75)):\n"  # IP_TRANSPARENT, IPV6_TRANSPARENT
                 " try: socket.socket(2 if level==0 else 10,2).setsockopt(level,option,1); print('transparent')\n"
                 " except OSError: pass\n"
                 "for a in('10.0.0.9','8.8.8.2'):\n"
                 " s=socket.socket(2,2)\n"
                 " try: s.sendto(b'x'*5000,(a,53000))\n"
                 " except OSError: pass\n")
        self.assertNotIn("transparent", self.python(spoof))
        self.inside("ip address add 198.51.100.98/32 dev uplink; ip link set uplink address 02:00:00:00:00:01; "
                    "ip neigh replace 10.213.32.0 lladdr 02:00:00:00:00:02 dev uplink; ip route add 10.0.0.0/8 dev uplink; true",
                    "web", "--user", "root")
        self.assertNotIn("198.51.100.98", text_of("ip", "netns", "exec", "sandbox-web", "ip", "address"))
        # Whole fragments of an open destination arrive, those of a refused one and those of others do not.
        self.assertEqual(internet.seen() - before, {"8.8.8.2"})
        self.assertEqual(text_of("ip", "neigh", "show", "dev", link), neighbours)

    def test_nobody_speaks_in_anothers_name(self):
        # NET-13, NET-15: IPv6 lets anybody bind to an address that is not his; the answers would go to another sandbox.
        self.create("web", "--network", "full")
        self.create("other", "--network", "full")
        inside = ["ip", "netns", "exec", "sandbox-other", "ip", "-6", "-o", "addr", "show", "uplink", "scope", "global"]
        theirs = text_of(*inside).split()[3].split("/")[0]
        send = ("for a,to in(({!r},'2001:4860::71'),('2001:db8:9::9','2001:4860::72'),('::','2001:4860::73')):\n"
                " s=socket.socket(10,2); s.setsockopt(41,78,1)\n"  # IPV6_FREEBIND
                " try: s.bind((a,4000)); s.sendto(b'x',(to,53000)); print('sent',a)\n"
                " except OSError as e: print(e)\n").format(theirs)
        before = internet.seen()
        self.assertIn("sent", self.python(send))
        self.assertTrue(eventually(lambda: "2001:4860::73" in internet.seen() - before))
        self.assertEqual(internet.seen() - before, {"2001:4860::73"})
        # The control: without the rule about sources, one that is another sandbox's leaves.
        nft = ["ip", "netns", "exec", "sandbox-web", "nft"]
        listed = text_of(*nft, "-a", "list", "chain", "inet", "sandbox", "output").splitlines()
        for rule in (line for line in listed if "own source only" in line):
            subprocess.run(nft + ["delete", "rule", "inet", "sandbox", "output", "handle", rule.split()[-1]], check=True)
        self.python(send)
        self.assertTrue(eventually(lambda: "2001:4860::71" in internet.seen()))

    def test_a_place_that_is_free_again_brings_nothing(self):
        # NET-22, DNS-16: the next one has the number of the last, and nothing of its rules.
        self.create("first", "--network", "full")
        self.curl("http://203.0.113.66/", name="first")
        text("remove", "first")
        self.web()
        self.assertEqual([name for name in os.listdir("/sys/class/net") if name.startswith("sbx-")], [])
        before = internet.sunk()
        self.fails("curl -sS -m 5 http://203.0.113.66/")
        self.assertEqual(internet.sunk(), before)
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")

    def test_a_rate_of_connections(self):
        # NET-28.
        knock = ("n=0\nfor i in range(60):\n"
                 " try: socket.create_connection(('api.example.org',80),3).close(); n+=1\n"
                 " except OSError: pass\n"
                 "print(n)\n")
        self.create("web", template='[network]\nmode = "restricted"\nallow = ["api.example.org"]\n'
                                    'rate = { connections = "5/second" }\n')
        self.web(name="free")
        self.assertLess(int(self.python(knock)), 40)
        self.assertEqual(int(self.python(knock, "free")), 60)

    def test_ways_around_the_relay(self):
        # PRX-06, PRX-07, PRX-09, PRX-12, PRX-15: nothing of it comes to an origin.
        self.web()
        host = b"Host: api.example.org\r\n"
        attempts = {
            "another protocol on 443": (443, b"SSH-2.0-x\r\n"),
            "HTTP on 443": (443, b"GET / HTTP/1.1\r\n" + host + b"\r\n"),
            "h2c prior knowledge": (80, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            "CONNECT": (80, b"CONNECT evil.example.net:443 HTTP/1.1\r\nHost: evil.example.net:443\r\n\r\n"),
            "CONNECT to an allowed host": (80, b"CONNECT api.example.org:22 HTTP/1.1\r\nHost: api.example.org:22\r\n\r\n"),
            "PROXY protocol": (80, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n" + host + b"\r\n"),
            "another host in absolute form": (80, b"GET http://evil.example.net/ HTTP/1.1\r\n" + host + b"\r\n"),
            "two hosts": (80, b"GET / HTTP/1.1\r\n" + host + b"Host: evil.example.net\r\n\r\n"),
            "no host": (80, b"GET / HTTP/1.1\r\n\r\n"),
            "length and chunks": (80, b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "two lengths": (80, b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
            "a signed length": (80, b"POST / HTTP/1.1\r\n" + host + b"Content-Length: +5\r\n\r\nabcde"),
            "another coding": (80, b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
            "a folded line": (80, b"GET / HTTP/1.1\r\n" + host + b"X: a\r\n b\r\n\r\n"),
            "space before the colon": (80, b"POST / HTTP/1.1\r\n" + host + b"Content-Length : 5\r\n\r\nabcde"),
            "bare line feeds": (80, b"GET / HTTP/1.1\nHost: api.example.org\n\n"),
        }
        before, sunk = answered(), internet.sunk()
        for what, (port, data) in attempts.items():
            with self.subTest(what):
                said = self.python(f"s=socket.create_connection(('api.example.org',{port}),5); s.sendall({data!r})\n"
                                   "d=b''\n"
                                   "try:\n"
                                   " while b:=s.recv(4096): d+=b\n"
                                   "except OSError: pass\n"
                                   "print(d[:12])\n")
                self.assertNotIn(" 200", said)
        self.assertEqual((answered(), internet.sunk()), (before, sunk))
        # The control: an origin that is spoken to directly answers some of it.
        control = subprocess.run(["nc", "-w", "2", "203.0.113.10", "80"], input=attempts["another host in absolute form"][1],
                                 capture_output=True, check=False).stdout
        self.assertIn(b" 200", control)

    def test_an_upgrade_to_another_protocol(self):
        # PRX-07: what would leave the judged protocol is not passed on.
        self.web()
        said = self.inside("curl -sS -m 5 --http2 -w '%{http_version}' http://api.example.org/ 2>&1; true", "web")
        self.assertNotIn("HTTP/2", said)

    def test_redirects_are_judged(self):
        # PRX-13.
        self.web()
        before = internet.sunk()
        for path in ("redirect", "metadata"):
            self.fails(f"curl -fsSL -m 5 http://api.example.org/{path}")
        self.assertEqual(internet.sunk(), before)
        self.assertIn("evil.example.net", internet.run("curl", "-fsSL", "http://api.example.org/redirect").stdout)

    def test_who_it_is_follows_from_where_it_is(self):
        # PRX-12, PRX-24: no header says it, and nobody else has a way to its gateway.
        self.web()
        self.curl("-H 'X-Forwarded-For: 192.0.2.1' -H 'Forwarded: for=other' -H 'X-Sandbox: other'", "http://api.example.org/")
        logged = text_of("journalctl", "-u", "sandboxctl-gateway-web.service", "-o", "json", "--output-fields=SANDBOX", "-n", "20")
        self.assertIn('"SANDBOX":"web"', logged)
        self.assertNotIn('"SANDBOX":"other"', logged)
        sockets = ["ss", "-Hltnup"]
        self.assertNotIn("sandbox-gateway", text_of(*sockets))
        self.assertIn("sandbox-gateway", text_of("ip", "netns", "exec", "sandbox-web", *sockets))

    def test_a_gateway_without_descriptors(self):
        # PRX-22: nothing gets through, nothing leaks, and it goes on by itself.
        self.web()
        self.curl("http://api.example.org/")
        unit = "sandboxctl-gateway-web.service"
        pid = text_of("systemctl", "show", "-p", "MainPID", "--value", unit).strip()
        subprocess.run(["prlimit", "--pid", pid, "--nofile=48:48"], check=True)
        before = internet.sunk()
        hold = ("kept=[]\n"
                "for n in range(100):\n"
                " s=socket.socket(); s.settimeout(1)\n"
                " try: s.connect(('api.example.org',80)); s.sendall(b'GET /')\n"
                " except OSError: pass\n"
                " kept.append(s)\n"
                "print('up',flush=True); sys.stdin.readline()\n")
        with subprocess.Popen(["sandboxctl", "exec", "-i", "web", "--", "python3", "-c", script(hold)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            self.inside("curl -fsS -m 1 http://api.example.org/ && exit 0; exit 7", "web", check=7)
            holder.stdin.close()
        begin = time.monotonic()
        self.assertTrue(eventually(
            lambda: sandboxctl("exec", "web", "--", "curl", "-fsS", "-m", "1", "http://api.example.org/").returncode == 0, 5))
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(internet.sunk(), before)
        self.assertEqual(text_of("systemctl", "show", "-p", "MainPID", "--value", unit).strip(), pid)

    def test_what_does_not_exist_here(self):
        # NET-24, NET-25, PRX-19: nothing publishes ports or lets anybody in, and TLS is not opened.
        self.skipTest("no published ports, no way in but a pty, and no TLS that is terminated: nothing to attack")
