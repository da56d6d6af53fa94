package dev.seahaven.sandbox.guard;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.NamespaceCalls;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

    private static final Logger LOG = System.getLogger(KernelGuard.class.getName());
    private static final long FILES_STEP = 4096;
    private static final long BYTES_STEP = 24L << 20;
    private static final Duration CALM = Duration.ofMillis(10);
    private static final Duration GROWING = Duration.ofMillis(2);

    /** What is not the kernel's own, of {@code MemTotal} (proc_meminfo(5)). */
    private static final Set<String> NOT_KERNEL =
            Set.of("MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "SReclaimable");

    private final ProcRoot proc;
    private final OpenFiles files;
    private final KernelMemory memory;
    private final Supplier<Stream<Guarded>> guarded;

    private final Watched openFiles = new Watched(FILES_STEP);
    private final Watched kernelBytes = new Watched(BYTES_STEP);
    private final Watched slabBytes = new Watched(BYTES_STEP);
    private long filesOfHost = Long.MAX_VALUE;
    private Duration pause = CALM;

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

    KernelGuard(NamespaceCalls calls, ProcRoot proc, Supplier<Stream<Guarded>> guarded) {
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
        Map<String, Long> now = memoryOfHost();
        filesOfHost = Math.min(filesOfHost, filesNow);
        if (kernelBytes.becomes(bytesOfKernel(now))) {
            lookAtSockets();
        }
        if (slabBytes.becomes(now.getOrDefault("SUnreclaim", 0L) << 10)) {
            lookAtLocks();
        }
        if (openFiles.becomes(filesNow)) {
            lookAtFiles(filesNow);
        }
        pause = openFiles.grows || kernelBytes.grows || slabBytes.grows ? GROWING : CALM;
    }

    /** The first number of {@code fs.file-nr} (proc_sys_fs(5)). */
    private long openFilesOfHost() {
        String text = proc.read("sys/fs/file-nr").orElseThrow();
        return Long.parseLong(text.substring(0, text.indexOf('\t')));
    }

    /** In KiB, by name. */
    private Map<String, Long> memoryOfHost() {
        Map<String, Long> values = new HashMap<>();
        ProcRoot.lines(proc.read("meminfo").orElseThrow())
                .map(line -> line.split("[: ]+"))
                .filter(words -> words.length > 1)
                .forEach(words -> values.put(words[0], Long.parseLong(words[1])));
        return values;
    }

    /**
     * What neither programs have nor files in memory, nor what the kernel gives back when asked.
     */
    private static long bytesOfKernel(Map<String, Long> now) {
        long others = 0;
        for (String each : NOT_KERNEL) {
            others += now.getOrDefault(each, 0L);
        }
        return (now.getOrDefault("MemTotal", 0L) - others) << 10;
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
