package dev.seahaven.testing;

import dev.seahaven.daemon.Seahaven;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.Syscalls;

import org.springframework.boot.SpringApplication;
import org.springframework.context.annotation.Bean;

/**
 * A daemon that kills itself, with SIGKILL, before the n-th system call of the first creation of a
 * sandbox.
 */
public final class KilledDaemon {

    private KilledDaemon() {}

    public static void main(String[] arguments) {
        SpringApplication.run(new Class<?>[] {Calls.class, Seahaven.class}, arguments);
    }

    static class Calls {

        @Bean
        Syscalls syscalls() {
            LinuxSyscalls real = new LinuxSyscalls();
            FaultySyscalls.Pair pair =
                    FaultySyscalls.of(
                            real,
                            () ->
                                    real.pidfdSendSignal(
                                            real.pidfdOpen((int) ProcessHandle.current().pid()),
                                            Signal.KILL));
            pair.control().armAtMkdir(Integer.getInteger("kill.at"));
            return pair.syscalls();
        }
    }
}
