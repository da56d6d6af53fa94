package dev.seahaven.launcher;

import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Device;
import dev.seahaven.launcher.LaunchPlan.Hardening;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Label;
import dev.seahaven.launcher.LaunchPlan.LandlockPath;
import dev.seahaven.launcher.LaunchPlan.LandlockPort;
import dev.seahaven.launcher.LaunchPlan.PreparedDirectory;
import dev.seahaven.launcher.LaunchPlan.Rlimit;
import dev.seahaven.launcher.LaunchPlan.Root;
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Plans to bytes, as {@code wire.h} has them. */
final class PlanCodec {

    static final int MAGIC = 0x4e565348;
    static final int VERSION = 2;
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
        return ByteBuffer.allocate(12)
                .order(ByteOrder.nativeOrder())
                .putInt(MAGIC)
                .putInt(VERSION)
                .putInt(LaunchPlan.Flag.IN_MEMFD.bit())
                .array();
    }

    private void put(LaunchPlan plan) {
        putInt(MAGIC);
        putInt(VERSION);
        putInt(plan.flags().stream().mapToInt(LaunchPlan.Flag::bit).sum());
        putInt(plan.newNamespaces().stream().mapToInt(CloneFlag::value).sum());
        put(plan.descriptors());
        put(plan.root());
        putInt(plan.credentials().uid());
        putInt(plan.credentials().gid());
        putLong(plan.root().upperBytes());
        putLong(plan.credentials().capabilities());
        putLong(plan.credentials().ambient());
        putLong(plan.limits().timeout() == null ? 0 : plan.limits().timeout().toNanos());
        putLong(plan.limits().logBytes());
        putLong(plan.limits().captureBytes());
        putLong(plan.timeOffsets().monotonicSeconds());
        putLong(plan.timeOffsets().boottimeSeconds());
        putLong(plan.hardening().landlock().handledFs());
        putLong(plan.hardening().landlock().handledNet());
        putLong(plan.hardening().landlock().scoped());
        putInt(plan.joins().size());
        for (Join join : plan.joins()) {
            putInt(join.type().value());
            putFd(join.namespace());
        }
        putInt(plan.credentials().groups().size());
        plan.credentials().groups().forEach(this::putInt);
        putInt(plan.attachments().size());
        for (Attachment attachment : plan.attachments()) {
            putFd(attachment.tree());
            putString(attachment.target());
        }
        putInt(plan.root().prepared().size());
        for (PreparedDirectory directory : plan.root().prepared()) {
            putInt(directory.mode());
            putInt(directory.opaque() ? 1 : 0);
            putString(directory.path());
        }
        putInt(plan.descriptors().v1Groups().size());
        plan.descriptors().v1Groups().forEach(this::putFd);
        putInt(plan.devices().size());
        for (Device device : plan.devices()) {
            putFd(device.node());
            putString(device.path());
        }
        put(plan.hardening());
        putString(plan.maps().uid());
        putString(plan.maps().gid());
        putString(plan.hostname() == null ? "" : plan.hostname());
        putString(plan.program().workingDirectory());
        Label label = plan.hardening().label();
        putString(label == null ? "" : label.file());
        putString(label == null ? "" : label.text());
        putStrings(
                plan.hardening().sysctls().stream()
                        .flatMap(sysctl -> Stream.of(sysctl.path(), sysctl.value()))
                        .toList());
        putStrings(plan.masked());
        putStrings(plan.readOnly());
        putStrings(plan.program().arguments());
        putStrings(plan.program().environment());
    }

    private void put(Descriptors descriptors) {
        putFd(descriptors.cgroup());
        putFd(descriptors.freezer());
        putFd(descriptors.root());
        putFd(descriptors.upper());
        putFd(descriptors.stdin());
        putFd(descriptors.log());
        putFd(descriptors.run());
        putFd(descriptors.state());
    }

    private void put(Hardening hardening) {
        putInt(hardening.rlimits().size());
        for (Rlimit limit : hardening.rlimits()) {
            putInt(limit.resource());
            putLong(limit.soft());
            putLong(limit.hard());
        }
        putInt(hardening.landlock().paths().size());
        for (LandlockPath rule : hardening.landlock().paths()) {
            putLong(rule.access());
            putString(rule.path());
        }
        putInt(hardening.landlock().ports().size());
        for (LandlockPort rule : hardening.landlock().ports()) {
            putLong(rule.access());
            putLong(rule.port());
        }
        putBytes(hardening.filter());
    }

    private void put(Root root) {
        putInt(root.kind().ordinal());
        putInt(root.idMapped() ? 1 : 0);
        putInt(root.readOnly() ? 1 : 0);
        putInt(root.uid());
        putInt(root.gid());
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
        putBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    private void putBytes(byte[] bytes) {
        room(4 + bytes.length + 1).putInt(bytes.length).put(bytes).put((byte) 0);
    }

    private void putStrings(List<String> texts) {
        putInt(texts.size());
        texts.forEach(this::putString);
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
