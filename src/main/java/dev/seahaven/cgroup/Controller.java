package dev.seahaven.cgroup;

import java.util.Locale;

/** What a hierarchy can limit or account (cgroups(7)). */
public enum Controller {
    MEMORY("memory", "memory"),
    PIDS("pids", "pids"),
    CPU("cpu", "cpu"),
    /** On cgroup2 it is a part of cpu. */
    CPUACCT("cpu", "cpuacct"),
    CPUSET("cpuset", "cpuset"),
    IO("io", "blkio"),
    HUGETLB("hugetlb", "hugetlb"),
    /** On cgroup2 a BPF program takes its place. */
    DEVICES("", "devices");

    private final String v2Name;
    private final String v1Name;

    Controller(String v2Name, String v1Name) {
        this.v2Name = v2Name;
        this.v1Name = v1Name;
    }

    /** As {@code cgroup.controllers} has it; empty where there is none. */
    public String v2Name() {
        return v2Name;
    }

    /** As the options of a v1 mount have it. */
    public String v1Name() {
        return v1Name;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
