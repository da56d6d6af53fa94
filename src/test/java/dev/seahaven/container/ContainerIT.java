package dev.seahaven.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.BuildImageResultCallback;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.Outside;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The image of Dockerfile under a real engine, run with what docs/container.md says and no more.
 */
class ContainerIT {

    private static final String IMAGE = "seahaven:test";
    private static final String BASE = "debian:trixie-slim";
    private static final String GROUP = "seahaven-container-test";

    private static final String AS_USER =
            """
            {"command": ["id"], "user": "1000:1000"}
            """;

    /** As docs/container.md has them. */
    private static Capability[] capabilities() {
        return Pattern.compile("--cap-add (\\w+)")
                .matcher(Outside.read("docs/container.md"))
                .results()
                .map(found -> Capability.valueOf(found.group(1)))
                .toArray(Capability[]::new);
    }

    private static int port;
    private static GenericContainer<?> container;

    @BeforeAll
    static void start() {
        assumeThat(DockerClientFactory.instance().isDockerAvailable())
                .as("a Docker engine; .ci/run starts one")
                .isTrue();
        DockerClient docker = DockerClientFactory.lazyClient();
        assumeThat(docker.listImagesCmd().exec().stream())
                .as("the base image " + BASE + "; .ci/run makes it")
                .anyMatch(
                        image ->
                                image.getRepoTags() != null
                                        && List.of(image.getRepoTags()).contains(BASE));
        build(docker);
        port = freePort();
        container =
                new GenericContainer<>(DockerImageName.parse(IMAGE))
                        .withCommand("--server.port=" + port, "--seahaven.cgroup=" + GROUP)
                        .waitingFor(Wait.forHealthcheck().withStartupTimeout(Duration.ofMinutes(2)))
                        .withCreateContainerCmdModifier(
                                command ->
                                        command.withHostConfig(new SystemPathsShown().options()));
        container.start();
    }

    /**
     * The engine's {@code --security-opt systempaths=unconfined}, for which the client has no name.
     */
    private static final class SystemPathsShown extends HostConfig {
        private static final long serialVersionUID = 1;

        @JsonProperty("MaskedPaths")
        List<String> masked() {
            return List.of();
        }

        @JsonProperty("ReadonlyPaths")
        List<String> readOnly() {
            return List.of();
        }

        HostConfig options() {
            return withNetworkMode("host")
                    .withCgroupnsMode("host")
                    .withBinds(Bind.parse("/sys/fs/cgroup:/sys/fs/cgroup:rw"))
                    .withTmpFs(Map.of("/run", "exec,mode=755"))
                    .withCapDrop(Capability.ALL)
                    .withCapAdd(capabilities())
                    .withSecurityOpts(List.of("seccomp=unconfined", "apparmor=unconfined"));
        }
    }

    private static void build(DockerClient docker) {
        docker.buildImageCmd(Path.of(".").toFile())
                .withDockerfile(Path.of("Dockerfile").toFile())
                .withTags(Set.of(IMAGE))
                .exec(new BuildImageResultCallback())
                .awaitImageId();
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterAll
    static void remove() {
        if (container != null) {
            DockerClient docker = DockerClientFactory.lazyClient();
            // By itself it would be killed, and could not give its groups back.
            docker.stopContainerCmd(container.getContainerId()).withTimeout(30).exec();
            container.stop();
            docker.removeImageCmd(IMAGE).withForce(true).exec();
            assertThat(Outside.cgroupMounts())
                    .noneMatch(hierarchy -> Files.exists(hierarchy.resolve(GROUP)));
        }
    }

    private static Api api() throws Exception {
        Container.ExecResult token = container.execInContainer("cat", "/run/seahaven/token");
        return new Api(port, token.getStdout().trim());
    }

    @Test
    void itMakesSandboxesReapsAndSurvivesARestart() throws Exception {
        Api api = api();
        assertThat(api.shell("id -u; cat /proc/sys/kernel/hostname")).startsWith("0\n");
        api.post(
                        "/sandboxes",
                        """
                        {"name": "lasting", "command": ["sleep", "1000"], "limits": {"pids": 20}}
                        """)
                .expect(201);
        int pid = api.pid("lasting");
        long init = Long.parseLong(init());
        assertThat(Outside.read("/proc/" + init + "/comm").trim()).isEqualTo("seahaven-init");
        String group = api.get("/sandboxes/lasting").expect(200).json().path("cgroup").asString();
        assertThat(group).startsWith("/" + GROUP + "/");

        // An orphan of the container, as a monitor is when the spawner has ended.
        Set<Integer> before = Set.copyOf(Outside.children((int) init));
        container.execInContainer("sh", "-c", "sleep 3 & exit 0");
        List<Integer> orphans = new ArrayList<>(Outside.children((int) init));
        orphans.removeAll(before);
        assertThat(orphans).as("what has become a child of pid 1").isNotEmpty();
        await().untilAsserted(
                        () ->
                                assertThat(orphans)
                                        .noneMatch(each -> Files.exists(Path.of("/proc/" + each))));
        String daemon = Outside.read("/proc/" + Outside.children((int) init).getFirst() + "/maps");
        assertThat(daemon).as("its AOT cache is used").contains("/usr/lib/seahaven/seahaven.aot");
        assertThat(pid).isPositive();

        DockerClientFactory.lazyClient().restartContainerCmd(container.getContainerId()).exec();
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(500))
                .ignoreExceptions()
                .untilAsserted(() -> api().get("/sandboxes/lasting").expect(200));
        Api again = api();
        assertThat(
                        again.get("/sandboxes/lasting")
                                .expect(200)
                                .json()
                                .path("state")
                                .path("status")
                                .asString())
                .isEqualTo("stopped");
        again.post("/sandboxes/lasting/start").expect(200);
        again.delete("/sandboxes/lasting?force=true").expect(204);
    }

    /** None is given for nothing: without any one of them something fails that works with all. */
    @Test
    void eachCapabilityIsNeeded() throws Exception {
        assertThat(failuresUnder("setpriv")).as("with all").isEmpty();
        for (Capability capability : capabilities()) {
            String name = capability.name().toLowerCase(Locale.ROOT);
            List<String> failures = failuresUnder("setpriv --bounding-set=-" + name);
            System.out.printf("without %s: %s%n", capability, failures);
            assertThat(failures).as("what fails without " + capability).isNotEmpty();
        }
    }

    /** What a second daemon of the container cannot do. */
    private static List<String> failuresUnder(String setpriv) throws Exception {
        int own = freePort();
        String token =
                shell(
                        """
                        mkdir -m 700 second && cd second
                        %s /usr/lib/seahaven/bin/seahaven --server.port=%d --seahaven.cgroup=%s-second \
                            --seahaven.run-directory=$PWD/run --seahaven.state-directory=$PWD/state > log 2>&1 &
                        echo $! > pid
                        until [ -S run/seahaven.sock ]; do sleep 0.1; kill -0 $! || exit; done
                        cat run/token
                        """
                                .formatted(setpriv, own, GROUP));
        try {
            if (token.isEmpty()) {
                return List.of("it does not start: " + shell("grep CAP_ second/log"));
            }
            await().until(() -> isUp(own));
            return failures(new Api(own, token));
        } finally {
            shell(
                    """
                    pid=$(cat second/pid); kill $pid
                    while kill -0 $pid; do sleep 0.1; done
                    rm -rf second
                    """);
        }
    }

    private static boolean isUp(int port) {
        try {
            return new Api(port, "").get("/actuator/health").status() == 200;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    /** In the directory of the volume. */
    private static String shell(String command) throws Exception {
        return container
                .execInContainer("sh", "-c", "cd /var/lib/seahaven\n" + command)
                .getStdout()
                .trim();
    }

    private static List<String> failures(Api api) {
        List<String> failures = new ArrayList<>();
        tryOut(
                failures,
                api.post(
                        "/runs",
                        """
                        {"command": ["id"]}
                        """));
        String made =
                """
                {"name": "held", "command": ["sleep", "100"]}
                """;
        if (tryOut(failures, api.post("/sandboxes", made))) {
            Api.Answer process = api.get("/processes/" + api.pid("held"));
            tryOut(failures, process);
            String mounts = process.json().path("namespaces").path("mnt").path("id").asString();
            tryOut(failures, api.post("/namespaces/" + mounts + "/exec", AS_USER));
            tryOut(failures, api.delete("/sandboxes/held?force=true"));
        }
        if (tryOut(
                failures,
                api.post(
                        "/namespaces",
                        """
                        {"name": "held", "type": "net"}
                        """))) {
            tryOut(failures, api.post("/namespaces/held/exec", AS_USER));
            tryOut(failures, api.delete("/namespaces/held"));
        }
        return failures;
    }

    private static boolean tryOut(List<String> failures, Api.Answer answer) {
        boolean done =
                answer.status() < 300 && !answer.text().matches("(?s).*\"exitCode\":[1-9].*");
        if (!done) {
            failures.add(answer.text());
        }
        return done;
    }

    private static String init() {
        return String.valueOf(
                DockerClientFactory.lazyClient()
                        .inspectContainerCmd(container.getContainerId())
                        .exec()
                        .getState()
                        .getPidLong());
    }
}
