package dev.seahaven.sandbox.guard;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls.Room;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Keeps those who write without a limit of their own from filling the disk that all share, its
 * blocks or its inodes: when less than a reserve is free, the one that takes the most is ended, if
 * it takes as much as the reserve at least. Where nobody is seen to, one that hides files does:
 * they are in flight between sockets (unix(7), SCM_RIGHTS), and no descriptor shows them. Else it
 * is somebody else who fills the disk.
 */
public final class DiskGuard implements Guard {

    private static final Logger LOG = System.getLogger(DiskGuard.class.getName());
    private static final Duration PAUSE = Duration.ofMillis(500);

    /** The reserve is at most this part of the disk. */
    private static final int PART = 20;

    private final Syscalls syscalls;
    private final LayerUsage usage;
    private final OpenFiles files;
    private final Path place;
    private final long reserve;
    private final Supplier<Stream<Guarded>> writers;

    /**
     * @param place on the disk that is guarded
     * @param reserve in bytes; 0 for none
     */
    DiskGuard(
            Syscalls syscalls,
            ProcRoot proc,
            Path place,
            long reserve,
            Supplier<Stream<Guarded>> writers) {
        this.syscalls = syscalls;
        this.usage = new LayerUsage(syscalls, proc);
        this.files = new OpenFiles(proc);
        this.place = place;
        this.reserve = reserve;
        this.writers = writers;
    }

    @Override
    public String name() {
        return "disk";
    }

    @Override
    public Duration pause() {
        return PAUSE;
    }

    /**
     * @throws Problem 503 where the reserve is used already
     */
    public void checkRoom() {
        if (reserve == 0) {
            return;
        }
        Room room = room();
        String lacks =
                isLowOnBytes(room)
                        ? (reservedBytes(room) >> 20) + " MiB"
                        : isLowOnInodes(room) ? reservedInodes(room) + " inodes" : null;
        if (lacks != null) {
            throw new Problem(
                    ProblemType.EXHAUSTED,
                    "Less than "
                            + lacks
                            + " of the disk of "
                            + place
                            + " are free; delete sandboxes, or give limits.diskBytes, which puts"
                            + " the layer into memory.");
        }
    }

    private Room room() {
        try (Fd directory = syscalls.open(place.toString(), Syscalls.O_PATH, 0)) {
            return syscalls.fstatfs(directory);
        }
    }

    private long reservedBytes(Room room) {
        return Math.min(reserve, room.bytes() / PART);
    }

    private static long reservedInodes(Room room) {
        return room.inodes() / PART;
    }

    private boolean isLowOnBytes(Room room) {
        return room.freeBytes() < reservedBytes(room);
    }

    /** Not on a file system that makes inodes as it needs them, and tells none. */
    private static boolean isLowOnInodes(Room room) {
        return room.freeInodes() < reservedInodes(room);
    }

    private record Writer(Guarded who, LayerUsage.Taken taken) {}

    /** Ends at most one, for others may have room again when it is gone. */
    @Override
    public void look() {
        Room room = room();
        boolean bytes = isLowOnBytes(room);
        if (!bytes && !isLowOnInodes(room)) {
            return;
        }
        List<Writer> all =
                writers.get()
                        .flatMap(
                                who -> {
                                    Path layers = who.layers();
                                    return layers == null
                                            ? Stream.of()
                                            : Stream.of(new Writer(who, usage.of(who, layers)));
                                })
                        .toList();
        long least = bytes ? reservedBytes(room) : reservedInodes(room);
        Guarded largest = null;
        long most = least - 1;
        for (Writer each : all) {
            long taken = bytes ? each.taken.bytes() : each.taken.inodes();
            if (taken > most) {
                most = taken;
                largest = each.who;
            }
        }
        Guarded who = largest == null ? hiding(all) : largest;
        if (who != null) {
            LOG.log(
                    Level.WARNING,
                    "the disk of {0} is nearly full: {1} has filled most of it and is ended",
                    place,
                    who.name());
            who.end(Guarded.Excess.DISK);
        }
    }

    /** The one with the most files in flight; null where nobody has any. */
    private @Nullable Guarded hiding(List<Writer> all) {
        Guarded found = null;
        long most = 0;
        for (Writer each : all) {
            long inFlight = files.inFlight(each.who);
            if (inFlight > most) {
                most = inFlight;
                found = each.who;
            }
        }
        return found;
    }
}
