package dev.seahaven.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.HexFormat;
import java.util.Map;

/** Datagrams of a little-endian kernel. */
class NetlinkMessageTest {

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    @Test
    void anAddress() {
        // RTM_NEWADDR: IPv4, prefix 8, scope host, index 1; IFA_LOCAL 127.0.0.1
        byte[] datagram =
                bytes(
                        "20000000 1400 0200 01000000 00000000"
                                + "02 08 80 fe 01000000"
                                + "0800 0200 7f000001");
        NetlinkMessage message = NetlinkMessage.parse(datagram).getFirst();
        assertThat(message.type()).isEqualTo(20);
        assertThat(NetworkTables.address(message, Map.of(1, "lo")))
                .isEqualTo(new NetworkTables.Address("lo", "127.0.0.1", 8, "host"));
    }

    @Test
    void aRouteWithoutADestinationIsTheDefault() {
        // RTM_NEWROUTE: IPv4, table 254; RTA_GATEWAY 10.0.0.1, RTA_OIF 2, RTA_PRIORITY 100
        byte[] datagram =
                bytes(
                        "34000000 1800 0200 01000000 00000000"
                                + "02 00 00 00 fe 03 00 01 00000000"
                                + "0800 0500 0a000001 0800 0400 02000000 0800 0600 64000000");
        assertThat(
                        NetworkTables.route(
                                NetlinkMessage.parse(datagram).getFirst(), Map.of(2, "eth0")))
                .isEqualTo(new NetworkTables.Route("default", "10.0.0.1", "eth0", 254, 100));
    }

    @Test
    void severalMessagesOfOneDatagram() {
        byte[] datagram =
                bytes(
                        "11000000 0300 0200 01000000 00000000 00 000000"
                                + "14000000 0300 0200 01000000 00000000 00000000");
        assertThat(NetlinkMessage.parse(datagram)).hasSize(2);
    }

    @Test
    void aLengthThatIsTooLongIsRefused() {
        assertThatThrownBy(
                        () -> NetlinkMessage.parse(bytes("40000000 0300 0200 01000000 00000000")))
                .isInstanceOf(IllegalArgumentException.class);
        NetlinkMessage message =
                NetlinkMessage.parse(
                                bytes("18000000 1400 0200 01000000 00000000 ff00 0200 00000000"))
                        .getFirst();
        assertThatThrownBy(() -> message.attributes(0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
