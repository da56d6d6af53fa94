"""A service manager, as far as a daemon sees one: manager.py SOCKET SECONDS COMMAND..., SECONDS being those of each life.

Opens the socket and hands it over as standard input, listens on NOTIFY_SOCKET, waits for signs of life, and prints what it
is told. Asks the daemon to stop and starts it a second time, while clients connect without a pause: prints how many requests
were answered, and how many were not."""
import os
import signal
import socket
import subprocess
import sys
import threading
import time

path, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
listening = socket.socket(socket.AF_UNIX)
listening.bind(path)
os.chmod(path, 0o660)
listening.listen(128)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path + ".notify")
answered, failed, over, ready = 0, [], False, threading.Event()
CLIENTS = 4


def hear():
    while True:
        for line in notify.recv(4096).decode().split("\n"):
            print("told", line, flush=True)
            if line == "READY=1":
                ready.set()


def ask():
    global answered
    while not over:
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(60)
                one.connect(path)
                one.sendall(b"GET /system HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = one.recv(100)
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise OSError("answered %r" % answer)
            answered += 1
        except OSError as e:
            failed.append("%.3f %s" % (time.monotonic() - began, e))
        time.sleep(0.002)


def start():
    environment = dict(os.environ, NOTIFY_SOCKET=path + ".notify", WATCHDOG_USEC="1000000")
    ready.clear()
    return subprocess.Popen(command, stdin=listening, env=environment)


def live():
    ready.wait(60)
    time.sleep(seconds)


threading.Thread(target=hear, daemon=True).start()
began = time.monotonic()
first = start()
clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
for client in clients:
    client.start()
live()
print("stopping after %.3f" % (time.monotonic() - began), flush=True)
first.send_signal(signal.SIGTERM)
print("ended", first.wait(), flush=True)
second = start()
live()
over = True
for client in clients:
    client.join()
second.send_signal(signal.SIGTERM)
print("ended", second.wait(), flush=True)
print("answered", answered, "failed", len(failed), *failed[:3], flush=True)
