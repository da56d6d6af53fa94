"""A service manager, as far as a daemon sees one: manager.py SOCKET SECONDS COMMAND...

Opens the socket and hands it over as standard input, listens on NOTIFY_SOCKET, waits for signs of life. Prints what it is
told. In between it connects without a pause, and starts the daemon a second time after the first was asked to stop: prints how many
requests were answered, and how many were not."""
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
answered, failed, over = 0, [], False


def hear():
    while True:
        for line in notify.recv(4096).decode().split("\n"):
            print("told", line, flush=True)


def ask():
    global answered
    while not over:
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(60)
                one.connect(path)
                one.sendall(b"GET /system HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if not one.recv(100).startswith(b"HTTP/1.1 200"):
                    raise OSError("no answer")
            answered += 1
        except OSError as e:
            failed.append(str(e))
        time.sleep(0.005)


def start():
    environment = dict(os.environ, NOTIFY_SOCKET=path + ".notify", WATCHDOG_USEC="1000000")
    return subprocess.Popen(command, stdin=listening, env=environment)


threading.Thread(target=hear, daemon=True).start()
first = start()
client = threading.Thread(target=ask)
client.start()
time.sleep(seconds)
first.send_signal(signal.SIGTERM)
print("ended", first.wait(), flush=True)
second = start()
time.sleep(seconds)
over = True
client.join()
second.send_signal(signal.SIGTERM)
print("ended", second.wait(), flush=True)
print("answered", answered, "failed", len(failed), *failed[:3], flush=True)
