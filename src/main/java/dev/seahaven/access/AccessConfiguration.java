package dev.seahaven.access;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.web.ProblemWriter;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.annotation.web.configurers.HeadersConfigurer;
import org.springframework.security.config.observation.SecurityObservationSettings;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.firewall.FirewalledRequest;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.security.Principal;
import java.util.Locale;

/**
 * Who reaches the Unix socket may do all; by TCP a token is needed, but for what tells nothing of
 * the host.
 */
@Configuration(proxyBeanMethods = false)
class AccessConfiguration {

    private static final String[] OPEN = {
        "/",
        "/actuator/health",
        "/actuator/health/**",
        "/v3/api-docs",
        "/v3/api-docs/**",
        "/v3/api-docs.yaml",
        "/swagger-ui.html",
        "/swagger-ui/**",
        "/problems/**"
    };

    @Bean
    SecurityFilterChain filters(HttpSecurity http, Token token, ProblemWriter problems) {
        return http.headers(
                        headers ->
                                headers.cacheControl(HeadersConfigurer.CacheControlConfig::disable)
                                        .xssProtection(HeadersConfigurer.XXssConfig::disable))
                .csrf(AbstractHttpConfigurer::disable) // no cookies; OriginFilter keeps pages out
                .httpBasic(AbstractHttpConfigurer::disable)
                .formLogin(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                .requestCache(AbstractHttpConfigurer::disable)
                .sessionManagement(AbstractHttpConfigurer::disable) // there are none
                .securityContext(AbstractHttpConfigurer::disable) // Bearer sets and clears it
                .servletApi(AbstractHttpConfigurer::disable)
                .anonymous(AbstractHttpConfigurer::disable)
                .authorizeHttpRequests(
                        requests ->
                                requests.dispatcherTypeMatchers(
                                                DispatcherType.ASYNC, DispatcherType.ERROR)
                                        .permitAll()
                                        .requestMatchers(OPEN)
                                        .permitAll()
                                        .anyRequest()
                                        .authenticated())
                .exceptionHandling(
                        refusals ->
                                refusals.authenticationEntryPoint(
                                                (request, response, failure) -> {
                                                    response.setHeader(
                                                            HttpHeaders.WWW_AUTHENTICATE, "Bearer");
                                                    problems.write(
                                                            request, response, unauthorized());
                                                })
                                        .accessDeniedHandler(
                                                (request, response, failure) ->
                                                        problems.write(
                                                                request,
                                                                response,
                                                                new Problem(
                                                                        ProblemType.FORBIDDEN,
                                                                        "Your role does not allow"
                                                                                + " this."))))
                .addFilterBefore(new Bearer(token), AuthorizationFilter.class)
                .build();
    }

    private static Problem unauthorized() {
        return new Problem(
                ProblemType.UNAUTHORIZED,
                "Send 'Authorization: Bearer TOKEN' with the token of the token file, or call by"
                        + " the Unix socket.");
    }

    /** There are no passwords; without this bean one would be made up. */
    @Bean
    AuthenticationManager authenticationManager() {
        return authentication -> authentication;
    }

    /** Requests are observed as a whole; to observe each filter costs more than the filter. */
    @Bean
    SecurityObservationSettings unobserved() {
        return SecurityObservationSettings.noObservations();
    }

    /**
     * Names in paths may hold any byte, as names of files may; what decides who may call looks at
     * the path before they are decoded.
     */
    @Bean
    HttpFirewall firewall() {
        StrictHttpFirewall firewall = new EncodedSemicolons();
        firewall.setAllowUrlEncodedPercent(true);
        firewall.setAllowSemicolon(true);
        firewall.setAllowBackSlash(true);
        firewall.setAllowUrlEncodedPeriod(true);
        firewall.setAllowUrlEncodedLineFeed(true);
        firewall.setAllowUrlEncodedCarriageReturn(true);
        firewall.setAllowUrlEncodedLineSeparator(true);
        firewall.setAllowUrlEncodedParagraphSeparator(true);
        return firewall;
    }

    /** What stands behind a semicolon as it is would belong to no name. */
    private static final class EncodedSemicolons extends StrictHttpFirewall {

        @Override
        public FirewalledRequest getFirewalledRequest(HttpServletRequest request) {
            if (request.getRequestURI().indexOf(';') >= 0) {
                throw new RequestRejectedException("a semicolon that is not percent-encoded");
            }
            return super.getFirewalledRequest(request);
        }
    }

    @Bean
    RequestRejectedHandler rejected(ProblemWriter problems) {
        return (request, response, rejection) ->
                problems.write(
                        request,
                        response,
                        new Problem(
                                ProblemType.INVALID_REQUEST,
                                "The path or a header holds what is never needed here: "
                                        + rejection.getMessage()));
    }

    private static final class Bearer extends OncePerRequestFilter {

        private static final String SCHEME = "bearer ";

        private static final Authentication OPERATOR =
                UsernamePasswordAuthenticationToken.authenticated(
                        "operator", null, AuthorityUtils.createAuthorityList("ROLE_OPERATOR"));

        private static final String HEALTH = "/actuator/health";

        /** To others the health tells its status alone; it asks the request who calls. */
        private static final class Known extends HttpServletRequestWrapper {
            private Known(HttpServletRequest request) {
                super(request);
            }

            @Override
            public Principal getUserPrincipal() {
                return OPERATOR;
            }
        }

        private final Token token;

        private Bearer(Token token) {
            this.token = token;
        }

        @Override
        protected void doFilterInternal(
                HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws ServletException, IOException {
            boolean known = Listener.of(request) == Listener.UNIX || bearsToken(request);
            if (known) {
                SecurityContextHolder.setContext(new SecurityContextImpl(OPERATOR));
            }
            boolean asksForHealth = request.getRequestURI().startsWith(HEALTH);
            try {
                chain.doFilter(known && asksForHealth ? new Known(request) : request, response);
            } finally {
                SecurityContextHolder.clearContext();
            }
        }

        private boolean bearsToken(HttpServletRequest request) {
            String header = request.getHeader(HttpHeaders.AUTHORIZATION);
            return header != null
                    && header.toLowerCase(Locale.ROOT).startsWith(SCHEME)
                    && token.matches(header.substring(SCHEME.length()).trim());
        }
    }
}
