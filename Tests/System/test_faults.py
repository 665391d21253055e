"""Crashes, races, damaged records and bad input."""

import concurrent.futures
import itertools
import json
import os
import subprocess

from support import DEBUG, EMPTY, SandboxTest, eventually, inventory, sandboxctl, text

CREATE = ("range", "record", "network", "launch", "verify", "release", "run", "setup", "commit")
REMOVE = ("record", "unit", "network", "runtime", "range", "files")
# A link to the host's network is what leaves most behind.
NETWORKS = ("none", "full")


class Faults(SandboxTest):
    def fail_at(self, step, how, *arguments):
        return sandboxctl(*arguments, program=DEBUG, environment={"SANDBOXCTL_FAIL": f"{step}:{how}"})

    def test_killed_after_each_step_of_create(self):
        for step, network in itertools.product(CREATE, NETWORKS):
            with self.subTest(step=step, network=network):
                result = self.fail_at(f"create.{step}", "kill", "create", "demo", "--workspace", self.workspace,
                                      "--network", network)
                self.assertEqual(result.returncode, -9)
                text("gc", "--force")
                self.assertTrue(eventually(lambda: inventory() == EMPTY or step == "commit"), inventory())
                if step == "commit":
                    self.inside("true")
                    text("remove", "demo")
                    self.check_inventory()

    def test_error_after_each_step_of_create_is_undone_at_once(self):
        for step, network in itertools.product(CREATE, NETWORKS):
            with self.subTest(step=step, network=network):
                result = self.fail_at(f"create.{step}", "err", "create", "demo", "--workspace", self.workspace,
                                      "--network", network)
                self.assertEqual(result.returncode, 70, result.stderr)
                self.check_inventory()

    def test_killed_after_each_step_of_remove(self):
        for step, network in itertools.product(REMOVE, NETWORKS):
            with self.subTest(step=step, network=network):
                self.create("demo", "--network", network)
                self.assertEqual(self.fail_at(f"remove.{step}", "kill", "remove", "demo").returncode, -9)
                text("gc", "--force")
                self.check_inventory()

    def test_the_name_can_be_used_again_after_a_crash(self):
        self.fail_at("create.record", "kill", "create", "demo", "--workspace", self.workspace)
        text("gc", "--force")
        self.create()
        self.inside("true")

    def test_fifty_creates_of_one_name(self):
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            results = list(pool.map(lambda _: sandboxctl("create", "demo", "--workspace", self.workspace).returncode, range(50)))
        self.assertEqual(sorted(results), [0] + [73] * 49)
        self.inside("true")

    def test_a_hundred_creates_at_once(self):
        names = [f"many{i}" for i in range(100)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            results = list(pool.map(
                lambda name: sandboxctl("create", name, "--workspace", self.workspace).returncode, names))
        self.assertEqual(set(results), {0})
        found = json.loads(text("list", "--json"))
        self.assertEqual({entry["state"] for entry in found}, {"running"})
        leaders = [entry["run"]["leader"] for entry in found]
        self.assertEqual(len({os.stat(f"/proc/{leader}").st_uid for leader in leaders}), 100)
        self.assertEqual(len({os.readlink(f"/proc/{leader}/ns/net") for leader in leaders}), 100)

    def test_nspawn_is_killed(self):
        self.create()
        leader = self.status()["run"]["leader"]
        with open(f"/proc/{leader}/stat", encoding="utf-8") as file:
            nspawn = int(file.read().rsplit(")", 1)[1].split()[1])
        os.kill(nspawn, 9)
        self.assertTrue(eventually(lambda: not os.path.exists(f"/proc/{leader}"), 2))
        self.assertTrue(eventually(lambda: self.status()["state"] == "failed"))
        text("start", "demo")
        self.inside("true")

    def test_a_damaged_record_hides_nothing_and_can_be_removed(self):
        self.create("good")
        for content in (b"", b"{", b"\0" * 100, b"[1]", b'{"version": 99}', b"x" * (2 << 20), os.urandom(500)):
            with self.subTest(content=content[:12]):
                os.makedirs("/var/lib/sandboxctl/bad", exist_ok=True)
                with open("/var/lib/sandboxctl/bad/sandbox.json", "wb") as file:
                    file.write(content)
                states = {entry["name"]: entry["state"] for entry in json.loads(text("list", "--json"))}
                self.assertEqual(states, {"good": "running", "bad": "corrupt"})
                text("remove", "bad")
                self.assertFalse(os.path.exists("/var/lib/sandboxctl/bad"))

    def test_machined_is_not_needed_for_listing_and_stopping(self):
        self.create()
        subprocess.run(["systemctl", "restart", "systemd-machined"], check=True)
        self.inside("true")
        text("stop", "demo")
        text("start", "demo")

    def test_bad_input(self):
        rows = [
            (["create", "Up", "-w", self.workspace], 64), (["create", "a/b", "-w", self.workspace], 64),
            (["create", "../evil", "-w", self.workspace], 64), (["create", "-x"], 64), (["create", ""], 64),
            (["create", "a" * 33, "-w", self.workspace], 64), (["create", "all", "-w", self.workspace], 64),
            (["create", "ok", "-w", "/nowhere"], 66), (["create", "ok", "-w", "/etc/passwd"], None),
            (["create", "ok", "-w", "/"], None), (["create", "ok", "-w", "/proc"], None),
            (["create", "ok", "-w", self.workspace, "--network", "fulll"], 64),
            (["create", "ok", "-w", self.workspace, "--network", "restricted", "--allow", "http://x"], 64),
            (["create", "ok", "-w", self.workspace, "--allow", "x.example"], 64),
            (["create", "ok", "-w", self.workspace, "-e", "=x"], 64), (["create", "ok", "-w", self.workspace, "-e", "A"], 64),
            (["create", "ok", "-w", self.workspace, "--memory", "lots"], 64),
            (["create", "ok", "-w", self.workspace, "--memory="], 64),
            (["create", "ok", "-w", self.workspace, "--no-such-flag"], 64),
            (["create", "ok", "-w", self.workspace, "-t", "no-such-template"], 66),
            (["create", "ok", "-w", self.workspace, "-t", self.template("netwrok = 1\n")], 78),
            (["create", "ok", "-w", self.workspace, "--secret", "t=/nowhere"], 78),
            (["exec", "nobody", "--", "true"], 125), (["status", "nobody"], 66), (["remove", "nobody"], 66),
        ]
        before = inventory()
        for arguments, status in rows:
            with self.subTest(arguments=arguments):
                result = sandboxctl(*arguments)
                if status is None:
                    self.assertIn(result.returncode, (64, 66, 77, 78))
                else:
                    self.assertEqual(result.returncode, status, result.stderr)
                errors = result.stderr.decode().splitlines()
                self.assertTrue(errors and errors[0].startswith("sandboxctl: "), errors)
                self.assertTrue(all(line.startswith("hint: ") for line in errors[1:]), errors)
                self.assertEqual(inventory(), before)


class Work(SandboxTest):
    def test_real_work_offline(self):
        subprocess.run(["git", "init", "-q", f"{self.workspace}/origin"], check=True)
        self.create()
        self.inside("git config --global --add safe.directory '*'; cd /workspace/origin && echo 'int main(void){return 0;}' > a.c && "
                    "printf 'a: a.c\\n\\tgcc -O2 -o a a.c\\n' > Makefile && git add . && "
                    "git -c user.name=a -c user.email=a@example.org commit -qm first && "
                    "git clone -q /workspace/origin /tmp/copy && make -s -C /tmp/copy && /tmp/copy/a")
        self.inside("python3 -m venv /tmp/v && /tmp/v/bin/python -c 'import ssl, sqlite3, threading; print(1)'")
        self.assertEqual(self.inside("node -e 'console.log(6 * 7)'").strip(), "42")

    def test_swift_build_through_store_paths(self):
        if not os.path.exists("/opt/swift/usr/bin/swift"):
            self.skipTest("no Swift toolchain on this machine")
        self.create(template='store_paths = ["/opt/swift"]\n[root]\nsize = "4G"\n[agent]\n'
                    'env = { PATH = "/opt/swift/usr/bin:/usr/bin:/bin" }\n')
        self.inside("mkdir p && cd p && swift package init --type executable --name hello -q 2>/dev/null || swift package init "
                    "--type executable --name hello; swift build --disable-sandbox && swift run --disable-sandbox hello")
