package dev.seahaven.daemon;

import dev.seahaven.access.AccessSettings;
import dev.seahaven.access.Token;
import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.SandboxService;
import dev.seahaven.sandbox.SandboxSettings;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.system.KernelProbe;
import dev.seahaven.system.StartReport;

import io.micrometer.core.instrument.MeterRegistry;

import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.util.List;

/** Puts the parts together. Nothing here makes a system call that changes anything. */
@Configuration(proxyBeanMethods = false)
class DaemonConfiguration {

    @Bean
    @ConditionalOnMissingBean
    Syscalls syscalls() {
        return new LinuxSyscalls();
    }

    @Bean
    ProcRoot procRoot() {
        return ProcRoot.SYSTEM;
    }

    @Bean
    SandboxSettings sandboxSettings(SeahavenProperties properties, ProcRoot proc) {
        SeahavenProperties.SandboxProperties sandbox = properties.sandbox();
        return new SandboxSettings(
                properties.stateDirectory().toAbsolutePath().normalize(),
                properties.runDirectory().toAbsolutePath().normalize(),
                sandbox.logLimit().toBytes(),
                sandbox.captureLimit().toBytes(),
                sandbox.scratch().toBytes(),
                sandbox.firstId(),
                sandbox.changeTimeout(),
                Processors.possible());
    }

    @Bean
    AccessSettings accessSettings(SeahavenProperties properties) {
        return new AccessSettings(properties.allowedHosts(), properties.allowedOrigins());
    }

    @Bean
    Token token(SeahavenProperties properties, Syscalls syscalls) {
        return new Token(syscalls, properties.runDirectory().resolve("token"));
    }

    /** Where there is none, the preflight tells it in one clear message. */
    @Bean
    @ConditionalOnMissingBean
    Cgroups cgroups(SeahavenProperties properties, Syscalls syscalls, ProcRoot proc) {
        return Cgroups.detect(syscalls, MountInfo.read(proc), properties.cgroup());
    }

    @Bean
    KernelProbe kernelProbe(Syscalls syscalls, ProcRoot proc, Cgroups cgroups) {
        return new KernelProbe(syscalls, proc, cgroups);
    }

    @Bean
    StartReport startReport() {
        return new StartReport();
    }

    @Bean
    @ConditionalOnMissingBean
    Launcher launcher(Syscalls syscalls) {
        return new Launcher(syscalls, Launcher.bundled(), List.of());
    }

    @Bean
    NamespaceFinder namespaceFinder(
            SeahavenProperties properties, Syscalls syscalls, ProcRoot proc) {
        return new NamespaceFinder(
                syscalls, proc, properties.runDirectory().resolve("ns"), Path.of("/var/run/netns"));
    }

    @Bean
    SandboxService sandboxService(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            SandboxSettings settings,
            JsonMapper json,
            MeterRegistry meters) {
        return new SandboxService(
                syscalls, proc, launcher, cgroups, finder, settings, json, meters);
    }
}
