package dev.seahaven.testing;

import dev.seahaven.daemon.Seahaven;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.Syscalls;

import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.SpringApplication;

import java.util.regex.Pattern;

/**
 * A daemon that kills itself, with SIGKILL, before the n-th system call of a creation or a change
 * of a sandbox.
 */
public final class KilledDaemon {

    /** What it dies in. */
    public enum Work {
        CREATION("mkdir .*/sandboxes/[a-z2-7]{12} .*"),

        /** It is opened to be written: the flags are not 0. */
        CHANGE("open .*/sandbox\\.json\\.part [1-9].*"),

        /** From the moment on in which everybody in it is killed. */
        DELETION("open .*/cgroup\\.kill .*");

        private final Pattern first;

        Work(String first) {
            this.first = Pattern.compile(first);
        }
    }

    private KilledDaemon() {}

    /**
     * Starts it.
     *
     * @param step the call before which it dies, from 1
     */
    public static ExternalDaemon start(TestDaemon.Places places, Work work, int step) {
        return ExternalDaemon.start(
                places, KilledDaemon.class, "-Dkill.in=" + work, "-Dkill.at=" + step);
    }

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
        Work work = Work.valueOf(System.getProperty("kill.in"));
        pair.control().armAt(work.first, Integer.getInteger("kill.at"));
        return pair.syscalls();
    }
}
