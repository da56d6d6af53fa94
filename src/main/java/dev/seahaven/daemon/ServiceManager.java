package dev.seahaven.daemon;

import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Tells a service manager how the daemon fares (sd_notify(3), sd_watchdog_enabled(3)): ready when a
 * request over its own socket is answered, alive as long as one is. Where none started the daemon
 * it does nothing.
 */
@Component
class ServiceManager {

    private static final Logger LOG = System.getLogger(ServiceManager.class.getName());

    /** What has to work; the rest of health, such as a full disk, is no reason for a restart. */
    private static final List<String> REQUEST =
            List.of(
                    "GET /actuator/health/watchdog HTTP/1.1",
                    "Host: localhost",
                    "Connection: close",
                    "",
                    "");

    private static final String ANSWER = "HTTP/1.1 200 ";

    private final Syscalls syscalls;
    private final Path socket;
    private final @Nullable String manager = System.getenv("NOTIFY_SOCKET");
    private volatile @Nullable Thread watchdog;

    ServiceManager(Syscalls syscalls, Directories directories) {
        this.syscalls = syscalls;
        this.socket = directories.socket();
    }

    @EventListener(ApplicationReadyEvent.class)
    void ready() throws IOException {
        if (manager == null) {
            return;
        }
        if (!answers(socket)) {
            throw new IOException("the daemon does not answer on " + socket);
        }
        tell("READY=1\nSTATUS=Serves " + socket);
        Duration interval =
                watchdogInterval(
                        System.getenv("WATCHDOG_USEC"),
                        System.getenv("WATCHDOG_PID"),
                        ProcessHandle.current().pid());
        if (interval.isPositive()) {
            watchdog =
                    Thread.ofPlatform()
                            .name("seahaven-watchdog")
                            .daemon()
                            .start(() -> watch(interval.dividedBy(2)));
        }
    }

    @EventListener(ContextClosedEvent.class)
    void stopping() {
        Thread watching = watchdog;
        if (watching != null) {
            watching.interrupt();
        }
        tell("STOPPING=1");
    }

    /** Zero where nobody waits for a sign of life of this process. */
    static Duration watchdogInterval(
            @Nullable String micros, @Nullable String waitedFor, long ownPid) {
        boolean ours = waitedFor == null || waitedFor.equals(Long.toString(ownPid));
        return micros == null || !ours
                ? Duration.ZERO
                : Duration.ofNanos(Long.parseLong(micros) * 1000);
    }

    /** A request that hangs is no sign of life either: then none is given until it ends. */
    private void watch(Duration pause) {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                if (answers(socket)) {
                    tell("WATCHDOG=1");
                } else if (!Thread.currentThread().isInterrupted()) {
                    LOG.log(Level.WARNING, "the health probe over {0} fails", socket);
                }
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    static boolean answers(Path socket) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(StandardCharsets.US_ASCII.encode(String.join("\r\n", REQUEST)));
            ByteBuffer answer = ByteBuffer.allocate(ANSWER.length());
            while (answer.hasRemaining() && channel.read(answer) >= 0) {
                // until the status line is there
            }
            return new String(answer.array(), StandardCharsets.US_ASCII).equals(ANSWER);
        } catch (IOException e) {
            return false;
        }
    }

    private void tell(String state) {
        if (manager == null) {
            return;
        }
        try (Fd to = syscalls.datagramSocket()) {
            syscalls.sendto(to, state.getBytes(StandardCharsets.UTF_8), manager);
        } catch (SyscallException e) {
            LOG.log(Level.WARNING, "the service manager cannot be told: {0}", e.getMessage());
        }
    }
}
