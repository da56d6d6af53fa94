package dev.seahaven.launcher;

import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * All that the launcher needs to know of one sandbox; it decides nothing itself. The descriptors
 * stay the caller's.
 *
 * @param kind what is launched
 * @param newNamespaces by clone3(2); cgroup and time are {@link Flag}s, for the launcher makes them
 *     otherwise
 * @param joins namespaces to enter, {@code user} last
 * @param hostname null leaves it as it is
 * @param devices nodes of the host below {@code /dev}
 * @param masked absolute paths that are covered; what does not exist is passed over
 * @param readOnly absolute paths that are bound read-only; what does not exist is passed over
 */
public record LaunchPlan(
        LaunchKind kind,
        Set<Flag> flags,
        Set<CloneFlag> newNamespaces,
        List<Join> joins,
        Descriptors descriptors,
        Root root,
        Maps maps,
        TimeOffsets timeOffsets,
        Credentials credentials,
        Limits limits,
        Hardening hardening,
        List<Attachment> attachments,
        List<Device> devices,
        List<String> masked,
        List<String> readOnly,
        @Nullable String hostname,
        Program program) {

    /** Supplementary groups at the most. */
    public static final int GROUPS_MAX = 1024;

    /**
     * One without a root of its own: in the namespaces that it joins and, where the mount namespace
     * is new, in a copy of the joined one's mounts.
     */
    public static LaunchPlan withoutRoot(
            LaunchKind kind,
            Set<Flag> flags,
            Set<CloneFlag> newNamespaces,
            List<Join> joins,
            Descriptors descriptors,
            Maps maps,
            TimeOffsets timeOffsets,
            Credentials credentials,
            Limits limits,
            Hardening hardening,
            List<Attachment> attachments,
            Program program) {
        return new LaunchPlan(
                kind,
                flags,
                newNamespaces,
                joins,
                descriptors,
                new Root(RootKind.NONE, false, false, 0, 0, 0, List.of()),
                maps,
                timeOffsets,
                credentials,
                limits,
                hardening,
                attachments,
                List.of(),
                List.of(),
                List.of(),
                null,
                program);
    }

    /** The bits of {@code enum plan_flag} in {@code wire.h}. */
    public enum Flag {
        IN_MEMFD,
        INIT,
        NO_NEW_PRIVS,
        CGROUP_NS,
        TIME_NS,
        LOOPBACK,
        DENY_SETGROUPS,
        PROC,
        SYSFS,
        MQUEUE,
        PTS_GID_5,
        PID_SHARED,
        SYSFS_WRITABLE,
        FIRST_KILLED;

        int bit() {
            return 1 << ordinal();
        }
    }

    /** {@code enum root_kind} in {@code wire.h}. */
    public enum RootKind {
        NONE,
        TREE,
        OVERLAY
    }

    public record Join(CloneFlag type, Fd namespace) {}

    /**
     * @param cgroup the cgroup2 directory to start in
     * @param freezer the v1 freezer directory, where there is no cgroup2
     * @param v1Groups directories on v1 hierarchies to start in, the freezer among them
     * @param root tree that becomes the root or its lower layer; null: the host's own {@code /}
     * @param upper directory for the upper layer; null: a tmpfs
     * @param stdin null: {@code /dev/null}
     * @param log null for a run
     * @param run file for the run record
     * @param state directory for the exit record
     */
    public record Descriptors(
            @Nullable Fd cgroup,
            @Nullable Fd freezer,
            List<Fd> v1Groups,
            @Nullable Fd root,
            @Nullable Fd upper,
            @Nullable Fd stdin,
            @Nullable Fd log,
            @Nullable Fd run,
            @Nullable Fd state) {

        /** Of a launch that has none of them. */
        public static final Descriptors NONE =
                new Descriptors(null, null, List.of(), null, null, null, null, null, null);
    }

    /**
     * @param idMapped whether the tree is id-mapped with the user namespace of the sandbox
     * @param uid of inside root, seen from the host
     * @param gid likewise
     * @param upperBytes size of a tmpfs upper
     * @param prepared what the upper layer holds from the start
     */
    public record Root(
            RootKind kind,
            boolean idMapped,
            boolean readOnly,
            int uid,
            int gid,
            long upperBytes,
            List<Prepared> prepared) {}

    /**
     * A directory or file.
     *
     * @param path without a leading slash; parents come first in the list
     * @param mode with its type
     * @param opaque whether it hides the lower directory of that name
     * @param content of a file that is not there yet
     */
    public record Prepared(String path, int mode, boolean opaque, String content) {

        private static final int DIRECTORY = 0040000;
        private static final int FILE = 0100000;

        /**
         * @param mode the permissions
         */
        public static Prepared directory(String path, int mode, boolean opaque) {
            return new Prepared(path, DIRECTORY | mode, opaque, "");
        }

        /** One that all may read, in a directory. */
        public static Prepared file(String path, String content) {
            return new Prepared(path, FILE | 0644, false, content);
        }
    }

    /**
     * The text for {@code /proc/PID/uid_map} and {@code gid_map}; empty where the user namespace is
     * not new.
     */
    public record Maps(String uid, String gid) {}

    public record TimeOffsets(long monotonicSeconds, long boottimeSeconds) {}

    /**
     * @param uid of the command, seen from the inside
     * @param capabilities permitted, effective and bounding set, bit n for capability n
     * @param ambient inheritable and ambient set, likewise
     */
    public record Credentials(
            int uid, int gid, List<Integer> groups, long capabilities, long ambient) {}

    /**
     * @param timeout null: none
     * @param logBytes of both streams; past it the sandbox is killed
     * @param captureBytes of each stream; past it a run's output is cut
     * @param shmBytes size of {@code /dev/shm}, where one is made
     */
    public record Limits(
            @Nullable Duration timeout, long logBytes, long captureBytes, long shmBytes) {}

    /**
     * What stands between the command and the kernel beside namespaces and capabilities.
     *
     * @param label of a security module, null where it is to stay as it is
     * @param filter classic BPF program for seccomp(2), empty for none
     */
    public record Hardening(
            List<Rlimit> rlimits,
            List<Sysctl> sysctls,
            @Nullable Label label,
            Landlock landlock,
            byte[] filter) {

        public static final Hardening NONE =
                new Hardening(List.of(), List.of(), null, Landlock.NONE, new byte[0]);

        /** For a program that comes to one that has set them. */
        public Hardening withoutSysctls() {
            return new Hardening(rlimits, List.of(), label, landlock, filter);
        }
    }

    /**
     * @param resource number as in getrlimit(2)
     */
    public record Rlimit(int resource, long soft, long hard) {}

    /**
     * @param path below {@code /proc/sys}, with slashes
     */
    public record Sysctl(String path, String value) {}

    /**
     * @param file to write it to, below {@code /proc}
     */
    public record Label(String file, String text) {}

    /** Masks as in landlock(7); all 0: no Landlock. */
    public record Landlock(
            long handledFs,
            long handledNet,
            long scoped,
            List<LandlockPath> paths,
            List<LandlockPort> ports) {

        public static final Landlock NONE = new Landlock(0, 0, 0, List.of(), List.of());
    }

    /**
     * @param path absolute, inside; of a file, what only directories can be granted is left out
     */
    public record LandlockPath(long access, String path) {}

    public record LandlockPort(long access, int port) {}

    /**
     * @param node a detached mount of a device node
     * @param path below {@code /dev}, without a leading slash
     */
    public record Device(Fd node, String path) {}

    /**
     * @param tree a detached mount
     * @param target absolute path
     */
    public record Attachment(Fd tree, String target) {}

    public record Program(
            List<String> arguments, List<String> environment, String workingDirectory) {

        /** The kernel's MAX_ARG_STRLEN: one argument or variable, in bytes (execve(2)). */
        public static final int STRING_BYTES_MAX = 128 * 1024 - 1;
    }
}
