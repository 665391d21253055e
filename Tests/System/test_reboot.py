"""A reboot in the middle: `suite.py Before` makes sandboxes, then the machine restarts, then `suite.py After` looks."""

import json
import os
import unittest

from support import WORK, inventory, sandboxctl, text

NAMES = [f"boot{i}" for i in range(10)]
SECRET = "/root/boot-secret"
TEMPLATE = "/root/boot.toml"


class Before(unittest.TestCase):
    def test_ten_run_and_one_is_stopped(self):
        with open(SECRET, "w", encoding="utf-8") as file:
            file.write("before\n")
        with open(TEMPLATE, "w", encoding="utf-8") as file:
            file.write(f'version = 1\n[agent]\npersist = [".cache"]\n[secrets.s]\nfile = "{SECRET}"\n')
        os.makedirs(f"{WORK}/boot", exist_ok=True)
        for name in NAMES:
            text("create", name, "--workspace", f"{WORK}/boot", "--template", TEMPLATE)
        text("exec", NAMES[0], "--", "sh", "-c", "echo kept > ~/.cache/k; echo lost > /tmp/l; id -u > /workspace/w")
        text("stop", NAMES[9])
        with open("/root/boot.json", "w", encoding="utf-8") as file:
            file.write(text("list", "--json"))
        os.sync()


class After(unittest.TestCase):
    def test_all_are_stopped_and_come_back(self):
        with open("/root/boot.json", encoding="utf-8") as file:
            before = {entry["name"]: entry for entry in json.load(file)}
        now = {entry["name"]: entry for entry in json.loads(text("list", "--json"))}
        self.assertEqual({entry["state"] for entry in now.values()}, {"stopped"})
        self.assertEqual({name: entry["uid_base"] for name, entry in now.items()},
                         {name: entry["uid_base"] for name, entry in before.items()})
        left = inventory()
        self.assertEqual([left[kind] for kind in ("units", "machines", "networks", "credentials", "processes", "mounts")], [[]] * 6)
        self.assertEqual(text("gc").strip(), "")
        with open(SECRET, "w", encoding="utf-8") as file:
            file.write("after\n")
        text("start", "--all")
        inside = text("exec", NAMES[0], "--", "sh", "-c", "cat ~/.cache/k /run/secrets/s /workspace/w; ls /tmp")
        self.assertEqual(inside.split(), ["kept", "after", "1000"])
        sandboxctl("remove", "--all", check=0)
        self.assertEqual(inventory()["state"], [])
