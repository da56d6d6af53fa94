package dev.seahaven.seccomp;

import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.LibSeccomp;
import dev.seahaven.syscall.LibSeccomp.Argument;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Profiles to BPF, by libseccomp; what was compiled is kept. */
public final class SeccompCompiler {

    private static final int ATTRIBUTE_BAD_ARCHITECTURE = 2;
    private static final int ATTRIBUTE_OPTIMIZE = 8;
    private static final int BINARY_TREE = 2;
    private static final int INSTRUCTIONS_MAX = 4096; // BPF_MAXINSNS
    private static final int EPERM = 1;
    private static final int ERRNO_MAX = 4094; // libseccomp takes no more
    private static final int UNKNOWN = -1;
    private static final int KEPT = 64;
    private static final String ARCHITECTURE_PREFIX = "SCMP_ARCH_";

    /** What goes through socketcall(2) and ipc(2) on some architectures, told by an argument. */
    private static final Set<String> MULTIPLEXED =
            Set.of(
                    "socketcall",
                    "socket",
                    "bind",
                    "connect",
                    "listen",
                    "accept",
                    "accept4",
                    "getsockname",
                    "getpeername",
                    "socketpair",
                    "send",
                    "recv",
                    "sendto",
                    "recvfrom",
                    "shutdown",
                    "setsockopt",
                    "getsockopt",
                    "sendmsg",
                    "recvmsg",
                    "sendmmsg",
                    "recvmmsg",
                    "ipc",
                    "semop",
                    "semget",
                    "semctl",
                    "semtimedop",
                    "semtimedop_time64",
                    "msgsnd",
                    "msgrcv",
                    "msgget",
                    "msgctl",
                    "shmat",
                    "shmdt",
                    "shmget",
                    "shmctl",
                    "recvmmsg_time64");

    private final List<SeccompProfile> nested;
    private final List<SeccompProfile> defaults;
    private final Map<DefaultFilter, byte[]> defaultFilters = kept();
    private final Map<SeccompProfile, byte[]> filters = kept();

    private record DefaultFilter(Set<Capability> capabilities, boolean nested) {}

    public SeccompCompiler(JsonMapper json) {
        this.nested = List.of(read(json, "default"), read(json, "default-arguments"));
        this.defaults = List.of(nested.get(0), nested.get(1), read(json, "default-filters"));
    }

    private static <K, V> Map<K, V> kept() {
        return Collections.synchronizedMap(
                new LinkedHashMap<>(16, 0.75f, true) {
                    private static final long serialVersionUID = 1L;

                    @Override
                    protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                        return size() > KEPT;
                    }
                });
    }

    private static SeccompProfile read(JsonMapper json, String name) {
        String resource = "/seccomp/" + name + ".json";
        try (InputStream in = SeccompCompiler.class.getResourceAsStream(resource)) {
            return json.readValue(Objects.requireNonNull(in, resource), SeccompProfile.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether profiles can be compiled on this host. */
    public static boolean isPossible() {
        return LibSeccomp.isPresent();
    }

    /**
     * The filter of the default profile. It is made of several: one that allows by the number of
     * the system call, and those that refuse by its arguments. libseccomp compares 64 bits where
     * the kernel takes 32, so a rule that allows all arguments but one could be passed by with a
     * high bit.
     *
     * @param capabilities that the command may have: they open the system calls that need them
     * @param nested whether programs inside may make filters of their own, of system calls or of
     *     what a socket receives. Without it they are refused as by a kernel that lacks them: some
     *     2,000 that are freed at once keep every filter of the host from being made or freed until
     *     a reboot (seen on Linux 6.18)
     */
    public byte[] defaults(Set<Capability> capabilities, boolean nested) {
        return defaultFilters.computeIfAbsent(
                new DefaultFilter(Set.copyOf(capabilities), nested),
                wanted -> checked(optimizeDefaults(wanted)));
    }

    /**
     * The filter of a profile that a user gives.
     *
     * @throws InvalidProfileException when it cannot be compiled
     */
    public byte[] compile(SeccompProfile profile) {
        byte[] known = filters.get(profile);
        if (known == null) { // nobody else waits for a slow one
            known = compileAnew(profile);
            filters.put(profile, known);
        }
        return known;
    }

    private byte[] optimizeDefaults(DefaultFilter wanted) {
        List<FilterOptimizer.Part> parts =
                (wanted.nested ? nested : defaults)
                        .stream().map(profile -> part(profile, wanted.capabilities, true)).toList();
        return new FilterOptimizer(parts).optimize(List.of(LibSeccomp.nativeArchitecture()));
    }

    private static byte[] compileAnew(SeccompProfile profile) {
        if (profile.flags() != null && !profile.flags().isEmpty()) {
            throw new InvalidProfileException("flags", "are not supported; leave them out");
        }
        List<SeccompProfile.@Nullable Rule> rules =
                Objects.requireNonNullElse(profile.syscalls(), List.of());
        checkSize(rules);
        for (int i = 0; i < rules.size(); i++) {
            SeccompProfile.Rule rule = rules.get(i);
            if (rule != null && (rule.includes() != null || rule.excludes() != null)) {
                throw new InvalidProfileException(
                        "syscalls[" + i + "]",
                        "must not have includes or excludes; they are no part of OCI's form");
            }
        }
        FilterOptimizer.Part part = part(profile, Set.of(), false);
        return checked(new FilterOptimizer(List.of(part)).optimize(architectures(profile)));
    }

    /** Compiling takes the square of what is named with arguments, so it is not begun. */
    private static void checkSize(List<SeccompProfile.@Nullable Rule> rules) {
        long names =
                rules.stream()
                        .filter(rule -> rule != null && rule.names() != null)
                        .mapToLong(rule -> Objects.requireNonNull(rule.names()).size())
                        .sum();
        if (names > INSTRUCTIONS_MAX) {
            throw new InvalidProfileException(
                    "syscalls",
                    "name "
                            + names
                            + " system calls; each is an instruction at least, and the kernel"
                            + " takes at most "
                            + INSTRUCTIONS_MAX);
        }
    }

    private static byte[] checked(byte[] program) {
        if (program.length / 8 > INSTRUCTIONS_MAX) {
            throw new InvalidProfileException(
                    "syscalls",
                    "compile to "
                            + program.length / 8
                            + " instructions; the kernel takes at most "
                            + INSTRUCTIONS_MAX);
        }
        return program;
    }

    private static FilterOptimizer.Part part(
            SeccompProfile profile, Set<Capability> capabilities, boolean ours) {
        List<SeccompProfile.@Nullable Rule> rules =
                Objects.requireNonNullElse(profile.syscalls(), List.of());
        byte[] whole = build(profile, rules, capabilities, ours);
        Set<String> depending = ours ? new HashSet<>() : new HashSet<>(MULTIPLEXED);
        for (SeccompProfile.Rule rule : rules) {
            if (rule != null && rule.names() != null && hasArguments(rule)) {
                rule.names().stream().filter(Objects::nonNull).forEach(depending::add);
            }
        }
        return new FilterOptimizer.Part(
                whole, build(profile, only(rules, depending), capabilities, ours));
    }

    /** As libseccomp makes it. */
    static byte[] plain(SeccompProfile profile) {
        List<SeccompProfile.@Nullable Rule> rules =
                Objects.requireNonNullElse(profile.syscalls(), List.of());
        return build(profile, rules, Set.of(), false);
    }

    private static boolean hasArguments(SeccompProfile.Rule rule) {
        return rule.args() != null && !rule.args().isEmpty();
    }

    private static List<SeccompProfile.@Nullable Rule> only(
            List<SeccompProfile.@Nullable Rule> rules, Set<String> names) {
        List<SeccompProfile.@Nullable Rule> some = new ArrayList<>();
        for (SeccompProfile.Rule rule : rules) {
            if (rule != null && rule.names() != null) {
                List<@Nullable String> kept =
                        rule.names().stream().filter(names::contains).toList();
                if (!kept.isEmpty()) {
                    some.add(
                            new SeccompProfile.Rule(
                                    kept,
                                    rule.action(),
                                    rule.errnoRet(),
                                    rule.args(),
                                    rule.includes(),
                                    rule.excludes()));
                }
            }
        }
        return some;
    }

    private static byte[] build(
            SeccompProfile profile,
            List<SeccompProfile.@Nullable Rule> rules,
            Set<Capability> capabilities,
            boolean ours) {
        int defaultAction =
                action(
                        "defaultAction",
                        profile.defaultAction(),
                        "defaultErrnoRet",
                        profile.defaultErrnoRet());
        try (LibSeccomp.Filter filter = new LibSeccomp.Filter(defaultAction)) {
            int own = LibSeccomp.nativeArchitecture();
            for (int architecture : ours ? List.<Integer>of() : architectures(profile)) {
                if (architecture != own && filter.addArchitecture(architecture) < 0) {
                    throw new InvalidProfileException(
                            "architectures", "do not go together with this machine's");
                }
            }
            filter.setAttribute(ATTRIBUTE_OPTIMIZE, BINARY_TREE);
            if (ours) {
                filter.setAttribute(ATTRIBUTE_BAD_ARCHITECTURE, defaultAction);
            }
            for (int i = 0; i < rules.size(); i++) {
                rule(filter, "syscalls[" + i + "]", rules.get(i), defaultAction, capabilities);
            }
            return filter.program();
        }
    }

    /** This machine's first, whether it is named or not. */
    private static List<Integer> architectures(SeccompProfile profile) {
        List<@Nullable String> names =
                Objects.requireNonNullElse(profile.architectures(), List.of());
        Set<Integer> architectures = new LinkedHashSet<>();
        architectures.add(LibSeccomp.nativeArchitecture());
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            int architecture =
                    name == null || !name.startsWith(ARCHITECTURE_PREFIX)
                            ? 0
                            : LibSeccomp.architecture(
                                    name.substring(ARCHITECTURE_PREFIX.length())
                                            .toLowerCase(Locale.ROOT));
            if (architecture == 0) {
                throw new InvalidProfileException(
                        "architectures[" + i + "]",
                        "'" + name + "' is none that libseccomp knows, such as SCMP_ARCH_X86_64");
            }
            architectures.add(architecture);
        }
        return List.copyOf(architectures);
    }

    private static int action(
            String member, @Nullable String name, String errnoMember, @Nullable Integer errno) {
        Integer action = name == null ? null : SeccompProfile.ACTIONS.get(name);
        if (action == null) {
            throw new InvalidProfileException(
                    member,
                    "must be one of "
                            + String.join(
                                    ", ",
                                    SeccompProfile.ACTIONS.keySet().stream().sorted().toList())
                            + ("SCMP_ACT_NOTIFY".equals(name)
                                    ? "; nobody would answer SCMP_ACT_NOTIFY"
                                    : ""));
        }
        boolean takesValue = "SCMP_ACT_ERRNO".equals(name) || "SCMP_ACT_TRACE".equals(name);
        if (errno != null && (!takesValue || errno < 0 || errno > ERRNO_MAX)) {
            throw new InvalidProfileException(
                    errnoMember,
                    "must be from 0 to " + ERRNO_MAX + ", beside SCMP_ACT_ERRNO or SCMP_ACT_TRACE");
        }
        return takesValue ? action | Objects.requireNonNullElse(errno, EPERM) : action;
    }

    private static void rule(
            LibSeccomp.Filter filter,
            String member,
            SeccompProfile.@Nullable Rule rule,
            int defaultAction,
            Set<Capability> capabilities) {
        if (rule == null || rule.names() == null || rule.names().isEmpty()) {
            throw new InvalidProfileException(member + ".names", "must name system calls");
        }
        int action =
                action(member + ".action", rule.action(), member + ".errnoRet", rule.errnoRet());
        List<Argument> arguments = arguments(member, rule);
        if (!applies(rule, capabilities) || action == defaultAction) {
            return;
        }
        boolean stays = BpfProgram.letsThrough(action) || !BpfProgram.letsThrough(defaultAction);
        for (int i = 0; i < rule.names().size(); i++) {
            String name = rule.names().get(i);
            String at = member + ".names[" + i + "]";
            if (name == null) {
                throw new InvalidProfileException(at, "must be a string");
            }
            int number = LibSeccomp.systemCall(name);
            if (number == UNKNOWN && stays) {
                continue; // whoever calls it meets the default action, which is no weaker
            }
            if (number == UNKNOWN) {
                throw new InvalidProfileException(
                        at,
                        "'"
                                + name
                                + "' is no system call that libseccomp "
                                + LibSeccomp.version()
                                + " knows, so it cannot be refused");
            }
            int failure = filter.addRule(action, number, arguments);
            if (failure < 0) {
                throw new InvalidProfileException(
                        at, "'" + name + "' cannot be filtered so (error " + -failure + ")");
            }
        }
    }

    private static boolean applies(SeccompProfile.Rule rule, Set<Capability> capabilities) {
        return (rule.includes() == null || hasAny(rule.includes(), capabilities))
                && (rule.excludes() == null || !hasAny(rule.excludes(), capabilities));
    }

    private static boolean hasAny(
            SeccompProfile.Condition condition, Set<Capability> capabilities) {
        return condition.caps().stream()
                .anyMatch(
                        name -> Capability.parse(name).filter(capabilities::contains).isPresent());
    }

    private static List<Argument> arguments(String member, SeccompProfile.Rule rule) {
        List<Argument> arguments = new ArrayList<>();
        List<SeccompProfile.@Nullable Argument> given =
                Objects.requireNonNullElse(rule.args(), List.of());
        for (int i = 0; i < given.size(); i++) {
            SeccompProfile.Argument argument = given.get(i);
            String at = member + ".args[" + i + "]";
            if (argument == null || argument.index() == null || argument.value() == null) {
                throw new InvalidProfileException(at, "needs index, value and op");
            }
            Integer operation =
                    argument.op() == null ? null : SeccompProfile.OPERATIONS.get(argument.op());
            if (operation == null) {
                throw new InvalidProfileException(at + ".op", "must be such as SCMP_CMP_EQ");
            }
            if (argument.index() < 0 || argument.index() > 5) {
                throw new InvalidProfileException(at + ".index", "must be from 0 to 5");
            }
            arguments.add(
                    new Argument(
                            argument.index(),
                            operation,
                            number(at + ".value", argument.value()),
                            argument.valueTwo() == null
                                    ? 0
                                    : number(at + ".valueTwo", argument.valueTwo())));
        }
        return arguments;
    }

    /** A uint64 of C's. */
    private static long number(String member, BigInteger value) {
        if (value.signum() < 0 || value.bitLength() > Long.SIZE) {
            throw new InvalidProfileException(member, "must be from 0 to 18446744073709551615");
        }
        return value.longValue();
    }
}
