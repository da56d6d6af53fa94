package dev.seahaven.namespace.names;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Hears of names of network namespaces that come and go by whoever's hand (inotify(7)). The
 * directory may not be there yet: then its parent is watched for it.
 */
public final class NameWatch {

    private static final Logger LOG = System.getLogger(NameWatch.class.getName());

    private final Path directory;
    private final Consumer<String> vanished;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private @Nullable WatchService service;

    public NameWatch(Path directory, Consumer<String> vanished) {
        this.directory = directory;
        this.vanished = vanished;
    }

    public synchronized void start() {
        try {
            Path real = real(directory);
            WatchService watch = real.getFileSystem().newWatchService();
            service = watch;
            Path parent = real.getParent();
            if (parent != null) {
                parent.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            }
            register(real, watch);
            Thread.ofPlatform().name("seahaven-names").daemon().start(() -> run(real, watch));
        } catch (IOException e) {
            LOG.log(Level.WARNING, "names in " + directory + " cannot be watched", e);
        }
    }

    /** {@code /var/run} is a link. */
    private static Path real(Path directory) throws IOException {
        Path parent = directory.getParent();
        return parent != null && Files.isDirectory(parent)
                ? parent.toRealPath().resolve(directory.getFileName())
                : directory;
    }

    private static void register(Path directory, WatchService watch) throws IOException {
        if (Files.isDirectory(directory)) {
            directory.register(
                    watch,
                    StandardWatchEventKinds.ENTRY_CREATE,
                    StandardWatchEventKinds.ENTRY_DELETE);
        }
    }

    private void run(Path real, WatchService watch) {
        try {
            while (true) {
                WatchKey key = watch.take();
                for (WatchEvent<?> event : key.pollEvents()) {
                    handle(real, watch, key, event);
                }
                key.reset();
            }
        } catch (InterruptedException | ClosedWatchServiceException e) {
            // The daemon stops.
        } catch (IOException e) {
            LOG.log(Level.WARNING, "names in " + directory + " are not watched any more", e);
        }
    }

    private void handle(Path real, WatchService watch, WatchKey key, WatchEvent<?> event)
            throws IOException {
        String name = String.valueOf(event.context());
        if (!real.equals(key.watchable())) {
            if (real.endsWith(name)) {
                register(real, watch);
                listeners.forEach(Runnable::run);
            }
            return;
        }
        if (event.kind().equals(StandardWatchEventKinds.ENTRY_DELETE)) {
            vanished.accept(name);
        }
        listeners.forEach(Runnable::run);
    }

    /** Returns what ends it. */
    public Runnable listen(Runnable listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    public synchronized void stop() {
        if (service != null) {
            try {
                service.close();
            } catch (IOException e) {
                LOG.log(Level.DEBUG, "closing the watch", e);
            }
            service = null;
        }
    }
}
