"""What the trial sees and does outside of the API: a daemon in directories of its own, processes, groups, mounts, names."""
import ctypes
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
MNT_DETACH = 2
NETNS = "/run/netns"
GONE = (OSError, http.client.HTTPException)  # the daemon was killed meanwhile
libc = ctypes.CDLL(None, use_errno=True)


def become_reaper():
    """Whatever the daemon starts stays below this process, so that nothing that is left over is overlooked."""
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("prctl(PR_SET_CHILD_SUBREAPER) failed")
    threading.Thread(target=reap, daemon=True).start()


ended = {}


def reap():
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
            ended[pid] = status
        except ChildProcessError:
            time.sleep(0.02)


class Process:
    def __init__(self, pid):
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
        self.pid = pid
        self.comm = text[text.index("(") + 1 : text.rindex(")")]
        rest = text[text.rindex(")") + 2 :].split()
        self.state, self.parent, self.started = rest[0], int(rest[1]), int(rest[19])

    def kill(self, number=signal.SIGKILL):
        """Only the process that is meant: its number may be another's by now."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            now = Process(self.pid)
            if now.started != self.started or now.state == "Z":
                return False
            signal.pidfd_send_signal(descriptor, number)
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)


def processes():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = Process(int(name))
            except OSError:
                pass
    return found


def descendants():
    """All that live below this process."""
    every = processes()
    children = {}
    for each in every.values():
        children.setdefault(each.parent, []).append(each)
    found, todo = [], [os.getpid()]
    while todo:
        for child in children.get(todo.pop(), []):
            todo.append(child.pid)
            if child.state != "Z":
                found.append(child)
    return found


def describe(process):
    """What tells why it is there still: whose child it is, since when it lives, where it waits, who is in its pid namespace."""
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - process.started / os.sysconf("SC_CLK_TCK")
    parent = read(f"/proc/{process.parent}/comm").strip()
    where = read(f"/proc/{process.pid}/wchan") or "?"
    signals = re.findall(r"(?:SigPnd|ShdPnd|SigBlk|NSpid):.*", read(f"/proc/{process.pid}/status"))
    link = f"/proc/{process.pid}/ns/pid_for_children"
    beside = [f"{p.comm} {p.pid} {p.state}" for p in processes().values() if p.pid != process.pid and same(link, f"/proc/{p.pid}/ns/pid")]
    return (
        f"{process.comm} {process.pid} {process.state}, child of {process.parent} {parent}, {seconds:.0f} s old, in {where},"
        f" {' '.join(signals)}, beside it {beside}"
    )


def same(link, other):
    try:
        return os.readlink(link) == os.readlink(other)
    except OSError:
        return False


def read(path):
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def listing(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


class Host:
    """The places of one daemon, which nobody else has."""

    def __init__(self, distribution):
        self.name = f"seahaven-trial-{os.getpid()}"
        self.prefix = f"trial-{os.getpid()}-"
        self.home = distribution
        self.base = "/var/lib/" + self.name
        self.state, self.run, self.log = self.base + "/state", self.base + "/run", self.base + "/log"
        self.temporary = self.base + "/tmp"
        self.socket = self.run + "/seahaven.sock"
        self.pid = None
        os.makedirs(self.temporary)
        os.chmod(self.base, 0o700)

    # ------------------------------------------------------------ the daemon

    def start(self, seconds=90):
        """Starts it and waits until it answers; returns how long that took, in seconds."""
        begun = time.monotonic()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open("/dev/null", os.O_RDONLY)
        arguments = [
            self.home + "/bin/seahaven",
            "--seahaven.run-directory=" + self.run,
            "--seahaven.state-directory=" + self.state,
            "--seahaven.cgroup=" + self.name,
            "--seahaven.sandbox.first-id=1800000000",
            "--server.port=0",
        ]
        environment = {**os.environ, "SEAHAVEN_JAVA_OPTIONS": "-Djava.io.tmpdir=" + self.temporary}
        self.pid = os.posix_spawn(
            arguments[0],
            arguments,
            environment,
            setsid=True,
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
        )
        ended.pop(self.pid, None)
        os.close(log)
        os.close(null)
        while time.monotonic() < begun + seconds:
            if self.pid in ended:
                break
            try:
                if Client(self, 5).call("GET", "/actuator/health").status == 200:
                    return time.monotonic() - begun
            except GONE:
                time.sleep(0.02)
        raise SystemExit("the daemon does not answer:\n" + read(self.log)[-3000:])

    def is_alive(self):
        return self.pid is not None and self.pid not in ended

    def end(self, number, seconds=60):
        """Sends a signal and waits for the end; whether it came."""
        until = time.monotonic() + seconds
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.005)
        return not self.is_alive()

    # ------------------------------------------------------------ what the kernel has

    def hierarchies(self):
        mounts = [line.split(" ") for line in read("/proc/self/mountinfo").splitlines()]
        return [each[4] for each in mounts if each[each.index("-") + 1] in ("cgroup", "cgroup2")]

    def groups(self):
        """Groups below the daemon's own, on every hierarchy."""
        found = []
        for root in self.hierarchies():
            top = os.path.join(root, self.name)
            for directory, _, _ in os.walk(top):
                if directory != top:
                    found.append(directory)
        return found

    def group_of(self, pid):
        """The name of the group below the daemon's in which a process is; None outside."""
        found = re.search(r":/" + re.escape(self.name) + r"/(?!default-)([^/\n]+)", read(f"/proc/{pid}/cgroup"))
        return found.group(1) if found else None

    def mounts(self):
        points = [line.split(" ")[4] for line in read("/proc/self/mountinfo").splitlines()]
        return [each for each in points if each.startswith((self.base + "/", NETNS + "/" + self.prefix))]

    def names(self):
        own = [f"{kind}/{name}" for kind in listing(self.run + "/ns") for name in listing(f"{self.run}/ns/{kind}")]
        return own + ["net/" + name for name in listing(NETNS) if name.startswith(self.prefix)]

    def clear(self):
        """Ends and removes what is left, when all was looked at."""
        if self.is_alive():
            self.end(signal.SIGKILL)
        for _ in range(200):
            left = descendants()
            if not left:
                break
            for each in left:
                each.kill()
            time.sleep(0.05)
        for root in self.hierarchies():
            for directory, _, _ in os.walk(os.path.join(root, self.name), topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
        for point in sorted(self.mounts(), key=len, reverse=True):
            libc.umount2(point.encode(errors="surrogateescape"), MNT_DETACH)
        for path in glob.glob(f"{NETNS}/{self.prefix}*"):
            os.unlink(path)
        shutil.rmtree(self.base)


# ---------------------------------------------------------------- HTTP


class Answer:
    def __init__(self, status, body):
        self.status, self.body = status, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}"


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """One connection, made anew after a failure."""

    def __init__(self, host, timeout=120):
        self.host, self.timeout, self.connection = host, timeout, None

    def call(self, method, path, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            if self.connection is None:
                self.connection = Connection(self.host.socket, self.timeout)
            self.connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.read())
        except BaseException:
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            raise
