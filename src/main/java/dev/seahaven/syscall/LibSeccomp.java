package dev.seahaven.syscall;

import static dev.seahaven.text.KernelText.cString;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * The functions of libseccomp (seccomp_init(3) and others) that compile a filter. They answer a
 * negative errno where they fail.
 */
public final class LibSeccomp {

    private static final int ARGUMENT_SIZE = 24; // struct scmp_arg_cmp
    private static final boolean PRESENT = isThere();

    private LibSeccomp() {}

    private static final class Functions {
        static {
            Native.register(Functions.class, NativeLibrary.getInstance("libseccomp.so.2"));
        }

        static native Pointer seccomp_init(int defaultAction);

        static native void seccomp_release(Pointer context);

        static native int seccomp_arch_native();

        static native int seccomp_arch_resolve_name(String name);

        static native int seccomp_arch_add(Pointer context, int architecture);

        static native int seccomp_attr_set(Pointer context, int attribute, int value);

        static native int seccomp_syscall_resolve_name(String name);

        static native int seccomp_syscall_resolve_name_arch(int architecture, String name);

        static native int seccomp_rule_add_array(
                Pointer context, int action, int syscall, int count, @Nullable Pointer arguments);

        static native int seccomp_export_bpf(Pointer context, int fd);

        static native Pointer seccomp_version();
    }

    private static boolean isThere() {
        try {
            return Functions.seccomp_version() != null;
        } catch (UnsatisfiedLinkError e) {
            return false;
        }
    }

    /** Whether the library is installed; without it nothing here may be called. */
    public static boolean isPresent() {
        return PRESENT;
    }

    /** Such as {@code 2.5.4}. */
    public static String version() {
        Pointer version = Functions.seccomp_version();
        return version.getInt(0) + "." + version.getInt(4) + "." + version.getInt(8);
    }

    /** The AUDIT_ARCH_* of this machine. */
    public static int nativeArchitecture() {
        return Functions.seccomp_arch_native();
    }

    /** The AUDIT_ARCH_* of a name such as {@code x86_64}; 0 for one that is unknown. */
    public static int architecture(String name) {
        return Functions.seccomp_arch_resolve_name(name);
    }

    /**
     * The number of a system call on this machine; -1 for a name that the library does not know.
     */
    public static int systemCall(String name) {
        return Functions.seccomp_syscall_resolve_name(name);
    }

    /**
     * The number of a system call on another architecture; negative where it has none of its own.
     *
     * @param architecture what {@link #architecture} answers
     */
    public static int systemCall(int architecture, String name) {
        return Functions.seccomp_syscall_resolve_name_arch(architecture, name);
    }

    /**
     * A comparison of an argument.
     *
     * @param operation of {@code enum scmp_compare}
     */
    public record Argument(int index, int operation, long value, long valueTwo) {}

    /** A filter that is being made. */
    public static final class Filter implements AutoCloseable {

        private final Pointer context;

        public Filter(int defaultAction) {
            context = Functions.seccomp_init(defaultAction);
            if (context == null) {
                throw new SyscallException("seccomp_init(" + defaultAction + ")", Errno.EINVAL);
            }
        }

        public int addArchitecture(int architecture) {
            return Functions.seccomp_arch_add(context, architecture);
        }

        public int setAttribute(int attribute, int value) {
            return Functions.seccomp_attr_set(context, attribute, value);
        }

        public int addRule(int action, int systemCall, List<Argument> arguments) {
            if (arguments.isEmpty()) {
                return Functions.seccomp_rule_add_array(context, action, systemCall, 0, null);
            }
            try (Memory memory = new Memory((long) ARGUMENT_SIZE * arguments.size())) {
                for (int i = 0; i < arguments.size(); i++) {
                    Argument argument = arguments.get(i);
                    long at = (long) i * ARGUMENT_SIZE;
                    memory.setInt(at, argument.index);
                    memory.setInt(at + 4, argument.operation);
                    memory.setLong(at + 8, argument.value);
                    memory.setLong(at + 16, argument.valueTwo);
                }
                return Functions.seccomp_rule_add_array(
                        context, action, systemCall, arguments.size(), memory);
            }
        }

        /** The classic BPF program: {@code struct sock_filter[]}. */
        public byte[] program() {
            int fd = Libc.memfd_create(cString("seahaven-filter"), 1);
            try {
                int failure = Functions.seccomp_export_bpf(context, fd);
                if (failure < 0) {
                    throw new SyscallException("seccomp_export_bpf()", Errno.of(-failure));
                }
                return contents(fd);
            } finally {
                Libc.close(fd);
            }
        }

        private static byte[] contents(int fd) {
            int size = (int) Libc.lseek(fd, 0, 2);
            Libc.lseek(fd, 0, 0);
            try (Memory memory = new Memory(size)) {
                int got = (int) Libc.read(fd, memory, size);
                return memory.getByteArray(0, got);
            }
        }

        @Override
        public void close() {
            Functions.seccomp_release(context);
        }
    }
}
