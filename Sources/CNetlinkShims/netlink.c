#define _GNU_SOURCE
#include "CNetlinkShims.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

struct request {
    int protocol;
    int namespace_fd;
    int result;
};

static int open_socket(int protocol) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    return fd < 0 ? -errno : fd;
}

static void *enter_and_open(void *argument) {
    struct request *request = argument;
    request->result = setns(request->namespace_fd, CLONE_NEWNET) < 0 ? -errno : open_socket(request->protocol);
    return NULL;
}

// A thread can change its network namespace alone, and a socket belongs for good to the namespace it was made in: so a
// thread makes the socket and ends, and no thread of the caller's ever leaves its namespace.
int sbx_netlink_socket(int protocol, int namespace_fd) {
    if (namespace_fd < 0) return open_socket(protocol);

    struct request request = {.protocol = protocol, .namespace_fd = namespace_fd, .result = -EIO};
    // Signals are for the caller's threads, which have their handlers' world around them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, enter_and_open, &request);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) return -error;
    pthread_join(thread, NULL);
    return request.result;
}
