package dev.seahaven.daemon;

import dev.seahaven.access.AccessSettings;
import dev.seahaven.access.Token;
import dev.seahaven.audit.Auditor;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.cgroup.host.Delegation;
import dev.seahaven.claim.Residue;
import dev.seahaven.exec.MountOwners;
import dev.seahaven.exec.NamespaceExec;
import dev.seahaven.exec.Runs;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.life.Entrances;
import dev.seahaven.namespace.life.Namespaces;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.process.HostProcesses;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.life.Sandboxes;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.LinuxNamespaceCalls;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.system.KernelProbe;
import dev.seahaven.system.StartReport;
import dev.seahaven.web.KeptAnswers;

import io.micrometer.core.instrument.MeterRegistry;

import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.time.InstantSource;
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
    ProcRoot procRoot(Syscalls syscalls) {
        return ProcRoot.system(syscalls);
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

    @Bean
    KeptAnswers keptAnswers(SeahavenProperties properties, Syscalls syscalls) {
        return new AnswersOnDisk(
                syscalls,
                properties.stateDirectory().toAbsolutePath().resolve("answers"),
                InstantSource.system());
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
    Residue residue() {
        return new Residue();
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
    Sandboxes sandboxes(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            SandboxSettings settings,
            SeccompCompiler seccomp,
            Residue residue,
            MeterRegistry meters) {
        return new Sandboxes(
                syscalls, calls, proc, launcher, cgroups, finder, settings, seccomp, residue,
                meters);
    }

    @Bean
    Runs runs(Launcher launcher, Sandboxes sandboxes) {
        return new Runs(launcher, sandboxes);
    }

    @Bean
    Namespaces namespaces(
            SeahavenProperties properties,
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            Launcher launcher,
            Sandboxes sandboxes) {
        return new Namespaces(
                syscalls,
                calls,
                proc,
                finder,
                launcher,
                properties.stateDirectory().toAbsolutePath().resolve("namespaces"),
                sandboxes.queries(),
                sandboxes.ids());
    }

    @Bean
    Entrances entrances(Namespaces namespaces) {
        return namespaces.entrances();
    }

    @Bean
    MountOwners mountOwners(
            Syscalls syscalls,
            NamespaceCalls calls,
            NamespaceFinder finder,
            Sandboxes sandboxes,
            Runs runs) {
        return new MountOwners(syscalls, calls, finder, sandboxes.queries(), runs);
    }

    @Bean
    NamespaceExec namespaceExec(
            Syscalls syscalls,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            ProcRoot proc,
            MountOwners owners,
            Sandboxes sandboxes,
            SandboxSettings settings) {
        return new NamespaceExec(
                syscalls,
                launcher,
                cgroups,
                finder,
                proc,
                owners,
                sandboxes.launches(),
                settings.captureLimitBytes());
    }

    @Bean
    HostProcesses hostProcesses(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            Namespaces namespaces) {
        return new HostProcesses(syscalls, calls, proc, finder, namespaces.views());
    }

    @Bean
    Auditor auditor(Syscalls syscalls, ProcRoot proc, NamespaceFinder finder, Sandboxes sandboxes) {
        return new Auditor(syscalls, proc, finder, sandboxes.hardened());
    }
}
