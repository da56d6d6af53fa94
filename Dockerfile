# seahaven in a container: docker build -t seahaven . after ./mvnw package. How to run it, and why each option: docs/container.md.
FROM debian:trixie-slim
COPY target/dist /usr/lib/seahaven
# Orphaned monitors become children of pid 1, which has to reap them: a JVM does not.
ENTRYPOINT ["/usr/lib/seahaven/bin/seahaven-init", "/usr/lib/seahaven/bin/seahaven"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["/usr/lib/seahaven/bin/seahaven-init", "--health", "/run/seahaven/seahaven.sock"]
VOLUME /var/lib/seahaven
STOPSIGNAL SIGTERM
