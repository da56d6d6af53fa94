package dev.seahaven.namespace;

import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * A platform thread that enters one namespace, does one thing with plain system calls, comes back
 * and ends. Until it is back it starts, completes and logs nothing: whatever a thread pool starts
 * from a foreign namespace stays there.
 */
public final class NamespaceThread {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;

    public NamespaceThread(Syscalls syscalls, NamespaceCalls calls) {
        this.syscalls = syscalls;
        this.calls = calls;
    }

    private static final class Task<T extends @Nullable Object> implements Runnable {
        private final Runnable enter;
        private final Runnable leave;
        private final Supplier<T> look;
        private @Nullable T result;
        private @Nullable RuntimeException failure;

        private Task(Runnable enter, Runnable leave, Supplier<T> look) {
            this.enter = enter;
            this.leave = leave;
            this.look = look;
        }

        @Override
        public void run() {
            try {
                enter.run();
            } catch (RuntimeException e) {
                failure = e;
                return;
            }
            try {
                result = look.get();
            } catch (RuntimeException e) {
                failure = e;
            } catch (Error e) { // nobody may handle it while this thread is elsewhere
                failure = new IllegalStateException(e);
            }
            try {
                leave.run();
            } catch (RuntimeException | Error e) {
                // Rather no daemon than one with a thread in a foreign namespace.
                Runtime.getRuntime().halt(70);
            }
        }
    }

    /** Does {@code look} inside of a namespace; not for {@code user} and {@code time}. */
    public <T> T in(NamespaceType type, Fd namespace, Supplier<T> look) {
        return inOther(type, () -> calls.setns(namespace, type.flag()), look);
    }

    /** Does {@code look} inside of a new namespace. */
    public <T> T inNew(NamespaceType type, Supplier<T> look) {
        return inOther(type, () -> calls.unshare(type.flag()), look);
    }

    private <T> T inOther(NamespaceType type, Runnable enter, Supplier<T> look) {
        try (Fd own =
                syscalls.open("/proc/thread-self/ns/" + type.kernelName(), Syscalls.O_RDONLY, 0)) {
            Task<T> task =
                    new Task<>(
                            () -> {
                                if (type == NamespaceType.MNT) {
                                    calls.unshareFs();
                                }
                                enter.run();
                            },
                            () -> calls.setns(own, type.flag()),
                            look);
            Thread thread = Thread.ofPlatform().name("seahaven-look").start(task);
            join(thread);
            if (task.failure != null) {
                throw task.failure;
            }
            if (task.result == null) {
                throw new IllegalStateException("nothing came back");
            }
            return task.result;
        }
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // it works with descriptors of ours: it has to end first
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The link of the namespace that this thread is in, for a bind mount. */
    public static String ownLink(NamespaceType type) {
        return "/proc/thread-self/ns/" + type.kernelName();
    }

    /** Whether a failure means that the thing is not there any more. */
    public static boolean isGone(SyscallException failure) {
        return switch (failure.errno()) {
            case ENOENT, ESRCH, ENOTDIR, EBADF, ENODEV -> true;
            default -> false;
        };
    }
}
