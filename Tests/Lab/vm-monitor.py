#!/usr/bin/env python3
"""vm-monitor.py SOCKET COMMAND: gives the emulator's monitor a command and waits until it was carried out."""

import socket
import sys

PROMPT = b"(qemu) "

with socket.socket(socket.AF_UNIX) as monitor:
    monitor.settimeout(30)
    monitor.connect(sys.argv[1])
    text = b""
    while PROMPT not in text:
        text += monitor.recv(4096)
    monitor.sendall(sys.argv[2].encode() + b"\n")
    # The next prompt comes when it is done; closing before would take the command back.
    text = b""
    while PROMPT not in text:
        text += monitor.recv(4096)
