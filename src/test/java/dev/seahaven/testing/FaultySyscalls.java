package dev.seahaven.testing;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * System calls of which the n-th fails, or ends this process. It counts the calls that change or
 * open something, from the moment or the call that it is armed at.
 */
public final class FaultySyscalls implements InvocationHandler {

    private static final Set<String> COUNTED =
            Set.of(
                    "open",
                    "openat2",
                    "write",
                    "fstat",
                    "mkdir",
                    "rename",
                    "memfdCreate",
                    "addSeals",
                    "socketpair",
                    "sendmsg",
                    "openTree",
                    "prlimit",
                    "pidfdOpen",
                    "epollAdd");

    private final Syscalls real;
    private volatile Runnable fault;
    private int left = -1;
    private @Nullable Pattern trigger;
    private int armedFor;
    private @Nullable String armedName;

    private FaultySyscalls(Syscalls real, Runnable fault) {
        this.real = real;
        this.fault = fault;
    }

    /** Both faces of it. */
    public record Pair(Syscalls syscalls, FaultySyscalls control) {}

    public static Pair failing(Syscalls real, Errno errno) {
        return of(
                real,
                () -> {
                    throw new SyscallException("injected()", errno);
                });
    }

    public static Pair of(Syscalls real, Runnable fault) {
        FaultySyscalls faulty = new FaultySyscalls(real, fault);
        Syscalls proxy =
                (Syscalls)
                        Proxy.newProxyInstance(
                                Syscalls.class.getClassLoader(),
                                new Class<?>[] {Syscalls.class},
                                faulty);
        return new Pair(proxy, faulty);
    }

    /** Does something else before the call that is to have the fault. */
    public void instead(Runnable other) {
        fault = other;
    }

    /** The n-th counted call from now on has the fault; only once. */
    public synchronized void arm(int number) {
        left = number;
    }

    /** The next call of this name has the fault. */
    public synchronized void armFor(String method) {
        armedName = method;
    }

    /** The n-th counted call has the fault, from the first call on that reads like this. */
    public synchronized void armAt(Pattern call, int number) {
        trigger = call;
        armedFor = number;
    }

    /** Whether the fault is still to come. Disarms. */
    public synchronized boolean disarm() {
        boolean was = left > 0;
        left = -1;
        return was;
    }

    /** Name and arguments, with blanks between. */
    private static String text(Method method, Object[] arguments) {
        return Stream.concat(Stream.of(method.getName()), Arrays.stream(arguments))
                .map(String::valueOf)
                .collect(Collectors.joining(" "));
    }

    private synchronized boolean strikes(Method method, Object @Nullable [] arguments) {
        if (trigger != null
                && arguments != null
                && trigger.matcher(text(method, arguments)).matches()) {
            trigger = null;
            if (armedFor == 1) {
                return true;
            }
            left = armedFor;
        }
        if (method.getName().equals(armedName)) {
            armedName = null;
            return true;
        }
        boolean looks = arguments != null && arguments[0].toString().startsWith("/proc/");
        return left > 0 && !looks && COUNTED.contains(method.getName()) && --left == 0;
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
            throws Throwable {
        if (strikes(method, arguments)) {
            fault.run();
        }
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
