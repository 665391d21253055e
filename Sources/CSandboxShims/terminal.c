#define _GNU_SOURCE
#include "sbx_terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

struct sbx_terminal_state {
    struct termios saved;
};

struct sbx_terminal_state *sbx_terminal_raw(int fd) {
    struct sbx_terminal_state *state = malloc(sizeof *state);
    if (!state) return NULL;
    if (tcgetattr(fd, &state->saved) < 0) {
        free(state);
        return NULL;
    }
    struct termios raw = state->saved;
    cfmakeraw(&raw);
    if (tcsetattr(fd, TCSADRAIN, &raw) < 0) {
        free(state);
        return NULL;
    }
    return state;
}

void sbx_terminal_restore(int fd, struct sbx_terminal_state *state) {
    if (!state) return;
    tcsetattr(fd, TCSADRAIN, &state->saved);
    free(state);
}

int sbx_terminal_copy_size(int from, int to) {
    struct winsize size;
    if (ioctl(from, TIOCGWINSZ, &size) < 0) return -errno;
    return ioctl(to, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int sbx_terminal_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}
