package dev.seahaven.syscall;

/**
 * {@link Syscalls} by JNA, for 64-bit x86 and Arm. Each of its parents has the calls of one kind.
 */
public final class LinuxSyscalls extends LinuxKernelCalls implements Syscalls {}
