package dev.seahaven.daemon;

import static java.util.stream.Collectors.toSet;

import dev.seahaven.problem.ProblemType;
import dev.seahaven.web.IdempotencyFilter;

import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.parameters.Parameter;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Which problems an operation can answer: by what it takes, and by what it does. */
final class ApiProblems {

    /** Of whatever asks the kernel. */
    private static final Set<ProblemType> KERNEL =
            EnumSet.of(
                    ProblemType.KERNEL_REFUSED,
                    ProblemType.UNSUPPORTED_FEATURE,
                    ProblemType.EXHAUSTED);

    /** Of a change of a sandbox. */
    private static final Set<ProblemType> CHANGE =
            with(KERNEL, ProblemType.WRONG_STATE, ProblemType.BUSY);

    /** Of a start, which may share namespaces. */
    private static final Set<ProblemType> START =
            with(CHANGE, ProblemType.WRONG_NAMESPACE_TYPE, ProblemType.AMBIGUOUS_NAME);

    private static final Set<ProblemType> CREATE =
            with(START, ProblemType.NAME_TAKEN, ProblemType.FORBIDDEN);

    /** Of whatever looks at one namespace, whose name may be stale. */
    private static final Set<ProblemType> LOOK = with(KERNEL, ProblemType.WRONG_STATE);

    private static final Map<String, Set<ProblemType>> OF_OPERATIONS =
            Map.ofEntries(
                    Map.entry("run", CREATE),
                    Map.entry("createSandbox", CREATE),
                    Map.entry("startSandbox", START),
                    Map.entry("restartSandbox", START),
                    Map.entry("stopSandbox", CHANGE),
                    Map.entry("killSandbox", CHANGE),
                    Map.entry("pauseSandbox", CHANGE),
                    Map.entry("resumeSandbox", CHANGE),
                    Map.entry("deleteSandbox", with(CHANGE, ProblemType.IN_USE)),
                    Map.entry("patchSandbox", with(CHANGE, ProblemType.NAME_TAKEN)),
                    Map.entry("getSandboxStats", with(KERNEL, ProblemType.WRONG_STATE)),
                    Map.entry(
                            "auditSandbox",
                            with(KERNEL, ProblemType.WRONG_STATE, ProblemType.BUSY)),
                    Map.entry(
                            "waitForSandbox",
                            EnumSet.of(
                                    ProblemType.WAIT_EXPIRED,
                                    ProblemType.WRONG_STATE,
                                    ProblemType.BUSY)),
                    Map.entry("listNamespaces", KERNEL),
                    Map.entry("getNamespaceGraph", KERNEL),
                    Map.entry(
                            "createNamespace",
                            with(
                                    KERNEL,
                                    ProblemType.BUSY,
                                    ProblemType.NAME_TAKEN,
                                    ProblemType.WRONG_NAMESPACE_TYPE,
                                    ProblemType.NOT_FOUND)),
                    Map.entry("getNamespace", LOOK),
                    Map.entry("getNamespaceHolders", LOOK),
                    Map.entry("viewNamespace", LOOK),
                    Map.entry("compareNamespaces", with(LOOK, ProblemType.WRONG_NAMESPACE_TYPE)),
                    Map.entry("deleteNamespace", with(LOOK, ProblemType.IN_USE, ProblemType.BUSY)),
                    Map.entry("execInNamespace", with(LOOK, ProblemType.BUSY)),
                    Map.entry(
                            "listProcesses",
                            with(LOOK, ProblemType.NOT_FOUND, ProblemType.AMBIGUOUS_NAME)),
                    Map.entry("getProcess", KERNEL),
                    Map.entry("auditProcess", with(KERNEL, ProblemType.BUSY)));

    /** Headers of operations that change something, where a body is refused if it is not taken. */
    private static final Set<String> CHANGING = Set.of("If-Match", IdempotencyFilter.KEY);

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
                        ProblemType.EXPECTATION_FAILED,
                        ProblemType.INTERNAL,
                        ProblemType.INVALID_REQUEST); // a query parameter that it does not have
        List<Parameter> parameters =
                Objects.requireNonNullElse(operation.getParameters(), List.of());
        Set<String> named = parameters.stream().map(Parameter::getName).collect(toSet());
        for (Parameter parameter : parameters) {
            if (parameter.getIn().equals("path")) {
                types.add(ProblemType.NOT_FOUND);
            }
            if (parameter.getName().equals("If-Match")) {
                types.add(ProblemType.PRECONDITION_FAILED);
            }
            if (parameter.getName().equals(IdempotencyFilter.KEY)) {
                types.add(ProblemType.IDEMPOTENCY_CONFLICT);
                types.add(ProblemType.BUSY);
            }
            if (parameter.getName().equals("namespace") && parameter.getIn().equals("path")) {
                types.add(ProblemType.AMBIGUOUS_NAME);
            }
        }
        if (operation.getRequestBody() != null || CHANGING.stream().anyMatch(named::contains)) {
            types.add(ProblemType.MALFORMED_BODY);
            types.add(ProblemType.TOO_LARGE);
            types.add(ProblemType.UNSUPPORTED_MEDIA_TYPE);
        }
        types.addAll(OF_OPERATIONS.getOrDefault(operation.getOperationId(), Set.of()));
        return types;
    }
}
