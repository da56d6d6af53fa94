package dev.seahaven.cgroup;

import org.jspecify.annotations.Nullable;

/**
 * The rates of a block device; null is without a limit.
 *
 * @param device major and minor number, such as {@code 8:0}
 */
public record IoRate(
        String device,
        @Nullable Long readBytesPerSecond,
        @Nullable Long writeBytesPerSecond,
        @Nullable Long readOperationsPerSecond,
        @Nullable Long writeOperationsPerSecond) {

    /** No rate of a device. */
    public static IoRate none(String device) {
        return new IoRate(device, null, null, null, null);
    }
}
