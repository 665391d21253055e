"""An echo server over UDP and TCP, port 7: echo.py ADDRESS..."""

import socket
import sys
import threading


def datagrams(address, family):
    listener = socket.socket(family, socket.SOCK_DGRAM)
    listener.bind((address, 7))
    while True:
        data, peer = listener.recvfrom(65536)
        listener.sendto(data, peer)


def echo(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def streams(address, family):
    listener = socket.create_server((address, 7), family=family)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


for place in sys.argv[1:]:
    kind = socket.AF_INET6 if ":" in place else socket.AF_INET
    for serve in (datagrams, streams):
        threading.Thread(target=serve, args=(place, kind)).start()
