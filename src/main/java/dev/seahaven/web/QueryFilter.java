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

/** Refuses a query string that cannot be decoded, before anybody asks for a parameter of it. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 9)
class QueryFilter extends OncePerRequestFilter {

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
            problems.write(
                    request,
                    response,
                    new Problem(
                            ProblemType.INVALID_REQUEST,
                            "The query string cannot be read at '"
                                    + wrong
                                    + "': each parameter is NAME=VALUE, percent-encoded UTF-8."));
            return;
        }
        chain.doFilter(request, response);
    }

    /** The first parameter that is none; null when all can be read. */
    private static @Nullable String fault(String query) {
        for (String parameter : query.split("&", -1)) {
            try {
                String text = URLDecoder.decode(parameter, StandardCharsets.UTF_8);
                if (parameter.startsWith("=") || text.indexOf('\ufffd') >= 0) {
                    return parameter;
                }
            } catch (IllegalArgumentException e) {
                return parameter;
            }
        }
        return null;
    }
}
