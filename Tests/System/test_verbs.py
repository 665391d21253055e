"""The verbs, as their user sees them."""

import json
import os
import subprocess
import time

from support import SandboxTest, WORK, inventory, sandboxctl, text


class Verbs(SandboxTest):
    def test_exit_status_of_the_program_is_the_command_s(self):
        self.create()
        for status in (0, 1, 42, 255):
            self.inside(f"exit {status}", check=status)
        self.inside("kill -9 $$", check=137)
        self.assertEqual(sandboxctl("exec", "demo", "--", "no-such-program").returncode, 127)
        self.assertEqual(sandboxctl("exec", "demo", "--", "/etc/passwd").returncode, 126)
        self.assertEqual(sandboxctl("exec", "--timeout", "1", "demo", "--", "sleep", "60").returncode, 124)

    def test_streams_are_split_and_binary(self):
        self.create()
        result = sandboxctl("exec", "demo", "--", "sh", "-c", "echo out; echo err >&2", check=0)
        self.assertEqual((result.stdout, result.stderr), (b"out\n", b"err\n"))
        data = os.urandom(10 << 20)
        self.assertEqual(sandboxctl("exec", "demo", "--", "cat", stdin=data, check=0).stdout, data)

    def test_environment_directory_and_user(self):
        self.create()
        self.assertEqual(self.inside("pwd; id -un; echo $HOME").split(), ["/workspace", "agent", "/home/agent"])
        self.assertEqual(self.inside("pwd; echo $A", "demo", "-C", "/tmp", "-e", "A=b c").splitlines(), ["/tmp", "b c"])
        os.environ["LEAKED"] = "yes"
        self.assertNotIn("LEAKED", self.inside("env"))
        self.assertEqual(self.inside("id -u", "demo", "-u", "65534").strip(), "65534")
        refused = sandboxctl("exec", "-u", "root", "demo", "--", "id")
        self.assertEqual(refused.returncode, 125)
        self.assertIn(b"root", refused.stderr)

    def test_a_thousand_in_a_row_leave_nothing(self):
        self.create()
        before = self.inside("ls /proc | grep -c '^[0-9]'")
        for _ in range(1000):
            sandboxctl("exec", "demo", "--", "true", check=0)
        self.assertEqual(self.inside("ls /proc | grep -c '^[0-9]'"), before)

    def test_run_removes_whatever_happens(self):
        options = ("--workspace", self.workspace)
        self.assertEqual(sandboxctl("run", *options, "--", "sh", "-c", "exit 3").returncode, 3)
        self.assertEqual(sandboxctl("run", *options, "--", "no-such-program").returncode, 127)
        self.assertEqual(sandboxctl("run", *options, "--timeout", "1", "--", "sleep", "60").returncode, 124)
        self.check_inventory()
        process = subprocess.Popen(["sandboxctl", "run", *options, "--", "sh", "-c", "echo up; sleep 60"],
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.assertEqual(process.stdout.readline(), b"up\n")
        process.terminate()
        self.assertEqual(process.wait(timeout=30), 143)
        process.stdout.close()
        self.check_inventory()

    def test_reset_gives_a_new_root_and_keeps_workspace_and_persistent_directories(self):
        self.create(template='[agent]\npersist = [".cache"]\nsetup = ["echo set > /tmp/setup"]\n')
        self.inside("echo a > /tmp/a; echo b > ~/.cache/b; echo c > /workspace/c; echo d > ~/d")
        text("reset", "demo")
        self.assertEqual(self.inside("cat /tmp/setup ~/.cache/b /workspace/c").split(), ["set", "b", "c"])
        self.inside("test ! -e /tmp/a && test ! -e ~/d")

    def test_stop_and_start(self):
        self.create()
        process = subprocess.Popen(["sandboxctl", "exec", "demo", "--", "sh", "-c", "trap '' TERM; echo up; sleep 300 & wait; sleep 300"],
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.assertEqual(process.stdout.readline(), b"up\n")
        begin = time.monotonic()
        text("stop", "--timeout", "2", "demo")
        self.assertLess(time.monotonic() - begin, 7)
        process.wait(timeout=10)
        process.stdout.close()
        self.assertEqual(self.status()["state"], "stopped")
        self.assertEqual(inventory()["processes"], [])
        self.assertEqual(sandboxctl("exec", "demo", "--", "true").returncode, 125)
        text("start", "demo")
        self.inside("true")

    def test_several_names_and_all(self):
        for name in ("a1", "a2"):
            self.create(name)
        result = sandboxctl("stop", "a1", "nobody", "a2")
        self.assertEqual(result.returncode, 66)
        self.assertEqual([self.status(name)["state"] for name in ("a1", "a2")], ["stopped", "stopped"])
        text("start", "--all")
        self.assertEqual(text("list", "-q").split(), ["a1", "a2"])

    def test_a_name_that_exists(self):
        self.create()
        result = sandboxctl("create", "demo", "--workspace", self.workspace)
        self.assertEqual(result.returncode, 73)
        self.inside("true")

    def test_dry_run_changes_nothing(self):
        before = inventory()
        plan = json.loads(text("create", "demo", "--workspace", self.workspace, "--dry-run", "--json"))
        self.assertIn("--settings=no", plan["command"])
        self.assertEqual(plan["rules"], [])
        self.assertEqual(inventory(), before)

    def test_no_start(self):
        self.create("demo", "--no-start")
        self.assertEqual(self.status()["state"], "stopped")
        self.assertEqual(inventory()["units"], [])

    def test_secrets(self):
        source = f"{WORK}/secret-source"
        self.addCleanup(os.unlink, source)
        for value in ("first", "second"):
            with open(source, "w", encoding="utf-8") as file:
                file.write(value + "\n")
            if value == "first":
                self.create(template=f'[secrets.f]\nfile = "{source}"\n[secrets.v]\nfile = "{source}"\nexpose = "env"\n'
                            'variable = "TOKEN"\n')
            else:
                text("restart", "demo")
            self.assertEqual(self.inside("cat /run/secrets/f; echo $TOKEN; stat -c '%a %U' /run/secrets/f").splitlines(),
                             [value, value, "400 agent"])
            self.inside("test ! -e /run/secrets/v")
            self.inside("cat /run/secrets/f", "demo", "-u", "65534", check=1)
        text("stop", "demo")
        self.assertEqual(inventory()["credentials"], [])

    def test_cp_keeps_holes_and_leaves_nothing_when_interrupted(self):
        self.create()
        # A sandbox whose root has 1 GiB can make a file of 40 that costs it nothing.
        self.inside("echo begin > /tmp/sparse; truncate -s 40G /tmp/sparse")
        target = f"{self.workspace}/sparse"
        process = subprocess.Popen(["sandboxctl", "cp", "demo:/tmp/sparse", target])
        while not (parts := [name for name in os.listdir(self.workspace) if name.startswith(".sandboxctl")]):
            self.assertIsNone(process.poll())
        self.inside("pkill -STOP sandbox-copy")
        process.terminate()
        self.assertEqual(process.wait(timeout=10), 143, parts)
        self.assertEqual(os.listdir(self.workspace), [])
        self.inside("truncate -s 1G /tmp/sparse; echo end >> /tmp/sparse")
        text("cp", "demo:/tmp/sparse", target)
        status = os.stat(target)
        self.assertEqual(status.st_size, (1 << 30) + 4)
        self.assertLess(status.st_blocks * 512, 1 << 20)
        with open(target, "rb") as file:
            self.assertEqual(file.read(6), b"begin\n")
            file.seek(-4, os.SEEK_END)
            self.assertEqual(file.read(), b"end\n")

    def test_cp_into_a_place_that_the_agent_changes_meanwhile(self):
        # WSP-02: between the making of a directory and the change of its owner the agent puts a link in its place.
        self.create()
        self.inside("mkdir -p /tmp/many; for i in $(seq 300); do mkdir /tmp/many/d$i; done")
        target = f"{WORK}/canary"
        os.makedirs(target)
        self.addCleanup(os.rmdir, target)
        before = os.stat(target)
        swap = ("import os,time\nend=time.time()+6\n"
                "while time.time()<end:\n"
                " try:\n"
                "  for d in os.listdir('/workspace/out'):\n"
                "   p='/workspace/out/'+d\n"
                "   if not os.path.islink(p): os.rmdir(p); os.symlink('%s',p)\n"
                " except OSError: pass\n" % target)
        with subprocess.Popen(["sandboxctl", "exec", "demo", "--", "python3", "-c", swap], stdin=subprocess.DEVNULL) as agent:
            for _ in range(20):
                sandboxctl("cp", "demo:/tmp/many", f"{self.workspace}/out")
            agent.wait(timeout=20)
        after = os.stat(target)
        self.assertEqual((after.st_uid, after.st_gid, after.st_mode), (before.st_uid, before.st_gid, before.st_mode))
        self.assertEqual(os.listdir(target), [])

    def test_cp_tells_what_it_could_not_copy(self):
        self.create()
        missing = sandboxctl("cp", "demo:/tmp/nothing", f"{self.workspace}/x")
        self.assertEqual((missing.returncode, b"/tmp/nothing" in missing.stderr), (66, True))
        self.assertEqual(sandboxctl("cp", "demo:/dev/zero", f"{self.workspace}/x").returncode, 65)
        self.assertEqual(os.listdir(self.workspace), [])

    def test_a_writer_left_behind_holds_nobody_up(self):
        self.create()
        done = sandboxctl("exec", "demo", "--", "sh", "-c", "(while :; do echo more; done) & echo first; exit 3")
        self.assertEqual((done.returncode, b"first" in done.stdout), (3, True))

    def test_an_entering_process_that_the_agent_stops_is_not_waited_for_for_ever(self):
        self.create()
        loop = "while :; do pkill -STOP sandboxctl; done"
        with subprocess.Popen(["sandboxctl", "exec", "demo", "--", "sh", "-c", loop], stdin=subprocess.DEVNULL) as agent:
            try:
                begin, stopped = time.monotonic(), 0
                while not stopped and time.monotonic() - begin < 20:
                    # Sometimes it is the program that is stopped, just after it was entered: that is waited for, as any is.
                    stopped = sandboxctl("exec", "--timeout", "15", "demo", "--", "true", timeout=30).returncode
            finally:
                agent.terminate()
        self.assertIn(stopped, (0, 124, 125))
        text("remove", "demo")

    def test_a_run_that_is_killed_is_for_gc(self):
        process = subprocess.Popen(["sandboxctl", "run", "--name", "killed", "--", "sleep", "1000"],
                                   stdin=subprocess.DEVNULL)
        self.addCleanup(sandboxctl, "remove", "killed")
        while b"sleep 1000" not in sandboxctl("exec", "killed", "--", "ps", "-eo", "args").stdout:
            self.assertIsNone(process.poll())
        self.assertEqual(sandboxctl("gc").stdout, b"")
        process.kill()
        process.wait()
        self.assertIn("killed", text("gc"))
        text("gc", "--force")
        self.assertEqual(sandboxctl("status", "killed").returncode, 66)

    def test_logs_are_of_this_sandbox(self):
        self.create()
        text("remove", "demo")
        self.create()
        self.assertEqual(text("logs", "demo").count("created"), 1)
        self.assertEqual(sandboxctl("logs", "never-was").returncode, 66)

    def test_cp_both_ways_follows_no_link(self):
        self.create()
        self.inside("mkdir -p /tmp/d/e; echo 1 > /tmp/d/a; echo 2 > /tmp/d/e/b; ln -s /etc/shadow /tmp/d/l; mkfifo /tmp/d/p")
        target = f"{self.workspace}/out"
        text("cp", "demo:/tmp/d", target)
        self.assertEqual(sorted(os.listdir(target)), ["a", "e"])
        text("cp", target, "demo:/tmp/back")
        self.assertEqual(self.inside("cat /tmp/back/a /tmp/back/e/b").split(), ["1", "2"])
        # WSP-01: a link that the agent left on the way is not followed, neither for reading nor for writing.
        self.inside("ln -s /root /workspace/link; ln -s /etc/shadow /workspace/shadow")
        self.assertEqual(sandboxctl("cp", "demo:/tmp/d/a", f"{self.workspace}/link/a").returncode, 77)
        self.assertFalse(os.path.exists("/root/a"))
        self.assertEqual(sandboxctl("cp", f"{self.workspace}/shadow", "demo:/tmp/x").returncode, 77)
        self.inside("test ! -e /tmp/x")

    def test_logs_and_gc(self):
        self.create()
        text("reset", "demo")
        self.assertIn("Sandbox demo reset", text("logs", "demo"))
        for line in text("logs", "demo", "--json").splitlines():
            self.assertIn("message", json.loads(line))
        self.assertEqual(text("gc").strip(), "")

    def test_trust_of_a_workspace_s_template(self):
        path = f"{self.workspace}/.sandbox.toml"
        with open(path, "w", encoding="utf-8") as file:
            file.write('version = 1\n[agent]\nenv = { MINE = "yes" }\n')
        refused = sandboxctl("create", "demo", "--workspace", self.workspace)
        self.assertEqual(refused.returncode, 77)
        text("template", "trust", path)
        self.create()
        self.assertEqual(self.inside("echo $MINE").strip(), "yes")
        text("remove", "demo")
        with open(path, "a", encoding="utf-8") as file:
            file.write("# changed\n")
        self.assertEqual(sandboxctl("create", "demo", "--workspace", self.workspace).returncode, 77)
