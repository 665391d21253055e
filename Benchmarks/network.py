#!/usr/bin/env python3
"""Compares gateway, resolver and rules with their peers, in one run, against the test internet (Tests/Internet).

Contestants take turns, round by round; what is reported is the median over the rounds. Every relay takes connections on
loopback of the namespace its client is in, by a redirect of nftables, and connects to the same origin from the host's own
namespace: ours by the rules of a sandbox, nginx (`ssl_preread`) and haproxy (`req.ssl_sni`) by a rule each. Run as root
where systemd is PID 1 and a test internet may be made; `Benchmarks/run network` boots such a machine.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Tests", "Internet"))
import internet  # noqa: E402

WORK = "/var/tmp/sandboxctl-bench-network"
SANDBOX = "bench-net"
HOST = "api.example.org"
PORTS = {"nginx": 8443, "haproxy": 8444}
ADDRESSES = {"nginx": "192.0.2.1", "haproxy": "192.0.2.2"}
CLIENT = ["ip", "netns", "exec", f"sandbox-{SANDBOX}"]
NULL = subprocess.DEVNULL


def output(*command, check=True, **options):
    result = subprocess.run(command, stdin=NULL, capture_output=True, text=True, check=False, **options)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def wait_for(test, what, seconds=10):
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            sys.exit(f"network.py: {what} did not come up")
        time.sleep(0.02)


def listens(port, host="127.0.0.1"):
    with socket.socket() as s:
        return s.connect_ex((host, port)) == 0


class Peers:
    """The servers we are compared with, for as long as the run takes."""

    def __init__(self):
        self.processes = []
        address = internet.ORIGINS[HOST][0]
        with open(f"{WORK}/nginx.conf", "w") as file:
            file.write(f"""load_module /usr/lib/nginx/modules/ngx_stream_module.so;
                daemon off; worker_processes 1; pid {WORK}/nginx.pid; error_log {WORK}/nginx.log;
                events {{ worker_connections 18000; }}
                stream {{ map $ssl_preread_server_name $to {{ {HOST} {address}:443; }}
                    server {{ listen 127.0.0.1:{PORTS['nginx']} backlog=4096; ssl_preread on; proxy_pass $to; }} }}""")
        with open(f"{WORK}/haproxy.cfg", "w") as file:
            file.write(f"""global
                    nbthread 1
                    maxconn 9000
                defaults
                    mode tcp
                    timeout connect 10s
                    timeout client 1h
                    timeout server 1h
                frontend in
                    bind 127.0.0.1:{PORTS['haproxy']} backlog 4096
                    tcp-request inspect-delay 15s
                    tcp-request content accept if {{ req.ssl_sni -m str {HOST} }}
                    tcp-request content reject
                    default_backend out
                backend out
                    server origin {address}:443\n""")
        with open(f"{WORK}/unbound.conf", "w") as file:
            file.write(f"""server:
                    interface: 127.0.0.1@5301
                    chroot: ""
                    username: ""
                    pidfile: ""
                    directory: "{WORK}"
                    num-threads: 1
                    do-daemonize: no
                    use-syslog: no
                    local-zone: "example.org." static
                    local-data: "{HOST}. 60 A 198.18.0.1"\n""")
        rules = "".join(f"ip daddr {ADDRESSES[name]} tcp dport 443 redirect to :{PORTS[name]}\n" for name in PORTS)
        subprocess.run(["nft", "-f", "-"], input="table inet bench-redirect { chain output { type nat hook output priority -100;\n"
                       f"{rules} }}\n}}\n", text=True, check=True)
        self.start("nginx", "-c", f"{WORK}/nginx.conf", "-e", f"{WORK}/nginx.log")
        self.start("haproxy", "-db", "-f", f"{WORK}/haproxy.cfg")
        self.start("unbound", "-c", f"{WORK}/unbound.conf")
        self.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=5300",
                   "--listen-address=127.0.0.1", "--bind-interfaces", f"--address=/{HOST}/198.18.0.1", "--pid-file=")
        for port in (*PORTS.values(), 5300, 5301):
            wait_for(lambda: listens(port), f"the server on port {port}")  # noqa: B023

    def start(self, *command):
        with open(f"{WORK}/{command[0]}.out", "w") as log:
            self.processes.append(subprocess.Popen(command, stdin=NULL, stdout=log, stderr=log))

    def stop(self):
        subprocess.run(["nft", "delete", "table", "inet", "bench-redirect"], check=False)
        for process in self.processes:
            process.terminate()
            process.wait()


def rounds(contestants, measure, count):
    """Runs every contestant once per round; medians by name."""
    results = {name: [] for name in contestants}
    for turn in range(count):
        names = list(contestants)
        for name in names if turn % 2 == 0 else reversed(names):
            results[name].append(measure(name))
    return {name: tuple(statistics.median(column) for column in zip(*values)) for name, values in results.items()}


def show(title, unit, results, digits=1):
    ours = results["sandboxctl"]
    print(f"\n{title}")
    for name, values in results.items():
        columns = "  ".join(f"{value:9.{digits}f}" for value in values)
        ratios = "" if name == "sandboxctl" else "  ratio " + "  ".join(
            f"{own / value:.2f}" if value else "-" for own, value in zip(ours, values))
        print(f"  {name:12} {columns} {unit}{ratios}", flush=True)


# What a client has before it in order to go a given way.
def way(name):
    if name == "sandboxctl":
        return CLIENT, "443"
    if name == "direct":
        return [], "443"
    # Names lead to loopback for this process alone.
    with open(f"{WORK}/hosts", "w") as file:
        file.write(f"127.0.0.1 localhost\n{ADDRESSES[name]} {HOST}\n")
    return ["unshare", "-m", "sh", "-c", f'mount --bind {WORK}/hosts /etc/hosts && exec "$@"', "-"], "443"


def throughput(name):
    prefix, port = way(name)
    speed = output(*prefix, "curl", "-sS", "-o", "/dev/null", "-w", "%{speed_download}", f"https://{HOST}:{port}/big-huge")
    return (float(speed) / 1e6,)


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def load(name, connections, seconds, *options):
    """Requests per second, and their latency at p50 and p99 in milliseconds."""
    prefix, port = way(name)
    text = output(*prefix, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *options, f"https://{HOST}:{port}/")
    percentile = dict(re.findall(r"(\d+)%\s+(\S+)", text))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    return rate, milliseconds(percentile["50"]), milliseconds(percentile["99"])


def resolver(name):
    """Questions per second, and latency at p50 and p99 in microseconds of one after the other."""
    prefix, port = (CLIENT, 53) if name == "sandboxctl" else ([], 5300 if name == "dnsmasq" else 5301)
    text = output(*prefix, "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", f"{WORK}/queries", "-l", "3", "-c", "8", "-q", "64")
    rate = float(re.search(r"Queries per second:\s+([\d.]+)", text).group(1))
    lost = float(re.search(r"Queries lost:\s+(\d+)", text).group(1))
    if lost > rate * 0.01:
        raise RuntimeError(f"{name} lost {lost} questions")
    times = json.loads(output(*prefix, sys.executable, os.path.abspath(__file__), "--ask", str(port)))
    return rate, times[0], times[1]


def ask(port):
    """One question after the other, for `resolver`."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in HOST.split(".")) + b"\0"
    message = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        for _ in range(3000):
            begin = time.perf_counter()
            s.send(message)
            s.recv(512)
            times.append((time.perf_counter() - begin) * 1e6)
    times.sort()
    print(json.dumps([times[len(times) // 2], times[len(times) * 99 // 100]]))


def in_fresh_namespace(*command):
    return output("unshare", "-n", *command)


def rules(bench):
    print("\nrules: milliseconds of applying a table, and of replacing 10 elements of 10,000")
    for what, count in (("apply", 10), ("apply", 1000), ("apply", 10000), ("replace", 10000)):
        script = (f'"$0" {what} {count} {WORK}/rules.nft; '
                  f'python3 -c "import subprocess,time,statistics\nt=[]\n'
                  f'for i in range(11):\n'
                  f' b=time.perf_counter(); subprocess.run([\'nft\',\'-f\',\'{WORK}/rules.nft\'],check=True)\n'
                  f' t.append((time.perf_counter()-b)*1000)\n'
                  + (f' subprocess.run([\'nft\',\'-f\',\'{WORK}/undo.nft\'],check=True)\n' if what == "replace" else "")
                  + 'print(statistics.median(t))"')
        with open(f"{WORK}/undo.nft", "w") as file:
            file.write("delete element inet bench hosts { " + ", ".join(f"10.1.0.{i} . 443" for i in range(10, 20)) + " }\n"
                       "add element inet bench hosts { " + ", ".join(f"10.1.0.{i} . 443" for i in range(10)) + " }\n")
        if what == "replace":
            script = script.replace("; python3", f"; nft add element inet bench hosts '{{ {', '.join(f'10.1.0.{i} . 443' for i in range(10))} }}'; "
                                    f"nft delete element inet bench hosts '{{ {', '.join(f'10.1.0.{i} . 443' for i in range(10, 20))} }}'; python3", 1)
        own, nft = in_fresh_namespace("sh", "-c", script, bench).split()
        print(f"  {what} {count}: in process {float(own):.2f}, nft -f {float(nft):.2f}, ratio {float(own) / float(nft):.3f}", flush=True)


def commands(count):
    """Changes by command, and creation with and without a network."""
    def change(_):
        begin = time.perf_counter()
        output("sandboxctl", "network", "allow", SANDBOX, "git.example.org:22")
        middle = time.perf_counter()
        output("sandboxctl", "network", "deny", SANDBOX, "git.example.org")
        return (middle - begin) * 1000, (time.perf_counter() - middle) * 1000

    changes = rounds(["sandboxctl"], change, count)["sandboxctl"]
    print(f"\npolicy change by command, milliseconds: allow {changes[0]:.1f}, deny {changes[1]:.1f}", flush=True)

    def create(mode):
        options = ["--allow", HOST] if mode == "restricted" else []
        begin = time.perf_counter()
        output("sandboxctl", "create", "bench-new", "-w", f"{WORK}/workspace", "--network", mode, *options)
        end = time.perf_counter()
        output("sandboxctl", "remove", "bench-new")
        return ((end - begin) * 1000,)

    times = rounds(["none", "restricted", "full"], create, count)
    print("create, milliseconds: " + ", ".join(
        f"{mode} {values[0]:.1f} ({values[0] / times['none'][0]:.2f})" for mode, values in times.items()), flush=True)


def gateway_process():
    return output("systemctl", "show", "-p", "MainPID", "--value", f"sandboxctl-gateway-{SANDBOX}.service").strip()


def gateway_memory():
    with open(f"/proc/{gateway_process()}/smaps_rollup") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) / 1024


IDLE = """
import asyncio, resource, sys
most = min(10000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2000) // 2)
resource.setrlimit(resource.RLIMIT_NOFILE, (most + 100,) * 2)
async def main():
    kept = []
    for begin in range(0, most, 250):
        kept += await asyncio.gather(*(asyncio.open_connection("api.example.org", 80) for _ in range(250)))
        for reader, writer in kept[-250:]:
            writer.write(b"GET / HTTP/1.1\\r\\nHost: api.example.org\\r\\n\\r\\n")
        for reader, writer in kept[-250:]:
            await reader.readline()
    print(len(kept), flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


SLOW = """
import socket
kept = []
for n in range(500):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("api.example.org", 80))
    s.sendall(b"GET /big HTTP/1.1\\r\\nHost: api.example.org\\r\\n\\r\\n" if n % 2 else b"GET /")
    kept.append(s)
print(len(kept), flush=True)
import time
while True:
    for n, s in enumerate(kept):
        s.recv(512) if n % 2 else s.send(b"x")
    time.sleep(.05)
"""


def p95():
    """Milliseconds of a new connection and a request, at p95, from the neighbour to an origin that is its alone."""
    script = ("import time,urllib.request\nt=[]\nfor i in range(300):\n b=time.perf_counter(); "
              f"urllib.request.urlopen('http://{HOST}:8080/').read(); t.append((time.perf_counter()-b)*1000)\n"
              "t.sort(); print(t[285])")
    return float(output("ip", "netns", "exec", "sandbox-bench-other", "python3", "-c", script))


def disturbed(what, before, *command, ready=False):
    """What the neighbour notices of a program."""
    with subprocess.Popen(command, stdin=NULL, stdout=subprocess.PIPE if ready else NULL, text=True,
                          start_new_session=True) as other:
        if ready:
            other.stdout.readline()
        else:
            time.sleep(1)
        during = min(p95(), p95())
        memory = gateway_memory()
        os.killpg(other.pid, signal.SIGKILL)
    print(f"{what}: p95 of another {before:.2f} ms before, {during:.2f} ms during ({during / before:.2f}); "
          f"the gateway has {memory:.0f} MB", flush=True)


def neighbours():
    output("sandboxctl", "create", "bench-other", "-w", f"{WORK}/workspace", "--network", "restricted", "--allow", f"{HOST}:8080")
    with open(f"{WORK}/other.conf", "w") as file:
        file.write(f"daemon off; pid {WORK}/other.pid; error_log {WORK}/other.log; events {{ }} "
                   f"http {{ access_log off; server {{ listen {internet.ORIGINS[HOST][0]}:8080; return 200 x; }} }}")
    internet.spawn("other", "nginx", "-c", f"{WORK}/other.conf", "-e", f"{WORK}/other.log")
    p95()
    before = min(p95(), p95())
    print("\nwhat one sandbox does, and another notices", flush=True)
    disturbed("9,000 idle connections", before, *CLIENT, "python3", "-c", IDLE, ready=True)
    disturbed("500 slow readers and writers", before, *CLIENT, "python3", "-c", SLOW, ready=True)
    flood = ["wrk", "-t1", "-c256", "-d60s"]
    disturbed("a flood of requests", before, *CLIENT, *flood, f"http://{HOST}/")
    disturbed("a flood of connections", before, *CLIENT, *flood, "-H", "Connection: close", f"http://{HOST}/")
    disturbed("the same flood of requests without any gateway, from the host", before, *flood, f"http://{HOST}/")
    disturbed("two programs that compute, and nothing else", before, *CLIENT, "sh", "-c", "while :; do :; done & while :; do :; done")
    # What `limits.cpu` does where there is a controller for it.
    for process in (gateway_process(), output("systemctl", "show", "-p", "MainPID", "--value", "internet-nginx.service").strip()):
        output("taskset", "-a", "-p", "-c", "0", process)
        for child in output("pgrep", "-P", process, check=False).split():
            output("taskset", "-a", "-p", "-c", "0", child)
    held = ["taskset", "-c", "0", *flood]
    disturbed("a flood of requests, held to one of two processors", before, *CLIENT, *held, f"http://{HOST}/")
    disturbed("a flood of connections, held to one", before, *CLIENT, *held, "-H", "Connection: close", f"http://{HOST}/")
    output("sandboxctl", "remove", "bench-other")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bench", help="path of netfilter-bench; without it rules are left out")
    parser.add_argument("--neighbours", action="store_true", help="only what one sandbox notices of another")
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        return ask(options.ask)

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(f"{WORK}/workspace")
    with open(f"{WORK}/queries", "w") as file:
        file.write(f"{HOST} A\n")
    internet.up()
    with open(f"{internet.WORK}/www/big-huge", "wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["sandboxctl", "remove", SANDBOX, "bench-new", "bench-other"], stdin=NULL, stdout=NULL, stderr=NULL, check=False)
    output("sandboxctl", "create", SANDBOX, "-w", f"{WORK}/workspace", "--network", "restricted", "--allow", HOST)
    peers = Peers()
    try:
        output(*CLIENT, "curl", "-sS", f"https://{HOST}/")
        print(f"memory of an idle gateway: {gateway_memory():.1f} MB (PSS)", flush=True)
        if options.neighbours:
            neighbours()
            return 0
        relays = ["sandboxctl", "nginx", "haproxy", "direct"]
        show("relay, one download over TLS", "MB/s", rounds(relays, throughput, options.rounds))
        show("relay, requests on 32 kept connections: requests/s, p50 and p99 in ms", "",
             rounds(relays, lambda name: load(name, 32, 3), options.rounds), 2)
        show("relay, requests on one kept connection: requests/s, p50 and p99 in ms", "",
             rounds(relays, lambda name: load(name, 1, 2), options.rounds), 3)
        show("relay, a new TLS connection for each request, 16 at a time: connections/s, p50 and p99 in ms", "",
             rounds(relays, lambda name: load(name, 16, 3, "-H", "Connection: close"), options.rounds), 2)
        print(f"memory of the gateway after that: {gateway_memory():.1f} MB (PSS)", flush=True)
        show("resolver: questions/s, then microseconds at p50 and p99", "",
             rounds(["sandboxctl", "dnsmasq", "unbound"], resolver, options.rounds), 0)
        if options.bench:
            rules(options.bench)
        commands(options.rounds * 4)
        neighbours()
    finally:
        peers.stop()
        subprocess.run(["sandboxctl", "remove", SANDBOX, "bench-other"], stdin=NULL, stdout=NULL, stderr=NULL, check=False)
        internet.down()
        shutil.rmtree(WORK, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
