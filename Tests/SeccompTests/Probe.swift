import Foundation

/// A C program that takes a filter on itself and then makes calls, or becomes another
/// program. `-` for the filter leaves it out: the control.
final class Probe: Sendable {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("seccomp-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let source = directory.appendingPathComponent("probe.c")
        try Data(Self.source.utf8).write(to: source)
        let built = try Self.run(
            ["cc", "-std=gnu17", "-Wall", "-O1", "-o", directory.appendingPathComponent("probe").path, source.path])
        guard built.status == 0 else { throw CocoaError(.executableLoad, userInfo: ["output": built.output]) }
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Each call's outcome by name: `ok`, an error number, or `signal N`.
    func calls(under bytes: [UInt8]?) throws -> [String: String] {
        let result = try probe(under: bytes, ["calls", try fresh().path])
        return try JSONDecoder().decode([String: String].self, from: Data(result.output.utf8))
    }

    /// A shell command line in a fresh directory, under the filter.
    func shell(under bytes: [UInt8]?, _ script: String) throws -> (status: Int32, output: String) {
        try probe(under: bytes, ["exec", "sh", "-ec", "cd \(try fresh().path)\n" + script])
    }

    private func fresh() throws -> URL {
        let work = directory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        return work
    }

    private func probe(under bytes: [UInt8]?, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let path = try bytes.map { bytes -> String in
            let file = directory.appendingPathComponent("filter-\(UUID().uuidString)")
            try Data(bytes).write(to: file)
            return file.path
        }
        return try Self.run([directory.appendingPathComponent("probe").path, path ?? "-"] + arguments)
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private static let source = #"""
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <pthread.h>
        #include <sched.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <unistd.h>

        #define HIGH 0xdeadbeef00000000L

        static void load(const char *path) {
            static struct sock_filter code[4096];
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t size = fd < 0 ? -1 : read(fd, code, sizeof(code));
            struct sock_fprog program = { (unsigned short)(size / 8), code };
            if (size <= 0 || close(fd) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
                || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) {
                perror("filter");
                exit(125);
            }
        }

        static int first = 1;
        static void say(const char *name, const char *outcome) {
            printf("%s\"%s\": \"%s\"", first ? "{" : ", ", name, outcome);
            first = 0;
        }
        static void number(const char *name, long result) {
            char text[16];
            snprintf(text, sizeof(text), "%d", errno);
            say(name, result < 0 ? text : "ok");
        }
        // In a child of its own, so that a call that succeeds or kills changes nothing here.
        #define TRY(name, ...) do { \
            fflush(stdout); \
            int ends[2]; if (pipe2(ends, O_CLOEXEC)) exit(125); \
            pid_t child = fork(); \
            if (child == 0) { \
                errno = 0; long result = (__VA_ARGS__); int reply = result == -1 ? errno : 0; \
                if (write(ends[1], &reply, sizeof(reply)) != sizeof(reply)) _exit(125); \
                _exit(0); \
            } \
            close(ends[1]); \
            int status, reply = 0; ssize_t got = read(ends[0], &reply, sizeof(reply)); close(ends[0]); \
            waitpid(child, &status, 0); \
            if (got == sizeof(reply)) { errno = reply; number(name, reply ? -1 : 0); } \
            else { char text[32]; snprintf(text, sizeof(text), "signal %d", WTERMSIG(status)); say(name, text); } \
        } while (0)
        #define CALL(name, ...) TRY(name, syscall(__VA_ARGS__))

        static void *thread(void *argument) { return argument; }
        static int threads(void) {
            pthread_t id;
            errno = pthread_create(&id, NULL, thread, NULL);
            return errno || pthread_join(id, NULL) ? -1 : 0;
        }
        static int own_filter(void) {
            struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
            struct sock_fprog program = { 1, &code };
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
            return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
        }
        #ifdef __x86_64__
        static long int80(long call) {
            long result;
            __asm__ volatile("int $0x80" : "=a"(result) : "a"(call) : "memory", "r8", "r9", "r10", "r11");
            if (result < 0) { errno = (int)-result; return -1; }
            return result;
        }
        #endif

        static int calls(void) {
            int file = open("file", O_CREAT | O_RDWR | O_TRUNC, 0644);
            if (file < 0) return 125;
            // Refused: by what they are, with arguments the kernel itself answers otherwise.
            CALL("unshare uts", SYS_unshare, CLONE_NEWUTS);
            CALL("setns", SYS_setns, -1, 0);
            CALL("mount", SYS_mount, 0L, 0L, 0L, 0L, 0L);
            CALL("chroot", SYS_chroot, ".");
            CALL("open_tree", 428, -1, "", 0);
            CALL("fsopen", 430, 0L, 0xff);
            CALL("io_uring_setup", 425, 0, 0L);
            CALL("bpf", SYS_bpf, -1, 0L, 0);
            CALL("perf_event_open", SYS_perf_event_open, 0L, 0, 0, -1, 0);
            CALL("keyctl", SYS_keyctl, -1);
            CALL("userfaultfd", SYS_userfaultfd, -1);
            CALL("ptrace", SYS_ptrace, 0, 0, 0, 0);
            CALL("process_vm_readv", SYS_process_vm_readv, getpid(), 0L, 0L, 0L, 0L, 0L);
            CALL("vmsplice", SYS_vmsplice, -1, 0L, 0L, 0);
            CALL("sethostname", SYS_sethostname, "", -1);
            CALL("fanotify_init", SYS_fanotify_init, -1, 0);
            CALL("set_mempolicy", SYS_set_mempolicy, 0, 0L, 0L);
            // By their arguments.
            CALL("clone newuts", SYS_clone, CLONE_NEWUTS | SIGCHLD, 0L, 0L, 0L, 0L);
            CALL("clone newuts, high", SYS_clone, HIGH | CLONE_NEWUTS | SIGCHLD, 0L, 0L, 0L, 0L);
            CALL("raw", SYS_socket, AF_INET, SOCK_RAW, 1);
            CALL("raw, high", SYS_socket, HIGH | AF_INET, HIGH | SOCK_RAW, HIGH | 1);
            CALL("packet", SYS_socket, 17, SOCK_RAW, 0);
            CALL("nfnetlink", SYS_socket, 16, SOCK_RAW, 12);
            CALL("chmod 4755", SYS_chmod, "file", 04755);
            CALL("fchmod 2755, high", SYS_fchmod, file, HIGH | 02755);
            CALL("fchmodat 4755", SYS_fchmodat, AT_FDCWD, "file", 04755);
            CALL("openat O_CREAT 4755", SYS_openat, AT_FDCWD, "created", O_CREAT | O_RDWR, 04755);
            CALL("mknodat device", SYS_mknodat, AT_FDCWD, "device", S_IFCHR | 0600, 0x103);
            CALL("TIOCSTI", SYS_ioctl, -1, 0x5412, 0L);
            CALL("TIOCSTI, high", SYS_ioctl, -1, HIGH | 0x5412, 0L);
            CALL("personality", SYS_personality, 0x0040000);
            CALL("clone3", 435, 0L, 0L);
            CALL("openat2", 437, AT_FDCWD, "file", 0L, 0L);
            // Allowed.
            CALL("chmod 755", SYS_chmod, "file", 0755);
            CALL("mkdirat", SYS_mkdirat, AT_FDCWD, "directory", 01777);
            CALL("mknodat fifo", SYS_mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0);
            CALL("openat, mode is garbage", SYS_openat, AT_FDCWD, "file", O_RDONLY, -1L);
            CALL("tcp", SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 6);
            CALL("unix, high", SYS_socket, HIGH | AF_UNIX, HIGH | SOCK_STREAM, 0);
            CALL("route", SYS_socket, 16, SOCK_RAW, 0);
            CALL("socketpair", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 });
            CALL("memfd_create", SYS_memfd_create, "m", 0);
            CALL("pidfd_open", 434, getpid(), 0);
            CALL("getrandom", SYS_getrandom, (char[8]){ 0 }, 8, 0);
            CALL("personality query", SYS_personality, 0xffffffff);
            TRY("thread", threads());
            TRY("own filter", own_filter());
            // Unknown, and foreign.
            CALL("number 600", 600);
        #ifdef __x86_64__
            CALL("x32 getpid", 0x40000000 | SYS_getpid);
            TRY("i386 getpid", int80(20));
        #endif
            puts("}");
            return 0;
        }

        int main(int argc, char **argv) {
            if (argc < 4) return 125;
            int named = strcmp(argv[2], "calls") == 0;
            if (named && chdir(argv[3])) return 125;
            if (strcmp(argv[1], "-") != 0) load(argv[1]);
            if (named) return calls();
            execvp(argv[3], argv + 3);
            perror(argv[3]);
            return 127;
        }
        """#
}
