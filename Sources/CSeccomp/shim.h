// libseccomp as Swift can see it: macros with arguments and cast constants do not import.
#ifndef SANDBOX_CSECCOMP_SHIM_H
#define SANDBOX_CSECCOMP_SHIM_H

#include <errno.h>
#include <linux/memfd.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint32_t sbx_arch_x86_64 = SCMP_ARCH_X86_64;
static const uint32_t sbx_arch_aarch64 = SCMP_ARCH_AARCH64;

/// An anonymous file for seccomp_export_bpf(3), or -1 and errno. libseccomp before 2.6 exports to descriptors only.
static inline int sbx_seccomp_memfd(void) {
    return (int)syscall(SYS_memfd_create, "seccomp", MFD_CLOEXEC);
}

#endif
