package dev.seahaven.launcher;

import dev.seahaven.launcher.LaunchPlan.Credentials;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Hardening;
import dev.seahaven.launcher.LaunchPlan.Label;
import dev.seahaven.launcher.LaunchPlan.Landlock;
import dev.seahaven.launcher.LaunchPlan.Limits;
import dev.seahaven.launcher.LaunchPlan.Root;
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Fd;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Plans to bytes, as {@code wire.h} has them. */
final class PlanCodec {

    static final int MAGIC = 0x4e565348;
    static final int VERSION = 4;
    static final int INLINE_MAX = 64 * 1024;
    private static final int NO_FD = -1;

    /**
     * @param fds in the order in which the bytes number them
     */
    record Encoded(byte[] bytes, List<Fd> fds) {}

    private ByteBuffer out = ByteBuffer.allocate(4096).order(ByteOrder.nativeOrder());
    private final List<Fd> fds = new ArrayList<>();

    private PlanCodec() {}

    static Encoded encode(LaunchPlan plan) {
        PlanCodec codec = new PlanCodec();
        codec.put(plan);
        return new Encoded(Arrays.copyOf(codec.out.array(), codec.out.position()), codec.fds);
    }

    /** The message that stands for a plan which travels in a memfd. */
    static byte[] memfdHeader() {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.nativeOrder())
                .putInt(MAGIC)
                .putInt(VERSION)
                .putInt(LaunchKind.SANDBOX.ordinal())
                .putInt(LaunchPlan.Flag.IN_MEMFD.bit())
                .array();
    }

    /** The sections in the order of {@code struct plan}. */
    private void put(LaunchPlan plan) {
        putInt(MAGIC);
        putInt(VERSION);
        putInt(plan.kind().ordinal());
        putInt(plan.flags().stream().mapToInt(LaunchPlan.Flag::bit).sum());
        putInt(plan.newNamespaces().stream().mapToInt(CloneFlag::value).sum());
        putAll(
                plan.joins(),
                join -> {
                    putInt(join.type().value());
                    putFd(join.namespace());
                });
        put(plan.descriptors());
        put(plan.root());
        putString(plan.maps().uid());
        putString(plan.maps().gid());
        putLong(plan.timeOffsets().monotonicSeconds());
        putLong(plan.timeOffsets().boottimeSeconds());
        put(plan.credentials());
        put(plan.limits());
        put(plan.hardening());
        putAll(
                plan.attachments(),
                attachment -> {
                    putFd(attachment.tree());
                    putString(attachment.target());
                });
        putAll(
                plan.devices(),
                device -> {
                    putFd(device.node());
                    putString(device.path());
                });
        putAll(plan.masked(), this::putString);
        putAll(plan.readOnly(), this::putString);
        putString(plan.hostname() == null ? "" : plan.hostname());
        putAll(plan.program().arguments(), this::putString);
        putAll(plan.program().environment(), this::putString);
        putString(plan.program().workingDirectory());
    }

    private void put(Descriptors descriptors) {
        putFd(descriptors.cgroup());
        putFd(descriptors.freezer());
        putAll(descriptors.v1Groups(), this::putFd);
        putFd(descriptors.root());
        putFd(descriptors.upper());
        putFd(descriptors.stdin());
        putFd(descriptors.log());
        putFd(descriptors.run());
        putFd(descriptors.state());
    }

    private void put(Root root) {
        putInt(root.kind().ordinal());
        putInt(root.idMapped() ? 1 : 0);
        putInt(root.readOnly() ? 1 : 0);
        putInt(root.uid());
        putInt(root.gid());
        putLong(root.upperBytes());
        putAll(
                root.prepared(),
                one -> {
                    putInt(one.mode());
                    putInt(one.opaque() ? 1 : 0);
                    putString(one.path());
                    putString(one.content());
                });
    }

    private void put(Credentials credentials) {
        putInt(credentials.uid());
        putInt(credentials.gid());
        putAll(credentials.groups(), this::putInt);
        putLong(credentials.capabilities());
        putLong(credentials.ambient());
    }

    private void put(Limits limits) {
        putLong(limits.timeout() == null ? 0 : limits.timeout().toNanos());
        putLong(limits.logBytes());
        putLong(limits.captureBytes());
        putLong(limits.shmBytes());
    }

    private void put(Hardening hardening) {
        putAll(
                hardening.rlimits(),
                limit -> {
                    putInt(limit.resource());
                    putLong(limit.soft());
                    putLong(limit.hard());
                });
        putAll(
                hardening.sysctls().stream()
                        .flatMap(sysctl -> Stream.of(sysctl.path(), sysctl.value()))
                        .toList(),
                this::putString);
        Label label = hardening.label();
        putString(label == null ? "" : label.file());
        putString(label == null ? "" : label.text());
        put(hardening.landlock());
        putBytes(hardening.filter());
    }

    private void put(Landlock landlock) {
        putLong(landlock.handledFs());
        putLong(landlock.handledNet());
        putLong(landlock.scoped());
        putAll(
                landlock.paths(),
                rule -> {
                    putLong(rule.access());
                    putString(rule.path());
                });
        putAll(
                landlock.ports(),
                rule -> {
                    putLong(rule.access());
                    putLong(rule.port());
                });
    }

    private <T> void putAll(List<T> all, Consumer<T> put) {
        putInt(all.size());
        all.forEach(put);
    }

    private void putFd(@Nullable Fd fd) {
        if (fd == null) {
            putInt(NO_FD);
        } else {
            putInt(fds.size());
            fds.add(fd);
        }
    }

    private void putInt(int value) {
        room(4).putInt(value);
    }

    private void putLong(long value) {
        room(8).putLong(value);
    }

    private void putString(String text) {
        putBytes(KernelText.encode(text));
    }

    private void putBytes(byte[] bytes) {
        room(4 + bytes.length + 1).putInt(bytes.length).put(bytes).put((byte) 0);
    }

    private ByteBuffer room(int size) {
        if (out.remaining() < size) {
            int capacity = Math.max(2 * out.capacity(), out.position() + size);
            out =
                    ByteBuffer.allocate(capacity)
                            .order(ByteOrder.nativeOrder())
                            .put(out.array(), 0, out.position());
        }
        return out;
    }
}
