package dev.seahaven.daemon;

import dev.seahaven.web.ProblemType;

import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.parameters.Parameter;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Which problems an operation can answer: by what it takes, and by what it does. */
final class ApiProblems {

    private static final Set<ProblemType> KERNEL =
            EnumSet.of(
                    ProblemType.KERNEL_REFUSED,
                    ProblemType.UNSUPPORTED_FEATURE,
                    ProblemType.EXHAUSTED,
                    ProblemType.BUSY);
    private static final Set<ProblemType> LIFECYCLE =
            EnumSet.of(
                    ProblemType.WRONG_STATE,
                    ProblemType.IN_USE,
                    ProblemType.KERNEL_REFUSED,
                    ProblemType.UNSUPPORTED_FEATURE,
                    ProblemType.EXHAUSTED,
                    ProblemType.BUSY);

    private static final Map<String, Set<ProblemType>> OF_OPERATIONS =
            Map.ofEntries(
                    Map.entry("run", KERNEL),
                    Map.entry("createSandbox", with(KERNEL, ProblemType.NAME_TAKEN)),
                    Map.entry("startSandbox", LIFECYCLE),
                    Map.entry("stopSandbox", LIFECYCLE),
                    Map.entry("restartSandbox", LIFECYCLE),
                    Map.entry("killSandbox", LIFECYCLE),
                    Map.entry("pauseSandbox", LIFECYCLE),
                    Map.entry("resumeSandbox", LIFECYCLE),
                    Map.entry("deleteSandbox", LIFECYCLE),
                    Map.entry(
                            "patchSandbox",
                            with(
                                    LIFECYCLE,
                                    ProblemType.NAME_TAKEN,
                                    ProblemType.PRECONDITION_FAILED)),
                    Map.entry("getSandboxStats", EnumSet.of(ProblemType.WRONG_STATE)),
                    Map.entry("auditSandbox", EnumSet.of(ProblemType.WRONG_STATE)),
                    Map.entry("waitForSandbox", EnumSet.of(ProblemType.WAIT_EXPIRED)),
                    Map.entry("getSandboxLogs", EnumSet.of(ProblemType.UNSUPPORTED_FEATURE)),
                    Map.entry(
                            "createNamespace",
                            with(
                                    KERNEL,
                                    ProblemType.NAME_TAKEN,
                                    ProblemType.WRONG_NAMESPACE_TYPE,
                                    ProblemType.NOT_FOUND)),
                    Map.entry("deleteNamespace", with(KERNEL, ProblemType.IN_USE)),
                    Map.entry("viewNamespace", KERNEL),
                    Map.entry("compareNamespaces", with(KERNEL, ProblemType.WRONG_NAMESPACE_TYPE)),
                    Map.entry("execInNamespace", with(KERNEL, ProblemType.WRONG_STATE)),
                    Map.entry("getProcess", EnumSet.of(ProblemType.KERNEL_REFUSED)),
                    Map.entry("auditProcess", EnumSet.of(ProblemType.KERNEL_REFUSED)));

    private ApiProblems() {}

    private static Set<ProblemType> with(Set<ProblemType> some, ProblemType... more) {
        Set<ProblemType> all = EnumSet.copyOf(some);
        all.addAll(List.of(more));
        return all;
    }

    static Set<ProblemType> of(Operation operation) {
        Set<ProblemType> types =
                EnumSet.of(
                        ProblemType.UNAUTHORIZED,
                        ProblemType.FOREIGN_ORIGIN,
                        ProblemType.WRONG_HOST,
                        ProblemType.NOT_ACCEPTABLE,
                        ProblemType.INTERNAL);
        List<Parameter> parameters =
                Objects.requireNonNullElse(operation.getParameters(), List.of());
        if (!parameters.isEmpty()) {
            types.add(ProblemType.INVALID_REQUEST);
        }
        for (Parameter parameter : parameters) {
            if (parameter.getIn().equals("path")) {
                types.add(ProblemType.NOT_FOUND);
            }
            if (parameter.getName().equals("namespace") && parameter.getIn().equals("path")) {
                types.add(ProblemType.AMBIGUOUS_NAME);
            }
        }
        if (operation.getRequestBody() != null) {
            types.add(ProblemType.INVALID_REQUEST);
            types.add(ProblemType.MALFORMED_BODY);
            types.add(ProblemType.TOO_LARGE);
            types.add(ProblemType.UNSUPPORTED_MEDIA_TYPE);
        }
        types.addAll(OF_OPERATIONS.getOrDefault(operation.getOperationId(), Set.of()));
        return types;
    }
}
