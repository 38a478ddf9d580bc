"""On a process's PYTHONPATH: looking up what has one of the ports in the file HANGING_PORTS doesn't come to an end."""

import os
import socket
import time
from pathlib import Path

resolve = socket.getaddrinfo


def getaddrinfo(host, port, *args, **options):
    while str(port) in Path(os.environ["HANGING_PORTS"]).read_text().split():
        time.sleep(0.1)
    return resolve(host, port, *args, **options)


socket.getaddrinfo = getaddrinfo
