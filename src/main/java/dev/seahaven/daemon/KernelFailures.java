package dev.seahaven.daemon;

import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.MonitorLostException;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.web.Failures;

import org.springframework.stereotype.Component;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;

/**
 * What the kernel refused, as problems. The type follows from what was asked: a limit that is
 * reached, a feature that is missing, or nothing foreseen.
 */
@Component
class KernelFailures implements Failures {

    private static final Logger LOG = System.getLogger(KernelFailures.class.getName());

    @Override
    public Optional<Problem> problem(Throwable failure) {
        return switch (failure) {
            case LauncherException launch ->
                    Optional.of(
                            of(launch.refusal(), String.valueOf(launch.getMessage()))
                                    .with("stage", launch.stage().text()));
            case MonitorLostException lost ->
                    Optional.of(
                            of(
                                    new SyscallException("launch", Errno.ECHILD),
                                    String.valueOf(lost.getMessage())));
            case SyscallException refusal ->
                    Optional.of(of(refusal, String.valueOf(refusal.getMessage())));
            default -> Optional.empty();
        };
    }

    private static Problem of(SyscallException refusal, String text) {
        ProblemType type =
                switch (refusal.errno()) {
                    case EAGAIN, ENOMEM, ENOSPC, EMFILE, ENFILE, EDQUOT, EUSERS ->
                            ProblemType.EXHAUSTED;
                    case ENOSYS, EOPNOTSUPP -> ProblemType.UNSUPPORTED_FEATURE;
                    default -> ProblemType.KERNEL_REFUSED;
                };
        if (type == ProblemType.KERNEL_REFUSED) {
            LOG.log(Level.ERROR, "the kernel refused", refusal);
        }
        return new Problem(type, text)
                .with("syscall", refusal.syscall())
                .with("errno", refusal.errno().name());
    }
}
