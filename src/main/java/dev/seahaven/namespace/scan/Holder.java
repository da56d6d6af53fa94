package dev.seahaven.namespace.scan;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** One way in which the kernel pins a namespace (namespaces(7), "Namespace lifetime"). */
@Schema(name = "Holder")
@JsonPropertyOrder("kind")
public sealed interface Holder {

    /** Tells the record on the wire. */
    @JsonProperty(index = 0)
    String kind();

    /**
     * A process that is in it.
     *
     * @param startTicks when it started, in clock ticks since boot: with the number, unique
     */
    record Member(int pid, long startTicks, String command) implements Holder {
        @Override
        public String kind() {
            return "process";
        }
    }

    /** A thread that is in it, while its process is not. */
    record MemberThread(int pid, int tid, long startTicks, String command) implements Holder {
        @Override
        public String kind() {
            return "thread";
        }
    }

    /** An open descriptor of it. */
    record Descriptor(int pid, long startTicks, String command, int fd) implements Holder {
        @Override
        public String kind() {
            return "descriptor";
        }
    }

    /** A socket in a network namespace; also one that was made elsewhere and passed on. */
    record Socket(int pid, long startTicks, String command, int fd) implements Holder {
        @Override
        public String kind() {
            return "socket";
        }
    }

    /**
     * Where {@code pid_for_children} or {@code time_for_children} of a process points: its next
     * child will be in it.
     */
    record ForChildren(int pid, int tid, long startTicks, String command, String link)
            implements Holder {
        @Override
        public String kind() {
            return "for-children";
        }
    }

    /**
     * A bind mount of it.
     *
     * @param mountNamespace the one in which the mount lies
     * @param processes how many are in that; null in the answer to its creation
     * @param pids those of them with the lowest numbers, at most 100
     */
    record Mount(
            String mountPoint, long mountNamespace, @Nullable Integer processes, List<Integer> pids)
            implements Holder {
        @Override
        public String kind() {
            return "mount";
        }
    }

    /** A proc file system that shows a pid namespace. */
    record ProcMount(String mountPoint, long mountNamespace, int processes, List<Integer> pids)
            implements Holder {
        @Override
        public String kind() {
            return "proc-mount";
        }
    }

    /** A pid or user namespace below it. */
    record Child(long id, String type) implements Holder {
        @Override
        public String kind() {
            return "child";
        }
    }

    /** A namespace that this user namespace owns. */
    record Owned(long id, String type) implements Holder {
        @Override
        public String kind() {
            return "owned";
        }
    }
}
