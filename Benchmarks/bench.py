#!/usr/bin/env python3
"""Compares sandboxctl with its peers on the machine it runs on, in one run.

Every comparison is paired: the contestants take turns, round by round, and what is reported is the median of the
ratios of each round, so that a machine that drifts does not favour whoever ran last. Run as root where systemd is
PID 1; `Benchmarks/run` boots such a machine.
"""

import argparse
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WORK = "/var/tmp/sandboxctl-bench"
WORKSPACE = f"{WORK}/workspace"
ROOT = f"{WORK}/root"
NULL = subprocess.DEVNULL


def run(*command, check=True, **options):
    """Runs a command with closed streams; returns its status."""
    # A file, not a pipe: what a command leaves running in the background would hold a pipe open.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=NULL, stdout=NULL, stderr=errors, **options)
        # Popen.wait(timeout=...) polls with growing pauses, which would be what is measured.
        ended = os.pidfd_open(process.pid)
        try:
            if not select.select([ended], [], [], 60)[0]:
                process.kill()
        finally:
            os.close(ended)
        status = process.wait()
        if check and status != 0:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise RuntimeError(f"{' '.join(command)}: status {status}: {text}")
    return status


def timed(action):
    """Milliseconds an action takes."""
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1000


def prepare():
    """A workspace, and a root tree like the one a sandbox gets, for the peers."""
    shutil.rmtree(WORK, ignore_errors=True)  # nothing is mounted there any more
    os.makedirs(WORKSPACE)
    for name in ("usr", "etc", "tmp", "proc", "sys", "dev", "run", "workspace"):
        os.makedirs(f"{ROOT}/{name}")
    for name in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{name}", f"{ROOT}/{name}")
    shutil.copy("/usr/lib/os-release", f"{ROOT}/etc/os-release")
    # The smallest payload that says READY and waits: what sandbox-init is for a sandbox.
    source = f"{WORK}/ready.c"
    with open(source, "w", encoding="ascii") as file:
        file.write(
            "#include <stdlib.h>\n#include <string.h>\n#include <sys/socket.h>\n#include <sys/un.h>\n"
            "#include <unistd.h>\nint main(void) {\n  struct sockaddr_un a = {.sun_family = AF_UNIX};\n"
            '  const char *path = getenv("NOTIFY_SOCKET");\n'
            "  if (path) {\n    strncpy(a.sun_path, path, sizeof a.sun_path - 1);\n"
            "    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);\n"
            '    sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&a, sizeof a);\n    close(fd);\n  }\n'
            "  for (;;) pause();\n}\n")
    run("cc", "-O2", "-static", "-o", f"{ROOT}/ready", source)


class Sandboxctl:
    """Ours: a sandbox without network whose posture was verified."""

    name = "sandboxctl"

    def create(self, name):
        run("sandboxctl", "create", name, "--workspace", WORKSPACE, "--network", "none")

    def remove(self, name):
        run("sandboxctl", "remove", name)

    def execute(self, name):
        run("sandboxctl", "exec", name, "--", "true")

    def once(self, name):
        run("sandboxctl", "run", "--workspace", WORKSPACE, "--network", "none", "--", "true")

    def list(self):
        run("sandboxctl", "list")

    def processes(self, name):
        return cgroup_processes(f"sandbox-{name}.service")


class Nspawn:
    """Plain `systemd-run … systemd-nspawn` with the same mounts, a user namespace and a private network."""

    name = "nspawn"
    base = 0x20000000

    @staticmethod
    def root(name):
        """A tree of its own for each machine: nspawn locks the one it runs on. Small: /usr is a bind."""
        path = f"{ROOT}-{name}"
        if not os.path.isdir(path):
            shutil.copytree(ROOT, path, symlinks=True)
        return path

    def command(self, name, *payload):
        Nspawn.base += 65536
        return ["systemd-run", "--quiet", "--collect", f"--unit=plain-{name}", "-p", "Type=notify", "-p", "Delegate=yes",
                "-p", "KillMode=mixed", "systemd-nspawn", "--quiet", "--keep-unit", "--directory", self.root(name),
                f"--machine=plain-{name}", f"--private-users={Nspawn.base}:65536", "--private-users-ownership=off",
                "--private-network", "--bind-ro=/usr", f"--bind={WORKSPACE}:/workspace", *payload]

    def create(self, name):
        run(*self.command(name, "--notify-ready=yes", "/ready"))

    def remove(self, name):
        run("systemctl", "kill", "--signal=KILL", f"plain-{name}", check=False)
        run("systemctl", "stop", f"plain-{name}", check=False)

    def execute(self, name):
        run("machinectl", "--quiet", "shell", f"plain-{name}", "/usr/bin/true", check=False)

    def once(self, name):
        command = self.command(name, "/usr/bin/true")
        command = [word.replace("Type=notify", "Type=exec") for word in command]
        run(*command[:2], "--wait", *command[2:])

    def list(self):
        run("machinectl", "list")

    def processes(self, name):
        return cgroup_processes(f"plain-{name}.service")


class Bubblewrap:
    """bwrap with every namespace, no daemon, no limits, no network."""

    name = "bwrap"
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin",
               "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev",
               "--tmpfs", "/tmp", "--bind", WORKSPACE, "/workspace"]

    def once(self, name):
        run(*self.command, "/usr/bin/true")


class Crun:
    """crun with a bundle of the same mounts."""

    name = "crun"
    options = ["--root", f"{WORK}/crun-state", "--cgroup-manager=cgroupfs"]

    def __init__(self):
        self.bundle = f"{WORK}/crun"
        os.makedirs(f"{self.bundle}/rootfs", exist_ok=True)
        run("crun", "spec", cwd=self.bundle)
        with open(f"{self.bundle}/config.json", encoding="utf-8") as file:
            spec = json.load(file)
        spec["root"] = {"path": ROOT, "readonly": True}
        spec["process"]["terminal"] = False
        spec["process"]["args"] = ["/ready"]
        spec["linux"].pop("resources", None)
        spec["mounts"] += [
            {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]},
            {"destination": "/workspace", "type": "bind", "source": WORKSPACE, "options": ["rbind", "rw"]}]
        self.write(spec, "/ready")

    def write(self, spec, program):
        spec["process"]["args"] = [program]
        self.spec = spec
        with open(f"{self.bundle}/config.json", "w", encoding="utf-8") as file:
            json.dump(spec, file)

    def create(self, name):
        self.write(self.spec, "/ready")
        run("crun", *self.options, "run", "--detach", "--bundle", self.bundle, name)

    def remove(self, name):
        run("crun", *self.options, "delete", "--force", name)

    def execute(self, name):
        run("crun", *self.options, "exec", name, "true")

    def once(self, name):
        self.write(self.spec, "/usr/bin/true")
        run("crun", *self.options, "run", "--bundle", self.bundle, name)


class Podman:
    """podman with the root tree as a root file system, without network."""

    name = "podman"
    options = ["--cgroups=disabled", "--network=none", "--volume", f"{WORKSPACE}:/workspace",
               "--volume", "/usr:/usr:ro", "--rootfs", ROOT]

    def create(self, name):
        run("podman", "run", "--detach", "--name", name, *self.options, "/ready")

    def remove(self, name):
        run("podman", "rm", "--force", "--time", "0", name)

    def execute(self, name):
        run("podman", "exec", name, "true")

    def once(self, name):
        run("podman", "run", "--rm", *self.options, "/usr/bin/true")


def cgroup_processes(unit):
    """Processes of a unit, by its cgroup."""
    for base, _, files in os.walk("/sys/fs/cgroup"):
        if f"/{unit}" in base and "cgroup.procs" in files:
            with open(f"{base}/cgroup.procs", encoding="ascii") as file:
                yield from (int(line) for line in file)


def proportional_memory(pids):
    """Proportional set size of processes in KiB (proc_pid_smaps(5))."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def usable(peers):
    """The peers that work on this machine; the others are told with the reason."""
    result = []
    for make in peers:
        try:
            peer = make()
            peer.once("probe")
            result.append(peer)
        except (OSError, RuntimeError) as error:
            print(f"# {make.name}: skipped: {error}", file=sys.stderr)
    return result


def compare(title, ours, others, action, rounds, cleanup=lambda peer: None):
    """Rounds of turns; rows of medians and of the median ratio ours/other."""
    contestants = [ours, *others]
    times = {peer.name: [] for peer in contestants}
    for turn in range(rounds + 1):
        # Whoever comes first changes: what one leaves for the kernel to tidy up slows the next.
        first = turn % len(contestants)
        for peer in contestants[first:] + contestants[:first]:
            spent = timed(lambda: action(peer))
            cleanup(peer)
            if turn > 0:  # the first round warms caches
                times[peer.name].append(spent)
    rows = []
    for peer in contestants:
        ratios = [mine / its for mine, its in zip(times[ours.name], times[peer.name])]
        rows.append({"what": title, "who": peer.name, "median_ms": round(statistics.median(times[peer.name]), 2),
                     "min_ms": round(min(times[peer.name]), 2), "max_ms": round(max(times[peer.name]), 2),
                     "ours_to_this": round(statistics.median(ratios), 3)})
    return rows


def value(title, who, amount, unit, **more):
    """A row for something that is not a paired time."""
    return {"what": title, "who": who, "value": amount, "unit": unit, **more}


def idle_memory(ours, nspawn, count):
    """PSS per idle sandbox with `count` of each at once."""
    rows = {}
    for peer in (ours, nspawn):
        names = [f"mem{i}" for i in range(count)]
        if peer is nspawn:
            for name in names:
                peer.root(name)
        try:
            for name in names:
                peer.create(name)
            rows[peer.name] = statistics.mean(proportional_memory(peer.processes(name)) for name in names)
        finally:
            for name in names:
                peer.remove(name)
    return [value(f"memory per idle sandbox ({count} at once)", name, round(amount), "KiB PSS",
                  ours_to_this=round(rows[ours.name] / amount, 3)) for name, amount in rows.items()]


def many(ours, nspawn, count):
    """Listing with `count` sandboxes, and whether the last create is slower than the first."""
    spent = []
    rows = []
    names = [f"many{i}" for i in range(count)]
    try:
        for name in names:
            spent.append(timed(lambda name=name: ours.create(name)))
        rows += compare(f"list ({count} sandboxes)", ours, [nspawn], lambda peer: peer.list(), 20)
    finally:
        for name in names:
            ours.remove(name)
    first, last = statistics.median(spent[:10]), statistics.median(spent[-10:])
    rows.append(value(f"create, last ten of {count} against first ten", "sandboxctl", round(last / first, 3), "ratio",
                      first_ms=round(first, 2), last_ms=round(last, 2)))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--many", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    prepare()
    ours = Sandboxctl()
    peers = usable([Nspawn, Bubblewrap, Crun, Podman])
    nspawn = next((peer for peer in peers if peer.name == "nspawn"), None)
    if nspawn is None:
        sys.exit("the baseline, plain systemd-nspawn, does not work here")
    daemons = [peer for peer in peers if hasattr(peer, "create")]

    rows = compare("create to ready", ours, daemons, lambda peer: peer.create("bench"), options.rounds,
                   lambda peer: peer.remove("bench"))
    rows += compare("create, run, remove", ours, peers, lambda peer: peer.once("bench"), options.rounds)
    for peer in [ours, *daemons]:
        peer.create("bench")
    try:
        rows += compare("exec true", ours, daemons, lambda peer: peer.execute("bench"), 3 * options.rounds)
        rows += compare("list (1 sandbox)", ours, [nspawn], lambda peer: peer.list(), 20)
    finally:
        for peer in [ours, *daemons]:
            peer.remove("bench")
    rows += idle_memory(ours, nspawn, 10)
    rows += many(ours, nspawn, options.many)

    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        if "median_ms" in row:
            print(f"{row['what']:<42} {row['who']:<11} {row['median_ms']:>9.2f} ms "
                  f"({row['min_ms']:.2f} to {row['max_ms']:.2f})  ours/this {row['ours_to_this']:.3f}")
        else:
            more = " ".join(f"{key}={row[key]}" for key in row if key not in ("what", "who", "value", "unit"))
            print(f"{row['what']:<42} {row['who']:<11} {row['value']:>9} {row['unit']}  {more}")


if __name__ == "__main__":
    main()
