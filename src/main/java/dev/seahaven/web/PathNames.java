package dev.seahaven.web;

import dev.seahaven.text.KernelText;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Takes the parts of a path that an operation names byte by byte: what is called so may have any
 * name that a file can have.
 */
final class PathNames implements HandlerInterceptor {

    @Override
    public boolean preHandle(
            HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (request.getRequestURI().indexOf('%') >= 0
                && request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE)
                        instanceof String pattern) {
            request.setAttribute(
                    HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE,
                    variables(pattern.split("/"), request.getRequestURI().split("/")));
        }
        return true;
    }

    private static Map<String, String> variables(String[] pattern, String[] path) {
        Map<String, String> variables = new HashMap<>();
        for (int i = 0; i < Math.min(pattern.length, path.length); i++) {
            if (pattern[i].startsWith("{") && pattern[i].endsWith("}")) {
                variables.put(pattern[i].substring(1, pattern[i].length() - 1), decoded(path[i]));
            }
        }
        return variables;
    }

    private static String decoded(String segment) {
        byte[] in = segment.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream(in.length);
        for (int i = 0; i < in.length; i++) {
            if (in[i] == '%' && i + 2 < in.length) { // the web server has checked the digits
                out.write(Character.digit(in[i + 1], 16) << 4 | Character.digit(in[i + 2], 16));
                i += 2;
            } else {
                out.write(in[i]);
            }
        }
        return KernelText.decode(out.toByteArray());
    }
}
