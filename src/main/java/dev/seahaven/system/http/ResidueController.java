package dev.seahaven.system.http;

import dev.seahaven.claim.Residue;
import dev.seahaven.web.Page;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping(path = "/system/residue", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "system")
class ResidueController {

    private final Residue residue;

    ResidueController(Residue residue) {
        this.residue = residue;
    }

    /** What is left of something that has ended. */
    @Schema(name = "Residue")
    record ResidueResponse(
            @Schema(example = "cgroup") String kind,
            @Schema(example = "/sys/fs/cgroup/seahaven/k3v9x2m4qh7d") String name,
            @Schema(description = "Why it is the daemon's own.") String proof,
            @Schema(description = "Why it is still there.") String problem) {

        private static ResidueResponse of(Residue.Item item) {
            return new ResidueResponse(item.kind(), item.name(), item.proof(), item.problem());
        }
    }

    @GetMapping
    @Operation(
            operationId = "listResidue",
            summary = "List what daemons before this one left and could not be removed")
    Page<ResidueResponse> list(
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @Parameter(description = "The next of the page before.") @RequestParam
                    @Nullable String after) {
        return Page.of(residue.items(), Residue.Item::key, limit, after).map(ResidueResponse::of);
    }

    @DeleteMapping
    @Operation(
            operationId = "removeResidue",
            summary = "Try to remove it again",
            description = "The answer lists what is still there. Each item may take ten seconds.")
    Page<ResidueResponse> remove() {
        residue.removeAll();
        return Page.of(
                        residue.items(),
                        Residue.Item::key,
                        Integer.parseInt(Page.DEFAULT_LIMIT),
                        null)
                .map(ResidueResponse::of);
    }
}
