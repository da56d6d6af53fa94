package dev.seahaven.namespace.scan;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;

/** What every scan needs, and what one leaves for the next. */
public record ScanTools(
        Syscalls syscalls,
        NamespaceCalls calls,
        ProcRoot proc,
        NamespaceFinder finder,
        NamespaceOpener opener,
        PreparedNetwork prepared,
        OwnProcesses own,
        KnownMounts known) {

    public ScanTools(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceOpener opener,
            PreparedNetwork prepared,
            OwnProcesses own) {
        this(syscalls, calls, proc, finder, opener, prepared, own, new KnownMounts());
    }
}
