package dev.seahaven.system.http;

import dev.seahaven.system.KernelFeature;
import dev.seahaven.system.KernelProbe;
import dev.seahaven.system.StartReport;
import dev.seahaven.web.EntityTag;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.info.BuildProperties;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;
import java.util.Map;

@RestController
@Tag(name = "system")
class SystemController {

    private final KernelProbe probe;
    private final BuildProperties build;
    private final StartReport start;

    SystemController(KernelProbe probe, BuildProperties build, StartReport start) {
        this.probe = probe;
        this.build = build;
        this.start = start;
    }

    /**
     * What the daemon is and what this host lets it do.
     *
     * @param cgroups v2, v1, or hybrid: controllers on v1 beside a cgroup2
     * @param recovery what the daemon found when it started; null while it still looks
     */
    @Schema(name = "System")
    record SystemResponse(
            String version,
            String kernel,
            String architecture,
            @Schema(example = "v2") String cgroups,
            @Schema(description = "Which hierarchy limits what: v2, v1 or none.")
                    Map<String, String> controllers,
            List<KernelFeature> features,
            StartReport.@Nullable Found recovery) {}

    @GetMapping(path = "/system", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(operationId = "getSystem", summary = "Version, kernel and what it can do")
    ResponseEntity<SystemResponse> system() {
        SystemResponse system =
                new SystemResponse(
                        String.valueOf(build.getVersion()),
                        probe.kernelRelease(),
                        System.getProperty("os.arch"),
                        probe.cgroupVersion(),
                        probe.controllers(),
                        probe.features(),
                        start.found());
        return ResponseEntity.ok().eTag(EntityTag.of("system", system)).body(system);
    }
}
