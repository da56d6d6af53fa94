package dev.seahaven.namespace.scan;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Asks sockets of other processes for their network namespaces. Whoever takes a socket over may be
 * the last to close it, and then waits for as long as its owner has wished (socket(7), SO_LINGER);
 * who ends does not wait ({@code inet_release} of Linux looks at PF_EXITING). So each look is made
 * by a thread with a table of descriptors of its own, which closes nothing and ends.
 */
final class ForeignSockets {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;

    ForeignSockets(Syscalls syscalls, NamespaceCalls calls) {
        this.syscalls = syscalls;
        this.calls = calls;
    }

    /** A descriptor of a process. */
    record Place(int pid, int fd) {}

    /**
     * @param ids of the network namespaces, in the order of the places; 0 for a socket that is gone
     *     or is of a family without namespaces
     * @param complete whether all were looked at, and none was refused
     */
    record Found(long[] ids, boolean complete) {}

    /** Looks at as many as the time allows. */
    Found ids(List<Place> places, Duration most) {
        long[] ids = new long[places.size()];
        boolean[] complete = {true};
        long end = System.nanoTime() + most.toNanos();
        inThread(
                () -> {
                    for (int i = 0; i < ids.length; i++) {
                        if (System.nanoTime() > end) {
                            complete[0] = false;
                            return;
                        }
                        try {
                            ids[i] = syscalls.fstat(namespace(places.get(i))).inode();
                        } catch (SyscallException e) {
                            complete[0] &= !e.tellsNothing();
                        }
                    }
                });
        return new Found(Arrays.copyOf(ids, ids.length), complete[0]);
    }

    /** The network namespace of one. */
    Fd open(Place place) {
        Handing<Fd> handing =
                new Handing<>(
                        () -> namespace(place),
                        (thread) -> syscalls.open(thread, Syscalls.O_RDONLY, 0));
        return handing.run();
    }

    /** In the table of this thread, where it stays until the thread ends. */
    private Fd namespace(Place place) {
        PidFd process = syscalls.pidfdOpen(place.pid);
        return calls.siocgskns(calls.pidfdGetfd(process, place.fd));
    }

    private void inThread(Runnable look) {
        new Handing<>(
                        () -> {
                            look.run();
                            return Fd.AT_FDCWD;
                        },
                        path -> true)
                .run();
    }

    /** A thread that opens something, and stays until the caller has taken it. */
    private final class Handing<T> {

        private final Function<String, T> take;
        private final Thread thread;
        private final CountDownLatch opened = new CountDownLatch(1);
        private final CountDownLatch taken = new CountDownLatch(1);
        private volatile @Nullable String path;
        private volatile @Nullable RuntimeException failure;

        private Handing(Supplier<Fd> look, Function<String, T> take) {
            this.take = take;
            this.thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name("seahaven-sockets")
                            .unstarted(
                                    () -> {
                                        try {
                                            calls.unshareFiles();
                                            Fd found = look.get();
                                            path =
                                                    "/proc/self/task/"
                                                            + calls.gettid()
                                                            + "/fd/"
                                                            + found.number();
                                        } catch (RuntimeException e) {
                                            failure = e;
                                        } finally {
                                            opened.countDown();
                                        }
                                        await(taken);
                                    });
        }

        private T run() {
            thread.start();
            await(opened);
            try {
                RuntimeException refused = failure;
                if (refused != null) {
                    throw refused;
                }
                if (path == null) {
                    throw new SyscallException("unshare(CLONE_FILES)", Errno.ENOMEM);
                }
                return take.apply(path);
            } finally {
                taken.countDown();
            }
        }

        private static void await(CountDownLatch latch) {
            boolean interrupted = false;
            while (true) {
                try {
                    latch.await();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true; // the table of the other is in use
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
