package dev.seahaven.exec;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The output that a monitor has written: frames as {@code wire.h} has them. It is read as a stream,
 * so it takes no memory however long it is; a frame that was cut by a crash ends it.
 */
public record LogFile(Path path) {

    private static final int HEADER = 16;
    private static final int CHUNK = 64 * 1024;

    public enum Stream {
        STDOUT,
        STDERR
    }

    /**
     * Which part is wanted.
     *
     * @param stream null: both
     * @param tail only that many lines at the end; null: all
     * @param sinceNanos only what was written at this time, in nanoseconds since 1970, or later
     */
    public record Part(@Nullable Stream stream, @Nullable Long tail, long sinceNanos) {}

    private interface Sink {
        void take(byte[] bytes, int length) throws IOException;
    }

    public void copy(Part part, OutputStream out) throws IOException {
        Long tail = part.tail();
        if (tail == null) {
            read(part, (bytes, length) -> out.write(bytes, 0, length));
            return;
        }
        Lines lines = new Lines();
        read(part, lines::count);
        Skip skip = new Skip(Math.max(0, lines.total() - tail), out);
        read(part, skip::take);
    }

    private void read(Part part, Sink sink) throws IOException {
        byte[] header = new byte[HEADER];
        byte[] bytes = new byte[CHUNK];
        try (InputStream file = new BufferedInputStream(Files.newInputStream(path), CHUNK);
                DataInputStream in = new DataInputStream(file)) {
            while (true) {
                in.readFully(header);
                ByteBuffer frame = ByteBuffer.wrap(header).order(ByteOrder.nativeOrder());
                long time = frame.getLong();
                Stream stream = frame.getInt() == 1 ? Stream.STDOUT : Stream.STDERR;
                int length = frame.getInt();
                boolean wanted =
                        time >= part.sinceNanos()
                                && (part.stream() == null || part.stream() == stream);
                while (length > 0) {
                    int here = Math.min(length, CHUNK);
                    in.readFully(bytes, 0, here);
                    if (wanted) {
                        sink.take(bytes, here);
                    }
                    length -= here;
                }
            }
        } catch (EOFException | NoSuchFileException e) {
            // The end, or nothing was ever written.
        }
    }

    private static final class Lines {
        private long ended;
        private boolean open;

        void count(byte[] bytes, int length) {
            for (int i = 0; i < length; i++) {
                open = bytes[i] != '\n';
                if (!open) {
                    ended++;
                }
            }
        }

        long total() {
            return open ? ended + 1 : ended;
        }
    }

    private static final class Skip {
        private long left;
        private final OutputStream out;

        private Skip(long lines, OutputStream out) {
            this.left = lines;
            this.out = out;
        }

        void take(byte[] bytes, int length) throws IOException {
            int from = 0;
            while (left > 0 && from < length) {
                if (bytes[from++] == '\n') {
                    left--;
                }
            }
            out.write(bytes, from, length - from);
        }
    }
}
