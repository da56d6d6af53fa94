package dev.seahaven.isolation;

import com.fasterxml.jackson.annotation.JsonProperty;

import io.swagger.v3.oas.annotations.media.Schema;

/**
 * A door that is open.
 *
 * @param id stays the same from version to version
 * @param evidence what was seen
 * @param attack what somebody inside does with it
 * @param remedy the change that closes it
 */
@Schema(name = "Finding")
record Finding(String id, Severity severity, String evidence, String attack, String remedy) {

    /** The worst first. */
    enum Severity {
        @JsonProperty("critical")
        CRITICAL,
        @JsonProperty("high")
        HIGH,
        @JsonProperty("medium")
        MEDIUM,
        @JsonProperty("low")
        LOW,
        @JsonProperty("info")
        INFO
    }
}
