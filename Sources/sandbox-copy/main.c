// The inner half of `sandboxctl cp`: runs inside the sandbox as the agent, with the payload's posture, from a
// descriptor of the host's own file. So every path inside is resolved with the agent's rights, in the agent's root,
// and the host only ever sees a stream of bytes.
//
//   sandbox-copy out PATH     writes PATH to standard output
//   sandbox-copy in PATH NAME reads what becomes PATH, or PATH/NAME where PATH is a directory; complaints go to
//                             standard output
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbx_copy_protocol.h"

static char buffer[1 << 16];

static void write_all(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(1);
        at += n;
        length -= (size_t)n;
    }
}

static void frame(char type, mode_t mode, const char *path, uint64_t size) {
    struct sbx_copy_header header = {
        .type = (uint8_t)type, .mode = mode & 0777, .path_length = (uint32_t)strlen(path), .size = size};
    write_all(&header, sizeof header);
    write_all(path, header.path_length);
}

static void text_frame(char type, const char *path, const char *text) {
    frame(type, 0, path, strlen(text));
    write_all(text, strlen(text));
}

static _Noreturn void fail_out(const char *path) {
    text_frame(SBX_COPY_ERROR, path, strerror(errno));
    _exit(1);
}

// A file that shrinks while it is read is filled up with zeros, one that grows is cut: the frame said its size.
static void send_content(int fd, uint64_t size) {
    while (size > 0) {
        size_t want = size < sizeof buffer ? (size_t)size : sizeof buffer;
        ssize_t n = read(fd, buffer, want);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            memset(buffer, 0, want);
            n = (ssize_t)want;
        }
        write_all(buffer, (size_t)n);
        size -= (uint64_t)n;
    }
}

static void send_tree(int fd, const struct stat *s, const char *path, int depth);

static void send_entry(int directory, const char *name, const char *path, int depth) {
    struct stat s;
    if (fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
        text_frame(SBX_COPY_SKIPPED, path, strerror(errno));
    } else if (S_ISLNK(s.st_mode)) {
        ssize_t n = readlinkat(directory, name, buffer, PATH_MAX);
        if (n < 0) n = 0;
        frame(SBX_COPY_LINK, 0, path, (uint64_t)n);
        write_all(buffer, (size_t)n);
    } else if (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)) {
        // Not waiting for a pipe that took the file's place meanwhile.
        int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &s) < 0) text_frame(SBX_COPY_SKIPPED, path, strerror(errno));
        else send_tree(fd, &s, path, depth);
        if (fd >= 0) close(fd);
    } else {
        text_frame(SBX_COPY_SKIPPED, path, "not a file, directory or link");
    }
}

static void send_tree(int fd, const struct stat *s, const char *path, int depth) {
    if (S_ISREG(s->st_mode)) {
        frame(SBX_COPY_FILE, s->st_mode, path, (uint64_t)s->st_size);
        send_content(fd, (uint64_t)s->st_size);
        return;
    }
    if (!S_ISDIR(s->st_mode)) {
        text_frame(SBX_COPY_SKIPPED, path, "not a file, directory or link");
        return;
    }
    frame(SBX_COPY_DIRECTORY, s->st_mode, path, 0);
    int copy = dup(fd);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (!stream) {
        text_frame(SBX_COPY_SKIPPED, path, strerror(errno));
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(stream))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char below[SBX_COPY_MAX_PATH + 1];
        int n = snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", entry->d_name);
        if (n < 0 || (size_t)n >= sizeof below || depth >= SBX_COPY_MAX_DEPTH) {
            text_frame(SBX_COPY_SKIPPED, path, "something below is nested too deeply");
            break;
        }
        send_entry(fd, entry->d_name, below, depth + 1);
    }
    closedir(stream);
}

static int copy_out(const char *path) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat s;
    if (fd < 0 || fstat(fd, &s) < 0) fail_out("");
    send_tree(fd, &s, "", 0);
    frame(SBX_COPY_END, 0, "", 0);
    return 0;
}

static _Noreturn void fail_in(const char *what, const char *path) {
    dprintf(STDOUT_FILENO, "%s '%s': %s", what, path, strerror(errno));
    _exit(1);
}

static void read_all(void *bytes, size_t length) {
    char *at = bytes;
    while (length > 0) {
        ssize_t n = read(STDIN_FILENO, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(1);  // the other half ended; it knows why
        at += n;
        length -= (size_t)n;
    }
}

static void receive_file(const char *path, const struct sbx_copy_header *header) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, header->mode);
    if (fd < 0) fail_in("create", path);
    for (uint64_t left = header->size; left > 0;) {
        size_t want = left < sizeof buffer ? (size_t)left : sizeof buffer;
        read_all(buffer, want);
        for (size_t done = 0; done < want;) {
            ssize_t n = write(fd, buffer + done, want - done);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) fail_in("write", path);
            done += (size_t)n;
        }
        left -= want;
    }
    if (fchmod(fd, header->mode) < 0 && errno != EPERM) fail_in("chmod", path);
    close(fd);
}

static int copy_in(const char *target, const char *name) {
    struct stat s;
    char base[2 * PATH_MAX], path[4 * PATH_MAX];
    int into = stat(target, &s) == 0 && S_ISDIR(s.st_mode);
    snprintf(base, sizeof base, "%s%s%s", target, into && *name ? "/" : "", into ? name : "");
    for (;;) {
        struct sbx_copy_header header;
        char below[SBX_COPY_MAX_PATH + 1];
        read_all(&header, sizeof header);
        if (header.path_length > SBX_COPY_MAX_PATH) return 1;
        read_all(below, header.path_length);
        below[header.path_length] = 0;
        snprintf(path, sizeof path, "%s%s%s", base, *below ? "/" : "", below);
        switch (header.type) {
        case SBX_COPY_END: return 0;
        case SBX_COPY_DIRECTORY:
            if (mkdir(path, header.mode | 0700) < 0 && errno != EEXIST) fail_in("make directory", path);
            break;
        case SBX_COPY_FILE: receive_file(path, &header); break;
        case SBX_COPY_LINK: {
            char text[PATH_MAX];
            if (header.size >= sizeof text) return 1;
            read_all(text, (size_t)header.size);
            text[header.size] = 0;
            if (symlink(text, path) < 0 && errno != EEXIST) fail_in("make link", path);
            break;
        }
        default: return 1;
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "out") == 0) return copy_out(argv[2]);
    if (argc == 4 && strcmp(argv[1], "in") == 0) return copy_in(argv[2], argv[3]);
    dprintf(STDERR_FILENO, "usage: sandbox-copy out PATH | sandbox-copy in PATH NAME\n");
    return 64;
}
