"""Limits that hold, and say so. Needs the cgroup controllers, so it runs in the virtual machine."""

import time

from support import SandboxTest, sandboxctl, text

HOG = "import sys\nheld = []\nwhile True: held.append(bytearray(b'x' * (1 << 20)))"


class Limits(SandboxTest):
    def test_memory_runs_out_and_the_sandbox_lives(self):
        self.create("demo", "--memory", "64M")
        result = sandboxctl("exec", "demo", "--", "python3", "-c", HOG)
        self.assertEqual(result.returncode, 137)
        self.assertRegex(result.stderr.decode(), r"memory limit 64M reached \(peak 6\d\.\dM\)")
        self.inside("true")
        use = self.status()["use"]
        self.assertGreaterEqual(use["memory_peak"], 60 << 20)

    def test_memory_control_without_the_limit_the_same_program_goes_on(self):
        self.create("demo", "--memory", "512M")
        result = sandboxctl("exec", "demo", "--", "python3", "-c", "held = bytearray(b'x' * (128 << 20)); print(len(held))")
        self.assertEqual(result.returncode, 0)

    def test_shared_memory_and_root_count(self):
        self.create("demo", "--memory", "64M", "--root-size", "1G")
        for path in ("/tmp/big", "/dev/shm/big"):
            with self.subTest(path=path):
                result = sandboxctl("exec", "demo", "--", "sh", "-c", f"head -c 200M /dev/zero > {path}")
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("memory limit 64M reached", result.stderr.decode())
                # Files cannot be freed by killing anybody; the sandbox is there all the same, and a reset empties it.
                self.assertEqual(self.status()["state"], "running")
                text("reset", "demo")
                self.inside("true")

    def test_tasks_run_out(self):
        self.create("demo", "--tasks", "32")
        fork_bomb = ("import os, time\nn = 0\ntry:\n  while n < 200:\n    if os.fork() == 0: time.sleep(20); os._exit(0)\n    n += 1\n"
                     "except OSError: pass\nprint(n, flush=True)\nos._exit(0)")
        result = sandboxctl("exec", "demo", "--", "python3", "-c", fork_bomb, check=0)
        self.assertLess(int(result.stdout), 32)
        self.assertRegex(result.stderr.decode(), r"tasks limit 32 reached")
        self.assertEqual(self.status()["state"], "running")

    def test_processor_time_is_held(self):
        self.create("demo", "--cpu", "50%")
        before, begin = self.status()["use"]["cpu_usec"], time.monotonic()
        sandboxctl("exec", "--timeout", "6", "demo", "--", "sh", "-c", "while :; do :; done & while :; do :; done")
        spent, wall = self.status()["use"]["cpu_usec"] - before, (time.monotonic() - begin) * 1e6
        self.assertLess(spent / wall, 0.6)
        self.assertGreater(spent / wall, 0.3)

    def test_doctor_finds_the_controllers(self):
        self.assertNotIn(b"cgroup controller memory: missing", sandboxctl("doctor").stdout)
