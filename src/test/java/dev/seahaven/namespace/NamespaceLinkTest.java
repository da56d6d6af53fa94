package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NamespaceLinkTest {

    @Test
    void links() {
        assertThat(NamespaceLink.parse("net:[4026531840]"))
                .contains(new NamespaceLink(NamespaceType.NET, 4026531840L));
        assertThat(NamespaceLink.parse("socket:[12]")).isEmpty();
        assertThat(NamespaceLink.parse("net:[]")).isEmpty();
        assertThat(NamespaceLink.parse("net:[x]")).isEmpty();
        assertThat(NamespaceLink.parse("/tmp/net:[1]x")).isEmpty();
    }
}
