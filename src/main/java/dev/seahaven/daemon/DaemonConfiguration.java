package dev.seahaven.daemon;

import dev.seahaven.access.AccessSettings;
import dev.seahaven.access.Token;
import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.cgroup.Delegation;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceService;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.SandboxService;
import dev.seahaven.sandbox.SandboxSettings;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.LinuxNamespaceCalls;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.NamespaceCalls;
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

    private static final Path NET_NAMES = Path.of("/var/run/netns");

    @Bean
    @ConditionalOnMissingBean
    Syscalls syscalls() {
        return new LinuxSyscalls();
    }

    @Bean
    NamespaceCalls namespaceCalls() {
        return new LinuxNamespaceCalls();
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
                sandbox.diskReserve().toBytes(),
                sandbox.firstId(),
                sandbox.changeTimeout(),
                Processors.possible(),
                sandbox.memory().toBytes(),
                properties.metrics().perSandbox(),
                properties.policy().allowPrivileged());
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
        List<MountInfo> mounts = MountInfo.read(proc);
        return Cgroups.detect(syscalls, mounts, properties.cgroup(), Delegation.find(proc, mounts));
    }

    @Bean
    KernelProbe kernelProbe(Syscalls syscalls, ProcRoot proc, Cgroups cgroups) {
        return new KernelProbe(syscalls, proc, cgroups);
    }

    @Bean
    SeccompCompiler seccompCompiler(JsonMapper json) {
        return new SeccompCompiler(json);
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
            SeahavenProperties properties, Syscalls syscalls, NamespaceCalls calls, ProcRoot proc) {
        Path names = properties.runDirectory().toAbsolutePath().normalize().resolve("ns");
        return new NamespaceFinder(syscalls, calls, proc, names, NET_NAMES);
    }

    @Bean
    NamespaceService namespaceService(
            SeahavenProperties properties,
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            Launcher launcher,
            SandboxService sandboxes,
            JsonMapper json) {
        return new NamespaceService(
                syscalls,
                calls,
                proc,
                finder,
                launcher,
                properties.stateDirectory().toAbsolutePath().resolve("namespaces"),
                sandboxes::runningByInit,
                sandboxes.ids(),
                json);
    }

    @Bean
    SandboxService sandboxService(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            SandboxSettings settings,
            SeccompCompiler seccomp,
            JsonMapper json,
            MeterRegistry meters) {
        return new SandboxService(
                syscalls, proc, launcher, cgroups, finder, settings, seccomp, json, meters);
    }
}
