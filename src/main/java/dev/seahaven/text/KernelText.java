package dev.seahaven.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Names of files, mount points and commands are bytes to the kernel, and mostly UTF-8. Here they
 * are strings: a byte that is no UTF-8 becomes a lone surrogate from U+DC80 to U+DCFF, and that the
 * same byte again, whatever the locale is (PEP 383 of Python, "surrogateescape").
 */
public final class KernelText {

    private static final char ESCAPE = 0xdc00;

    private KernelText() {}

    public static String decode(byte[] bytes) {
        return decode(bytes, 0, bytes.length);
    }

    public static String decode(byte[] bytes, int from, int length) {
        return isAscii(bytes, from, length)
                ? new String(bytes, from, length, StandardCharsets.ISO_8859_1)
                : decodeUtf8(ByteBuffer.wrap(bytes, from, length));
    }

    private static boolean isAscii(byte[] bytes, int from, int length) {
        for (int i = from; i < from + length; i++) {
            if (bytes[i] < 0) {
                return false;
            }
        }
        return true;
    }

    private static String decodeUtf8(ByteBuffer in) {
        CharsetDecoder decoder =
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT);
        CharBuffer out = CharBuffer.allocate(in.remaining());
        while (true) {
            CoderResult result = decoder.decode(in, out, true);
            if (!result.isError()) {
                return out.flip().toString();
            }
            for (int i = 0; i < result.length(); i++) {
                out.put((char) (ESCAPE + Byte.toUnsignedInt(in.get())));
            }
            decoder.reset();
        }
    }

    /**
     * @throws IllegalArgumentException where the text is not {@link #isEncodable encodable}
     */
    public static byte[] encode(String text) {
        if (!hasSurrogate(text)) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length() + 8);
        for (int i = 0; i < text.length(); ) {
            int point = text.codePointAt(i);
            if (isByte(point)) {
                bytes.write(point - ESCAPE);
            } else if (isSurrogate(point)) {
                throw new IllegalArgumentException("holds half of a surrogate pair");
            } else {
                bytes.writeBytes(Character.toString(point).getBytes(StandardCharsets.UTF_8));
            }
            i += Character.charCount(point);
        }
        return bytes.toByteArray();
    }

    /** The bytes with a zero behind them, as the C library takes them. */
    public static byte[] cString(String text) {
        byte[] bytes = new byte[text.length() + 1];
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c > 0x7f) {
                byte[] encoded = encode(text);
                return Arrays.copyOf(encoded, encoded.length + 1);
            }
            bytes[i] = (byte) c;
        }
        return bytes;
    }

    /** For people and programs that need Unicode: a byte that is none becomes {@code \xff}. */
    public static String printable(String text) {
        if (!hasLoneSurrogate(text)) {
            return text;
        }
        StringBuilder printable = new StringBuilder();
        text.codePoints()
                .forEach(
                        point -> {
                            if (isByte(point)) {
                                printable.append(String.format("\\x%02x", point - ESCAPE));
                            } else {
                                printable.appendCodePoint(point);
                            }
                        });
        return printable.toString();
    }

    /** Whether it has no half of a surrogate pair but for those that stand for bytes. */
    public static boolean isEncodable(String text) {
        return !hasSurrogate(text)
                || text.codePoints().allMatch(point -> !isSurrogate(point) || isByte(point));
    }

    /** Whether it has a half of a surrogate pair, and so is no Unicode. */
    public static boolean hasLoneSurrogate(String text) {
        return hasSurrogate(text) && text.codePoints().anyMatch(KernelText::isSurrogate);
    }

    private static boolean hasSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isSurrogate(int point) {
        return point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
    }

    private static boolean isByte(int point) {
        return point >= ESCAPE + 0x80 && point <= ESCAPE + 0xff;
    }
}
