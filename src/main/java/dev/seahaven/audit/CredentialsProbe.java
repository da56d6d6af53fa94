package dev.seahaven.audit;

import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.sandbox.life.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Capabilities and filters, from {@code /proc/PID/status}. Pure. */
final class CredentialsProbe {

    private static final Map<String, String> SETS = sets();

    private CredentialsProbe() {}

    private static Map<String, String> sets() {
        Map<String, String> sets = new LinkedHashMap<>();
        sets.put("inheritable", "CapInh");
        sets.put("permitted", "CapPrm");
        sets.put("effective", "CapEff");
        sets.put("bounding", "CapBnd");
        sets.put("ambient", "CapAmb");
        return sets;
    }

    static Facts.Credentials credentials(ProcStatus status) {
        Map<String, List<String>> named = new LinkedHashMap<>();
        SETS.forEach((name, line) -> named.put(name, Capability.names(status.hex(line))));
        return new Facts.Credentials(
                named,
                set(reachable(status)),
                set(status.hex("CapAmb")),
                status.number("NoNewPrivs") == 1);
    }

    /** Without new privileges nothing is gained by executing a program (capabilities(7)). */
    private static long reachable(ProcStatus status) {
        long permitted = status.hex("CapPrm");
        return status.number("NoNewPrivs") == 1 ? permitted : permitted | status.hex("CapBnd");
    }

    private static Set<Capability> set(long mask) {
        Set<Capability> set = EnumSet.noneOf(Capability.class);
        for (Capability each : Capability.values()) {
            if ((mask & each.mask()) != 0) {
                set.add(each);
            }
        }
        return set;
    }

    static Facts.Seccomp seccomp(ProcStatus status, @Nullable Hardened sandbox) {
        String mode = Objects.requireNonNullElse(status.seccomp(), "disabled");
        byte[] filter = sandbox == null ? new byte[0] : sandbox.filter();
        return new Facts.Seccomp(
                mode,
                status.number("Seccomp_filters"),
                switch (mode) {
                    case "disabled" -> DangerousCalls.all();
                    case "strict" -> List.of();
                    // A program that adds filters of its own lets no more through than ours does.
                    default -> filter.length > 0 ? DangerousCalls.through(filter) : null;
                });
    }
}
