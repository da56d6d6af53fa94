package dev.seahaven.sandbox.guard;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Keeps sandboxes from filling the kernel: open files beyond a bound for all processes of one
 * together, and memory that no control group counts. Two numbers of the whole host are read often;
 * only when one has grown is looked at who has made it grow.
 */
final class KernelGuard implements Guard {

    /** Files of one sandbox, unless a single process of it may have more. */
    static final long FILES_MAX = 16_384;

    /** Uncounted bytes of one sandbox. */
    static final long BYTES_MAX = 64L << 20;

    private static final int TEXT_MAX = 8192;
    private static final Logger LOG = System.getLogger(KernelGuard.class.getName());
    private static final long FILES_STEP = 4096;
    private static final long BYTES_STEP = 24L << 20;
    private static final Duration CALM = Duration.ofMillis(20);
    private static final Duration GROWING = Duration.ofMillis(2);

    /** What is not the kernel's own, of {@code MemTotal} (proc_meminfo(5)). */
    private static final List<String> NOT_KERNEL =
            List.of(
                    "MemFree:",
                    "Buffers:",
                    "Cached:",
                    "SwapCached:",
                    "AnonPages:",
                    "SReclaimable:");

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final OpenFiles files;
    private final KernelMemory memory;
    private final Supplier<Stream<Guarded>> guarded;

    private final Watched openFiles = new Watched(FILES_STEP);
    private final Watched kernelBytes = new Watched(BYTES_STEP);
    private final Watched slabBytes = new Watched(BYTES_STEP);
    private long filesOfHost = Long.MAX_VALUE;
    private Duration pause = CALM;
    private @Nullable Fd fileNumbers;
    private @Nullable Fd meminfo;

    /** A number of the host that is looked at when it has grown by a step. */
    private static final class Watched {

        private final long step;
        private long looked = Long.MAX_VALUE;
        private long last = Long.MAX_VALUE;
        private boolean grows;

        private Watched(long step) {
            this.step = step;
        }

        /** Whether it is to be looked at now. */
        private boolean becomes(long now) {
            grows = now > last && now - last > step / 16;
            last = now;
            looked = Math.min(looked, now);
            if (now - looked < step) {
                return false;
            }
            looked = now;
            return true;
        }
    }

    KernelGuard(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            Supplier<Stream<Guarded>> guarded) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.files = new OpenFiles(proc, calls);
        this.memory = new KernelMemory(proc);
        this.guarded = guarded;
    }

    @Override
    public String name() {
        return "kernel";
    }

    @Override
    public Duration pause() {
        return pause;
    }

    @Override
    public void look() {
        long filesNow = openFilesOfHost();
        String now = memoryOfHost();
        filesOfHost = Math.min(filesOfHost, filesNow);
        if (kernelBytes.becomes(bytesOfKernel(now))) {
            lookAtSockets();
        }
        if (slabBytes.becomes(bytes(now, "SUnreclaim:"))) {
            lookAtLocks();
        }
        if (openFiles.becomes(filesNow)) {
            lookAtFiles(filesNow);
        }
        pause = openFiles.grows || kernelBytes.grows || slabBytes.grows ? GROWING : CALM;
    }

    /** The first number of {@code fs.file-nr} (proc_sys_fs(5)). */
    private long openFilesOfHost() {
        fileNumbers = opened(fileNumbers, "/sys/fs/file-nr");
        return number(text(fileNumbers), 0);
    }

    private String memoryOfHost() {
        meminfo = opened(meminfo, "/meminfo");
        return text(meminfo);
    }

    /** They are read so often that they stay open. */
    private Fd opened(@Nullable Fd known, String file) {
        return known != null ? known : syscalls.open(proc.path() + file, Syscalls.O_RDONLY, 0);
    }

    private String text(Fd file) {
        return new String(syscalls.pread(file, TEXT_MAX), StandardCharsets.ISO_8859_1);
    }

    /** The number that comes next. */
    private static long number(String text, int from) {
        int at = from;
        while (text.charAt(at) == ' ') {
            at++;
        }
        long value = 0;
        for (; at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9'; at++) {
            value = 10 * value + (text.charAt(at) - '0');
        }
        return value;
    }

    /** In bytes; 0 where the kernel does not tell it. */
    private static long bytes(String meminfo, String name) {
        int at = meminfo.startsWith(name) ? 0 : meminfo.indexOf("\n" + name) + 1;
        return at == 0 && !meminfo.startsWith(name) ? 0 : number(meminfo, at + name.length()) << 10;
    }

    /**
     * What neither programs have nor files in memory, nor what the kernel gives back when asked.
     */
    private static long bytesOfKernel(String meminfo) {
        long others = 0;
        for (String each : NOT_KERNEL) {
            others += bytes(meminfo, each);
        }
        return bytes(meminfo, "MemTotal:") - others;
    }

    @Override
    public void close() {
        Stream.of(Optional.ofNullable(fileNumbers), Optional.ofNullable(meminfo))
                .flatMap(Optional::stream)
                .forEach(Fd::close);
    }

    private record One(Guarded who, List<Integer> processes) {}

    private List<One> all() {
        return guarded.get().map(who -> new One(who, who.processes())).toList();
    }

    private void lookAtSockets() {
        for (One one : all()) {
            endBeyond(one, memory.inSockets(one.processes), "messages that nobody reads");
        }
    }

    private void lookAtLocks() {
        for (One one : all()) {
            long waiting = memory.inSockets(one.processes);
            endBeyond(one, waiting + memory.inLocks(one.processes), "messages and locks");
        }
    }

    private static void endBeyond(One one, long bytes, String of) {
        if (bytes > BYTES_MAX) {
            end(one.who, (bytes >> 20) + " MiB of " + of);
        }
    }

    private void lookAtFiles(long ofHost) {
        List<One> all = all();
        boolean found = false;
        long told = 0;
        for (One one : all) {
            long inFlight = files.inFlight(one.who);
            long count = inFlight;
            if (files.descriptors(one.processes) + inFlight > most(one)) {
                count += files.distinct(one.processes, most(one) + 1);
            }
            told += count;
            if (count > most(one)) {
                end(one.who, count + " files, open or in flight,");
                found = true;
            }
        }
        if (found || ofHost - filesOfHost - told <= FILES_MAX) {
            return;
        }
        for (One one : all) {
            long mapped = files.mappings(one.processes);
            if (mapped > most(one)) {
                end(one.who, mapped + " mappings of files");
            }
        }
    }

    private static long most(One one) {
        return Math.max(FILES_MAX, one.who.openFilesOfProcess());
    }

    private static void end(Guarded who, String what) {
        LOG.log(Level.WARNING, "{0} keeps {1} in the kernel and is ended", who.name(), what);
        who.end(Guarded.Excess.KERNEL_MEMORY);
    }
}
