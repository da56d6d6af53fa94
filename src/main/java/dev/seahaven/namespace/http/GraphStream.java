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
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Sends the graph, and then what changes in it, to all who follow. The kernel tells of nothing but
 * the names, so one thread looks each second, as long as anybody follows.
 */
@Component
final class GraphStream {

    private static final Logger LOG = System.getLogger(GraphStream.class.getName());
    private static final long PERIOD_NANOS = 1_000_000_000;
    private static final int HEARTBEAT_PERIODS = 15;

    private final HostScans scans;
    private final NamespaceNames names;
    private final List<SseEmitter> followers = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition change = lock.newCondition();
    private @Nullable NamespaceGraph last;
    private boolean running;
    private boolean named;
    private long number;

    GraphStream(Namespaces namespaces) {
        this.scans = namespaces.scans();
        this.names = namespaces.names();
    }

    SseEmitter open() {
        SseEmitter emitter = new SseEmitter(0L);
        emitter.onCompletion(() -> followers.remove(emitter));
        emitter.onError(failure -> followers.remove(emitter));
        lock.lock();
        try {
            NamespaceGraph graph = last;
            if (graph == null) {
                graph = NamespaceGraph.of(scans.scan(), scans.managers());
                last = graph;
            }
            send(emitter, number, "graph", graph);
            followers.add(emitter);
            if (!running) {
                running = true;
                Thread.ofPlatform().name("seahaven-graph").daemon().start(this::run);
            }
        } finally {
            lock.unlock();
        }
        return emitter;
    }

    private void run() {
        Runnable end = names.onNames(this::wake);
        try {
            int quiet = 0;
            while (await()) {
                quiet = look() ? 0 : quiet + 1;
                if (quiet == HEARTBEAT_PERIODS) {
                    followers.forEach(GraphStream::beat);
                    quiet = 0;
                }
            }
        } finally {
            end.run();
        }
    }

    private void wake() {
        if (lock.tryLock()) { // else it is looking just now
            try {
                named = true;
                change.signal();
            } finally {
                lock.unlock();
            }
        }
    }

    /** False when nobody follows any more. */
    private boolean await() {
        lock.lock();
        try {
            long nanos = PERIOD_NANOS;
            while (!followers.isEmpty() && !named && nanos > 0) {
                nanos = change.awaitNanos(nanos);
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

    private boolean look() {
        NamespaceGraph now;
        try {
            now = NamespaceGraph.of(scans.scan(), scans.managers());
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the namespaces cannot be read", e);
            return false;
        }
        NamespaceGraph.Change difference;
        List<SseEmitter> toBeTold;
        long id;
        lock.lock();
        try {
            NamespaceGraph before = last;
            last = now;
            if (before == null) {
                return false;
            }
            difference = before.to(now);
            if (difference.isEmpty()) {
                return false;
            }
            id = ++number;
            toBeTold = List.copyOf(followers);
        } finally {
            lock.unlock();
        }
        toBeTold.forEach(follower -> send(follower, id, "change", difference)); // one may be slow
        return true;
    }

    private void send(SseEmitter follower, long id, String event, Object data) {
        try {
            follower.send(SseEmitter.event().id(Long.toString(id)).name(event).data(data));
        } catch (IOException | RuntimeException e) {
            followers.remove(follower);
        }
    }

    private static void beat(SseEmitter follower) {
        try {
            follower.send(SseEmitter.event().comment("still here"));
        } catch (IOException | RuntimeException e) {
            follower.completeWithError(e);
        }
    }
}
