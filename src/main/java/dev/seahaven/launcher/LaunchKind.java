package dev.seahaven.launcher;

/** What is launched: {@code enum launch_kind} in {@code wire.h}. */
public enum LaunchKind {
    /** A sandbox that is kept: it logs, writes its records, and outlives the daemon. */
    SANDBOX,

    /** A run: its output goes to the daemon, and the end of the daemon is its end. */
    RUN,

    /** A program in namespaces that exist, captured as a run is. */
    EXEC,

    /** A program in namespaces that exist, whose output is lost and that outlives the daemon. */
    DETACHED,

    /** No program: a process that holds namespaces until it is told to end. */
    KEEPER
}
