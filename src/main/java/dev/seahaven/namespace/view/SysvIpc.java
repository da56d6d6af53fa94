package dev.seahaven.namespace.view;

import java.util.List;
import java.util.stream.Stream;

/** The tables of {@code /proc/sysvipc} (proc_sysvipc(5)). */
final class SysvIpc {

    private SysvIpc() {}

    static NamespaceView.Ipc parse(
            String shm, String sem, String msg, List<NamespaceView.Ipc.PosixQueue> posixQueues) {
        return new NamespaceView.Ipc(
                lines(shm)
                        .map(
                                field ->
                                        new NamespaceView.Ipc.Segment(
                                                Long.parseLong(field[0]),
                                                Integer.parseInt(field[1]),
                                                Long.parseLong(field[3]),
                                                Integer.parseInt(field[6]),
                                                Long.parseLong(field[7]),
                                                field[2]))
                        .toList(),
                lines(sem)
                        .map(
                                field ->
                                        new NamespaceView.Ipc.Semaphores(
                                                Long.parseLong(field[0]),
                                                Integer.parseInt(field[1]),
                                                Integer.parseInt(field[3]),
                                                Long.parseLong(field[4]),
                                                field[2]))
                        .toList(),
                lines(msg)
                        .map(
                                field ->
                                        new NamespaceView.Ipc.Queue(
                                                Long.parseLong(field[0]),
                                                Integer.parseInt(field[1]),
                                                Long.parseLong(field[3]),
                                                Long.parseLong(field[4]),
                                                Long.parseLong(field[7]),
                                                field[2]))
                        .toList(),
                posixQueues);
    }

    /** Without the headings. */
    private static Stream<String[]> lines(String table) {
        List<String> lines = table.lines().toList();
        return lines.stream().skip(1).map(line -> line.trim().split("\\s+"));
    }
}
