package dev.seahaven.sandbox.http;

import com.fasterxml.jackson.annotation.JsonAnySetter;

import dev.seahaven.sandbox.spec.LimitsRequest;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.util.LinkedHashMap;
import java.util.Map;

/** The body of {@code PATCH /sandboxes/{s}}: a member that is null goes back to its default. */
@Schema(name = "PatchSandbox")
final class PatchSandboxRequest {

    private final Map<String, JsonNode> members = new LinkedHashMap<>();

    /** Told from absent by being there. */
    @JsonAnySetter
    void put(String name, JsonNode value) {
        members.put(name, value);
    }

    Map<String, JsonNode> members() {
        return members;
    }

    @Schema(description = "Unique; usable in paths in place of the id.")
    public @Nullable String getName() {
        return null;
    }

    public @Nullable Map<String, String> getLabels() {
        return null;
    }

    public @Nullable LimitsRequest getLimits() {
        return null;
    }
}
