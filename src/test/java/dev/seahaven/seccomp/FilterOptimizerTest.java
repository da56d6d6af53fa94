package dev.seahaven.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.seccomp.SeccompProfile.Argument;
import dev.seahaven.seccomp.SeccompProfile.Rule;
import dev.seahaven.syscall.LibSeccomp;

import org.junit.jupiter.api.Test;

import tools.jackson.databind.json.JsonMapper;

import java.math.BigInteger;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** The shorter filter does what the profile says, for every number and many arguments. */
class FilterOptimizerTest {

    private static final int X86_64 = 0xc000003e;
    private static final int I386 = 0x40000003;
    private static final int EPERM = 0x00050001;
    private static final int ENOSYS = 0x00050026;
    private static final int EINVAL = 0x00050016;
    private static final int ENOPROTOOPT = 0x0005005c;

    private final SeccompCompiler compiler = new SeccompCompiler(new JsonMapper());

    private static int nr(String name) {
        return LibSeccomp.systemCall(name);
    }

    @Test
    void anOptimizedFilterDoesWhatTheOtherDoes() {
        Random random = new Random(1);
        int compared = 0;
        for (int round = 0; compared < 20; round++) {
            SeccompProfile profile = random(random, round % 2 == 0);
            byte[] plain;
            try {
                plain = SeccompCompiler.plain(profile);
            } catch (InvalidProfileException e) {
                continue; // two rules of it contradict each other
            }
            compared++;
            BpfProgram expected = new BpfProgram(plain);
            BpfProgram actual = new BpfProgram(compiler.compile(profile));
            for (int architecture : new int[] {X86_64, I386, 0, 0xc00000b7}) {
                for (int number = -2; number < 1200; number++) {
                    same(expected, actual, architecture, number, random);
                }
                // x32 once had the outcome of its first number for all of them
                for (int number = 0x40000000; number < 0x40000000 + 1200; number++) {
                    same(expected, actual, architecture, number, random);
                }
                same(expected, actual, architecture, Integer.MAX_VALUE, random);
                same(expected, actual, architecture, Integer.MIN_VALUE, random);
            }
        }
    }

    private static void same(
            BpfProgram expected, BpfProgram actual, int architecture, int number, Random random) {
        for (int i = 0; i < 4; i++) {
            long[] a = random.longs(6, -2, 12).toArray();
            if (i == 3) {
                a[0] |= 1L << 40;
            }
            assertThat(actual.action(architecture, number, a))
                    .as("%x %d", architecture, number)
                    .isEqualTo(expected.action(architecture, number, a));
        }
    }

    private static SeccompProfile random(Random random, boolean x32) {
        String[] actions = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"};
        List<String> names =
                List.of(
                        "read",
                        "write",
                        "open",
                        "close",
                        "stat",
                        "clone",
                        "socket",
                        "ioctl",
                        "mmap",
                        "unshare",
                        "mount",
                        "personality",
                        "futex",
                        "bpf",
                        "statx");
        List<Rule> rules =
                random.ints(8, 0, names.size())
                        .distinct()
                        .mapToObj(
                                i ->
                                        new Rule(
                                                List.of(
                                                        names.get(i),
                                                        names.get((i + 1) % names.size())),
                                                actions[random.nextInt(2)],
                                                null,
                                                random.nextBoolean()
                                                        ? null
                                                        : List.of(
                                                                new Argument(
                                                                        0,
                                                                        BigInteger.valueOf(
                                                                                random.nextInt(8)),
                                                                        BigInteger.valueOf(
                                                                                random.nextInt(8)),
                                                                        random.nextBoolean()
                                                                                ? "SCMP_CMP_EQ"
                                                                                : "SCMP_CMP_MASKED_EQ")),
                                                null,
                                                null))
                        .toList();
        return new SeccompProfile(
                actions[2],
                null,
                x32
                        ? List.of("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")
                        : List.of("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"),
                null,
                List.copyOf(rules));
    }

    @Test
    void whatWasCompiledIsKept() {
        SeccompProfile profile = random(new Random(7), false);
        assertThat(compiler.compile(profile))
                .isSameAs(compiler.compile(random(new Random(7), false)));
        assertThat(compiler.defaults(Set.of(), false)).isSameAs(compiler.defaults(Set.of(), false));
    }

    @Test
    void theDefaultFilterDoesWhatItPromises() {
        byte[] filter = compiler.defaults(Set.of(), false);
        assertThat(filter.length / 8).isLessThan(230);
        BpfProgram numbers = new BpfProgram(filter);
        assertThat(numbers.action(X86_64, nr("read"), 0, 0, 0, 0, 0, 0))
                .isEqualTo(BpfProgram.ALLOW);
        assertThat(numbers.action(X86_64, nr("unshare"), 0x10000000)).isEqualTo(EPERM);
        assertThat(numbers.action(X86_64, nr("clone"), 0x10000000, 0, 0, 0, 0, 0)).isEqualTo(EPERM);
        assertThat(numbers.action(X86_64, nr("clone"), 0x11, 0, 0, 0, 0, 0))
                .isEqualTo(BpfProgram.ALLOW);
        assertThat(numbers.action(X86_64, nr("clone3"))).isEqualTo(ENOSYS);
        assertThat(numbers.action(X86_64, nr("keyctl"))).isEqualTo(EPERM);
        assertThat(numbers.action(X86_64, 0x40000000)).isEqualTo(ENOSYS);
        assertThat(numbers.action(0, 0)).isEqualTo(ENOSYS);
        // AF_VSOCK, also with a high bit that the kernel does not look at.
        int socket = nr("socket");
        assertThat(numbers.action(X86_64, socket, 40, 1, 0, 0, 0, 0) & 0xffff0000)
                .isEqualTo(0x00050000);
        assertThat(numbers.action(X86_64, socket, 40 | 1L << 35, 1, 0, 0, 0, 0) & 0xffff0000)
                .isEqualTo(0x00050000);
        assertThat(numbers.action(X86_64, socket, 2, 1, 0, 0, 0, 0)).isEqualTo(BpfProgram.ALLOW);
        assertThat(numbers.action(X86_64, nr("ioctl"), 0, 0x5412 | 1L << 35, 0, 0, 0, 0))
                .isEqualTo(EPERM);
        assertThat(numbers.action(I386, 102, 1)).isEqualTo(ENOSYS); // socketcall
        assertThat(numbers.action(X86_64, nr("seccomp"), 1)).isEqualTo(EINVAL);
        assertThat(numbers.action(X86_64, nr("seccomp"), 2)).isEqualTo(BpfProgram.ALLOW);
        assertThat(numbers.action(X86_64, nr("prctl"), 22, 2)).isEqualTo(EINVAL);
        assertThat(numbers.action(X86_64, nr("prctl"), 22, 1)).isEqualTo(BpfProgram.ALLOW);
        assertThat(numbers.action(X86_64, nr("setsockopt"), 3, 1, 26)).isEqualTo(ENOPROTOOPT);
        assertThat(numbers.action(X86_64, nr("setsockopt"), 3, 6, 26)).isEqualTo(BpfProgram.ALLOW);
        BpfProgram nested = new BpfProgram(compiler.defaults(Set.of(), true));
        assertThat(nested.action(X86_64, nr("seccomp"), 1)).isEqualTo(BpfProgram.ALLOW);
    }
}
