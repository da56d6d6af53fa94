package dev.seahaven.testing;

import dev.seahaven.daemon.Seahaven;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.Syscalls;

import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.SpringApplication;

/**
 * A daemon that kills itself, with SIGKILL, before the n-th system call of the first creation of a
 * sandbox.
 */
public final class KilledDaemon {

    private KilledDaemon() {}

    public static void main(String[] arguments) {
        SpringApplication daemon = new SpringApplication(Seahaven.class);
        daemon.setMainApplicationClass(Seahaven.class);
        daemon.addInitializers(
                context -> context.getBeanFactory().addBeanPostProcessor(new Killing()));
        daemon.run(arguments);
    }

    private static final class Killing implements BeanPostProcessor {

        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
            return bean instanceof Syscalls real ? killing(real) : bean;
        }
    }

    private static Syscalls killing(Syscalls real) {
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
