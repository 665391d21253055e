#!/usr/bin/env python3
"""vm-ready.py SOCKET: returns when the machine says "ready" on its serial port."""

import os
import socket
import sys
import time

while not os.path.exists(sys.argv[1]):  # the emulator has just been started and makes it first of all
    time.sleep(0.05)
with socket.socket(socket.AF_UNIX) as port:
    port.connect(sys.argv[1])
    text = b""
    while b"ready" not in text:
        part = port.recv(64)
        if not part:
            sys.exit(1)
        text += part
