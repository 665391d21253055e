// Attacks from inside: each line of output is `ROW outcome`, where the outcome is `ok` when the kernel let it happen and
// the name of the error otherwise. Runs as the agent, as root inside, and, as a control, where a layer is taken away.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *row, long result) {
    if (result >= 0) printf("%s ok\n", row);
    else printf("%s %s\n", row, strerrorname_np(errno));
    fflush(stdout);
}

// In a child, because some of these change the process for good or end it.
static void attempt(const char *row, long (*attack)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        say(row, attack());
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) printf("%s SIG%s\n", row, sigabbrev_np(WTERMSIG(status)));
    fflush(stdout);
}

static long remount_store(void) { return mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL); }
static long unmount_sys(void) { return umount2("/proc/sys", MNT_DETACH); }
static long mount_tmpfs(void) { return mount("t", "/mnt", "tmpfs", 0, NULL); }
static long write_core_pattern(void) { return open("/proc/sys/kernel/core_pattern", O_WRONLY); }
static long read_kallsyms(void) { return open("/proc/kallsyms", O_RDONLY); }
static long read_keys(void) { return open("/proc/keys", O_RDONLY); }
static long read_kcore(void) { return open("/proc/kcore", O_RDONLY); }
static long change_root(void) { return chroot("/tmp"); }
static long pivot(void) { return syscall(SYS_pivot_root, ".", "."); }
static long write_store(void) { return open("/usr/x", O_CREAT | O_WRONLY, 0644); }
static long handle(void) { return syscall(SYS_open_by_handle_at, 0, "", 0); }
static long fuse(void) { return open("/dev/fuse", O_RDWR); }
static long make_device(void) {
    unlink("/tmp/d");
    return mknod("/tmp/d", S_IFBLK | 0600, makedev(8, 0));
}
static long tun(void) { return open("/dev/net/tun", O_RDWR); }
static long new_mounts(void) { return unshare(CLONE_NEWNS); }
static long new_users(void) { return unshare(CLONE_NEWUSER); }
static long clone_users(void) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return pid;
}
static long join(void) { return setns(open("/proc/1/ns/uts", O_RDONLY), 0); }
static long become_root(void) { return setuid(0); }
static long io_uring(void) { char p[120] = {0}; return syscall(425, 1, p); }
static long perf(void) { char a[128] = {0}; return syscall(SYS_perf_event_open, a, 0, -1, -1, 0); }
static long keyring(void) { return syscall(SYS_keyctl, 0, -3, 1); }
static long trace(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static long bpf(void) { return syscall(SYS_bpf, 0, 0, 0); }
static long old_abi(void) {
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result < 0 ? (errno = (int)-result, -1) : result;
#else
    return errno = ENOSYS, -1;
#endif
}
static long unknown_call(void) { return syscall(590); }
static long steal_input_high(void) { return syscall(SYS_ioctl, 0, 0x5412ul | 1ul << 32, "x"); }
static long raw_socket(void) { return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static long packet_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static long crypto_socket(void) { return socket(38, SOCK_SEQPACKET, 0); }
static long own_filter(void) { return syscall(SYS_seccomp, 2, 0, "\0\0\xff\x7f"); }
static long set_uid_file(void) {
    int fd = open("/workspace/suid", O_CREAT | O_WRONLY, 0755);
    if (fd < 0) return -1;
    return fchmod(fd, 04755);
}
static long set_uid_open(void) { return open("/workspace/suid2", O_CREAT | O_EXCL | O_WRONLY, 06755); }
static long host_bus(void) { return open("/run/dbus/system_bus_socket", O_PATH); }
static long other_init(void) { return kill(1, SIGKILL) < 0 ? -1 : 0; }
static long connect_out(void) {
    struct sockaddr_storage a = {0};
    unsigned char *p = (unsigned char *)&a;
    a.ss_family = AF_INET;
    memcpy(p + 2, "\x01\xbb\xc0\x00\x02\x01", 6);  // 192.0.2.1:443
    return connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&a, 16);
}
static long leave_cgroup(void) { return open("/sys/fs/cgroup/../cgroup.procs", O_WRONLY); }
static long immutable(void) {
    int fd = open("/workspace", O_RDONLY), immutable_flag = 0x10, none = 0;
    int result = ioctl(fd, _IOW('f', 2, long), &immutable_flag);
    if (result == 0) ioctl(fd, _IOW('f', 2, long), &none);  // the control must not keep it
    return result;
}

int main(void) {
    attempt("FS-01", remount_store);
    attempt("FS-03", unmount_sys);
    attempt("FS-04", mount_tmpfs);
    attempt("FS-06", write_core_pattern);
    attempt("FS-07-kallsyms", read_kallsyms);
    attempt("FS-07-keys", read_keys);
    attempt("FS-07-kcore", read_kcore);
    attempt("FS-12", change_root);
    attempt("FS-13", pivot);
    attempt("FS-15", write_store);
    attempt("FS-21", handle);
    attempt("FS-27", fuse);
    attempt("DEV-01", make_device);
    attempt("DEV-04", tun);
    attempt("CAP-03-mount", new_mounts);
    attempt("CAP-03-user", new_users);
    attempt("CAP-03-clone", clone_users);
    attempt("CAP-04", join);
    attempt("CAP-06", become_root);
    attempt("SYS-01", io_uring);
    attempt("SYS-03", perf);
    attempt("SYS-04", keyring);
    attempt("SYS-06", trace);
    attempt("SYS-09-bpf", bpf);
    attempt("SYS-10", old_abi);
    attempt("SYS-12", unknown_call);
    attempt("SYS-13", steal_input_high);
    attempt("SYS-15-raw", raw_socket);
    attempt("SYS-15-packet", packet_socket);
    attempt("SYS-15-alg", crypto_socket);
    attempt("SYS-18", own_filter);
    attempt("SYS-21-chmod", set_uid_file);
    attempt("SYS-21-open", set_uid_open);
    attempt("PRC-04", host_bus);
    attempt("PRC-13-init", other_init);
    attempt("NET-01", connect_out);
    attempt("RES-18", leave_cgroup);
    attempt("WSP-13", immutable);
    return 0;
}
