package dev.seahaven.page;

import io.swagger.v3.oas.annotations.Hidden;

import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.servlet.view.RedirectView;

/** Where a browser that is given the bare address is sent. */
@Controller
@Hidden
class HomeController {

    /** To Swagger UI; relative, so that it holds behind a proxy too. */
    @GetMapping("/")
    RedirectView home() {
        RedirectView redirect = new RedirectView("swagger-ui/index.html");
        redirect.setPropagateQueryParams(false);
        return redirect;
    }
}
