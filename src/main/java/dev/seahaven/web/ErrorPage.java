package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;

import io.swagger.v3.oas.annotations.Hidden;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;

/**
 * What the web server answers when no controller was reached or one failed outside of the
 * framework.
 */
@Hidden
@RestController
class ErrorPage implements ErrorController {

    private final ProblemWriter problems;

    ErrorPage(ProblemWriter problems) {
        this.problems = problems;
    }

    @RequestMapping("/error")
    void error(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        ProblemType type = ProblemResponse.typeOf(status instanceof Integer code ? code : 404);
        problems.write(request, response, new Problem(type, type.title() + "."));
    }
}
