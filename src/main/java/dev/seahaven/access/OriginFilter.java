package dev.seahaven.access;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.web.ProblemWriter;

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
import java.util.Locale;

/**
 * No web page drives a daemon of root: neither by its own origin, nor by a name that it lets lead
 * here (DNS rebinding).
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 5)
class OriginFilter extends OncePerRequestFilter {

    private final AccessSettings settings;
    private final ProblemWriter problems;

    OriginFilter(AccessSettings settings, ProblemWriter problems) {
        this.settings = settings;
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String host = request.getHeader("Host");
        if (Listener.of(request) == Listener.TCP
                && !settings.allowedHosts().contains(withoutPort(host))) {
            problems.write(
                    request,
                    response,
                    new Problem(
                            ProblemType.WRONG_HOST,
                            "The Host '"
                                    + host
                                    + "' is not in seahaven.allowed-hosts; call 127.0.0.1 or"
                                    + " localhost."));
            return;
        }
        String origin = request.getHeader("Origin");
        if (origin != null && !isOwn(origin, host) && !settings.allowedOrigins().contains(origin)) {
            problems.write(
                    request,
                    response,
                    new Problem(
                            ProblemType.FOREIGN_ORIGIN,
                            "The Origin '" + origin + "' is not in seahaven.allowed-origins."));
            return;
        }
        chain.doFilter(request, response);
    }

    private static String withoutPort(@Nullable String host) {
        if (host == null) {
            return "";
        }
        int colon = host.lastIndexOf(':');
        boolean port = colon > host.lastIndexOf(']');
        return (port ? host.substring(0, colon) : host).toLowerCase(Locale.ROOT);
    }

    private static boolean isOwn(String origin, @Nullable String host) {
        return origin.equals("http://" + host) || origin.equals("https://" + host);
    }
}
