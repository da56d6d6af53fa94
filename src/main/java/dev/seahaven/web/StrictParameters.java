package dev.seahaven.web;

import dev.seahaven.problem.Violations;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.core.MethodParameter;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Refuses query parameters that an operation does not have, and those given twice that it has once:
 * a parameter that is passed over does not do what its caller thinks.
 */
final class StrictParameters implements HandlerInterceptor {

    private static final String OURS = "dev.seahaven.";

    /** For each operation its parameters, and whether one may be repeated. */
    private final Map<HandlerMethod, Map<String, Boolean>> known = new ConcurrentHashMap<>();

    @Override
    public boolean preHandle(
            HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (request.getQueryString() == null
                || !(handler instanceof HandlerMethod method)
                || !method.getBeanType().getName().startsWith(OURS)) {
            return true;
        }
        Map<String, Boolean> parameters =
                known.computeIfAbsent(method, StrictParameters::parametersOf);
        Violations wrong = new Violations();
        request.getParameterMap()
                .forEach(
                        (name, values) -> {
                            Boolean repeatable = parameters.get(name);
                            wrong.require(
                                    repeatable == null
                                            || Arrays.stream(values).noneMatch(String::isBlank),
                                    name,
                                    "must not be empty");
                            if (repeatable == null) {
                                wrong.add(
                                        name,
                                        "is no parameter of this request; there are "
                                                + parameters.keySet().stream().sorted().toList());
                            } else {
                                wrong.require(
                                        repeatable || values.length == 1,
                                        name,
                                        "is given more than once");
                            }
                        });
        wrong.throwIfAny();
        return true;
    }

    private static Map<String, Boolean> parametersOf(HandlerMethod method) {
        Map<String, Boolean> parameters = new HashMap<>();
        Arrays.stream(method.getMethodParameters())
                .filter(parameter -> parameter.hasParameterAnnotation(RequestParam.class))
                .forEach(parameter -> parameters.put(name(parameter), isRepeatable(parameter)));
        return parameters;
    }

    private static String name(MethodParameter parameter) {
        RequestParam annotation = parameter.getParameterAnnotation(RequestParam.class);
        return annotation != null && !annotation.name().isEmpty()
                ? annotation.name()
                : String.valueOf(parameter.getParameter().getName());
    }

    private static boolean isRepeatable(MethodParameter parameter) {
        return Collection.class.isAssignableFrom(parameter.getParameterType());
    }
}
