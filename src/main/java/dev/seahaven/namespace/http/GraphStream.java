package dev.seahaven.namespace.http;

import dev.seahaven.namespace.life.HostScans;
import dev.seahaven.namespace.life.NamespaceNames;
import dev.seahaven.namespace.life.Namespaces;
import dev.seahaven.namespace.scan.NamespaceGraph;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Sends the graph, and then what changes in it, to all who follow. The kernel tells of nothing but
 * the names, so one thread looks each second, as long as anybody follows. Each follower is sent the
 * difference between what it has last read and what is now: one who reads slowly is told more at
 * once, holds one graph, and nobody else up.
 */
@Component
final class GraphStream {

    private static final Logger LOG = System.getLogger(GraphStream.class.getName());
    private static final long PERIOD_NANOS = 1_000_000_000;
    private static final long HEARTBEAT_NANOS = 15 * PERIOD_NANOS;

    private final HostScans scans;
    private final NamespaceNames names;
    private final Set<Follower> followers = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition wanted = lock.newCondition();
    private final Condition changed = lock.newCondition();
    private @Nullable State last;
    private boolean running;
    private boolean named;

    /** The graph after so many changes, and the last of them. */
    private record State(long number, NamespaceGraph graph, NamespaceGraph.Change change) {

        /** What has changed since another state. */
        private NamespaceGraph.Change since(State before) {
            return before.number == number - 1 ? change : before.graph.to(graph);
        }
    }

    GraphStream(Namespaces namespaces) {
        this.scans = namespaces.scans();
        this.names = namespaces.names();
    }

    SseEmitter open() {
        SseEmitter emitter = new SseEmitter(0L);
        lock.lock();
        try {
            State known = last;
            if (known == null) {
                NamespaceGraph graph = look();
                known = new State(0, graph, graph.to(graph));
                last = known;
            }
            Follower follower = new Follower(emitter, known);
            followers.add(follower);
            emitter.onCompletion(() -> leave(follower));
            emitter.onError(failure -> leave(follower));
            Thread.ofVirtual().name("seahaven-follower").start(follower::run);
            if (!running) {
                running = true;
                Thread.ofPlatform().name("seahaven-graph").daemon().start(this::run);
            }
        } finally {
            lock.unlock();
        }
        return emitter;
    }

    private void leave(Follower follower) {
        followers.remove(follower);
        follower.left = true;
        wakeAll();
    }

    private void wakeAll() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private NamespaceGraph look() {
        return NamespaceGraph.of(scans.scan(), scans.managers());
    }

    // ---------------------------------------------------------------- looking

    private void run() {
        Runnable end = names.onNames(this::wake);
        try {
            while (await()) {
                lookAgain();
            }
        } finally {
            end.run();
        }
    }

    private void wake() {
        lock.lock();
        try {
            named = true;
            wanted.signal();
        } finally {
            lock.unlock();
        }
    }

    /** False when nobody follows any more. */
    private boolean await() {
        lock.lock();
        try {
            long nanos = PERIOD_NANOS;
            while (!followers.isEmpty() && !named && nanos > 0) {
                nanos = wanted.awaitNanos(nanos);
            }
            named = false;
            if (followers.isEmpty()) {
                running = false;
                last = null;
                return false;
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            running = false;
            return false;
        } finally {
            lock.unlock();
        }
    }

    private void lookAgain() {
        NamespaceGraph now;
        try {
            now = look();
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the namespaces cannot be read", e);
            return;
        }
        lock.lock();
        try {
            State before = last;
            if (before != null) {
                NamespaceGraph.Change change = before.graph.to(now);
                if (!change.isEmpty()) {
                    last = new State(before.number + 1, now, change);
                    changed.signalAll();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    // ---------------------------------------------------------------- telling

    private final class Follower {

        private final SseEmitter emitter;
        private State told;
        private volatile boolean left;

        private Follower(SseEmitter emitter, State first) {
            this.emitter = emitter;
            this.told = first;
        }

        private void run() {
            try {
                send("graph", told, told.graph);
                while (!left) {
                    State now = next();
                    if (now == null) {
                        emitter.send(SseEmitter.event().comment("still here"));
                    } else {
                        NamespaceGraph.Change difference = now.since(told);
                        told = now;
                        if (!difference.isEmpty()) { // else it has come and gone meanwhile
                            send("change", now, difference);
                        }
                    }
                }
            } catch (IOException | RuntimeException e) {
                emitter.completeWithError(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                followers.remove(this);
            }
        }

        private void send(String event, State state, Object data) throws IOException {
            emitter.send(SseEmitter.event().id(Long.toString(state.number)).name(event).data(data));
        }

        /** Null when nothing has changed for a while, or this follower has left. */
        private @Nullable State next() throws InterruptedException {
            lock.lock();
            try {
                long nanos = HEARTBEAT_NANOS;
                while (!left && nanos > 0) {
                    State now = last;
                    if (now != null && now.number != told.number) {
                        return now;
                    }
                    nanos = changed.awaitNanos(nanos);
                }
                return null;
            } finally {
                lock.unlock();
            }
        }
    }
}
