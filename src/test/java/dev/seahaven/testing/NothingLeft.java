package dev.seahaven.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.time.Duration;
import java.util.Map;

/**
 * Every integration test has this: it counts what is ours before and after, and gives the kernel
 * ten seconds to settle, for it frees lazily.
 */
public final class NothingLeft implements BeforeEachCallback, AfterEachCallback {

    private static final ExtensionContext.Namespace STORE =
            ExtensionContext.Namespace.create(NothingLeft.class);

    @Override
    public void beforeEach(ExtensionContext context) {
        TestDaemon.shared().destroyAll(); // of a test that has failed
        context.getStore(STORE).put("before", settled());
    }

    /** What is left of the test before may still be going. */
    private static Map<String, Long> settled() {
        Map<String, Long> last = Residue.count(TestDaemon.shared());
        for (int i = 0; i < 50; i++) {
            Map<String, Long> next = Residue.count(TestDaemon.shared());
            if (next.equals(last)) {
                return last;
            }
            last = next;
        }
        return last;
    }

    @Override
    public void afterEach(ExtensionContext context) {
        Object before = context.getStore(STORE).get("before", Map.class);
        await().pollInterval(Duration.ofMillis(50))
                .untilAsserted(
                        () -> assertThat(Residue.count(TestDaemon.shared())).isEqualTo(before));
        assertThat(Residue.foreignThreads()).as("threads in foreign namespaces").isZero();
    }
}
