package dev.seahaven.web;

import dev.seahaven.problem.ProblemType;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What Tomcat itself refuses, before any filter: a request line or header that is none. */
public final class ProblemValve extends ErrorReportValve {

    @Override
    protected void report(Request request, Response response, Throwable throwable) {
        int status = response.getStatus();
        if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        ProblemType type = ProblemResponse.typeOf(status);
        String detail =
                type == ProblemType.EXPECTATION_FAILED
                        ? "Only 100-continue can be expected; leave the header out."
                        : "The web server could not read the request; see RFC 9112 for its form.";
        String body =
                "{\"type\":\"%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}"
                        .formatted(ProblemResponse.uri(type), type.title(), status, detail);
        try {
            response.setContentType("application/problem+json");
            response.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
            response.finishResponse();
        } catch (IOException | IllegalStateException e) {
            // The peer is gone; there is nobody to tell.
        }
    }
}
