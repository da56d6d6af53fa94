package dev.seahaven.netlink;

import dev.seahaven.netlink.NetlinkMessage.Attribute;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;

import org.apache.tomcat.util.net.IPv6Utils;
import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tables of a network namespace, by RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE and RTM_GETNEIGH
 * (rtnetlink(7)) and by SOCK_DIAG_BY_FAMILY (sock_diag(7)).
 */
public final class NetworkTables {

    public static final int NETLINK_ROUTE = 0;
    public static final int NETLINK_SOCK_DIAG = 4;

    private static final int RTM_GETLINK = 18;
    private static final int RTM_GETADDR = 22;
    private static final int RTM_GETROUTE = 26;
    private static final int RTM_GETNEIGH = 30;
    private static final int SOCK_DIAG_BY_FAMILY = 20;
    private static final int IFINFOMSG = 16;
    private static final int IFADDRMSG = 8;
    private static final int RTMSG = 12;
    private static final int NDMSG = 12;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int TCP_LISTEN = 10;
    private static final int TCP_CLOSE = 7;
    private static final int DIAG_REQUEST = 56;
    private static final int TABLE_LOCAL = 255;
    private static final int IFF_UP = 1;
    private static final int IFF_LOOPBACK = 8;

    /**
     * @param kind such as {@code veth}; null for hardware and lo
     * @param peerIndex index of the other end of a veth pair, or of the link below
     * @param master index of the bridge that it is a port of
     */
    public record Interface(
            int index,
            String name,
            @Nullable String kind,
            boolean up,
            boolean loopback,
            @Nullable String state,
            int mtu,
            @Nullable String mac,
            @Nullable Integer peerIndex,
            @Nullable Integer master) {}

    public record Address(
            String networkInterface, String address, int prefixLength, String scope) {}

    /**
     * @param destination {@code default} or address and prefix
     * @param table as {@code ip route} numbers them; 254 is main
     */
    public record Route(
            String destination,
            @Nullable String gateway,
            @Nullable String networkInterface,
            int table,
            @Nullable Integer metric) {}

    public record Neighbour(
            String address,
            @Nullable String networkInterface,
            @Nullable String mac,
            String state) {}

    public record Listener(String protocol, String address, int port, long uid, long inode) {}

    private static final String[] OPERSTATES = {
        "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"
    };

    private final Netlink netlink;

    public NetworkTables(Netlink netlink) {
        this.netlink = netlink;
    }

    public List<Interface> interfaces(Fd route) {
        return netlink.dump(route, RTM_GETLINK, new byte[IFINFOMSG]).stream()
                .map(NetworkTables::link)
                .toList();
    }

    static Interface link(NetlinkMessage message) {
        Map<Integer, Attribute> attributes = message.attributes(IFINFOMSG);
        Attribute info = attributes.get(18);
        Attribute kind = info == null ? null : info.nested().get(1);
        Attribute state = attributes.get(16);
        Attribute mac = attributes.get(1);
        int flags = message.integer(8);
        return new Interface(
                message.integer(4),
                text(attributes.get(3)),
                kind == null ? null : kind.text(),
                (flags & IFF_UP) != 0,
                (flags & IFF_LOOPBACK) != 0,
                state == null ? null : OPERSTATES[Math.min(state.bytes()[0], 6)],
                number(attributes.get(4)),
                mac == null ? null : mac.hardware(),
                optional(attributes.get(5)),
                optional(attributes.get(10)));
    }

    private static String text(@Nullable Attribute attribute) {
        return attribute == null ? "" : attribute.text();
    }

    private static int number(@Nullable Attribute attribute) {
        return attribute == null ? 0 : attribute.integer();
    }

    private static @Nullable Integer optional(@Nullable Attribute attribute) {
        return attribute == null ? null : attribute.integer();
    }

    /** Names of interfaces by index. */
    public static Map<Integer, String> names(List<Interface> interfaces) {
        Map<Integer, String> names = new HashMap<>();
        interfaces.forEach(each -> names.put(each.index(), each.name()));
        return names;
    }

    public List<Address> addresses(Fd route, Map<Integer, String> names) {
        return netlink.dump(route, RTM_GETADDR, new byte[IFADDRMSG]).stream()
                .map(message -> address(message, names))
                .toList();
    }

    static Address address(NetlinkMessage message, Map<Integer, String> names) {
        Map<Integer, Attribute> attributes = message.attributes(IFADDRMSG);
        Attribute local = attributes.getOrDefault(2, attributes.get(1));
        int index = message.integer(4);
        return new Address(
                names.getOrDefault(index, Integer.toString(index)),
                local == null ? "" : ip(local.bytes()),
                message.unsignedByte(1),
                scope(message.unsignedByte(3)));
    }

    private static String scope(int number) {
        return switch (number) {
            case 0 -> "global";
            case 200 -> "site";
            case 253 -> "link";
            case 254 -> "host";
            default -> Integer.toString(number);
        };
    }

    private static String ip(byte[] bytes) {
        try {
            String text = InetAddress.getByAddress(bytes).getHostAddress();
            return bytes.length == 4 ? text : IPv6Utils.canonize(text); // RFC 5952
        } catch (UnknownHostException e) {
            return "";
        }
    }

    /** Without those of the table {@code local}, which the kernel keeps for itself. */
    public List<Route> routes(Fd route, Map<Integer, String> names) {
        return netlink.dump(route, RTM_GETROUTE, new byte[RTMSG]).stream()
                .map(message -> route(message, names))
                .filter(each -> each.table() != TABLE_LOCAL)
                .toList();
    }

    static Route route(NetlinkMessage message, Map<Integer, String> names) {
        Map<Integer, Attribute> attributes = message.attributes(RTMSG);
        Attribute to = attributes.get(1);
        Attribute gateway = attributes.get(5);
        Attribute table = attributes.get(15);
        Integer index = optional(attributes.get(4));
        return new Route(
                to == null ? "default" : ip(to.bytes()) + "/" + message.unsignedByte(1),
                gateway == null ? null : ip(gateway.bytes()),
                index == null ? null : names.getOrDefault(index, index.toString()),
                table == null ? message.unsignedByte(4) : table.integer(),
                optional(attributes.get(6)));
    }

    /** Without what the kernel notes for itself (NUD_NOARP). */
    public List<Neighbour> neighbours(Fd route, Map<Integer, String> names) {
        return netlink.dump(route, RTM_GETNEIGH, new byte[NDMSG]).stream()
                .map(message -> neighbour(message, names))
                .filter(each -> !each.state().equals("noarp"))
                .toList();
    }

    static Neighbour neighbour(NetlinkMessage message, Map<Integer, String> names) {
        Map<Integer, Attribute> attributes = message.attributes(NDMSG);
        Attribute address = attributes.get(1);
        Attribute mac = attributes.get(2);
        int index = message.integer(4);
        return new Neighbour(
                address == null ? "" : ip(address.bytes()),
                names.getOrDefault(index, Integer.toString(index)),
                mac == null ? null : mac.hardware(),
                neighbourState(message.unsignedShort(8)));
    }

    private static String neighbourState(int state) {
        return switch (state) {
            case 0x01 -> "incomplete";
            case 0x02 -> "reachable";
            case 0x04 -> "stale";
            case 0x08 -> "delay";
            case 0x10 -> "probe";
            case 0x20 -> "failed";
            case 0x40 -> "noarp";
            case 0x80 -> "permanent";
            default -> "none";
        };
    }

    /** TCP sockets that listen, and UDP sockets that are bound and not connected. */
    public List<Listener> listeners(Fd diag) {
        List<Listener> found = new ArrayList<>();
        for (int family : new int[] {AF_INET, AF_INET6}) {
            found.addAll(listeners(diag, family, IPPROTO_TCP, TCP_LISTEN));
            found.addAll(listeners(diag, family, IPPROTO_UDP, TCP_CLOSE));
        }
        return found;
    }

    private List<Listener> listeners(Fd diag, int family, int protocol, int state) {
        byte[] request =
                ByteBuffer.allocate(DIAG_REQUEST)
                        .order(ByteOrder.nativeOrder())
                        .put((byte) family)
                        .put((byte) protocol)
                        .put((byte) 0)
                        .put((byte) 0)
                        .putInt(1 << state)
                        .array();
        try {
            return netlink.dump(diag, SOCK_DIAG_BY_FAMILY, request).stream()
                    .map(message -> listener(message, protocol == IPPROTO_TCP ? "tcp" : "udp"))
                    .toList();
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return List.of(); // this kernel has no such protocol
            }
            throw e;
        }
    }

    static Listener listener(NetlinkMessage message, String protocol) {
        int family = message.unsignedByte(0);
        return new Listener(
                protocol,
                ip(message.bytes(8, family == AF_INET ? 4 : 16)),
                message.port(4),
                Integer.toUnsignedLong(message.integer(64)),
                Integer.toUnsignedLong(message.integer(68)));
    }
}
