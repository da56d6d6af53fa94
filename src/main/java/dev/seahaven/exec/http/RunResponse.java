package dev.seahaven.exec.http;

import dev.seahaven.exec.Runs;
import dev.seahaven.sandbox.http.ExitResponse;

import io.swagger.v3.oas.annotations.media.Schema;

/** What came of a run. */
@Schema(name = "RunResult")
record RunResponse(
        @Schema(example = "k3v9x2m4qh7d") String id,
        ExitResponse exit,
        String stdout,
        String stderr,
        @Schema(description = "More was written than is kept.") boolean truncated,
        Timing timing,
        Usage usage) {

    @Schema(name = "RunTiming")
    record Timing(double setupMillis, double runMillis, double totalMillis) {}

    /**
     * @param cpuMillis of all its processes
     * @param peakMemoryBytes of all together
     */
    @Schema(name = "RunUsage")
    record Usage(double cpuMillis, long peakMemoryBytes) {}

    static RunResponse of(Runs.Result result, Output output) {
        return new RunResponse(
                result.id().value(),
                ExitResponse.of(result.exit()),
                output.of(result.stdout()),
                output.of(result.stderr()),
                result.truncated(),
                new Timing(
                        result.timing().setupMillis(),
                        result.timing().runMillis(),
                        result.timing().totalMillis()),
                new Usage(result.usage().cpuMillis(), result.usage().peakMemoryBytes()));
    }
}
