package dev.seahaven.launcher;

import java.util.function.Supplier;

/** Somebody has killed the monitor of a launch before it had told what came of it. */
public final class MonitorLostException extends RuntimeException {

    /** With a spawner that is killed, all its idle monitors end, one after the other. */
    private static final int UNTOUCHED_MAX = 8;

    /** Somebody kills twice in a row at the worst. */
    private static final int UNDONE_MAX = 2;

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
     * Launches, and does so again where the monitor is killed, or the child before it executes the
     * command: twice at the most, and a few times where nothing was done yet.
     *
     * @param launch leaves nothing behind when it fails so, and has told nobody anything
     */
    public static <T> T tryAgain(Supplier<T> launch) {
        return tryAgain(launch, UNDONE_MAX);
    }

    /** The same for a program that must not run twice. */
    public static <T> T tryAgainUntouched(Supplier<T> launch) {
        return tryAgain(launch, 0);
    }

    private static <T> T tryAgain(Supplier<T> launch, int touchedMax) {
        int untouched = 0;
        int touched = 0;
        int unexecuted = 0;
        while (true) {
            try {
                return launch.get();
            } catch (MonitorLostException e) {
                boolean again =
                        e.isUntouched() ? ++untouched <= UNTOUCHED_MAX : ++touched <= touchedMax;
                if (!again) {
                    throw e;
                }
            } catch (LauncherException e) {
                if (!e.isLost() || ++unexecuted > UNDONE_MAX) {
                    throw e;
                }
            }
        }
    }
}
