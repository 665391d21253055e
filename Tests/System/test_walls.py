"""What the payload may do, and what stops it."""

import os
import shutil
import subprocess

from support import PROBE, SandboxTest, sandboxctl

DENIED = {"EPERM", "EACCES", "EROFS", "ENOENT", "ENOSYS", "ENOSPC", "SIGSYS", "EAFNOSUPPORT", "ENETUNREACH", "ENODEV",
          "EPROTONOSUPPORT", "EOVERFLOW"}
# An agent's own sandboxes must work.
ALLOWED = {"SYS-18"}
# Rows that even root on a plain machine cannot do here, so the control cannot show them, with the reason.
NO_CONTROL = {"FS-15": "the control's /usr is written by nobody", "FS-21": "EFAULT before the check", "SYS-01": "the host may switch it off",
              "SYS-03": "needs a valid attribute", "SYS-06": "needs a tracer", "SYS-09-bpf": "EINVAL before the check",
              "SYS-10": "the kernel may lack the old ABI", "SYS-12": "no kernel knows it", "SYS-13": "needs a terminal",
              "FS-13": "EINVAL: the root is a mount", "FS-27": "no such device", "DEV-04": "no such device", "CAP-04": "one needs another namespace",
              "SYS-15-alg": "a module", "PRC-13-init": "it would end the control", "NET-01": "the lab has no route",
              "RES-18": "path", "WSP-13": "the file system decides", "FS-03": "the lab's own mount", "FS-07-kcore": "the lab hides it",
              "SYS-04": "kept out of the control", "FS-01": "the lab's own mount", "FS-06": "the lab's own mount",
              "SYS-15-packet": "kept out of the control"}


def outcomes(output):
    return dict(line.split(" ", 1) for line in output.splitlines() if " " in line)


class Walls(SandboxTest):
    def probe_inside(self, *options):
        shutil.copy(PROBE, f"{self.workspace}/probe")
        return outcomes(sandboxctl("exec", *options, "demo", "--", "/workspace/probe", check=0).stdout.decode())

    def check(self, results):
        self.assertGreaterEqual(len(results), 35)
        for row, outcome in results.items():
            with self.subTest(row=row):
                if row in ALLOWED:
                    self.assertEqual(outcome, "ok")
                else:
                    self.assertIn(outcome, DENIED)

    def test_attacks_as_the_agent(self):
        self.create()
        self.check(self.probe_inside())
        self.assertEqual(self.set_id_files(), [])

    def test_attacks_as_root_inside(self):
        self.create(template="[agent]\nallow_root = true\n")
        results = self.probe_inside("-u", "root")
        # Root may ask to become root; nothing comes of it.
        self.assertEqual(results.pop("CAP-06"), "ok")
        # It may send SIGKILL to the first process, which the kernel ignores from inside (pid_namespaces(7)).
        self.assertEqual(results.pop("PRC-13-init"), "ok")
        self.check(results)
        self.assertEqual(self.status()["state"], "running")
        self.assertEqual(self.set_id_files(), [])

    def set_id_files(self):
        return [name for name in os.listdir(self.workspace)
                if os.lstat(f"{self.workspace}/{name}").st_mode & 0o6000]

    def test_control_without_the_walls_the_attacks_succeed(self):
        """The twin: the same program on the machine itself, as root. Where it succeeds there, the walls stopped it above."""
        os.makedirs("/workspace", exist_ok=True)
        self.addCleanup(shutil.rmtree, "/workspace")
        script = f"mkdir -p /mnt; exec {PROBE}"
        result = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script],
                                capture_output=True, text=True, check=False)
        results = outcomes(result.stdout)
        reached = {row for row, outcome in results.items() if outcome == "ok"}
        self.assertEqual(sorted(set(results) - reached - set(NO_CONTROL) - ALLOWED), [])
        self.assertGreaterEqual(len(reached), 12)
        self.assertTrue(os.lstat("/workspace/suid").st_mode & 0o4000)

    def test_posture_is_the_same_by_every_way_in(self):
        fields = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters")

        def pick(status):
            pairs = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            return {field: pairs[field].strip() for field in fields}

        self.create(template='[agent]\nsetup = ["cat /proc/self/status > /workspace/setup"]\n')
        leader = self.status()["run"]["leader"]
        with open(f"/proc/{leader}/status", encoding="utf-8") as file:
            payload = pick(file.read())
        self.assertEqual({payload[field] for field in fields[:5]}, {"0" * 16})
        self.assertEqual((payload["NoNewPrivs"], payload["Seccomp"]), ("1", "2"))
        with open(f"{self.workspace}/setup", encoding="utf-8") as file:
            self.assertEqual(pick(file.read()), payload, "setup")
        self.assertEqual(pick(self.inside("cat /proc/self/status")), payload, "exec")
        shell = subprocess.run(["script", "-qec", "sandboxctl shell demo -- cat /proc/self/status", "/dev/null"],
                               capture_output=True, text=True, check=True).stdout.replace("\r", "")
        self.assertEqual(pick(shell), payload, "shell")
        run = sandboxctl("run", "--workspace", self.workspace, "--", "cat", "/proc/self/status", check=0)
        self.assertEqual(pick(run.stdout.decode()), payload, "run")
        for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts"):
            inside = self.inside(f"readlink /proc/self/ns/{kind}").strip()
            self.assertEqual(inside, os.readlink(f"/proc/{leader}/ns/{kind}"))
            self.assertNotEqual(inside, os.readlink(f"/proc/self/ns/{kind}"))
        self.assertEqual(self.inside("ls /proc/self/fd").split(), ["0", "1", "2", "3"])  # 3 is ls's own

    def test_no_network_but_loopback(self):
        self.create()
        self.assertEqual(self.inside("ls /sys/class/net 2>/dev/null; cat /proc/net/dev | tail -n +3 | wc -l").split()[-1], "1")
        # PRC-03: nobody listens on an abstract address (flag __SO_ACCEPTCON). The manager of the container lives in this
        # namespace; its connection to the bus has a name from systemd 255 on, but cannot be connected to.
        sockets = [line.split() for line in self.inside("cat /proc/net/unix").splitlines()[1:]]
        self.assertEqual([socket for socket in sockets if socket[3] != "00000000"], [])

    def test_workspace_files_belong_to_its_owner(self):
        for owner in (0, 1000, 12345):
            with self.subTest(owner=owner):
                os.chown(self.workspace, owner, owner)
                # Open to everybody, so that what stops root inside is the id mapping, not the mode.
                os.chmod(self.workspace, 0o777)
                self.create(template="[agent]\nallow_root = true\n")
                self.inside("echo a > /workspace/a; mkdir /workspace/d; chmod u+s /workspace/a", check=1)
                self.inside("echo r > /workspace/r", "demo", "-u", "root", check=2)
                self.assertEqual(sorted(os.listdir(self.workspace)), ["a", "d"])
                for name in ("a", "d"):
                    status = os.lstat(f"{self.workspace}/{name}")
                    self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o6000), (owner, owner, 0))
                sandboxctl("remove", "demo", check=0)
                shutil.rmtree(f"{self.workspace}/d")
                os.unlink(f"{self.workspace}/a")

    def test_read_only_workspace(self):
        self.create("demo", "--workspace-mode", "read-only")
        self.inside("touch /workspace/x", check=1)
        self.assertEqual(os.listdir(self.workspace), [])

    def test_root_is_bounded(self):
        self.create("demo", "--root-size", "16M", "--root-inodes", "2000")
        self.inside("head -c 32M /dev/zero > /tmp/big", check=1)
        self.inside("rm -f /tmp/big; i=0; while [ $i -lt 3000 ]; do : > /tmp/f$i || exit 9; i=$((i+1)); done", check=2)
