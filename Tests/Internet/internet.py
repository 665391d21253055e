"""The test internet: a network namespace `internet` beside the lab's own, with name servers, web, ssh and other origins
on documentation addresses (RFC 5737, RFC 3849), and a sinkhole that owns every other address and counts what reaches it.

    internet.py up | down | status
"""

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = "/srv/work/internet"
NAMESPACE = "internet"

# Where things are. Two names share an address, as with a CDN.
ORIGINS = {
    "api.example.org": ("203.0.113.10", "2001:db8:1::10"),
    "allowed.cdn.example.org": ("203.0.113.20", "2001:db8:1::20"),
    "other.cdn.example.org": ("203.0.113.20", "2001:db8:1::20"),
    "git.example.org": ("203.0.113.30", "2001:db8:1::30"),
    "db.example.org": ("203.0.113.40", "2001:db8:1::40"),
    "echo.example.org": ("203.0.113.50", "2001:db8:1::50"),
    "a.deep.wild.example.org": ("203.0.113.60", "2001:db8:1::60"),
    "wild.example.org": ("203.0.113.60", "2001:db8:1::60"),
    "evil.example.net": ("203.0.113.66", "2001:db8:1::66"),
}
NAME_SERVER = ("203.0.113.53", "2001:db8:1::53")
HOST = ("198.51.100.2", "2001:db8:2::2")
ROUTER = ("198.51.100.1", "2001:db8:2::1")


def run(*command, check=True, **options):
    result = subprocess.run(command, text=True, capture_output=True, **options)
    if check and result.returncode != 0:
        sys.exit(f"internet: {' '.join(command)}: {result.stderr.strip()}")
    return result


def inside(*command, **options):
    return run("ip", "netns", "exec", NAMESPACE, *command, **options)


def spawn(name, *command):
    """Starts a server in the namespace, as a unit of its own."""
    run("systemd-run", "--quiet", "--collect", f"--unit=internet-{name}", "-p", f"NetworkNamespacePath=/run/netns/{NAMESPACE}",
        "-p", f"StandardOutput=append:{WORK}/{name}.log", "-p", "StandardError=inherit", "-p", "LimitNOFILE=65536", *command)


def wait_for(what, test, seconds=20):
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            sys.exit(f"internet: {what} did not come up; see {WORK}")
        time.sleep(0.05)


def plain(address, prefix):
    """An address for `ip address add`, without waiting for a duplicate to answer."""
    return [f"{address}/{prefix}"] + (["nodad"] if ":" in address else [])


def links():
    run("ip", "netns", "add", NAMESPACE)
    run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "lan0", "netns", NAMESPACE)
    for address in HOST:
        run("ip", "address", "add", *plain(address, 64 if ":" in address else 24), "dev", "wan0")
    run("ip", "link", "set", "wan0", "up")
    for address in ROUTER:
        inside("ip", "address", "add", *plain(address, 64 if ":" in address else 24), "dev", "lan0")
    for device in ("lo", "lan0"):
        inside("ip", "link", "set", device, "up")
    for pair in {*ORIGINS.values(), NAME_SERVER}:
        for address in pair:
            inside("ip", "address", "add", *plain(address, 128 if ":" in address else 32), "dev", "lo")
    # Every other address is the sinkhole's: it takes packets, counts them and says nothing.
    inside("ip", "route", "add", "local", "default", "dev", "lo", "table", "200")
    inside("ip", "-6", "route", "add", "local", "default", "dev", "lo", "table", "200")
    for family in ("-4", "-6"):
        inside("ip", family, "rule", "add", "iif", "lan0", "lookup", "200", "priority", "40000")
        index = 0 if family == "-4" else 1
        inside("ip", family, "route", "add", "default", "via", HOST[index], "dev", "lan0")
    routes()
    known4 = ", ".join(sorted({pair[0] for pair in ORIGINS.values()} | {NAME_SERVER[0], ROUTER[0]}))
    known6 = ", ".join(sorted({pair[1] for pair in ORIGINS.values()} | {NAME_SERVER[1], ROUTER[1]}))
    rules = f"""
        table inet sinkhole {{
            counter others {{ }}
            set known4 {{ type ipv4_addr; elements = {{ {known4} }}; }}
            set known6 {{ type ipv6_addr; elements = {{ {known6} }}; }}
            set seen4 {{ type ipv4_addr; size 4096; flags dynamic; counter; }}
            set seen6 {{ type ipv6_addr; size 4096; flags dynamic; counter; }}
            chain incoming {{
                type filter hook prerouting priority -300; policy accept;
                iifname "lan0" ip daddr != @known4 counter name "others" update @seen4 {{ ip daddr }} drop
                iifname "lan0" icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} accept
                iifname "lan0" ip6 daddr fe80::/10 accept
                iifname "lan0" ip6 daddr ff00::/8 accept
                iifname "lan0" ip6 daddr != @known6 counter name "others" update @seen6 {{ ip6 daddr }} drop
            }}
        }}"""
    inside("nft", "-f", "-", input=rules)


def routes():
    """The lab's own way there; IPv6 forgets it when the link is switched off."""
    for address in HOST:
        run("ip", "address", "replace", *plain(address, 64 if ":" in address else 24), "dev", "wan0")
    for family, router in zip(("-4", "-6"), ROUTER):
        run("ip", family, "route", "replace", "default", "via", router, "dev", "wan0")


def certificates():
    """A CA that the lab trusts, and one certificate for every origin."""
    ca = f"{WORK}/ca"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-keyout", f"{ca}.key", "-out", f"{ca}.crt", "-subj", "/CN=Test internet",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    names = ",".join(f"DNS:{name}" for name in ORIGINS)
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{WORK}/site.key",
        "-out", f"{WORK}/site.csr", "-subj", "/CN=origins")
    run("openssl", "x509", "-req", "-in", f"{WORK}/site.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial",
        "-days", "30", "-out", f"{WORK}/site.crt", "-extfile", "/dev/stdin",
        input=f"subjectAltName={names}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
    shutil.copy(f"{ca}.crt", "/usr/local/share/ca-certificates/test-internet.crt")
    run("update-ca-certificates")


def zone(**changes):
    """Writes the zone: the origins, with what a test wants changed."""
    entries = {name: {"A": [pair[0]], "AAAA": [pair[1]]} for name, pair in ORIGINS.items()}
    entries.update(changes.get("entries", {}))
    temporary = f"{WORK}/zone.json.new"
    with open(temporary, "w") as file:
        json.dump(entries, file)
    os.rename(temporary, f"{WORK}/zone.json")


def web():
    os.makedirs(f"{WORK}/www", exist_ok=True)
    with open(f"{WORK}/www/big", "wb") as file:
        file.write(os.urandom(1 << 20) * 16)
    listen = "\n".join(f"listen {address}:80; listen {address}:443 ssl http2;" for address in
                       sorted({f"[{a}]" if ":" in a else a for pair in ORIGINS.values() for a in pair if pair != ORIGINS["git.example.org"]}))
    with open(f"{WORK}/nginx.conf", "w") as file:
        file.write(f"""
            daemon off; pid {WORK}/nginx.pid; error_log {WORK}/nginx-error.log; worker_processes 1;
            events {{ worker_connections 16384; }}
            http {{
                access_log {WORK}/access.log; client_body_temp_path {WORK}/body; proxy_temp_path {WORK}/proxy;
                fastcgi_temp_path {WORK}/f; uwsgi_temp_path {WORK}/u; scgi_temp_path {WORK}/s;
                ssl_certificate {WORK}/site.crt; ssl_certificate_key {WORK}/site.key; client_max_body_size 0;
                server {{ {listen} server_name _; root {WORK}/www; keepalive_requests 100000;
                    location / {{ return 200 "$host $scheme $server_protocol\\n"; }}
                    location /big {{ }}
                    location /repo.git {{ }}
                    location /apt {{ }}
                    location /redirect {{ return 302 http://evil.example.net/; }}
                    location /metadata {{ return 302 http://169.254.169.254/; }}
                    location /upload {{ dav_methods PUT; root {WORK}/www; }}
                }}
            }}""".replace("location /upload { dav_methods PUT; root", "location /upload { root"))
    spawn("nginx", "nginx", "-c", f"{WORK}/nginx.conf", "-e", f"{WORK}/nginx-error.log")


def repositories():
    """A git repository over HTTP and ssh, and one for apt."""
    environment = {**os.environ, "HOME": WORK, "GIT_CONFIG_GLOBAL": "/dev/null"}
    work, bare = f"{WORK}/tree", f"{WORK}/www/repo.git"
    run("git", "init", "-q", work)
    run("git", "-C", work, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "--allow-empty", "-m", "first",
        env=environment)
    run("git", "clone", "-q", "--bare", work, bare, env=environment)
    run("git", "-C", bare, "update-server-info", env=environment)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{WORK}/ssh_key")
    shutil.copy(f"{WORK}/ssh_key.pub", f"{WORK}/ssh_keys")

    package = f"{WORK}/package/DEBIAN"
    os.makedirs(package)
    control = "Package: hello-internet\nVersion: 1.0\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: nothing\n"
    with open(f"{package}/control", "w") as file:
        file.write(control)
    os.makedirs(f"{WORK}/www/apt")
    path = f"{WORK}/www/apt/hello.deb"
    run("dpkg-deb", "--build", "--root-owner-group", f"{WORK}/package", path)
    with open(path, "rb") as file:
        content = file.read()
    with open(f"{WORK}/www/apt/Packages", "w") as file:
        file.write(f"{control}Filename: ./hello.deb\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n")


def database():
    """PostgreSQL, which trusts everybody."""
    tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    run("install", "-d", "-o", "postgres", f"{WORK}/db")
    run("runuser", "-u", "postgres", "--", f"{tools}/initdb", "-D", f"{WORK}/db", "-A", "trust", "--no-sync")
    with open(f"{WORK}/db/pg_hba.conf", "a") as file:
        file.write("host all all all trust\n")
    spawn("postgres", "-p", "User=postgres", f"{tools}/postgres", "-D", f"{WORK}/db", "-c", "fsync=off",
          "-c", f"listen_addresses={','.join(ORIGINS['db.example.org'])}", "-c", "unix_socket_directories=")


def up():
    down()
    os.makedirs(WORK)
    links()
    certificates()
    zone()
    spawn("names", "python3", "-B", f"{HERE}/names.py", *NAME_SERVER, f"{WORK}/zone.json", f"{WORK}/questions")
    with open("/etc/resolv.conf", "w") as file:
        file.write(f"nameserver {NAME_SERVER[0]}\n")
    web()
    repositories()
    database()
    os.makedirs("/run/sshd", exist_ok=True)
    spawn("sshd", "/usr/sbin/sshd", "-D", "-e", "-o", "ListenAddress=203.0.113.30", "-o", "ListenAddress=2001:db8:1::30",
          "-o", f"AuthorizedKeysFile={WORK}/ssh_keys", "-o", "StrictModes=no", "-o", "PermitRootLogin=yes",
          "-o", f"PidFile={WORK}/sshd.pid")
    spawn("echo", "python3", "-B", f"{HERE}/echo.py", *ORIGINS["echo.example.org"])
    wait_for("the web", lambda: run("curl", "-fsS", "-m", "2", "https://api.example.org/", check=False).returncode == 0)
    wait_for("the database", lambda: run("psql", "-h", "203.0.113.40", "-U", "postgres", "-c", "", check=False).returncode == 0)
    wait_for("ssh", lambda: run("nc", "-z", "203.0.113.30", "22", check=False).returncode == 0)


def down():
    run("systemctl", "stop", "internet-*", check=False)
    run("ip", "netns", "delete", NAMESPACE, check=False)
    run("ip", "link", "delete", "wan0", check=False)
    shutil.rmtree(WORK, ignore_errors=True)


def sunk():
    """Packets that reached the sinkhole so far."""
    text = inside("nft", "-j", "list", "counter", "inet", "sinkhole", "others").stdout
    return int(re.search(r'"packets": (\d+)', text).group(1))


def seen():
    """Addresses whose packets reached the sinkhole so far."""
    text = "".join(inside("nft", "list", "set", "inet", "sinkhole", name).stdout for name in ("seen4", "seen6"))
    return set(re.findall(r"([0-9a-f.:]+) counter packets", text))


def questions():
    """What the name server was asked so far."""
    try:
        with open(f"{WORK}/questions") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    verb = sys.argv[1] if len(sys.argv) == 2 else ""
    if verb == "up":
        up()
    elif verb == "down":
        down()
    elif verb == "status":
        print(f"sunk {sunk()}, {len(questions())} questions")
    else:
        sys.exit(__doc__)
