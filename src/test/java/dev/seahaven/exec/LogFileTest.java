package dev.seahaven.exec;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

class LogFileTest {

    @TempDir private Path directory;

    private void frame(Path log, long time, int stream, String text) throws Exception {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer frame = ByteBuffer.allocate(16 + bytes.length).order(ByteOrder.nativeOrder());
        frame.putLong(time).putInt(stream).putInt(bytes.length).put(bytes);
        Files.write(log, frame.array(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static String read(Path log, LogFile.Part part) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new LogFile(log).copy(part, out);
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void framesAreFilteredAndTheCutLastOneIsPassedOver() throws Exception {
        Path log = directory.resolve("log");
        assertThat(read(log, new LogFile.Part(null, null, 0))).isEmpty();
        frame(log, 10, 1, "one\ntw");
        frame(log, 20, 2, "err\n");
        frame(log, 30, 1, "o\nthree");
        Files.write(log, new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
        assertThat(read(log, new LogFile.Part(null, null, 0))).isEqualTo("one\ntwerr\no\nthree");
        assertThat(read(log, new LogFile.Part(LogFile.Stream.STDOUT, null, 0)))
                .isEqualTo("one\ntwo\nthree");
        assertThat(read(log, new LogFile.Part(LogFile.Stream.STDOUT, 1L, 0))).isEqualTo("three");
        assertThat(read(log, new LogFile.Part(LogFile.Stream.STDOUT, 2L, 0)))
                .isEqualTo("two\nthree");
        assertThat(read(log, new LogFile.Part(null, 100L, 20))).isEqualTo("err\no\nthree");
    }
}
