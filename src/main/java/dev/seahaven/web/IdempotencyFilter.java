package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.web.KeptAnswers.Answer;
import dev.seahaven.web.KeptAnswers.Kept;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.util.ContentCachingResponseWrapper;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * Carries out a {@code POST} with an {@code Idempotency-Key} once: a repeat within a day is given
 * the first answer, also after a restart of the daemon. A failure of the daemon (5xx) is not kept,
 * for the request may be repeated then.
 *
 * <p>It comes after the filters that decide who may call.
 */
@Component
public class IdempotencyFilter extends OncePerRequestFilter {

    private static final Logger LOG = System.getLogger(IdempotencyFilter.class.getName());

    public static final String KEY = "Idempotency-Key";

    /** Tells that an answer is the first one, sent again. */
    public static final String REPLAYED = "Idempotency-Replayed";

    private static final Pattern VALID = Pattern.compile("[\\x21-\\x7e]{1,255}");
    private static final List<String> KEPT_HEADERS =
            List.of(HttpHeaders.CONTENT_TYPE, HttpHeaders.LOCATION, HttpHeaders.ETAG);
    private static final long WAIT_SECONDS = 60;

    private final KeptAnswers answers;
    private final ProblemWriter problems;
    private final HandlerExceptionResolver failures;

    /** The requests under way, by key: a repeat waits for the first. */
    private final Map<String, CompletableFuture<Void>> underWay = new ConcurrentHashMap<>();

    IdempotencyFilter(
            KeptAnswers answers,
            ProblemWriter problems,
            @Qualifier("handlerExceptionResolver") HandlerExceptionResolver failures) {
        this.answers = answers;
        this.problems = problems;
        this.failures = failures;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !request.getMethod().equals("POST") || request.getHeader(KEY) == null;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String key = Objects.requireNonNull(request.getHeader(KEY));
        if (!VALID.matcher(key).matches() || Collections.list(request.getHeaders(KEY)).size() > 1) {
            problems.write(
                    request,
                    response,
                    Problem.invalid(KEY, "must be 1 to 255 visible ASCII characters, given once"));
            return;
        }
        CompletableFuture<Void> mine = new CompletableFuture<>();
        try {
            if (!takeTurn(key, mine)) {
                problems.write(
                        request,
                        response,
                        new Problem(
                                ProblemType.BUSY,
                                "The first request with this Idempotency-Key is still carried out;"
                                        + " repeat it later."));
                return;
            }
            once(key, new BufferedRequest(request), response, chain);
        } catch (BodyTooLargeException e) {
            failures.resolveException(request, response, null, e);
        } finally {
            underWay.remove(key, mine);
            mine.complete(null);
        }
    }

    /** Waits until no other request with the key is under way. */
    private boolean takeTurn(String key, CompletableFuture<Void> mine) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        for (; ; ) {
            CompletableFuture<Void> other = underWay.putIfAbsent(key, mine);
            if (other == null) {
                return true;
            }
            try {
                other.get(until - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException | ExecutionException e) {
                return false;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    private void once(
            String key, BufferedRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String fingerprint = request.fingerprint();
        Kept kept;
        try {
            kept = answers.find(key).orElse(null);
            if (kept == null) {
                answers.begin(key, fingerprint);
            }
        } catch (RuntimeException e) { // whatever it is, it becomes a problem
            failures.resolveException(request, response, null, e);
            return;
        }
        if (kept == null) {
            carryOut(key, fingerprint, request, response, chain);
        } else {
            repeat(kept, fingerprint, request, response);
        }
    }

    private void carryOut(
            String key,
            String fingerprint,
            HttpServletRequest request,
            HttpServletResponse response,
            FilterChain chain)
            throws ServletException, IOException {
        ContentCachingResponseWrapper caching = new ContentCachingResponseWrapper(response);
        boolean answered = false;
        try {
            chain.doFilter(request, caching);
            answered = caching.getStatus() < HttpServletResponse.SC_INTERNAL_SERVER_ERROR;
        } finally {
            if (!answered) {
                forget(key);
            }
        }
        if (answered) {
            Map<String, String> headers = new TreeMap<>();
            for (String name : KEPT_HEADERS) {
                String value = caching.getHeader(name);
                if (value != null) {
                    headers.put(name, value);
                }
            }
            answers.finish(
                    key,
                    fingerprint,
                    new Answer(caching.getStatus(), headers, caching.getContentAsByteArray()));
        }
        caching.copyBodyToResponse();
    }

    /** The failure that the request has met is what its caller is told, and not one of this. */
    private void forget(String key) {
        try {
            answers.forget(key);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "a request cannot be repeated with its key", e);
        }
    }

    private void repeat(
            Kept kept, String fingerprint, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        Answer answer = kept.answer().orElse(null);
        if (!kept.fingerprint().isEmpty() && !kept.fingerprint().equals(fingerprint)) {
            conflict(
                    request,
                    response,
                    "The Idempotency-Key was used for another request within the last 24 hours;"
                            + " use a new one.");
        } else if (answer == null) {
            conflict(
                    request,
                    response,
                    "The answer to the first request with this Idempotency-Key was not kept: the"
                            + " daemon was stopped meanwhile, or it was larger than 8 MiB. Look at"
                            + " what exists, and use a new key.");
        } else {
            response.setStatus(answer.status());
            answer.headers().forEach(response::setHeader);
            response.setHeader(REPLAYED, "true");
            response.getOutputStream().write(answer.body());
        }
    }

    private void conflict(HttpServletRequest request, HttpServletResponse response, String text)
            throws IOException {
        problems.write(request, response, new Problem(ProblemType.IDEMPOTENCY_CONFLICT, text));
    }

    /** A request whose body has been read and is given again. */
    private static final class BufferedRequest extends HttpServletRequestWrapper {

        private final byte[] body;

        private BufferedRequest(HttpServletRequest request) throws IOException {
            super(request);
            body = request.getInputStream().readAllBytes();
        }

        /** Of method, address and body. */
        private String fingerprint() {
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                String line = getMethod() + " " + getRequestURI() + "?" + getQueryString() + "\n";
                digest.update(line.getBytes(StandardCharsets.UTF_8));
                return HexFormat.of().formatHex(digest.digest(body));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e); // every Java has it
            }
        }

        @Override
        public ServletInputStream getInputStream() {
            return new BytesStream(body);
        }

        @Override
        public BufferedReader getReader() {
            return new BufferedReader(
                    new InputStreamReader(getInputStream(), StandardCharsets.UTF_8));
        }
    }

    private static final class BytesStream extends ServletInputStream {

        private final ByteArrayInputStream in;

        private BytesStream(byte[] bytes) {
            this.in = new ByteArrayInputStream(bytes);
        }

        @Override
        public int read() {
            return in.read();
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            return in.read(bytes, offset, length);
        }

        @Override
        public boolean isFinished() {
            return in.available() == 0;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(@Nullable ReadListener listener) {
            throw new IllegalStateException("a body that was read is not waited for");
        }
    }
}
