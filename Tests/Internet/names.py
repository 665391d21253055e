"""An authoritative DNS server that does as it is told: truth, change, lies, slowness. The zone is a JSON file, read again
for every question: {"name": {"A": [...], "AAAA": [...], "CNAME": "...", "ttl": 60, "rcode": 2, "delay": 1.5}}.

    names.py ADDRESS... ZONE LOG     every question is one line of LOG: TYPE NAME
"""

import json
import os
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28}


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def question(message):
    """The name, its type and the bytes of the question."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    kind = struct.unpack("!H", message[at + 1:at + 3])[0]
    return ".".join(labels), kind, message[12:at + 5]


def record(owner, kind, ttl, data):
    return owner + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


def answer(message, zone):
    name, kind, asked = question(message)
    entry = zone.get(name.lower())
    header = message[:2]
    if entry is None:
        return header + struct.pack("!HHHHH", 0x8583, 1, 0, 0, 0) + asked, 0
    records, owner, ttl = [], b"\xc0\x0c", entry.get("ttl", 60)
    while "CNAME" in entry:
        records.append(record(owner, "CNAME", ttl, name_bytes(entry["CNAME"])))
        owner = name_bytes(entry["CNAME"])
        entry = zone.get(entry["CNAME"].lower(), {})
        ttl = entry.get("ttl", 60)
        if len(records) > 12:
            break
    family, wanted = (socket.AF_INET, "A") if kind == 1 else (socket.AF_INET6, "AAAA")
    if kind in (1, 28):
        for address in entry.get(wanted, []):
            records.append(record(owner, wanted, ttl, socket.inet_pton(family, address)))
    flags = 0x8580 | entry.get("rcode", 0)
    body = struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + asked + b"".join(records)
    return header + body, entry.get("delay", 0)


class Server:
    def __init__(self, zone, log):
        self.zone, self.log = zone, log

    def handle(self, message, limit):
        with open(self.zone) as file:
            zone = json.load(file)
        name, kind, asked = question(message)
        with open(self.log, "a") as file:
            file.write(f"{kind} {name.lower()}\n")
        reply, delay = answer(message, zone)
        if len(reply) > limit:
            reply = message[:2] + struct.pack("!HHHHH", 0x8780, 1, 0, 0, 0) + asked
        if delay:
            time.sleep(delay)
        return reply

    def datagrams(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_DGRAM)
        listener.bind((address, 53))

        def reply(message, peer):
            listener.sendto(self.handle(message, 1232), peer)

        while True:
            message, peer = listener.recvfrom(4096)
            threading.Thread(target=reply, args=(message, peer), daemon=True).start()

    def streams(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, 53), family=family)
        while True:
            connection, _ = listener.accept()
            with connection:
                head = connection.recv(2)
                if len(head) == 2:
                    reply = self.handle(connection.recv(struct.unpack("!H", head)[0]), 65535)
                    connection.sendall(struct.pack("!H", len(reply)) + reply)


def main():
    *addresses, zone, log = sys.argv[1:]
    server = Server(zone, log)
    threads = [threading.Thread(target=serve, args=(address,), daemon=True)
               for address in addresses for serve in (server.datagrams, server.streams)]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    threads[0].join()


if __name__ == "__main__":
    os.umask(0o022)
    main()
