package dev.seahaven.audit;

/**
 * A door that is open, or that may be.
 *
 * @param id stays the same from version to version
 * @param evidence what was seen
 * @param attack what somebody inside does with it
 * @param remedy the change that closes it
 */
public record Finding(String id, Severity severity, String evidence, String attack, String remedy) {

    /** The worst first. */
    public enum Severity {
        CRITICAL,
        HIGH,
        MEDIUM,
        LOW,
        INFO
    }
}
