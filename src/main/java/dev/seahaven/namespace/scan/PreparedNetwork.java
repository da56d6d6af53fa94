package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A network namespace with its loopback up that is made before it is asked for, because making one
 * is half of the work of giving it a name. The first is made when it is asked for; from then on the
 * next one lies ready, held by nothing but a descriptor of the daemon. Its sysctls are those that
 * the kernel gives a new namespace at the time when it was made.
 */
public final class PreparedNetwork implements AutoCloseable {

    /** Until the answer to the request that took the last one is on its way. */
    private static final long PAUSE_MILLIS = 10;

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final NamespaceThread threads;
    private final AtomicReference<@Nullable Fd> ready = new AtomicReference<>();
    private volatile boolean closed;

    public PreparedNetwork(Syscalls syscalls, NamespaceCalls calls, NamespaceThread threads) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.threads = threads;
    }

    /** A network namespace that nobody else has. */
    public Fd take() {
        Fd prepared = ready.getAndSet(null);
        return prepared != null ? prepared : make();
    }

    /** The number of the descriptor that holds the next one. */
    Optional<Integer> descriptor() {
        return Optional.ofNullable(ready.get()).map(Fd::number);
    }

    private Fd make() {
        return threads.inNew(
                NamespaceType.NET,
                () -> {
                    calls.setLoopbackUp();
                    return syscalls.open(
                            NamespaceThread.ownLink(NamespaceType.NET), Syscalls.O_RDONLY, 0);
                });
    }

    /** Makes the next one, after a pause and on a thread of its own. */
    public void prepareNext() {
        if (ready.get() == null && !closed) {
            Thread.ofVirtual().name("seahaven-prepare").start(this::prepare);
        }
    }

    private void prepare() {
        try {
            Thread.sleep(PAUSE_MILLIS);
            Fd made = make();
            if (closed || !ready.compareAndSet(null, made)) {
                made.close();
            } else if (closed) {
                close();
            }
        } catch (SyscallException e) {
            // Whoever asks for one meets the same failure, and is told.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed = true;
        Fd prepared = ready.getAndSet(null);
        if (prepared != null) {
            prepared.close();
        }
    }
}
