package dev.seahaven.launcher;

import java.util.function.Predicate;
import java.util.function.Supplier;

/** Somebody has killed the monitor of a launch before it had told what came of it. */
public final class MonitorLostException extends RuntimeException {

    /** With a spawner that is killed, all its idle monitors end, one after the other. */
    private static final int UNTOUCHED_MAX = 8;

    private final boolean untouched;

    /**
     * @param untouched whether it had not taken the plan yet, so that nothing was done
     */
    public MonitorLostException(boolean untouched) {
        super("the monitor of the launch was killed");
        this.untouched = untouched;
    }

    /** Whether nothing was done of what it was to do. */
    public boolean isUntouched() {
        return untouched;
    }

    /**
     * Launches, and does so once more where the monitor is killed, or the child before it executes
     * the command; a few times where nothing was done yet.
     *
     * @param launch leaves nothing behind when it fails so, and has told nobody anything
     */
    public static <T> T tryAgain(Supplier<T> launch) {
        return tryAgain(launch, lost -> true);
    }

    /** The same for a program that must not run twice. */
    public static <T> T tryAgainUntouched(Supplier<T> launch) {
        return tryAgain(launch, MonitorLostException::isUntouched);
    }

    private static <T> T tryAgain(Supplier<T> launch, Predicate<MonitorLostException> harmless) {
        for (int lost = 1; ; lost++) {
            try {
                return launch.get();
            } catch (MonitorLostException e) {
                if (!harmless.test(e) || lost > (e.isUntouched() ? UNTOUCHED_MAX : 1)) {
                    throw e;
                }
            } catch (LauncherException e) {
                if (!e.isLost() || lost > 1) {
                    throw e;
                }
            }
        }
    }
}
