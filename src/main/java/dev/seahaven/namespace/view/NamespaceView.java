package dev.seahaven.namespace.view;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.netlink.NetworkTables;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** How the world looks from inside of a namespace, by type. */
@Schema(name = "NamespaceView")
@JsonPropertyOrder("type")
public sealed interface NamespaceView {

    /** Tells the record on the wire. */
    @JsonProperty
    String type();

    public record Uts(String hostname, String domainname) implements NamespaceView {
        @Override
        public String type() {
            return "uts";
        }
    }

    public record Net(
            List<NetworkTables.Interface> interfaces,
            List<NetworkTables.Address> addresses,
            List<NetworkTables.Route> routes,
            List<NetworkTables.Neighbour> neighbours,
            List<Listener> listeners)
            implements NamespaceView {

        /**
         * A socket that listens, or that takes datagrams.
         *
         * @param processes that have it open, as far as they can be seen
         */
        public record Listener(
                String protocol,
                String address,
                int port,
                long uid,
                long inode,
                List<Owner> processes) {}

        /** A process of the host. */
        public record Owner(int pid, String command) {}

        @Override
        public String type() {
            return "net";
        }
    }

    /** Each process of the namespace and of those below it; pid is the host's number. */
    public record Pid(List<Entry> processes) implements NamespaceView {

        record Entry(int pid, int insidePid, @Nullable Integer insideParent, String command) {}

        @Override
        public String type() {
            return "pid";
        }
    }

    public record Mnt(List<Mount> mounts) implements NamespaceView {

        /**
         * @param propagation as mountinfo has it: {@code shared:N}, {@code master:N}, {@code
         *     propagate_from:N}, {@code unbindable}; empty is private
         */
        record Mount(
                int id,
                int parent,
                String root,
                String mountPoint,
                String fileSystem,
                String source,
                List<String> options,
                List<String> propagation) {}

        @Override
        public String type() {
            return "mnt";
        }
    }

    /**
     * System V objects (sysvipc(7)), with the ids that the inside has and owners as the daemon's
     * user namespace has them, and POSIX message queues (mq_overview(7)).
     */
    public record Ipc(
            List<Segment> sharedMemory,
            List<Semaphores> semaphores,
            List<Queue> queues,
            List<PosixQueue> posixQueues)
            implements NamespaceView {

        record PosixQueue(String name, long bytes) {}

        record Segment(long key, int id, long sizeBytes, int attached, long uid, String mode) {}

        record Semaphores(long key, int id, int count, long uid, String mode) {}

        record Queue(long key, int id, long bytes, long messages, long uid, String mode) {}

        @Override
        public String type() {
            return "ipc";
        }
    }

    /** The mappings, outside as the daemon's user namespace has it. */
    public record User(List<IdMapping> uidMappings, List<IdMapping> gidMappings, boolean setgroups)
            implements NamespaceView {
        @Override
        public String type() {
            return "user";
        }
    }

    /** Ahead of the host's clocks. */
    public record Time(
            long monotonicOffsetSeconds,
            long monotonicOffsetNanos,
            long boottimeOffsetSeconds,
            long boottimeOffsetNanos)
            implements NamespaceView {
        @Override
        public String type() {
            return "time";
        }
    }

    public record Cgroup(List<Root> roots) implements NamespaceView {

        /**
         * @param controllers empty for cgroup2
         * @param root the group that the inside sees as {@code /}; null where no process is inside
         *     to tell
         */
        record Root(int hierarchy, String controllers, @Nullable String root) {}

        @Override
        public String type() {
            return "cgroup";
        }
    }
}
