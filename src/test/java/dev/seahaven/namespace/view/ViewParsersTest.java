package dev.seahaven.namespace.view;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;

class ViewParsersTest {

    @Test
    void theRootOfACgroupNamespaceIsWhatTheInsideLeavesOut() {
        assertThat(NamespaceViewer.root("/a/b", "/")).isEqualTo("/a/b");
        assertThat(NamespaceViewer.root("/a/b/c", "/c")).isEqualTo("/a/b");
        assertThat(NamespaceViewer.root("/c", "/c")).isEqualTo("/");
        assertThat(NamespaceViewer.root("/x", "/../y")).isNull();
    }

    @Test
    void systemVObjects() {
        NamespaceView.Ipc found =
                SysvIpc.parse(
                        """
                        key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap
                        -12345 7 1600 4096 1 2 3 1000 1000 0 0 0 0 0 0 0
                        """,
                        "key semid perms nsems uid gid cuid cgid otime ctime\n",
                        "key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid stime rtime"
                                + " ctime\n",
                        List.of());
        assertThat(found.sharedMemory())
                .containsExactly(new NamespaceView.Ipc.Segment(-12345, 7, 4096, 3, 1000, "1600"));
        assertThat(found.semaphores()).isEmpty();
    }
}
