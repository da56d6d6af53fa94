package dev.seahaven.daemon;

import dev.seahaven.procfs.CpuList;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many processors the host may ever have, which is more than the daemon may use. */
final class Processors {

    private Processors() {}

    static int possible() {
        try {
            return parse(Files.readString(Path.of("/sys/devices/system/cpu/possible")));
        } catch (IOException e) {
            return Runtime.getRuntime().availableProcessors();
        }
    }

    /** A list such as {@code 0-3} or {@code 0,2-5}: one more than the last of it. */
    static int parse(String list) {
        return CpuList.parse(list.trim()).orElseThrow().length();
    }
}
