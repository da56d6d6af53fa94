"""trial.py SECONDS [SEED]: see trial/run. Each worker has sandboxes and names of its own and knows what was answered about
them; whatever is told later has to agree with that, whoever was killed meanwhile."""
import collections
import os
import random
import re
import signal
import sys
import threading
import time

import host as ground
from host import GONE, Client

WORKERS = 6
SCRIPT = """n=$(cat /data 2>/dev/null); n=$((${n:-0} + 1)); echo $n >/data; echo life $n; """
ENDS = {"short": "sleep 0.0$((n % 7)); exit 7", "long": "trap 'exit 9' TERM; while :; do sleep 0.05; done"}
TYPES = ("net", "uts", "ipc", "user", "pid", "mnt", "time", "cgroup")


class Trial:
    def __init__(self, distribution, seconds, seed):
        self.seconds, self.seed = seconds, seed
        self.random = random.Random(seed)
        self.host = ground.Host(distribution)
        self.wrong, self.counts = [], collections.Counter()
        self.hits = collections.defaultdict(set)  # the id of a sandbox to what of it was killed
        self.lost = set()  # when monitors and spawners were killed
        self.unknown = 0  # when a monitor was killed last of which it is not known whose it is
        self.starts = []
        self.up = threading.Event()
        self.over = False
        self.lock = threading.Lock()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)
        print("WRONG", text, flush=True)

    # ------------------------------------------------------------ killing

    def kill_at_random(self):
        chance = random.Random(self.seed + 1)
        while not self.over:
            time.sleep(chance.random() * chance.choice((0.05, 0.3, 1.0)))
            what = chance.choice(("daemon", "daemon", "spawner", "monitor", "monitor", "idle", "init", "command"))
            if what == "daemon":
                self.up.clear()
                self.host.end(signal.SIGKILL)
                self.starts.append(self.host.start())
                self.up.set()
            else:
                self.kill_one(what, chance)
            self.count("killed " + what)

    def kill_one(self, what, chance):
        """Nobody who keeps a pid namespace: it ends with its keeper, and nothing is to be said against that."""
        name = {"spawner": "seahaven-spawn", "monitor": "seahaven-mon", "idle": "seahaven-idle", "init": "init"}.get(what)
        every = {each.pid: each for each in ground.descendants()}
        if what == "command":
            fitting = [p for p in every.values() if p.parent in every and every[p.parent].comm == "init"]
        else:
            keeping = {p.parent for p in every.values() if p.comm == "seahaven-keep"}
            fitting = [p for p in every.values() if p.comm == name and p.pid not in keeping]
        if not fitting:
            return
        victim = chance.choice(fitting)
        inits = [p for p in every.values() if p.parent == victim.pid] if what == "monitor" else [victim]
        for each in inits:  # before it dies, for its end is told at once
            group = self.host.group_of(each.pid)
            if group:
                self.hits[group].add(what)
        if what in ("spawner", "monitor", "idle"):
            self.lost.add(time.monotonic())
            if what == "idle" or not any(self.host.group_of(each.pid) for each in inits):
                self.unknown = time.monotonic()  # it may be a sandbox's by now
        victim.kill()

    def was_hit(self, since, until=float("inf")):
        """Whether a part of the launcher was killed then: what it was asked just then may be refused."""
        return any(since - 1 <= at <= until + 1 for at in list(self.lost))

    # ------------------------------------------------------------ the whole

    def run(self):
        ground.become_reaper()
        print(f"seed {self.seed}, {self.seconds} seconds", flush=True)
        self.starts.append(self.host.start())
        self.up.set()
        workers = [Worker(self, number) for number in range(WORKERS)]
        threads = [threading.Thread(target=each.run) for each in workers]
        killer = threading.Thread(target=self.kill_at_random)
        looker = threading.Thread(target=self.look)
        for each in (*threads, killer, looker):
            each.start()
        time.sleep(self.seconds)
        self.over = True
        for each in (*threads, killer, looker):
            each.join()
        for each in workers:
            each.finish()
        self.check_what_is_left()
        return not self.wrong

    def look(self):
        """No two sandboxes have a range of ids in common, and nothing that looks is a defect."""
        client = Client(self.host)
        while not self.over:
            self.up.wait(120)
            for path in ("/sandboxes?limit=1000", "/namespaces?limit=1000", "/namespaces/graph", "/processes?limit=1000", "/system", "/runs"):
                try:
                    answer = client.call("GET", path)
                except GONE:
                    continue
                if answer.status != 200:
                    self.complain(f"GET {path}: {answer}")
                elif path.startswith("/sandboxes"):
                    self.check_ranges(answer.json()["items"])
            time.sleep(0.2)

    def check_ranges(self, sandboxes):
        had = {}
        for each in sandboxes:
            first = each["namespaces"]["user"]["uidMappings"][0]["outside"]
            if first in had:
                self.complain(f"{each['id']} and {had[first]} have the same ids, from {first}")
            had[first] = each["id"]

    def check_what_is_left(self):
        client = Client(self.host)
        self.host.end(signal.SIGKILL)
        self.starts.append(self.host.start())  # one more start clears what the last kill has left
        listed = client.call("GET", "/sandboxes").json()["total"]
        used = client.call("GET", "/actuator/metrics/seahaven.id.ranges.used").json()["measurements"][0]["value"]
        recovery = client.call("GET", "/system").json()["recovery"]
        if recovery["setAside"]:
            self.complain(f"set aside: {recovery['setAside']}")
        time.sleep(1)
        left = {
            "sandboxes": listed,
            "ranges of ids": used,
            "files of sandboxes": ground.listing(self.host.state + "/sandboxes") + ground.listing(self.host.state + "/removed"),
            "records of runs": ground.listing(self.host.run + "/sandboxes"),
            "declarations": ground.listing(self.host.state + "/namespaces"),
            "set aside": ground.listing(self.host.state + "/set-aside"),
            "names": self.host.names(),
            "groups of sandboxes": [g for g in self.host.groups() if re.fullmatch("[a-z2-7]{12}", os.path.basename(g))],
            "temporary files": [t for t in ground.listing(self.host.temporary) if t.startswith("tomcat")],
            "parts": [os.path.join(d, f) for d, _, files in os.walk(self.host.state) for f in files if f.endswith(".part")],
        }
        if not self.host.end(signal.SIGTERM):
            self.complain("the daemon does not stop")
        time.sleep(0.5)
        left["processes"] = [ground.describe(p) for p in ground.descendants()]
        left["groups"] = self.host.groups()
        left["mounts"] = self.host.mounts()
        for what, those in left.items():
            if those:
                self.complain(f"left over: {what}: {those}")

    def report(self):
        for what, number in sorted(self.counts.items()):
            print(f"{number:8} {what}")
        for line in ground.read(self.host.log).splitlines():
            if "a defect of the daemon" in line:
                self.complain("log: " + line[:300])
        longest = max(self.starts)
        print(f"{len(self.starts)} starts, the longest {longest:.1f} s; {len(self.wrong)} wrong; seed {self.seed}")


class Sandbox:
    """What a worker knows of one: what may be told of it."""

    def __init__(self, name, kind):
        self.name, self.kind, self.id = name, kind, None
        self.labels = [{}]  # what its labels may be: more than one when a change was not answered
        self.asked = set()  # how it was asked to end in this life
        self.told = None  # how its last life ended, as it was answered
        self.lives = 0  # how many lives have told of themselves in the log, as far as that is sure
        self.since = time.monotonic()  # when this life was asked for


class Worker:
    def __init__(self, trial, number):
        self.trial, self.number = trial, number
        self.random = random.Random(trial.seed * 1000 + number)
        self.client = Client(trial.host)
        self.sandboxes, self.names, self.serial = [], {}, 0

    def call(self, method, path, body=None):
        """The answer; None when the daemon was killed before it came."""
        self.trial.up.wait(120)
        begun = time.monotonic()
        try:
            answer = self.client.call(method, path, body)
        except GONE:
            self.trial.count(f"{method} cut")
            return None
        self.trial.count(f"{method} {answer.status}")
        if answer.status >= 500 and answer.status != 503:
            lost = path.endswith("/exec") and self.trial.was_hit(begun)
            if not lost:
                self.trial.complain(f"{method} {path}: {answer}")
        return answer

    def run(self):
        steps = (self.create, self.create, self.check, self.check, self.patch, self.stop, self.kill, self.start, self.restart)
        steps += (self.pause, self.delete, self.delete, self.once, self.once, self.name, self.unname, self.enter)
        while not self.trial.over:
            self.random.choice(steps)()

    def any(self):
        return self.random.choice(self.sandboxes) if self.sandboxes else None

    # ------------------------------------------------------------ sandboxes

    def create(self):
        if len(self.sandboxes) >= 8:
            return
        self.serial += 1
        sandbox = Sandbox(f"w{self.number}-{self.serial}", self.random.choice(("short", "long", "long")))
        body = {"name": sandbox.name, "command": ["/bin/sh", "-c", SCRIPT + ENDS[sandbox.kind]]}
        answer = self.call("POST", "/sandboxes", body)
        if answer is None:
            found = self.look(sandbox.name)
            if found is None:
                return  # it never was
        elif answer.status == 201:
            found = answer.json()
        else:
            if answer.status != 503:
                self.trial.complain(f"POST /sandboxes: {answer}")
            return
        sandbox.id = found["id"]
        self.sandboxes.append(sandbox)

    def look(self, reference):
        """What is told of it; None when there is none."""
        while True:
            answer = self.call("GET", "/sandboxes/" + reference)
            if answer is not None and answer.status in (200, 404):
                return answer.json() if answer.status == 200 else None

    def check(self):
        sandbox = self.any()
        if sandbox is not None:
            self.verify(sandbox)

    def verify(self, sandbox):
        found = self.look(sandbox.name)
        where = f"{sandbox.name} ({sandbox.id})"
        if found is None:
            self.trial.complain(f"{where} is lost")
            self.sandboxes.remove(sandbox)
            return
        if found["id"] != sandbox.id:
            self.trial.complain(f"{where} is now {found['id']}")
        if found["labels"] not in sandbox.labels:
            self.trial.complain(f"{where} has labels {found['labels']} and not one of {sandbox.labels}")
        state = found["state"]
        if state["status"] in ("running", "paused"):
            self.check_running(sandbox, state)
        elif state["status"] == "stopped":
            self.check_end(sandbox, state["exit"])
        else:
            self.trial.complain(f"{where} is {state['status']}: {state}")
        self.check_log(sandbox)

    def check_running(self, sandbox, state):
        group = self.trial.host.group_of(state["pid"])
        if group not in (sandbox.id, None):
            self.trial.complain(f"{sandbox.name}: its pid {state['pid']} is in the group {group}")
        if sandbox.told is not None:
            self.trial.complain(f"{sandbox.name} runs, and has ended before: {sandbox.told}")

    def check_end(self, sandbox, end):
        if sandbox.told is not None:
            if end != sandbox.told:
                self.trial.complain(f"{sandbox.name} ended {sandbox.told}, and now {end}")
            return
        how = (end["reason"], end["exitCode"])
        hits = self.trial.hits[sandbox.id]
        allowed = set()
        if sandbox.kind == "short":
            allowed.add(("exited", 7))
        if sandbox.asked & {"stop", "restart"}:
            allowed |= {("stopped", 9), ("stopped", 137), ("stopped", 143), ("stopped", 7)}
        if "kill" in sandbox.asked or hits & {"init", "command"}:
            allowed |= {("signaled", 137), ("exited", 137)}
        if "monitor" in hits or self.trial.unknown >= sandbox.since:
            allowed |= {("monitor-lost", None), ("signaled", 137)}
        if how not in allowed:
            self.trial.complain(f"{sandbox.name} ({sandbox.kind}) ended {how}; asked {sandbox.asked}, hit {hits}")
        sandbox.told = end
        if end["exitCode"] in (7, 9):  # it came to its own end, after it had written its line
            sandbox.lives += 1

    def check_log(self, sandbox):
        answer = self.call("GET", f"/sandboxes/{sandbox.name}/logs")
        if answer is None:
            return
        lines = [line for line in answer.body.decode().split("\n") if line]
        if answer.status != 200 or any(not line.startswith("life ") for line in lines):
            self.trial.complain(f"{sandbox.name}: its log: {answer}")
        elif len(lines) < sandbox.lives:
            self.trial.complain(f"{sandbox.name}: its log tells not of all {sandbox.lives} lives: {answer}")

    def patch(self):
        sandbox = self.any()
        if sandbox is None:
            return
        labels = {"n": str(self.random.randrange(1000))}
        answer = self.call("PATCH", "/sandboxes/" + sandbox.name, {"labels": labels, "limits": {"pids": self.random.randrange(50, 90)}})
        if answer is None:
            sandbox.labels.append(labels)
        elif answer.status == 200:
            sandbox.labels = [labels]
        elif answer.status != 503:
            self.trial.complain(f"PATCH {sandbox.name}: {answer}")

    def action(self, sandbox, name, body, allowed):
        answer = self.call("POST", f"/sandboxes/{sandbox.name}/{name}", body)
        if answer is not None and answer.status not in (200, 503, *allowed):
            self.trial.complain(f"{name} of {sandbox.name}: {answer}")
        return answer

    def stop(self):
        sandbox = self.any()
        if sandbox is not None:
            sandbox.asked.add("stop")
            self.action(sandbox, "stop", {"timeoutSeconds": 1}, (409,))

    def kill(self):
        sandbox = self.any()
        if sandbox is not None:
            sandbox.asked.add("kill")
            self.action(sandbox, "kill", {"signal": "KILL"}, (409,))

    def pause(self):
        sandbox = self.any()
        if sandbox is not None:
            self.action(sandbox, "pause", None, (409,))
            self.action(sandbox, "resume", None, (409,))

    def start(self):
        sandbox = self.any()
        if sandbox is None or sandbox.told is None:
            return
        before = sandbox.told
        sandbox.told, sandbox.asked, sandbox.since = None, set(), time.monotonic()
        self.trial.hits.pop(sandbox.id, None)
        answer = self.action(sandbox, "start", None, ())
        if answer is None or answer.status != 200:
            found = self.look(sandbox.name)
            if found is not None and found["state"]["exit"] == before:
                sandbox.told = before  # the start never was

    def restart(self):
        sandbox = self.any()
        if sandbox is None:
            return
        before = sandbox.told
        asked_for, sandbox.told, sandbox.since = sandbox.since, None, time.monotonic()
        sandbox.asked.add("restart")  # beside what the life before was asked, until it is known to be over
        hits = self.trial.hits.pop(sandbox.id, set())
        answer = self.action(sandbox, "restart", {"timeoutSeconds": 1}, ())
        if answer is not None and answer.status == 200:
            sandbox.asked = set()
            return
        sandbox.since = asked_for
        self.trial.hits[sandbox.id] |= hits
        if before is not None:
            found = self.look(sandbox.name)
            if found is not None and found["state"]["exit"] == before:
                sandbox.told = before

    def delete(self):
        sandbox = self.any()
        if sandbox is None:
            return
        before = len(self.files(sandbox))
        answer = self.call("DELETE", f"/sandboxes/{sandbox.name}?force=true")
        if answer is None:
            found = self.look(sandbox.name)
            if found is not None:
                if len(self.files(sandbox)) < before - 3:  # marks and records of a life come and go
                    self.trial.complain(f"{sandbox.name} is torn: {before} files were there, now {self.files(sandbox)}")
                sandbox.asked.add("kill")
                return
        elif answer.status == 503:
            sandbox.asked.add("kill")
            return
        elif answer.status != 204:
            self.trial.complain(f"DELETE {sandbox.name}: {answer}")
            return
        elif self.look(sandbox.name) is not None:
            self.trial.complain(f"{sandbox.name} was deleted and is there")
        self.sandboxes.remove(sandbox)
        self.trial.hits.pop(sandbox.id, None)

    def files(self, sandbox):
        return [f for d, _, files in os.walk(f"{self.trial.host.state}/sandboxes/{sandbox.id}") for f in files]

    # ------------------------------------------------------------ runs

    def once(self):
        self.serial += 1
        text = f"hello {self.number} {self.serial}"
        answer = self.call("POST", "/runs", {"name": f"r{self.number}", "command": ["/bin/echo", text]})
        if answer is None or answer.status >= 500:
            return
        if answer.status != 200:
            self.trial.complain(f"POST /runs: {answer}")
            return
        run = answer.json()
        end = (run["exit"]["reason"], run["exit"]["exitCode"])
        hit = end in (("monitor-lost", None), ("signaled", 137))
        if not hit and (end != ("exited", 0) or run["stdout"] != text + "\n"):
            self.trial.complain(f"POST /runs: {answer}")

    # ------------------------------------------------------------ names of namespaces

    def name(self):
        if len(self.names) >= 4:
            return
        self.serial += 1
        kind = self.random.choice(TYPES)
        name = f"{self.trial.host.prefix}{self.number}-{self.serial}"
        begun = time.monotonic()
        answer = self.call("POST", "/namespaces", {"name": name, "type": kind})
        if answer is None:
            self.forget(f"{kind}:{name}")
        elif answer.status == 201:
            # Who was chosen to be killed may have become the monitor of the keeper meanwhile.
            spared = kind != "pid" or not self.trial.was_hit(begun, time.monotonic())
            self.names[f"{kind}:{name}"] = (answer.json()["id"], spared)
        elif answer.status != 503:
            self.trial.complain(f"POST /namespaces {kind}: {answer}")

    def forget(self, reference):
        """Deletes what may be there."""
        while True:
            answer = self.call("DELETE", "/namespaces/" + reference)
            if answer is not None and answer.status in (200, 204, 404):
                return

    def unname(self):
        if not self.names:
            return
        reference = self.random.choice(sorted(self.names))
        number, spared = self.names[reference]
        answer = self.call("GET", "/namespaces/" + reference)
        if answer is not None:
            if answer.status != 200 or answer.json()["id"] != number or answer.json()["dead"] and spared:
                self.trial.complain(f"{reference} ({number}): {answer}")
        del self.names[reference]
        answer = self.call("DELETE", "/namespaces/" + reference)
        if answer is None:
            self.forget(reference)
        elif answer.status not in (200, 204, 503):
            self.trial.complain(f"DELETE {reference}: {answer}")
        elif answer.status == 503:
            self.forget(reference)

    def enter(self):
        if not self.names:
            return
        reference = self.random.choice(sorted(self.names))
        begun = time.monotonic()
        answer = self.call("POST", f"/namespaces/{reference}/exec", {"command": ["/bin/echo", "in"]})
        if answer is not None and answer.status == 409 and not self.names[reference][1]:
            return  # it is dead
        if answer is not None and answer.status == 200 and answer.json()["exitCode"] == 137 and self.trial.was_hit(begun):
            return  # it was taken for its monitor, whose name it has until it is executed
        if answer is not None and answer.status < 500 and (answer.status != 200 or answer.json()["stdout"] != "in\n"):
            self.trial.complain(f"exec in {reference}: {answer}")

    # ------------------------------------------------------------ the end

    def finish(self):
        for sandbox in list(self.sandboxes):
            self.verify(sandbox)
        while self.sandboxes:
            self.delete()
        for reference in self.names:
            self.forget(reference)


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    distribution = os.environ.get("SEAHAVEN_HOME", here + "/target/dist")
    if not os.path.exists(distribution + "/bin/seahaven"):
        raise SystemExit("build first: ./mvnw -DskipTests package")
    seed = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else random.randrange(1 << 30)
    trial = Trial(distribution, float(sys.argv[1]), seed)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    try:
        fine = trial.run()
        trial.report()
    finally:
        trial.over = True
        trial.host.clear()
    sys.exit(0 if fine and not trial.wrong else 1)


main()
