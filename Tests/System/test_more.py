"""Terminals, stores, credentials, and the posture held against golden files."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

from support import SandboxTest, WORK, lines, sandboxctl, text

HERE = os.path.dirname(os.path.abspath(__file__))


class Terminal(SandboxTest):
    """A person at a terminal, played by a pty."""

    def open(self, *command):
        """Starts a command on a pty of its own; returns its process and the outer side."""
        outer, inner = pty.openpty()
        self.settings = termios.tcgetattr(inner)
        self.resize(outer, 30, 100)
        process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), env={**os.environ, "TERM": "xterm"})
        self.addCleanup(os.close, outer)
        self.addCleanup(os.close, inner)
        self.inner, self.unread = inner, ""
        return process, outer

    @staticmethod
    def resize(descriptor, rows, columns):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def expect(self, outer, pattern, seconds=10):
        """Reads until the pattern was written; what follows it is left for the next call."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.unread)):
            self.assertTrue(select.select([outer], [], [], max(0, end - time.monotonic()))[0], f"no {pattern!r} in {self.unread!r}")
            self.unread += os.read(outer, 4096).decode(errors="replace")
        self.unread = self.unread[match.end():]

    def type(self, outer, line):
        """Types a line once the shell asks for one: what arrives while it changes the terminal's mode is the kernel's to mangle."""
        self.expect(outer, r"\$ ")
        os.write(outer, line + b"\n")

    def test_shell_on_a_terminal(self):
        self.create()
        process, outer = self.open("sandboxctl", "shell", "demo")
        self.type(outer, b"stty size; tty; id -un; pwd")
        self.expect(outer, r"30 100\r\n/dev/pts/\d+\r\nagent\r\n/workspace\r\n")
        # Resized while a program runs: at its prompt the shell would draw a second one.
        self.type(outer, b"sh -c 'echo running=$((1+1)); read line; stty size'")
        self.expect(outer, r"running=2")
        self.resize(outer, 40, 120)
        os.write(outer, b"\n")
        self.expect(outer, r"40 120\r\n")
        # Ctrl-C reaches the program inside, not the command outside.
        self.type(outer, b"sh -c 'echo ready=$((2-1)); exec sleep 100'")
        self.expect(outer, r"ready=1")
        os.write(outer, b"\x03")
        self.type(outer, b"echo interrupted=$?")
        self.expect(outer, r"interrupted=130")
        self.type(outer, b"exit 7")
        self.assertEqual(process.wait(timeout=10), 7)
        self.assertEqual(termios.tcgetattr(self.inner), self.settings)

    def test_the_terminal_is_put_back_when_the_sandbox_is_stopped_meanwhile(self):
        self.create()
        process, outer = self.open("sandboxctl", "shell", "demo")
        self.type(outer, b"echo up=$((1+1))")
        self.expect(outer, "up=2")
        text("stop", "--timeout", "1", "demo")
        self.assertNotEqual(process.wait(timeout=15), 0)
        self.assertEqual(termios.tcgetattr(self.inner), self.settings)

    def test_exec_with_a_terminal_needs_one(self):
        self.create()
        self.assertEqual(sandboxctl("exec", "-t", "demo", "--", "tty").returncode, 64)

    def test_logs_follow_until_interrupted(self):
        self.create()
        process = subprocess.Popen(["sandboxctl", "logs", "-f", "demo"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        text("reset", "demo")
        for line in process.stdout:
            if "Sandbox demo reset" in line:
                break
        process.send_signal(signal.SIGINT)
        self.assertIn(process.wait(timeout=10), (0, 130, -2))

    def test_hostile_output_is_shown_raw_only_by_the_program_itself(self):
        self.create("demo", "-e", "X=\x1b[31m")
        for verb in (["list"], ["status", "demo"], ["list", "--json"], ["logs", "demo"]):
            self.assertNotIn("\x1b", text(*verb))


class Stores(SandboxTest):
    def test_a_directory_tree_as_store(self):
        tree = f"{WORK}/tree"
        os.makedirs(f"{tree}/etc")
        self.addCleanup(shutil.rmtree, tree)
        subprocess.run(["cp", "-al", "/usr", f"{tree}/usr"], check=True)
        # A link in the tree's own /etc must not show a file of the host.
        os.symlink("/etc/shadow", f"{tree}/etc/services")
        self.create(template=f'store = "{tree}"\n')
        self.assertEqual(self.inside("echo $((6*7)); python3 -c 'print(1)'").split(), ["42", "1"])
        self.inside("cat /etc/services", check=1)
        self.inside("touch /usr/x", check=1)

    def test_the_nix_store(self):
        self.assertFalse(os.path.exists("/nix"))
        self.addCleanup(shutil.rmtree, "/nix")
        os.makedirs("/nix/store/abc-tools/bin")
        os.makedirs("/nix/var/nix/profiles")
        os.symlink("/nix/store/abc-tools", "/nix/var/nix/profiles/default")
        source = "#include <stdio.h>\nint main(void) { puts(\"hello from the store\"); }\n"
        subprocess.run(["gcc", "-static", "-x", "c", "-", "-o", "/nix/store/abc-tools/bin/hello"], input=source, text=True, check=True)
        self.create(template='store = "nix"\n')
        self.assertEqual(text("exec", "demo", "--", "hello"), "hello from the store\n")
        # Nothing of the host's own software is there.
        self.assertEqual(sandboxctl("exec", "demo", "--", "/usr/bin/python3").returncode, 127)

    def test_store_paths_and_mounts(self):
        for name in ("tools", "data"):
            os.makedirs(f"{WORK}/{name}", exist_ok=True)
            self.addCleanup(shutil.rmtree, f"{WORK}/{name}")
        os.chown(f"{WORK}/data", 4242, 4242)
        self.create(template=f'store_paths = ["{WORK}/tools"]\n[[mounts]]\nsource = "{WORK}/data"\ntarget = "/data"\n'
                    "read_only = false\n")
        self.inside(f"touch {WORK}/tools/x", check=1)
        self.inside("echo a > /data/a")
        self.assertEqual(os.stat(f"{WORK}/data/a").st_uid, 4242)

    def test_a_workspace_replaced_while_stopped_is_not_mounted(self):
        self.create()
        text("stop", "demo")
        os.rename(self.workspace, f"{self.workspace}.old")
        os.mkdir(self.workspace)
        self.addCleanup(shutil.rmtree, f"{self.workspace}.old")
        self.assertNotEqual(sandboxctl("start", "demo").returncode, 0)
        os.rmdir(self.workspace)
        os.symlink("/etc", self.workspace)
        self.assertNotEqual(sandboxctl("start", "demo").returncode, 0)
        os.unlink(self.workspace)
        os.mkdir(self.workspace)

    def test_encrypted_credentials(self):
        os.makedirs("/etc/credstore.encrypted", exist_ok=True)
        subprocess.run(["systemd-creds", "setup"], check=True, capture_output=True)
        subprocess.run(["systemd-creds", "encrypt", "--with-key=host", "--name=tok", "-", "/etc/credstore.encrypted/tok"],
                       input=b"sealed value", check=True, capture_output=True)
        self.addCleanup(os.unlink, "/etc/credstore.encrypted/tok")
        self.create(template='[secrets.tok]\ncredential = "tok"\n')
        self.assertEqual(self.inside("cat /run/secrets/tok"), "sealed value")

    def test_crd_13_a_secret_is_nowhere_on_the_host_but_in_its_source(self):
        canary = "canary-7f3a9c51e2"
        source = f"{WORK}/canary"
        with open(source, "w", encoding="utf-8") as file:
            file.write(canary)
        self.addCleanup(os.unlink, source)
        self.create(template=f'[secrets.c]\nfile = "{source}"\n')
        self.assertEqual(self.inside("cat /run/secrets/c"), canary)
        found = lines("grep", "-rlsF", canary, "/var/lib/sandboxctl", "/run/sandboxctl", "/run/systemd/transient", "/var/log")
        self.assertEqual(found, [])
        self.assertNotIn(canary, "".join(lines("journalctl", "-o", "export", "--since", "-5min")))
        self.assertNotIn(canary, "".join(lines("systemctl", "show", "sandbox-demo.service")))
        text("stop", "demo")
        self.assertEqual(lines("grep", "-rlsF", canary, "/run/credentials", "/run/sandboxctl"), [])


class Golden(SandboxTest):
    """The posture as a whole, in files: a new mount, device, descriptor or right is a difference to look at."""

    maxDiff = None

    def snapshot(self):
        script = r"""
            grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)' /proc/self/status
            awk '{ n = split($0, part, " - "); split(part[1], a, " "); split(part[2], b, " "); print "mount", a[5], b[1], a[6] }' /proc/self/mountinfo
            for f in $(ls -A /dev); do echo "dev $f"; done
            for f in $(ls -A /run /run/host /run/sandbox); do echo "run $f"; done
            ls -A / | sed 's/^/root /'
            env | sed 's/=.*//; s/^/env /'
            ls /proc/self/fd | sed 's/^/fd /'
            ulimit -c | sed 's/^/core /'; umask | sed 's/^/umask /'
            cat /proc/sys/user/max_user_namespaces | sed 's/^/user_namespaces /'
        """
        def normal(line):
            if line.startswith("mount "):
                word, target, kind, options = line.split(" ")
                options = ",".join(sorted(o for o in options.split(",") if o not in ("relatime", "idmapped", "nosymfollow")))
                return f"{word} {target} {kind if not kind.startswith(('ext', 'xfs', 'btrfs', 'overlay')) else 'disk'} {options}"
            return " ".join(line.split())
        # Which kernel files there are to cover depends on the kernel; that they are covered is tested by itself.
        covers = re.compile(r"mount /(proc|sys)/\S+ tmpfs ")
        return sorted({normal(line) for line in self.inside(script).splitlines()
                       if not line.startswith("env _") and not covers.match(line)})

    def test_fs_07_kernel_files_that_tell_about_the_host_are_covered(self):
        self.create()
        for name in ("kallsyms", "kcore", "keys", "timer_list", "slabinfo", "iomem", "modules", "sched_debug", "sysrq-trigger"):
            if os.path.exists(f"/proc/{name}"):
                self.inside(f"cat /proc/{name}", check=1)
                with open(f"/proc/{name}", "rb") as file:  # the control: outside it can be read
                    if name not in ("kcore", "sysrq-trigger"):
                        file.read(1)

    def test_posture_against_the_golden_file(self):
        self.create(template='[secrets.s]\nfile = "/etc/hostname"\n')
        with open("/etc/os-release", encoding="utf-8") as file:
            codename = re.search(r"VERSION_CODENAME=(\w+)", file.read()).group(1)
        got = self.snapshot()
        path = f"{HERE}/golden/{codename}.json"
        if not os.path.exists(path) or os.environ.get("UPDATE_GOLDEN"):
            print(f"golden {codename}: {json.dumps(got, indent=1)}")
            self.fail("recorded, not compared")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(got, json.load(file))
