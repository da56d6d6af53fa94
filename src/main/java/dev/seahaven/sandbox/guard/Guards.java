package dev.seahaven.sandbox.guard;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The guards of this daemon, each in a thread of its own that is begun again when it dies. */
public final class Guards implements AutoCloseable {

    private static final Logger LOG = System.getLogger(Guards.class.getName());
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);

    private static final int HIGHEST = -20;

    private final Syscalls syscalls;
    private final DiskGuard disk;
    private final List<Post> posts = new ArrayList<>();
    private final List<Supplier<Collection<Guarded>>> guarded = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    /**
     * @param place on the disk that all share
     * @param diskReserve in bytes, that is to stay free there; 0 for none
     */
    public Guards(
            Syscalls syscalls, NamespaceCalls calls, ProcRoot proc, Path place, long diskReserve) {
        this.syscalls = syscalls;
        this.disk = new DiskGuard(syscalls, proc, place, diskReserve, this::all);
        if (diskReserve > 0) {
            posts.add(new Post(disk));
        }
        posts.add(new Post(new KernelGuard(syscalls, calls, proc, this::all)));
    }

    /** From now on these are looked at as well, as they are at each look. */
    public void watch(Supplier<Collection<Guarded>> more) {
        guarded.add(more);
    }

    private Stream<Guarded> all() {
        return guarded.stream().flatMap(each -> each.get().stream());
    }

    /** Tells whether there is room for one more that writes to the common disk. */
    public DiskGuard disk() {
        return disk;
    }

    public void start() {
        posts.forEach(Post::begin);
    }

    /** What keeps a guard from looking, by its name; empty where all look. */
    public Map<String, String> troubles() {
        Map<String, String> troubles = new TreeMap<>();
        for (Post post : posts) {
            String trouble = post.trouble();
            if (trouble != null) {
                troubles.put(post.guard.name(), trouble);
            }
        }
        return troubles;
    }

    @Override
    public void close() {
        closed = true;
        posts.forEach(post -> LockSupport.unpark(post.thread));
    }

    /** One guard, with how it fares. */
    private final class Post {

        private final Guard guard;
        private volatile long looked = System.nanoTime();
        private volatile @Nullable Throwable failure;
        private volatile @Nullable Thread thread;

        private Post(Guard guard) {
            this.guard = guard;
        }

        private void begin() {
            thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name("seahaven-guard-" + guard.name())
                            .uncaughtExceptionHandler((dead, why) -> beginAgain(why))
                            .start(this::work);
        }

        private void work() {
            comeFirst();
            while (!closed) {
                guard.look();
                looked = System.nanoTime();
                failure = null;
                LockSupport.parkNanos(guard.pause().toNanos());
            }
            guard.close();
        }

        /** Who takes processors too may not keep a guard from looking. */
        private void comeFirst() {
            try {
                syscalls.setThreadNice(HIGHEST);
            } catch (SyscallException e) {
                LOG.log(Level.DEBUG, "the guard of the {0} is as any other thread", guard.name());
            }
        }

        /** Whatever ended it, an Error too: what is not guarded can be taken. */
        private void beginAgain(Throwable why) {
            failure = why;
            LOG.log(Level.ERROR, "the guard of the " + guard.name() + " begins again", why);
            LockSupport.parkNanos(AFTER_FAILURE.toNanos());
            if (!closed) {
                begin();
            }
        }

        private @Nullable String trouble() {
            Throwable why = failure;
            if (why != null) {
                return "failed and begins again: " + why;
            }
            long silent = System.nanoTime() - looked;
            return silent > PATIENCE.toNanos()
                    ? "has not looked for " + Duration.ofNanos(silent).toSeconds() + " s"
                    : null;
        }
    }
}
