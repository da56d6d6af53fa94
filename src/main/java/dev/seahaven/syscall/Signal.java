package dev.seahaven.syscall;

import dev.seahaven.text.Digits;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A signal of signal(7), with the numbers of x86 and Arm.
 *
 * @param number 1 to 31, or 34 to 64 for the real-time signals; 32 and 33 are the C library's own
 */
public record Signal(int number) {

    public static final Signal KILL = new Signal(9);
    public static final Signal TERM = new Signal(15);
    public static final Signal STOP = new Signal(19);

    /** The first real-time signal that programs have. */
    private static final int RTMIN = 34;

    private static final int RTMAX = 64;

    /** From 1 on. */
    private static final List<String> NAMES =
            List.of(
                    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
                    "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
                    "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
                    "PWR", "SYS");

    /**
     * Finds a signal by {@code TERM}, {@code SIGTERM} or {@code 15}, {@code RTMIN+3}, {@code
     * RTMAX-2} or {@code 37}, in any case.
     */
    public static Optional<Signal> parse(String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        String name = upper.startsWith("SIG") ? upper.substring(3) : upper;
        int known = NAMES.indexOf(name) + 1;
        long number = known > 0 ? known : number(upper, name);
        return (number >= 1 && number <= NAMES.size()) || (number >= RTMIN && number <= RTMAX)
                ? Optional.of(new Signal((int) number))
                : Optional.empty();
    }

    private static long number(String text, String name) {
        if (name.equals("RTMIN")) {
            return RTMIN;
        }
        if (name.equals("RTMAX")) {
            return RTMAX;
        }
        if (name.startsWith("RTMIN+")) {
            return RTMIN + Digits.number(name.substring(6)).orElse(RTMAX);
        }
        if (name.startsWith("RTMAX-")) {
            return RTMAX - Digits.number(name.substring(6)).orElse(RTMAX);
        }
        return Digits.number(text).orElse(0);
    }

    /** Its name without {@code SIG}, as the API has it; of a real-time signal {@code RTMIN+n}. */
    public String name() {
        if (number <= NAMES.size()) {
            return NAMES.get(number - 1);
        }
        if (number < RTMIN) {
            return Integer.toString(number);
        }
        return number == RTMIN ? "RTMIN" : "RTMIN+" + (number - RTMIN);
    }
}
