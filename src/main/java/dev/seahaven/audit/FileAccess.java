package dev.seahaven.audit;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.FileCalls;

import java.util.List;
import java.util.Set;

/**
 * What a process may do with files, or comes to by the capabilities that it can get
 * (credentials(7), capabilities(7)); ids as the daemon has them.
 *
 * @param user whose files it opens
 * @param groups likewise
 * @param capabilities that it has or can get
 * @param users that its user namespace maps: over these its capabilities count
 * @param mappedGroups likewise
 */
record FileAccess(
        long user,
        List<Long> groups,
        Set<Capability> capabilities,
        List<IdMapping> users,
        List<IdMapping> mappedGroups) {

    private static final int WRITE = 2;

    static FileAccess of(
            ProcStatus status,
            Set<Capability> capabilities,
            List<IdMapping> users,
            List<IdMapping> groups) {
        return new FileAccess(status.fsuid(), status.fileGroups(), capabilities, users, groups);
    }

    /** Whether it may write to a file, which for a socket is to connect to it (unix(7)). */
    boolean canWrite(FileCalls.Stat file) {
        long owner = Integer.toUnsignedLong(file.uid());
        long group = Integer.toUnsignedLong(file.gid());
        boolean ofUser = users.stream().anyMatch(each -> each.mapsOutside(owner));
        boolean ofGroup = mappedGroups.stream().anyMatch(each -> each.mapsOutside(group));
        if (ofUser && ofGroup && capabilities.contains(Capability.DAC_OVERRIDE)) {
            return true;
        }
        boolean becomesUser = ofUser && capabilities.contains(Capability.SETUID);
        boolean becomesGroup = ofGroup && capabilities.contains(Capability.SETGID);
        return allows(file, 0)
                || (allows(file, 3) && (groups.contains(group) || becomesGroup))
                || (allows(file, 6) && (user == owner || becomesUser));
    }

    private static boolean allows(FileCalls.Stat file, int shift) {
        return (file.mode() >> shift & WRITE) != 0;
    }
}
