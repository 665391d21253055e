"""What the tests of the black-box suite share: running the command, and the inventory of the host."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

DEBUG = "/usr/lib/sandboxctl-test/bin/sandboxctl"
PROBE = "/usr/lib/sandboxctl-test/probe"
WORK = "/srv/work"


def sandboxctl(*arguments, stdin=b"", check=None, environment=None, program="sandboxctl", timeout=120):
    """Runs the command; with `check`, its status must be that."""
    result = subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=timeout,
                            env={**os.environ, **(environment or {})}, cwd="/root")
    if check is not None and result.returncode != check:
        raise AssertionError(f"{arguments}: status {result.returncode}, not {check}: {result.stderr.decode()}")
    return result


def text(*arguments, **options):
    """Standard output of a command that must succeed."""
    return sandboxctl(*arguments, check=0, **options).stdout.decode()


def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def listing(directory):
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def inventory():
    """Everything of sandboxes that the host knows, by witnesses other than the command itself."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line for line in file if "/sandbox" in line.split(" - ")[0].split()[4]]
    return {
        "units": lines("systemctl", "list-units", "--all", "--plain", "--no-legend", "sandbox-*", "sandboxctl-gateway-*",
                       "sandboxctl-guard*", "sandboxctl-refresh-*"),
        "links": [name for name in listing("/sys/class/net") if name.startswith("sbx-")],
        # The virtual machine has no nft, and its tests make no links.
        "tables": [line for line in (lines("nft", "list", "tables") if shutil.which("nft") else []) if "sandbox" in line],
        "gateways": listing("/var/lib/private/sandboxctl-gateway"),
        "machines": lines("machinectl", "list", "--no-legend"),
        "networks": [name for name in listing("/run/netns") if name.startswith("sandbox-")],
        "mounts": mounts,
        "runtime": [name for name in listing("/run/sandboxctl") if not name.startswith(".")],
        "state": [name for name in listing("/var/lib/sandboxctl") if not name.startswith(".")],
        "ranges": listing("/var/lib/sandboxctl/.ranges"),
        "credentials": [name for name in listing("/run/credentials") if name.startswith("sandbox-")],
        "processes": [pid for pid in os.listdir("/proc") if pid.isdigit() and is_ours(pid)],
    }


def eventually(condition, seconds=10):
    """Waits for something that the system does by itself."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_ours(pid):
    """Whether a process has a uid of the ranges that sandboxes own."""
    try:
        return 0x40000000 <= os.stat(f"/proc/{pid}").st_uid < 0x50000000
    except FileNotFoundError:
        return False


EMPTY = {"units": [], "links": [], "tables": [], "gateways": [], "machines": [], "networks": [], "mounts": [], "runtime": [], "state": [], "ranges": [],
         "credentials": [], "processes": []}


class SandboxTest(unittest.TestCase):
    """A test that must leave the host as it found it: with no trace of a sandbox."""

    maxDiff = None

    def setUp(self):
        os.makedirs(WORK, exist_ok=True)
        self.workspace = tempfile.mkdtemp(dir=WORK)
        os.chmod(self.workspace, 0o755)
        self.addCleanup(shutil.rmtree, self.workspace)
        self.addCleanup(self.check_inventory)
        self.addCleanup(sandboxctl, "remove", "--all")

    def check_inventory(self):
        self.assertEqual(inventory(), EMPTY)

    def create(self, name="demo", *options, template=None):
        if template is not None:
            options += ("--template", self.template(template))
        text("create", name, "--workspace", self.workspace, *options)
        return name

    def template(self, content):
        path = tempfile.mktemp(suffix=".toml", dir="/root")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version = 1\n" + content)
        self.addCleanup(os.unlink, path)
        return path

    def status(self, name="demo"):
        return json.loads(text("status", name, "--json"))

    def inside(self, script, name="demo", *options, check=0, stdin=b""):
        return sandboxctl("exec", *options, name, "--", "sh", "-c", script, check=check, stdin=stdin).stdout.decode()
