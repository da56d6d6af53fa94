package dev.seahaven.procfs;

import java.util.LinkedHashMap;
import java.util.Map;

/** The counters of one interface, as {@code /proc/PID/net/dev} has them (proc_pid_net(5)). */
public record NetDev(long receivedBytes, long receivedPackets, long sentBytes, long sentPackets) {

    private static final int RECEIVED_BYTES = 0;
    private static final int RECEIVED_PACKETS = 1;
    private static final int SENT_BYTES = 8;
    private static final int SENT_PACKETS = 9;
    private static final int COLUMNS = 16;

    /** By the name of the interface, of the network namespace that a process is in. */
    public static Reading<Map<String, NetDev>> read(ProcRoot proc, int pid) {
        return proc.reading(pid + "/net/dev").map(NetDev::parse);
    }

    /** Two lines of titles, and one for each interface. */
    public static Map<String, NetDev> parse(String text) {
        Map<String, NetDev> found = new LinkedHashMap<>();
        for (String line : ProcRoot.lines(text).toList()) {
            int colon = line.lastIndexOf(": ");
            if (colon < 0) {
                continue;
            }
            String[] columns = line.substring(colon + 1).trim().split("\\s+");
            if (columns.length >= COLUMNS) {
                found.put(
                        line.substring(0, colon).trim(),
                        new NetDev(
                                Long.parseLong(columns[RECEIVED_BYTES]),
                                Long.parseLong(columns[RECEIVED_PACKETS]),
                                Long.parseLong(columns[SENT_BYTES]),
                                Long.parseLong(columns[SENT_PACKETS])));
            }
        }
        return found;
    }
}
