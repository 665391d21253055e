#pragma once

struct sbx_terminal_state;  // termios, opaque

// Puts the terminal into raw mode (cfmakeraw(3)) and keeps its former state; NULL when it is not a terminal.
struct sbx_terminal_state *sbx_terminal_raw(int fd);

// Restores and frees. NULL is accepted.
void sbx_terminal_restore(int fd, struct sbx_terminal_state *state);

// TIOCGWINSZ / TIOCSWINSZ: copies the window size of one terminal to another. 0 or negative errno.
int sbx_terminal_copy_size(int from, int to);

// Columns of the terminal, 0 when unknown.
int sbx_terminal_columns(int fd);
