package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Refuses a query string that cannot be decoded, before anybody asks for a parameter of it. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 9)
class QueryFilter extends OncePerRequestFilter {

    private static final int PARAMETERS_MAX = 100;

    private final ProblemWriter problems;

    QueryFilter(ProblemWriter problems) {
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String wrong = request.getQueryString() == null ? null : fault(request.getQueryString());
        if (wrong != null) {
            problems.write(request, response, new Problem(ProblemType.INVALID_REQUEST, wrong));
            return;
        }
        chain.doFilter(request, response);
    }

    /** What is wrong; null when all can be read. */
    private static @Nullable String fault(String query) {
        String[] parameters = query.split("&", -1);
        if (parameters.length > PARAMETERS_MAX) {
            return "The query string has more than " + PARAMETERS_MAX + " parameters.";
        }
        return Arrays.stream(parameters)
                .filter(parameter -> !isReadable(parameter))
                .findFirst()
                .map(
                        parameter ->
                                "The query string cannot be read at '"
                                        + parameter
                                        + "': each parameter is NAME=VALUE, percent-encoded UTF-8.")
                .orElse(null);
    }

    private static boolean isReadable(String parameter) {
        try {
            String text = URLDecoder.decode(parameter, StandardCharsets.UTF_8);
            return !parameter.startsWith("=") && text.indexOf('\ufffd') < 0;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
