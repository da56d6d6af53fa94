package dev.seahaven.netlink;

import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One netlink message: its type, its fixed header, and its attributes by number (netlink(7),
 * rtnetlink(7)).
 */
public final class NetlinkMessage {

    public static final int NLMSG_ERROR = 2;
    public static final int NLMSG_DONE = 3;
    private static final int HEADER = 16;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_DUMP = 0x300;
    private static final int NLM_F_DUMP_INTR = 0x10;
    private static final int TYPE_MASK = 0x3fff;

    private final int type;
    private final int flags;
    private final ByteBuffer payload;

    private NetlinkMessage(int type, int flags, ByteBuffer payload) {
        this.type = type;
        this.flags = flags;
        this.payload = payload;
    }

    /** A request for everything of a kind. */
    public static byte[] dump(int type, byte[] payload) {
        return ByteBuffer.allocate(HEADER + payload.length)
                .order(ByteOrder.nativeOrder())
                .putInt(HEADER + payload.length)
                .putShort((short) type)
                .putShort((short) (NLM_F_REQUEST | NLM_F_DUMP))
                .putInt(1)
                .putInt(0)
                .put(payload)
                .array();
    }

    /**
     * The messages of one datagram.
     *
     * @throws IllegalArgumentException when a length is wrong
     */
    public static List<NetlinkMessage> parse(byte[] datagram) {
        List<NetlinkMessage> messages = new ArrayList<>();
        ByteBuffer in = ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder());
        int at = 0;
        while (datagram.length - at >= HEADER) {
            int length = in.getInt(at);
            if (length < HEADER || length > datagram.length - at) {
                throw new IllegalArgumentException("a netlink message of " + length + " bytes");
            }
            ByteBuffer payload =
                    in.slice(at + HEADER, length - HEADER).order(ByteOrder.nativeOrder());
            messages.add(
                    new NetlinkMessage(
                            Short.toUnsignedInt(in.getShort(at + 4)),
                            Short.toUnsignedInt(in.getShort(at + 6)),
                            payload));
            at += align(length);
        }
        return messages;
    }

    private static int align(int length) {
        return (length + 3) & ~3;
    }

    public int type() {
        return type;
    }

    /** Whether what was dumped changed meanwhile, so that a part may be missing. */
    public boolean wasInterrupted() {
        return (flags & NLM_F_DUMP_INTR) != 0;
    }

    /** The error of an NLMSG_ERROR, positive as errno has it; 0 is none. */
    public int error() {
        return payload.remaining() < 4 ? 0 : -payload.getInt(0);
    }

    public int unsignedByte(int offset) {
        return Byte.toUnsignedInt(payload.get(offset));
    }

    public int unsignedShort(int offset) {
        return Short.toUnsignedInt(payload.getShort(offset));
    }

    /** In network order. */
    public int port(int offset) {
        return unsignedByte(offset) << 8 | unsignedByte(offset + 1);
    }

    public int integer(int offset) {
        return payload.getInt(offset);
    }

    public byte[] bytes(int offset, int length) {
        byte[] bytes = new byte[length];
        payload.get(offset, bytes);
        return bytes;
    }

    /**
     * The attributes that follow a fixed header.
     *
     * @throws IllegalArgumentException when a length is wrong
     */
    public Map<Integer, Attribute> attributes(int header) {
        return attributes(payload, align(header));
    }

    private static Map<Integer, Attribute> attributes(ByteBuffer in, int from) {
        Map<Integer, Attribute> found = new HashMap<>();
        int at = from;
        while (in.limit() - at >= 4) {
            int length = Short.toUnsignedInt(in.getShort(at));
            if (length < 4 || length > in.limit() - at) {
                throw new IllegalArgumentException("a netlink attribute of " + length + " bytes");
            }
            int type = Short.toUnsignedInt(in.getShort(at + 2)) & TYPE_MASK;
            byte[] bytes = new byte[length - 4];
            in.get(at + 4, bytes);
            found.put(type, new Attribute(bytes));
            at += align(length);
        }
        return found;
    }

    /** The value of an attribute. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Attribute(byte[] bytes) {

        public String text() {
            int end = 0;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            return KernelText.decode(bytes, 0, end);
        }

        public int integer() {
            return bytes.length < 4
                    ? 0
                    : ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt();
        }

        public Map<Integer, Attribute> nested() {
            return attributes(ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()), 0);
        }

        /** An address of IPv4 or IPv6, or of hardware as {@code 02:42:…}; null where it is none. */
        public @Nullable String hardware() {
            if (bytes.length == 0) {
                return null;
            }
            List<String> parts = new ArrayList<>(bytes.length);
            for (byte each : bytes) {
                parts.add("%02x".formatted(each));
            }
            return String.join(":", parts);
        }
    }
}
