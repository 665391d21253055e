"""Mode `restricted` against a small internet: real clients reach what is allowed, and the sinkhole counts what is not."""

import json
import os
import subprocess
import sys
import time

from support import SandboxTest, eventually, lines, sandboxctl, text

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
        # PRX-01.
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

    def test_more_clients(self):
        self.web("api.example.org", "git.example.org:22", "db.example.org:5432")
        subprocess.run(["sandboxctl", "cp", f"{internet.WORK}/ssh_key", "web:/tmp/key"], check=True)
        aio = ("import aiohttp,asyncio\nasync def f():\n async with aiohttp.ClientSession() as s:\n"
               "  async with s.get('https://{}/') as r: print(await r.text())\nasyncio.run(f())")
        sources = "mkdir -p /tmp/apt/lists/partial; echo 'deb [trusted=yes] http://{}/apt ./' > /tmp/apt/s.list; " \
                  "apt-get -qq -o Dir::State=/tmp/apt -o Dir::Cache=/tmp/apt -o Dir::Etc::SourceList=/tmp/apt/s.list " \
                  "-o Dir::Etc::SourceParts=- -o Acquire::Retries=0 -o APT::Update::Error-Mode=any "
        ssh = "GIT_SSH_COMMAND='ssh -i /tmp/key -o StrictHostKeyChecking=no -o ConnectTimeout=5' git clone -q root@"
        clients = [
            ("git clone -q https://{}/repo.git /tmp/a && git -C /tmp/a log --format=%s", "api.example.org", "first"),
            (f"{ssh}{{}}:{internet.WORK}/www/repo.git /tmp/b && git -C /tmp/b log --format=%s", "git.example.org", "first"),
            (f'python3 -c "{aio}"', "api.example.org", "api.example.org https"),
            ("echo | openssl s_client -connect {}:443 -servername api.example.org 2>&1 | grep -o 'Verify return code: 0.*'",
             "api.example.org", "(ok)"),
            ("psql -h {} -U postgres -Atc 'select 6*7'", "db.example.org", "42"),
            (sources + "update && cd /tmp && apt-get -qq -o Dir::State=/tmp/apt -o Dir::Cache=/tmp/apt -o "
             "Dir::Etc::SourceList=/tmp/apt/s.list -o Dir::Etc::SourceParts=- download hello-internet && ls /tmp/*.deb",
             "api.example.org", "hello-internet"),
        ]
        before = internet.sunk()
        for client, host, expected in clients:
            with self.subTest(client):
                self.assertIn(expected, self.inside(client.format(host), "web"))
                self.fails("rm -rf /tmp/a /tmp/b /tmp/apt; " + client.format("evil.example.net"))
        self.assertEqual(internet.sunk(), before)

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
        # DNS-06, DNS-07, PRX-25: what may not be reached is not connected to, though the name is allowed.
        self.web()
        for address in ("127.0.0.1", "169.254.169.254", "10.0.0.5", "198.51.100.2"):
            with self.subTest(address):
                internet.zone(entries={"api.example.org": {"A": [address], "ttl": 0}})
                self.assertIn('"reason":"address"', self.curl("http://api.example.org/"))
        internet.zone(entries={"api.example.org": {"A": ["10.0.0.5", "203.0.113.10"], "ttl": 0}})
        self.assertIn("api.example.org", self.curl("http://api.example.org/"))

    def test_name_servers_that_are_slow_wrong_or_gone(self):
        # DNS-08, DNS-14: a connection waits no longer than it must, and the next one works again.
        self.web()
        for entry, reason in (({"rcode": 2}, "cannot be reached"), ({"rcode": 3}, "cannot be reached"),
                              ({"A": [], "ttl": 0}, "cannot be reached"), ({"A": ["203.0.113.10"], "delay": 30, "ttl": 0}, "")):
            with self.subTest(entry):
                internet.zone(entries={"allowed.cdn.example.org": {"ttl": 0, **entry}})
                begin = time.monotonic()
                said = self.inside("curl -sS -m 20 http://allowed.cdn.example.org/ 2>&1; true", "web")
                self.assertIn(reason, said)
                self.assertNotIn("allowed.cdn.example.org http", said)
                self.assertLess(time.monotonic() - begin, 16)
        # Lifetimes from none to more than there are, and a chain without an end.
        for entry in ({"A": ["203.0.113.20"], "ttl": 2**31 - 1}, {"A": ["203.0.113.20"], "ttl": 2**32 - 1},
                      {"CNAME": "other.cdn.example.org", "ttl": 0}):
            with self.subTest(entry):
                self.fresh_gateway(entries={"allowed.cdn.example.org": entry})
                self.curl("http://allowed.cdn.example.org/")
        self.fresh_gateway(entries={"allowed.cdn.example.org": {"CNAME": "allowed.cdn.example.org", "ttl": 0}})
        self.inside("curl -sS -m 20 http://allowed.cdn.example.org/ 2>&1 | grep 'cannot be reached'", "web")
        # The host goes offline and comes back, without a restart of anything.
        self.fresh_gateway()
        subprocess.run(["ip", "link", "set", "wan0", "down"], check=True)
        try:
            self.inside("curl -sS -m 20 http://api.example.org/ 2>&1 | grep 'cannot be reached'", "web")
        finally:
            subprocess.run(["ip", "link", "set", "wan0", "up"], check=True)
            internet.routes()
        self.assertTrue(eventually(
            lambda: sandboxctl("exec", "web", "--", "curl", "-fsS", "-m", "5", "http://api.example.org/").returncode == 0, 20))

    def fresh_gateway(self, **zone):
        internet.zone(**zone)
        subprocess.run(["systemctl", "kill", "-s", "KILL", "sandboxctl-gateway-web.service"], check=True)

    def test_nothing_leaves_before_the_rules_are_there(self):
        # NET-21: the first thing that runs inside tries at once; ten times, in both modes that have rules.
        knock = ("import socket\nfor a in ('203.0.113.66','10.0.0.77','169.254.169.254'):\n"
                 " for k in (socket.SOCK_STREAM,socket.SOCK_DGRAM):\n"
                 "  s=socket.socket(socket.AF_INET,k); s.setblocking(False)\n"
                 "  try: s.connect((a,4444)); s.send(b'x')\n"
                 "  except OSError: pass\n")
        for mode, options in (("restricted", ["--allow", "api.example.org"]), ("full", [])):
            before = internet.seen()
            for _ in range(5):
                text("run", "--workspace", self.workspace, "--network", mode, *options, "--", "python3", "-c", knock)
            self.assertEqual(internet.seen() - before, set())
        # The control: what mode `full` lets through is counted.
        text("run", "--workspace", self.workspace, "--network", "full", "--", "python3", "-c",
             knock.replace("169.254.169.254", "9.9.9.77"))
        self.assertEqual(internet.seen() - before, {"9.9.9.77"})

    def test_an_allowed_host_that_moves(self):
        self.web()
        internet.zone(entries={"api.example.org": {"A": ["203.0.113.10"], "ttl": 0}})
        self.curl("http://api.example.org/")
        internet.zone(entries={"api.example.org": {"CNAME": "x.example.org", "ttl": 0},
                               "x.example.org": {"A": ["203.0.113.60"], "ttl": 0}})
        self.assertIn("api.example.org", self.curl("http://api.example.org/"))

    def test_resolvers_of_the_host_that_change(self):
        # One on the host itself, as many hosts have; then another, without a restart of anything.
        def resolver(address):
            with open("/etc/resolv.conf", "w", encoding="utf-8") as file:
                file.write(f"nameserver {address}\n")

        entries = {f"{name}.wild.example.org": {"A": ["203.0.113.60"], "ttl": 0} for name in ("one", "two", "three")}
        internet.zone(entries=entries)
        self.web()
        with open("/run/unbound.conf", "w", encoding="utf-8") as file:
            file.write("server:\n interface: 127.0.0.53\n do-daemonize: no\n username: ''\n chroot: ''\n pidfile: ''\n"
                       " use-syslog: no\n module-config: iterator\n do-not-query-localhost: no\n"
                       "remote-control:\n control-enable: no\n"
                       f"forward-zone:\n name: .\n forward-addr: {internet.NAME_SERVER[0]}\n")
        with subprocess.Popen(["unbound", "-d", "-c", "/run/unbound.conf"]) as unbound:
            try:
                self.assertTrue(eventually(lambda: subprocess.run(
                    ["dig", "+time=1", "+tries=1", "@127.0.0.53", "one.wild.example.org"], stdout=subprocess.DEVNULL).returncode == 0, 10))
                resolver("127.0.0.53")
                self.assertIn("one.wild", self.curl("http://one.wild.example.org/"))
            finally:
                unbound.terminate()
                unbound.wait()
                try:
                    self.inside("curl -sS -m 20 http://two.wild.example.org/ 2>&1 | grep 'cannot be reached'", "web")
                finally:
                    resolver(internet.NAME_SERVER[0])
        self.assertIn("three.wild", self.curl("http://three.wild.example.org/"))

    def test_slow_readers_and_writers(self):
        # PRX-21: four hundred that take nothing or say next to nothing: what waits for them is bounded, and nobody else waits.
        self.web()
        self.web(name="other")
        slow = ("import socket,sys\nkept=[]\n"
                "for n in range(400):\n"
                " s=socket.socket(); s.settimeout(20); s.setsockopt(socket.SOL_SOCKET,socket.SO_RCVBUF,4096)\n"
                " s.connect(('api.example.org',80))\n"
                " s.sendall(b'GET /big HTTP/1.1\\r\\nHost: api.example.org\\r\\nConnection: close\\r\\n\\r\\n' if n%2 else b'G')\n"
                " kept.append(s)\n"
                "print('up',flush=True); sys.stdin.readline()\n"
                "count=0\n"
                "while data:=kept[1].recv(65536): count+=len(data)\n"
                "print(count)\n")
        with subprocess.Popen(["sandboxctl", "exec", "-i", "web", "--", "python3", "-c", slow], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as readers:
            self.assertEqual(readers.stdout.readline(), b"up\n")
            self.assertIn("api.example.org", self.curl("http://api.example.org/"))
            self.assertIn("api.example.org", self.curl("http://api.example.org/", name="other"))
            pid = text_of("systemctl", "show", "-p", "MainPID", "--value", "sandboxctl-gateway-web.service").strip()
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                resident = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            self.assertLess(resident, 200 * 1024, "two hundred times sixteen MiB wait at the origin, not here")
            readers.stdin.write(b"\n")
            readers.stdin.flush()
            self.assertGreater(int(readers.stdout.readline()), 16 << 20)

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

    def test_a_policy_of_one_that_stopped_is_for_its_next_start(self):
        self.web("api.example.org")
        text("stop", "web")
        self.assertIn("kept for the next start", text("network", "allow", "web", "evil.example.net"))
        text("start", "web")
        self.assertIn("evil.example.net", self.curl("http://evil.example.net/"))

    def test_bodies_that_look_like_answers_hide_nothing(self):
        # The origin's file is made of answers to upgrades; one to a request behind it would be found in its middle.
        self.web("allowed.cdn.example.org")
        path = f"{internet.WORK}/www/big101"
        with open(path, "w", encoding="ascii") as file:
            file.write("HTTP/1.1 101 ok\r\n\r\n" * 200000)
        asks = ("import socket,sys\n"
                "s=socket.create_connection(('allowed.cdn.example.org',80),5); h='Host: allowed.cdn.example.org\\r\\n'\n"
                "u='Connection: upgrade\\r\\nUpgrade: foo\\r\\n' if sys.argv[1]=='upgrade' else ''\n"
                "s.sendall(('GET /big101 HTTP/1.1\\r\\n'+h+'\\r\\nGET / HTTP/1.1\\r\\n'+h+u+'Connection: close\\r\\n\\r\\n')"
                ".encode())\n"
                "n=0\n"
                "try:\n"
                "  while d:=s.recv(65536): n+=len(d)\n"
                "except OSError: pass\n"
                "print(n)\n")
        self.assertLess(int(self.inside("cat > /tmp/u.py; python3 /tmp/u.py upgrade", "web", stdin=asks.encode())), 3_800_000)
        # The control: two requests without an upgrade are answered as a whole.
        self.assertGreater(int(self.inside("python3 /tmp/u.py plain", "web")), 3_800_000)

    def test_an_answer_before_the_end_of_its_question_ends_an_upgrade(self):
        self.web("api.example.org")
        asks = ("import socket,sys\n"
                "s=socket.create_connection(('api.example.org',80),5); h='Host: api.example.org\\r\\n'\n"
                "u='Connection: upgrade\\r\\nUpgrade: foo\\r\\n' if sys.argv[1]=='upgrade' else ''\n"
                "s.sendall(('POST / HTTP/1.1\\r\\n'+h+u+'Content-Length: 9\\r\\n\\r\\nhalf').encode())\n"
                "assert b' 200 ' in s.recv(65536)\n"
                "try:\n"
                "  s.sendall(('-more'+'GET / HTTP/1.1\\r\\n'+h+'Connection: close\\r\\n\\r\\n').encode())\n"
                "  print(b' 200 ' in s.recv(65536))\n"
                "except OSError: print('reset')\n")
        self.assertEqual(self.inside("cat > /tmp/u.py; python3 /tmp/u.py upgrade", "web", stdin=asks.encode()).strip(), "reset")
        self.assertIn("TLS or HTTP", text("network", "denied", "web"))
        # The control: the same without an upgrade goes on.
        self.assertEqual(self.inside("python3 /tmp/u.py plain", "web").strip(), "True")

    def test_a_head_that_was_begun_has_to_end(self):
        self.web("api.example.org")
        ask = "GET / HTTP/1.1\\r\\nHost: api.example.org\\r\\n"
        waits = ("import select,socket,time\n"
                 "def connect():\n"
                 "  s=socket.create_connection(('api.example.org',80),5); s.sendall(b'" + ask + "\\r\\n'); s.recv(65536); return s\n"
                 "begun,idle=connect(),connect(); begun.sendall(b'" + ask + "'); start=time.monotonic()\n"
                 "assert select.select([begun],[],[],30)[0]\n"
                 "try: print(begun.recv(1))\n"
                 "except OSError: print('reset')\n"
                 "print(10 < time.monotonic()-start < 25)\n"
                 # The control: one that is as old and begun nothing goes on.
                 "idle.sendall(b'" + ask + "\\r\\n'); print(b' 200 ' in idle.recv(65536))\n")
        self.assertEqual(self.inside("cat > /tmp/w.py; python3 /tmp/w.py", "web", stdin=waits.encode()).split(),
                         ["reset", "True", "True"])

    def test_answers_that_nobody_reads_are_not_kept(self):
        self.web("api.example.org")
        asks = ("import socket,struct,sys\n"
                "q=b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0'+b'\\3api\\7example\\3org\\0'+b'\\0\\1\\0\\1'\n"
                "q=struct.pack('>H',len(q))+q; s=socket.create_connection(('8.8.8.8',53),5); got=0\n"
                "reads=sys.argv[1]=='reads'; buffer=bytearray(65536)\n"
                "try:\n"
                "  for n in range(600):\n"
                "    s.sendall(q*500)\n"
                "    want=500*(len(q)+16)\n"
                "    while reads and want>0: k=s.recv_into(buffer); assert k; want-=k\n"
                "  print('kept')\n"
                "except TimeoutError: print('stuck')\n"
                "except OSError: print('ended')\n")
        self.assertEqual(self.inside("cat > /tmp/d.py; python3 /tmp/d.py unread", "web", stdin=asks.encode()).strip(), "ended")
        # The control: who reads is answered as often.
        self.assertEqual(self.inside("python3 /tmp/d.py reads", "web").strip(), "kept")

    def test_the_last_word_of_a_client_does_not_end_its_answer(self):
        self.create("web", "--network", "restricted", "--allow", "echo.example.org:7")
        echo = ("import socket\ns=socket.create_connection(('echo.example.org',7),5)\n"
                "import threading; n=3000000\n"
                "def say():\n  s.sendall(b'x'*n); s.shutdown(1)\n"
                "threading.Thread(target=say).start(); got=0\n"
                "while d:=s.recv(65536): got+=len(d)\n"
                "print(got)\n")
        self.assertEqual(self.inside("cat > /tmp/e.py; for n in 1 2 3 4 5; do python3 /tmp/e.py; done", "web",
                                     stdin=echo.encode()).split(), ["3000000"] * 5)

    def test_views_without_rules_say_what_to_do(self):
        self.web("api.example.org")
        subprocess.run(["ip", "netns", "exec", "sandbox-web", "nft", "flush", "ruleset"], check=True)
        for verb in ("show", "denied"):
            said = sandboxctl("network", verb, "web")
            self.assertEqual((said.returncode, b"sandboxctl restart web" in said.stderr), (69, True), said)
        text("restart", "web")
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")

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
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        self.curl("http://evil.example.net/")
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        subprocess.run(["systemctl", "kill", "-s", "KILL", "sandboxctl-gateway-web.service"], check=True)
        self.curl("http://evil.example.net/")
        while time.monotonic() < end + 0.1:
            time.sleep(0.05)
        self.fails("curl -sS -m 5 http://evil.example.net/")
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        # The control: one that somebody else made longer is told.
        text("network", "allow", "web", "evil.example.net", "--for", "1m")
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        place = self.inside("dig +short evil.example.net", "web").strip()
        nft = ["ip", "netns", "exec", "sandbox-web", "nft"]
        for operation, end in (("delete", ""), ("add", " timeout 1h")):
            subprocess.run(nft + [operation, "element", "inet", "sandbox", "allowed4", f"{{ {place} . 80{end} }}"], check=True)
        self.assertEqual(sandboxctl("network", "verify", "web").returncode, 1)

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
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")

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

    def test_explanations_are_true(self):
        self.create("web", template=Direct.TEMPLATE)
        for host, port in (("api.example.org", "443"), ("api.example.org", "25"), ("evil.example.net", "443"),
                           ("203.0.113.60", "80"), ("203.0.113.60", "443"), ("echo.example.org", "7"),
                           ("203.0.113.66", "80"), ("2001:db8:1::66", "80")):
            with self.subTest((host, port)):
                said = sandboxctl("network", "explain", "web", host, port, "--json")
                done = sandboxctl("exec", "web", "--", "nc", "-w", "3", "-z", host, port).returncode
                self.assertEqual((said.returncode, json.loads(said.stdout)["allowed"]), (1 if done else 0, not done))
        self.assertIn("no rule allows this host", text_or_nothing("network", "explain", "web", "evil.example.net"))
        self.assertIn('"direct host"', text("network", "explain", "web", "echo.example.org", "7/udp"))
        # From the rules in force, not from the policy.
        subprocess.run(["ip", "netns", "exec", "sandbox-web", "nft", "insert", "rule", "inet", "sandbox", "output",
                        "tcp", "dport", "198", "reject"], check=True)
        self.assertEqual(sandboxctl("network", "explain", "web", "api.example.org").returncode, 1)

    def test_refusals_are_told_as_they_come(self):
        self.web()
        with subprocess.Popen(["sandboxctl", "network", "denied", "web", "-f"], stdout=subprocess.PIPE, text=True) as follow:
            for script in ("curl -sS -m 3 http://evil.example.net/", "curl -sS -m 3 http://203.0.113.66:8080/"):
                self.fails(script)
            told = follow.stdout.readline() + follow.stdout.readline()
            follow.terminate()
        self.assertIn("evil.example.net", told)
        self.assertIn("sandboxctl network allow web '203.0.113.66:8080'", told)

    def test_a_budget_that_is_spent(self):
        self.create("web", template="[network]\nmode = \"restricted\"\nallow = [\"api.example.org\"]\n"
                                    "budget = { egress = \"100K\" }\n")
        self.curl("http://api.example.org/")
        # A server may answer before all is said to it, at which curl would stop.
        says = ("import socket\ns=socket.create_connection(('api.example.org',80),5)\n"
                "s.sendall(b'POST /upload HTTP/1.1\\r\\nHost: api.example.org\\r\\nContent-Length: 300000\\r\\n\\r\\n')\n"
                "try: s.sendall(bytes(300000)); s.recv(1)\n"
                "except OSError: pass\n")
        self.inside("cat > /tmp/p.py; python3 /tmp/p.py", "web", stdin=says.encode())
        self.fails("curl -sS -m 5 http://api.example.org/")
        self.assertIn("is spent", text("network", "denied", "web"))
        self.assertIn("is spent", text("status", "web"))
        self.assertEqual(sandboxctl("network", "explain", "web", "api.example.org", "80").returncode, 1)
        # And it stays spent when the rules are made anew.
        text("network", "set", "web", "full")
        self.fails("curl -sS -m 5 http://api.example.org/")
        self.assertIn("is spent", text("network", "denied", "web"))
        text("restart", "web")
        self.curl("http://api.example.org/")

    def test_decisions_are_in_the_journal(self):
        self.web()
        self.curl("http://a.deep.wild.example.org/")
        self.fails("curl -sS -m 5 http://evil.example.net/")

        def records():
            found = text_of("journalctl", "-o", "json", "-u", "sandboxctl-gateway-web.service", "SANDBOX=web")
            return [json.loads(line) for line in found.splitlines()]

        def told(**fields):
            return any(all(record.get(key) == value for key, value in fields.items()) for record in records())

        self.assertTrue(eventually(lambda: told(VERDICT="allowed", HOST="a.deep.wild.example.org", PORT="80", RULE="*.wild.example.org")))
        self.assertTrue(eventually(lambda: told(VERDICT="refused", HOST="evil.example.net", REASON="not-allowed")))
        self.inside("curl -sS -m 5 http://nobody.wild.example.org/", "web")
        self.assertTrue(eventually(lambda: told(VERDICT="allowed", HOST="nobody.wild.example.org", ERROR="the host cannot be reached")))
        relayed = next(record for record in records() if "BYTES_SENT" in record)
        self.assertGreater(int(relayed["BYTES_SENT"]), 50)
        self.assertGreater(int(relayed["BYTES_RECEIVED"]), 50)

    def test_a_budget_goes_on_when_rules_are_made_anew(self):
        self.create("web", template="[network]\nmode = \"restricted\"\nallow = [\"api.example.org\"]\n"
                                    "budget = { egress = \"1M\" }\nrate = { connections = \"5/minute\" }\n")
        self.inside("head -c 100000 /dev/zero | curl -sS -m 5 --data-binary @- http://api.example.org/upload; true", "web")
        self.fails("curl -sS -m 3 http://203.0.113.66:8080/")
        for _ in range(8):
            self.inside("curl -sS -m 3 http://api.example.org/; true", "web")

        # As many as the kernel remembers, and more.
        many = "import socket\nfor n in range(1200):\n s=socket.socket(); s.connect_ex((f'203.0.113.{n%250+1}',9000+n//250))\n"
        self.inside("python3 -", "web", stdin=many.encode())
        self.fails("curl -sS -m 3 http://203.0.113.66:8080/")

        def seen():
            view = json.loads(text("network", "denied", "web", "--json"))
            self.assertGreater(len(view["denials"]), 1000)
            return view["budget"]["spent"], [entry["target"] for entry in view["denials"] if entry.get("port") == 8080]

        self.assertIn("for its rate", text("network", "denied", "web"))
        spent, refused = seen()
        self.assertGreater(spent, 100000)
        self.assertEqual(refused, ["203.0.113.66"])
        for change in (["allow", "web", "--direct", "echo.example.org:7/udp,7"], ["set", "web", "full"], ["set", "web", "restricted"],
                       ["deny", "web", "echo.example.org"]):
            text("network", *change)
            with self.subTest(change):
                self.assertGreaterEqual(seen()[0], spent)
                self.assertEqual(seen()[1], refused)
                self.assertEqual(text("network", "verify", "web"), "web: ok\n")

    def test_a_wrong_port_is_told_by_the_hosts_name(self):
        self.web("api.example.org")
        self.fails("nc -w 2 -z api.example.org 8443")
        denials = json.loads(text("network", "denied", "web", "--json"))["denials"]
        told = [(entry["target"], entry["port"], entry.get("allow")) for entry in denials]
        self.assertEqual(
            [entry for entry in told if entry[1] == 8443],
            [("api.example.org", 8443, "sandboxctl network allow web 'api.example.org:8443'")])

    def test_what_is_denied_with_a_wildcard_cannot_be_allowed_alone(self):
        self.web("*.example.org")
        text("network", "deny", "web", "*.wild.example.org")
        result = sandboxctl("network", "allow", "web", "a.wild.example.org")
        self.assertEqual(result.returncode, 78)
        self.assertIn(b"is denied with '*.wild.example.org'", result.stderr)
        self.fails("getent hosts a.wild.example.org")
        self.assertIn("allow web '*.wild.example.org'", text("network", "denied", "web"))
        text("network", "allow", "web", "*.wild.example.org")
        self.assertIn("a.deep.wild.example.org http", self.curl("http://a.deep.wild.example.org/"))

    def test_a_gateway_that_does_not_listen_keeps_nothing_open(self):
        # Denials take effect whatever the gateway is doing; the control is the stream itself, which goes on until then.
        self.web()
        with subprocess.Popen(["sandboxctl", "exec", "web", "--", "python3", "-c", self.STREAM], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as stream:
            stream.stdout.readline()
            subprocess.run(["systemctl", "kill", "-s", "STOP", "sandboxctl-gateway-web.service"], check=True)
            self.assertIsNone(stream.poll())
            said = sandboxctl("network", "deny", "web", "api.example.org")
            self.assertEqual(said.returncode, 0, said)
            self.assertIn(b"the gateway did not answer", said.stderr)
            stream.wait(timeout=5)
        self.fails("curl -sS -m 5 http://api.example.org/")
        text("network", "allow", "web", "api.example.org")
        self.curl("http://api.example.org/")

    def test_questions_take_no_descriptors_from_what_tells_of_a_policy(self):
        self.web()
        self.curl("http://api.example.org/")
        pid = text_of("systemctl", "show", "-p", "MainPID", "--value", "sandboxctl-gateway-web.service").strip()
        subprocess.run(["prlimit", "--pid", pid, "--nofile=200:200"], check=True)
        hold = ("import socket,sys\nkept=[]\n"
                "for n in range(400):\n"
                " s=socket.socket(); s.settimeout(2); kept.append(s)\n"
                " try: s.connect(('8.8.8.8',53)); s.sendall(b'\\0')\n"
                " except OSError: pass\n"
                "print('up',flush=True); sys.stdin.readline()\n")
        with subprocess.Popen(["sandboxctl", "exec", "-i", "web", "--", "python3", "-c", hold], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as holder:
            self.assertEqual(holder.stdout.readline(), b"up\n")
            self.assertGreater(len(os.listdir(f"/proc/{pid}/fd")), 100)
            begin = time.monotonic()
            self.assertIn("web: restricted", text("network", "show", "web"))
            self.assertIn("in effect", text("network", "deny", "web", "git.example.org"))
            self.assertLess(time.monotonic() - begin, 2)
            self.curl("http://api.example.org/")
            holder.stdin.close()

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
        blast = ("import socket,time,sys\nshots=0\nprint('up',flush=True)\n"
                 "import signal; signal.signal(signal.SIGTERM,lambda *_: sys.exit(print(shots)))\n"
                 "while True:\n"
                 " for a in ('203.0.113.66','8.8.8.8','192.0.2.9'):\n"
                 "  s=socket.socket(); s.setblocking(False); s.connect_ex((a,443)); s.close(); shots+=1\n"
                 " time.sleep(.001)\n")
        before = internet.sunk()

        def under_fire(action):
            with subprocess.Popen(["sandboxctl", "exec", "web", "--", "python3", "-c", blast], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE) as shooter:
                shooter.stdout.readline()
                action()
                shooter.terminate()
                return int(shooter.stdout.readline())

        def change():
            for _ in range(1000):
                text("network", "deny", "web", "api.example.org")
                text("network", "allow", "web", "api.example.org")

        shots = under_fire(change)
        self.assertGreater(shots, 3000)
        self.assertEqual(internet.sunk(), before)
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        # The control: the same where everything is open.
        text("network", "set", "web", "full")
        under_fire(lambda: self.assertTrue(eventually(lambda: internet.sunk() > before, 5)))

    def test_some_ports_of_a_host_are_denied(self):
        self.web("api.example.org")
        text("network", "deny", "web", "api.example.org:80")
        self.curl("https://api.example.org/")
        self.fails("curl -fsS -m 5 http://api.example.org/")
        self.assertEqual(sandboxctl("network", "deny", "web", "api.example.org:25").returncode, 66)
        # What would deny nothing is no success.
        text("network", "allow", "web", "*.wild.example.org", "a.wild.example.org", "192.0.2.0/24", "192.0.2.7")
        for word in ("a.wild.example.org:80", "192.0.2.7"):
            said = sandboxctl("network", "deny", "web", word)
            self.assertEqual((said.returncode, b"would still be allowed" in said.stderr), (78, True), said)
        text("network", "deny", "web", "a.wild.example.org")
        self.fails("getent hosts a.wild.example.org")

    def test_a_grant_does_not_end_what_has_no_end(self):
        self.web("api.example.org")
        self.assertIn("nothing to change", text("network", "allow", "web", "api.example.org", "--for", "1s"))
        self.assertNotIn('"expires', text("network", "show", "web", "--json"))
        # The control: what has an end is shown with it.
        text("network", "allow", "web", "evil.example.net", "--for", "1m")
        self.assertIn('"expires', text("network", "show", "web", "--json"))

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


class Open(NetworkTest):
    """Mode `full`: everything but the neighbourhood."""

    REFUSED = ["169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "198.18.200.1", "224.0.0.251",
               "100.100.100.200", "168.63.129.16", "127.0.0.53", "0.0.0.0", "240.0.0.1",
               "fd00::1", "fe80::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::cb00:7142", "2002:cb00:7142::1",
               "fd00:ec2::254"]
    KNOCK = ("import socket,sys\n"
             "reached=[]\n"
             "for a in sys.argv[2:]:\n"
             "  f=socket.AF_INET6 if ':' in a else socket.AF_INET\n"
             "  for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
             "    s=socket.socket(f,kind); s.settimeout(.3)\n"
             "    try:\n"
             "      s.connect((a,int(sys.argv[1])))\n"
             "      if kind==socket.SOCK_DGRAM: s.send(b'x'); s.send(b'x'); s.recv(1)\n"
             "      reached.append(a)\n"
             "    except OSError: pass\n"
             "print(' '.join(sorted(set(reached))))\n")

    def full(self, name="web", **options):
        return self.create(name, "--network", "full", **options)

    def knock(self, port, *addresses, name="web"):
        return self.inside(f"cat > /tmp/k.py; python3 /tmp/k.py {port} {' '.join(addresses)}", name,
                           stdin=self.KNOCK.encode()).split()

    def test_the_world_is_reached_by_name_and_address(self):
        self.full()
        for option in ("-4", "-6"):
            self.assertIn("evil.example.net", self.curl(option, "https://evil.example.net/"))
        self.assertIn("203.0.113.66", self.curl("http://203.0.113.66/"))
        self.assertEqual(self.knock(7, "203.0.113.50", "2001:db8:1::50"), ["2001:db8:1::50", "203.0.113.50"])
        self.assertIn("203.0.113.10", self.inside("dig +short api.example.org", "web"))
        # Nothing but addresses is looked up, and what leads into the neighbourhood leads nowhere.
        internet.zone(entries={"wild.example.org": {"A": ["10.0.0.5"], "ttl": 0}})
        self.assertEqual(self.inside("dig +short wild.example.org", "web").strip(), "")
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        text("network", "deny", "web", "api.example.org")
        self.fails("getent hosts api.example.org")

    def test_a_rule_only_adds(self):
        self.full(template="[network]\nmode = \"full\"\nprivate = true\nallow = [\"api.example.org:8443\", \"wild.example.org\"]\n")
        internet.zone(entries={"wild.example.org": {"A": ["10.0.0.5"], "ttl": 0}, "other.example.org": {"A": ["10.0.0.6"], "ttl": 0}})
        self.assertIn("203.0.113.10", self.inside("dig +short api.example.org", "web"))
        for scheme in ("http", "https"):
            self.assertIn("api.example.org", self.curl(f"{scheme}://api.example.org/"))
        # A name that leads to private addresses alone is relayed to, if a rule is about it.
        before = internet.seen()
        self.inside("curl -sS -m 3 http://wild.example.org/ http://other.example.org/ http://10.0.0.7/; true", "web")
        self.assertEqual(internet.seen() - before, {"10.0.0.5"})
        self.assertEqual(sandboxctl("network", "explain", "web", "wild.example.org", "80").returncode, 0)
        self.assertEqual(sandboxctl("network", "explain", "web", "other.example.org", "80").returncode, 1)
        denied = {entry["target"]: entry for entry in json.loads(text("network", "denied", "web", "--json"))["denials"]}
        self.assertIn("does not reach", denied["other.example.org"]["reason"])
        self.assertNotIn("allow", denied["other.example.org"])

    def test_questions_to_any_server_are_answered_here(self):
        self.full()
        before = internet.seen()
        for server in ("8.8.8.8", "2001:4860::8888", "198.51.100.1"):
            for option in ("+notcp", "+tcp"):
                with self.subTest((server, option)):
                    answer = self.inside(f"dig +time=2 +tries=1 +short {option} @{server} api.example.org", "web")
                    self.assertIn("203.0.113.10", answer)
        self.assertEqual(sandboxctl("network", "explain", "web", "8.8.8.8", "53/udp").returncode, 0)
        bound = ("import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
                 "s.setsockopt(socket.SOL_SOCKET,socket.SO_BINDTODEVICE,b'uplink'); s.settimeout(.5)\n"
                 "try: s.sendto(bytes(12),('8.8.8.8',53)); s.recv(1)\nexcept OSError: pass\n")
        self.inside("cat > /tmp/b.py; python3 /tmp/b.py", "web", stdin=bound.encode())
        self.assertEqual(internet.seen() - before, set())

    def test_ports_of_the_host_that_a_rule_names(self):
        own = [line.split()[3].split("/")[0] for line in text_of("ip", "-o", "addr", "show", "wan0", "scope", "global").splitlines()]
        self.assertEqual(len(own), 2)
        ruled = [f"[{address}]" if ":" in address else address for address in own]
        self.full("other")
        self.create("web", "--network", "restricted", *(word for address in ruled for word in ("--allow", f"{address}:8765")))
        server = "import socket\nkept=[]\nfor f,a in((socket.AF_INET,'0.0.0.0'),(socket.AF_INET6,'::')):\n for p in(8765,8766):\n" \
                 "  s=socket.socket(f); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n" \
                 "  if f==socket.AF_INET6: s.setsockopt(41,26,1)\n  s.bind((a,p)); s.listen(); kept.append(s)\n" \
                 "print('up',flush=True); import sys; sys.stdin.readline()"
        with subprocess.Popen(["python3", "-c", server], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
            host.stdout.readline()
            both = sorted(own)

            def reached(name):
                return [self.knock(port, *own, name=name) for port in (8765, 8766)]

            self.assertEqual((reached("web"), reached("other")), ([both, []], [[], []]))
            self.assertEqual(text("network", "verify", "--all"), "other: ok\nweb: ok\n")
            # The table is thrown away, and comes back with the opening.
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            self.assertTrue(eventually(lambda: text_or_nothing("network", "verify", "web") == "web: ok\n", 1))
            self.assertEqual(reached("web"), [both, []])
            text("network", "allow", "other", *(f"{address}:8766" for address in ruled))
            self.assertEqual((reached("web"), reached("other")), ([both, []], [[], both]))
            text("network", "deny", "web", *ruled)
            self.assertEqual((reached("web"), reached("other")), ([[], []], [[], both]))
            host.stdin.close()
        refused = sandboxctl("network", "allow", "web", "10.213.32.0/24:80")
        self.assertEqual(refused.returncode, 78)

    def test_links_keep_their_addresses_when_the_pool_is_another(self):
        self.full()
        file = "/etc/sandboxctl/sandboxctl.toml"
        with open(file, encoding="utf-8") as old:
            before = old.read()

        def address(name):
            return text_of("ip", "netns", "exec", f"sandbox-{name}", "ip", "-4", "-o", "addr", "show", "uplink").split()[3]

        try:
            with open(file, "a", encoding="utf-8") as new:
                new.write('[network]\npool4 = "10.99.0.0/19"\n')
            self.full("other")
            self.assertEqual(text("network", "verify", "--all"), "other: ok\nweb: ok\n")
            for name in ("web", "other"):
                self.assertTrue(address(name).startswith("10.213."))
                self.assertIn("evil.example.net", self.curl("http://evil.example.net/", name=name))
            text("stop", "--all")
            text("start", "web")
            self.assertTrue(address("web").startswith("10.99."))
            self.assertIn("evil.example.net", self.curl("http://evil.example.net/"))
            # Those that do not run are no difference.
            self.assertEqual(text("network", "verify", "--all"), "web: ok\n")
        finally:
            with open(file, "w", encoding="utf-8") as old:
                old.write(before)

    def test_the_neighbourhood_is_not_reached(self):
        # NET-02, NET-03, NET-06 … NET-09 in mode `full`.
        self.full()
        before = internet.seen()
        self.assertEqual(self.knock(80, *self.REFUSED), [])
        self.assertEqual(internet.seen() - before, set())
        # The control: what leaves does reach the sinkhole, and the host itself gets further.
        self.knock(80, "8.8.8.8", "2001:4860::8888")
        self.assertEqual(internet.seen() - before, {"8.8.8.8", "2001:4860::8888"})
        subprocess.run(["python3", "-c", self.KNOCK, "80", "10.0.0.1", "100.64.0.1", "fd00::1"], check=True, capture_output=True)
        self.assertLess({"10.0.0.1", "100.64.0.1", "fd00::1"}, internet.seen())

    def test_host_and_other_sandboxes_are_not_reached(self):
        # NET-07, NET-09, NET-10, NET-13, and with the host's rules gone for a moment.
        self.full()
        self.full("other")
        servers = "import socket,time\nfor f,a in((socket.AF_INET,'0.0.0.0'),(socket.AF_INET6,'::')):\n" \
                  " s=socket.socket(f); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n" \
                  " if f==socket.AF_INET6: s.setsockopt(41,26,1)\n s.bind((a,8765)); s.listen(); globals()[a]=s\n" \
                  "print('up',flush=True); time.sleep(60)"
        own = [line.split()[3].split("/")[0] for line in text_of("ip", "-o", "addr").splitlines()]
        own = [address for address in own if not address.startswith(("127.", "fe80")) and address != "::1"]
        inner = [line.split()[3].split("/")[0] for line in
                 text_of("ip", "netns", "exec", "sandbox-other", "ip", "-o", "addr", "show", "uplink").splitlines()]
        self.assertEqual((len(own), len(inner)), (6, 2))
        with subprocess.Popen(["python3", "-c", servers], stdout=subprocess.PIPE) as host, \
                subprocess.Popen(["sandboxctl", "exec", "other", "--", "python3", "-c", servers], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE) as other:
            try:
                host.stdout.readline()
                other.stdout.readline()
                self.assertEqual(self.knock(8765, *own, *inner), [])
                control = subprocess.run(["python3", "-c", self.KNOCK, "8765", *own], capture_output=True, text=True, check=True)
                self.assertEqual(set(control.stdout.split()), set(own))
                subprocess.run(["systemctl", "stop", "sandboxctl-guard.service"], check=True)
                subprocess.run(["nft", "flush", "ruleset"], check=True)
                self.assertEqual(self.knock(8765, *own, *inner), [])
                verdict = sandboxctl("network", "verify", "web")
                self.assertEqual(verdict.returncode, 1)
                self.assertIn(b"guard: is not running", verdict.stdout)
                # The control: without the rules of the sandboxes either, all of it is reached.
                for name in ("web", "other"):
                    subprocess.run(["ip", "netns", "exec", f"sandbox-{name}", "nft", "flush", "ruleset"], check=True)
                self.assertEqual(set(self.knock(8765, *own, *inner)), {*own, *inner})
            finally:
                host.kill()
                other.kill()

    def test_rules_that_are_thrown_away_come_back(self):
        self.full()
        for damage in (["nft", "flush", "ruleset"], ["nft", "delete", "table", "inet", "sandboxctl"],
                       ["nft", "insert", "rule", "inet", "sandboxctl", "input", "accept"],
                       ["nft", "flush", "chain", "inet", "sandboxctl", "postrouting"],
                       ["systemctl", "restart", "nftables"], ["sysctl", "-q", "net.ipv4.ip_forward=0"]):
            with self.subTest(damage):
                subprocess.run(damage, check=True)
                self.assertTrue(eventually(lambda: text_or_nothing("network", "verify", "web") == "web: ok\n", 1))
                self.assertIn("evil.example.net", self.curl("http://evil.example.net/"))

    def test_addresses_that_the_host_gets_are_refused_too(self):
        self.full()
        subprocess.run(["ip", "address", "add", "198.51.100.77/32", "dev", "wan0"], check=True)
        try:
            refused = ["ip", "netns", "exec", "sandbox-web", "nft", "list", "ruleset"]
            self.assertTrue(eventually(lambda: "198.51.100.77" in text_of(*refused), 2))
            self.assertEqual(text("network", "verify", "web"), "web: ok\n")
            # And then it is quiet: what the guard does is no change that it hears of.
            monitor = subprocess.run(["timeout", "1", "ip", "monitor", "address"], capture_output=True, text=True, check=False)
            self.assertNotIn("sbx-", monitor.stdout)
        finally:
            subprocess.run(["ip", "address", "del", "198.51.100.77/32", "dev", "wan0"], check=True)
        self.assertTrue(eventually(lambda: "198.51.100.77" not in text_of(*refused), 2))

    def test_links_are_cut_while_the_rules_cannot_be_put_back(self):
        self.full()
        link = next(name for name in os.listdir("/sys/class/net") if name.startswith("sbx-"))

        def state():
            with open(f"/sys/class/net/{link}/operstate", encoding="utf-8") as file:
                return file.read().strip()

        # Somebody keeps the table for himself, as long as his socket is open.
        with subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as keeper:
            keeper.stdin.write("delete table inet sandboxctl; add table inet sandboxctl { flags owner; }\n")
            keeper.stdin.flush()
            self.assertTrue(eventually(lambda: state() == "down", 1))
            self.fails("curl -sS -m 1 http://evil.example.net/")
            self.assertIn("the links are cut", text_of("journalctl", "-u", "sandboxctl-guard.service", "-n", "5", "-o", "cat"))
            self.assertEqual(sandboxctl("network", "verify", "web").returncode, 1)
        self.assertTrue(eventually(lambda: text_or_nothing("network", "verify", "web") == "web: ok\n", 2))
        for option in ("-4", "-6"):
            self.assertIn("evil.example.net", self.curl(option, "http://evil.example.net/"))

    def test_what_a_rule_names_is_reached(self):
        self.full(template="[network]\nmode = \"full\"\nprivate = true\nallow = [{ cidr = \"10.9.0.0/16\", ports = [80] }]\n")
        before = internet.seen()
        self.knock(80, "10.9.1.2", "10.8.1.2")
        self.knock(81, "10.9.1.3")
        self.assertEqual(internet.seen() - before, {"10.9.1.2"})

    def test_a_guard_that_was_killed_looks_when_it_is_back(self):
        self.full()
        guard = "sandboxctl-guard.service"
        pid = text_of("systemctl", "show", "-p", "MainPID", "--value", guard).strip()
        subprocess.run(["kill", "-9", pid], check=True)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        internet.wait_for("guard", lambda: text_of("systemctl", "show", "-p", "MainPID", "--value", guard).strip()
                          not in ("0", pid))
        internet.wait_for("table", lambda: sandboxctl("network", "verify", "web").returncode == 0)
        self.assertIn("evil.example.net", self.curl("http://evil.example.net/"))

    def test_what_is_opened_of_the_host_is_compared_with_the_policy(self):
        self.full()
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        link = next(name for name in os.listdir("/sys/class/net") if name.startswith("sbx-"))
        source = text_of("ip", "netns", "exec", "sandbox-web", "ip", "-4", "-o", "addr", "show", "uplink").split()[3]
        # The form is taken from a file that sandboxctl wrote itself.
        text("network", "allow", "web", "198.51.100.2:2222")
        path = f"/run/sandboxctl/.uplinks/opened-{link}"
        with open(path, encoding="utf-8") as file:
            written = file.read()
        self.assertIn(source.split("/")[0], written)
        text("network", "deny", "web", "198.51.100.2")
        self.assertFalse(os.path.exists(path))
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        with open(path, "w", encoding="utf-8") as file:
            file.write(written)
        said = sandboxctl("network", "verify", "web")
        self.assertEqual((said.returncode, b"may reach of the host" in said.stdout), (1, True), said)

    def test_a_rule_may_hold_more_than_links(self):
        template = "[network]\nmode = \"full\"\nprivate = true\nallow = [{ cidr = \"10.0.0.0/8\", ports = [8080] }]\n"
        self.full("other")
        inner = text_of("ip", "netns", "exec", "sandbox-other", "ip", "-4", "-o", "addr", "show", "uplink").split()[3]
        inner = inner.split("/")[0]
        beside = "10.9.1.4"
        self.assertTrue(inner.startswith("10."))
        self.full(template=template)
        with subprocess.Popen(["sandboxctl", "exec", "other", "--", "python3", "-c",
                               "import socket\ns=socket.create_server(('0.0.0.0',8080)); print('up',flush=True); s.accept()"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as other:
            try:
                other.stdout.readline()
                before = internet.seen()
                self.assertEqual(self.knock(8080, inner, beside), [])
                self.assertEqual(internet.seen() - before, {beside})
                self.assertIsNone(other.poll())
                # The control: it does listen.
                self.assertEqual(self.knock(8080, inner, name="other"), [inner])
            finally:
                other.kill()
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        refused = sandboxctl("network", "allow", "web", f"{inner}:8080")
        self.assertEqual((refused.returncode, b"other sandboxes" in refused.stderr), (78, True), refused)

    def test_both_families_decide(self):
        self.full()
        internet.zone(entries={"wild.example.org": {"A": ["203.0.113.10"], "AAAA": ["fd00::5"], "ttl": 0}})
        self.assertIn("NOERROR", self.inside("dig wild.example.org AAAA", "web"))
        self.assertEqual(self.inside("dig +short wild.example.org A", "web").strip(), "203.0.113.10")
        # The control: when neither leads anywhere it is refused.
        internet.zone(entries={"wild.example.org": {"A": ["10.0.0.5"], "AAAA": ["fd00::5"], "ttl": 0}})
        self.assertIn("REFUSED", self.inside("dig wild.example.org AAAA", "web"))

    def test_the_hosts_table_of_connections_is_not_filled(self):
        # NET-27.
        self.full()
        flood = ("import socket\nopen_=[]\n"
                 "for n in range(12000):\n"
                 "  s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setblocking(False)\n"
                 "  try: s.connect(('8.8.4.4',20000+n)); s.send(b'x')\n"
                 "  except OSError: pass\n"
                 "  s.close()\n")
        before = int(read("netfilter/nf_conntrack_count"))
        self.inside("cat > /tmp/f.py; python3 /tmp/f.py", "web", stdin=flood.encode())
        tracked = int(read("netfilter/nf_conntrack_count")) - before
        self.assertGreater(tracked, 1000)
        self.assertLess(tracked, 4500)
        # The control: the same program on the host, which nobody limits.
        before = int(read("netfilter/nf_conntrack_count"))
        subprocess.run(["python3", "-c", flood.replace("8.8.4.4", "9.9.9.9")], check=True)
        self.assertGreater(int(read("netfilter/nf_conntrack_count")) - before, 6000)
        # Others are not hurt: the host itself, and a sandbox with a gateway.
        self.assertIn("evil.example.net", internet.run("curl", "-sS", "http://evil.example.net/").stdout)

    def test_forwarding_is_as_it_was_afterwards(self):
        settings = ["ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv6/conf/wan0/accept_ra"]
        before = [read(name) for name in settings]
        self.assertEqual(before[:2], ["0", "0"])
        self.full()
        self.full("other")
        self.assertEqual([read(name) for name in settings], ["1", "1", "2"])
        text("network", "set", "web", "none")
        self.assertEqual(text("network", "verify", "--all"), "other: ok\nweb: ok\n")
        self.assertEqual(read(settings[0]), "1")
        text("stop", "other")
        self.assertEqual([read(name) for name in settings], before)
        text("network", "set", "web", "full")
        self.curl("http://evil.example.net/")
        text("network", "set", "web", "restricted")
        self.fails("curl -sS -m 5 http://203.0.113.66/")
        self.assertEqual([read(name) for name in settings], before)
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")

    def test_beside_others_who_forward(self):
        # What Docker and ufw leave: a forward chain that drops what it does not know.
        chain = ("add table ip filter\nadd chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }\n"
                 "add table ip6 filter\nadd chain ip6 filter FORWARD { type filter hook forward priority 0; policy drop; }\n")
        subprocess.run(["nft", "-f", "-"], input=chain, text=True, check=True)
        try:
            self.full()
            for option in ("-4", "-6"):
                self.curl(option, "http://evil.example.net/")
            # They start again while it runs.
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            subprocess.run(["nft", "-f", "-"], input=chain, text=True, check=True)
            self.assertTrue(eventually(
                lambda: sandboxctl("exec", "web", "--", "curl", "-sS", "-m", "1", "http://evil.example.net/").returncode == 0, 5))
            text("remove", "web")
            self.assertNotIn("sbx-", text_of("nft", "list", "ruleset"))
        finally:
            subprocess.run(["nft", "flush", "ruleset"], check=True)

    def test_beside_docker_and_firewalld(self):
        # The real ones: started, made to write their rules anew, and there before the sandbox is.
        self.web(name="shut")
        for unit, again in (("docker", ["systemctl", "restart", "docker"]), ("firewalld", ["firewall-cmd", "--reload"])):
            with self.subTest(unit):
                self.full()
                try:
                    for command in (["systemctl", "start", unit], again):
                        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                        for option in ("-4", "-6"):
                            curl = ["exec", "web", "--", "curl", option, "-fsS", "-m", "2", "http://evil.example.net/"]
                            self.assertTrue(eventually(lambda: sandboxctl(*curl).returncode == 0, 5), (command, option))
                        self.assertEqual(text("network", "verify", "--all"), "shut: ok\nweb: ok\n")
                        self.assertEqual(self.knock(80, "10.0.0.1", "fd00::1"), [])
                        self.curl("http://api.example.org/", name="shut")
                        self.fails("curl -sS -m 3 http://203.0.113.66/", "shut")
                    text("remove", "web")
                    self.full()
                    self.assertIn("evil.example.net", self.curl("http://evil.example.net/"))
                    text("remove", "web")
                    self.assertNotIn("sbx-", text_of("nft", "list", "ruleset"))
                    if unit == "firewalld":
                        self.assertEqual(text_of("firewall-cmd", "--zone=trusted", "--list-sources").strip(), "")
                finally:
                    subprocess.run(["systemctl", "stop", unit, "docker.socket", "containerd"], check=True)
                    subprocess.run(["nft", "flush", "ruleset"], check=True)
                    subprocess.run(["ip", "link", "delete", "docker0"], check=False, stderr=subprocess.DEVNULL)
                    subprocess.run(["sysctl", "-q", "net.ipv4.ip_forward=0"], check=True)


class Direct(NetworkTest):
    """Hosts that are reached through the kernel."""

    TEMPLATE = ("[network]\nmode = \"restricted\"\nallow = [\"api.example.org\",\n"
                "{ host = \"echo.example.org\", ports = [\"7/udp\", 7], via = \"direct\" },\n"
                "{ cidr = \"203.0.113.60/32\", ports = [80] }]\n")
    ECHO = ("import socket,sys\nf=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET\n"
            "s=socket.socket(f,socket.SOCK_DGRAM); s.settimeout(2); s.connect((sys.argv[1],7))\n"
            "s.send(b'hello'); print(s.recv(9))\n")

    def echo(self, address, name="web"):
        return sandboxctl("exec", name, "--", "python3", "-c", self.ECHO, address).stdout == b"b'hello'\n"

    def test_direct_hosts_and_nothing_else(self):
        self.create("web", template=self.TEMPLATE)
        self.assertIn("203.0.113.50", self.inside("getent ahosts echo.example.org", "web"))
        for address in ("203.0.113.50", "2001:db8:1::50"):
            self.assertTrue(self.echo(address))
            self.fails(f"nc -w 2 -z {address} 80")
        self.assertIn("203.0.113.60", self.curl("http://203.0.113.60/"))
        self.assertIn("api.example.org", self.curl("https://api.example.org/"))
        self.fails("curl -sS -m 3 http://evil.example.net/")
        before = internet.sunk()
        out = self.inside("cat > /tmp/p.py; python3 /tmp/p.py", "web", stdin=PROBE.encode()).strip()
        self.assertEqual(out, "[('udp', '203.0.113.50', 7), ('udp', '2001:db8:1::50', 7)]")
        self.assertEqual(internet.sunk(), before)
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        text("reset", "web")
        self.assertTrue(self.echo("203.0.113.50"))

    def test_the_end_of_the_last_one_is_the_end_of_the_link(self):
        def links():
            return [name for name in os.listdir("/sys/class/net") if name.startswith("sbx-")]

        self.create("web", "--network", "restricted", "--allow", "api.example.org")
        text("network", "allow", "web", "203.0.113.50:7/udp", "--for", "2s")
        self.assertEqual(len(links()), 1)
        self.assertTrue(self.echo("203.0.113.50"))
        internet.wait_for("end of the rule", lambda: not self.echo("203.0.113.50"))
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        # A timer does this too, some time later.
        self.assertEqual(text_of("systemctl", "is-active", "sandboxctl-refresh-web.timer").strip(), "active")
        self.assertIn("in effect", text("network", "refresh", "--due", "web"))
        self.assertEqual(links(), [])
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        self.assertIn("api.example.org", self.curl("https://api.example.org/"))

    def test_the_timer_for_the_end_of_a_link_is_there_as_long_as_it_is_wanted(self):
        def timer():
            return text_of("systemctl", "show", "-p", "ActiveState", "--value", "sandboxctl-refresh-web.timer").strip()

        self.create("web", "--network", "restricted", "--allow", "api.example.org")
        self.assertEqual(timer(), "inactive")
        text("network", "allow", "web", "203.0.113.50:7/udp", "--for", "10m")
        self.assertEqual(timer(), "active")
        text("network", "set", "web", "none")
        self.assertEqual(timer(), "inactive")
        text("network", "set", "web", "restricted")
        self.assertEqual(timer(), "active")
        text("restart", "web")
        self.assertEqual(timer(), "active")
        text("network", "deny", "web", "203.0.113.50")
        self.assertEqual(timer(), "inactive")

    def test_an_address_that_changes(self):
        # NET-30.
        self.create("web", template=self.TEMPLATE)
        internet.zone(entries={"echo.example.org": {"A": ["203.0.113.10"], "AAAA": ["2001:db8:1::50"], "ttl": 1}})
        self.assertIn("in effect", text("network", "refresh", "web"))
        self.assertEqual(text("network", "verify", "web"), "web: ok\n")
        # The new address is open, the old one for a while still: clients keep what they were told.
        self.assertTrue(self.echo("203.0.113.50"))
        shown = json.loads(text("network", "show", "web", "--json"))
        self.assertIn("203.0.113.10", json.dumps(shown))
        self.assertEqual(text("network", "refresh", "web"), "web: nothing to change\n")
        # The resolver fails: the last good set stays, and it is said.
        internet.zone(entries={"echo.example.org": {"rcode": 2, "ttl": 0}})
        said = sandboxctl("network", "refresh", "web")
        self.assertIn(b"echo.example.org: no resolver answered", said.stderr)
        self.assertTrue(self.echo("2001:db8:1::50"))
        self.assertIn("no resolver answered", text("network", "show", "web"))

    def test_a_flow_to_a_host_that_is_denied_ends(self):
        self.create("web", template=self.TEMPLATE)
        flow = ("import socket,time,sys\ns=socket.create_connection(('203.0.113.50',7)); s.settimeout(3)\n"
                "print('up',flush=True)\n"
                "try:\n"
                "  while True: s.sendall(b'x'); s.recv(1); time.sleep(.01)\n"
                "except OSError: sys.exit(7)\n")
        with subprocess.Popen(["sandboxctl", "exec", "web", "--", "python3", "-c", flow], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as stream:
            stream.stdout.readline()
            text("network", "deny", "web", "echo.example.org")
            self.assertEqual(stream.wait(timeout=5), 7)
        self.assertFalse(self.echo("203.0.113.50"))
        self.assertEqual(lines("systemctl", "list-units", "--plain", "--no-legend", "sandboxctl-refresh-*"), [])


def text_or_nothing(*arguments):
    return sandboxctl(*arguments).stdout.decode()


def read(setting):
    with open(f"/proc/sys/net/{setting}", encoding="utf-8") as file:
        return file.read().strip()


def text_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
