package dev.seahaven.testing;

import dev.seahaven.daemon.Seahaven;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** A daemon in this process, with directories, cgroup and port of its own. */
public final class TestDaemon implements AutoCloseable {

    private static final long PID = ProcessHandle.current().pid();
    private static int counter;
    private static @Nullable TestDaemon shared;

    private final ConfigurableApplicationContext context;
    private final Places places;
    private final Api api;
    private boolean keptPlaces;

    /** Where a daemon keeps what. */
    public record Places(Path base, String cgroup) {
        public Path run() {
            return base.resolve("run");
        }

        public Path state() {
            return base.resolve("state");
        }

        public Path sandboxes() {
            return state().resolve("sandboxes");
        }

        /** The daemon's group on the cgroup2. */
        public Path cgroupDirectory() {
            return Outside.cgroup2().resolve(cgroup);
        }

        /**
         * The groups of sandboxes and runs on all hierarchies, but for those that lie ready for
         * runs.
         */
        public List<String> groups() {
            Set<String> found = new TreeSet<>();
            for (Path mount : Outside.cgroupMounts()) {
                String[] names = mount.resolve(cgroup).toFile().list();
                for (String name : names == null ? new String[0] : names) {
                    if (Files.isDirectory(mount.resolve(cgroup).resolve(name))
                            && !name.startsWith("default-")) {
                        found.add(name);
                    }
                }
            }
            found.stream()
                    .filter(name -> name.startsWith("run-"))
                    .limit(4)
                    .toList()
                    .forEach(found::remove);
            return List.copyOf(found);
        }

        public List<String> arguments(int port) {
            return List.of(
                    "--seahaven.run-directory=" + run(),
                    "--seahaven.state-directory=" + state(),
                    "--seahaven.cgroup=" + cgroup,
                    "--seahaven.sandbox.log-limit=256MB",
                    "--server.port=" + port,
                    "--logging.level.root=warn");
        }

        public Api api(int port) {
            try {
                return new Api(port, Files.readString(run().resolve("token")).trim());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** New places, that nobody else on this host has. */
    public static synchronized Places newPlaces() {
        String name = "seahaven-test-" + PID + "-" + counter++;
        return new Places(Path.of("/var/lib", name), name);
    }

    private TestDaemon(Places places, List<Class<?>> sources, String... more) {
        this.places = places;
        Map<String, String> arguments = new LinkedHashMap<>();
        places.arguments(0).forEach(argument -> put(arguments, argument));
        Arrays.asList(more).forEach(argument -> put(arguments, argument));
        List<Class<?>> all = new ArrayList<>(sources);
        all.add(Seahaven.class);
        this.context =
                new SpringApplicationBuilder(all.toArray(Class<?>[]::new))
                        .run(arguments.values().toArray(String[]::new));
        int port = context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        this.api = places.api(port);
    }

    /** Given twice, the later counts. */
    private static void put(Map<String, String> arguments, String argument) {
        arguments.put(argument.substring(0, argument.indexOf('=')), argument);
    }

    private static boolean namesAreMount() {
        return Outside.read("/proc/self/mountinfo").contains(" /run/netns ");
    }

    /** The one that most tests use; it ends with this process. */
    public static synchronized TestDaemon shared() {
        TestDaemon daemon = shared;
        if (daemon == null) {
            boolean before = namesAreMount();
            daemon = start();
            shared = daemon;
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(
                                    () -> {
                                        TestDaemon last = shared;
                                        if (last != null) {
                                            last.close();
                                        }
                                        if (!before && namesAreMount()) {
                                            Outside.run("umount", "/run/netns");
                                        }
                                    }));
        }
        return daemon;
    }

    /** One of its own for a test. */
    public static TestDaemon start(String... arguments) {
        return new TestDaemon(newPlaces(), List.of(), arguments);
    }

    /** One at these places, which may be a former one's. */
    public static TestDaemon at(Places places, String... arguments) {
        return new TestDaemon(places, List.of(), arguments);
    }

    /** Another daemon is to find what this one leaves. */
    public void keepPlaces() {
        keptPlaces = true;
    }

    /** One of its own, with beans that replace the daemon's. */
    public static TestDaemon startWith(Class<?> beans, String... arguments) {
        return new TestDaemon(newPlaces(), List.of(beans), arguments);
    }

    public Api api() {
        return api;
    }

    /** Destroys every sandbox. */
    public void destroyAll() {
        api.get("/sandboxes?limit=1000")
                .json()
                .path("items")
                .forEach(sandbox -> api.destroy(sandbox.path("id").asString()));
    }

    public Places places() {
        return places;
    }

    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    @Override
    public void close() {
        context.close();
        if (!keptPlaces) {
            Outside.delete(places.base());
        }
    }
}
