#!/usr/bin/env python3
"""boot.py STATE COMMAND...: starts a container manager in the background and returns when its machine says READY.

Writes STATE.monitor (the manager's pid) and STATE.leader (the pid of the machine's PID 1); the console goes to
STATE.console. Exit status 1, with the end of the console, when the machine ends first or takes more than 90 seconds.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
import time


def own_cgroup(name):
    """Moves this process into a cgroup of its own, so that two machines do not share one tree."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        tree = next(line.split()[4] for line in mounts if " - cgroup2 " in line)
    with open("/proc/self/cgroup", encoding="utf-8") as lines:
        current = next(line[3:].strip() for line in lines if line.startswith("0::"))
    directory = f"{tree}{current.rstrip('/')}/{name}"
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/cgroup.procs", "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def main():
    state, command = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as directory, open(f"{state}.console", "wb") as console:
        path = f"{directory}/notify"
        own_cgroup(f"sandboxctl-{os.path.basename(state)}-lab")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(path)
        monitor = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                   start_new_session=True, env={**os.environ, "NOTIFY_SOCKET": path})
        ended = os.pidfd_open(monitor.pid)
        deadline = time.monotonic() + 90
        ready = False
        while not ready and (left := deadline - time.monotonic()) > 0:
            events = select.select([notify, ended], [], [], left)[0]
            if notify in events:
                ready = b"READY=1" in notify.recv(4096)
            elif events:
                break
    if not ready:
        monitor.kill()
        with open(f"{state}.console", "rb") as console:
            sys.stderr.write(console.read()[-4000:].decode(errors="replace"))
        return 1
    with open(f"/proc/{monitor.pid}/task/{monitor.pid}/children", encoding="ascii") as children:
        leader = children.read().split()[0]
    for name, pid in (("monitor", monitor.pid), ("leader", leader)):
        with open(f"{state}.{name}", "w", encoding="ascii") as file:
            file.write(f"{pid}\n")
    return 0


sys.exit(main())
