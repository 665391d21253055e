// How sandboxctl hands a prepared sandbox to the unit that runs it.
//
// The unit's standard input is one end of a SOCK_SEQPACKET pair. sandboxctl sends a single packet with the
// descriptors attached (SCM_RIGHTS); the same socket then becomes the gate that sandbox-init waits at.
//
//   packet  = header, then `mounts` + `secrets` NUL-terminated strings
//   fds     = [0] root mount, [1 ...] one detached mount per `mounts` string
//   mounts  = where each goes, relative to the root, in order
//   secrets = credential names to copy from $CREDENTIALS_DIRECTORY into run/secrets
//
// To sandbox-init: SBX_GATE_FILTER with the filter program attached; it is compiled while nspawn starts.
// From sandbox-init: SBX_GATE_LOCKED once it has given up everything it is going to give up.
// From sandbox-launch or sandbox-init: SBX_GATE_ERROR and a line of text when it cannot go on.
// To sandbox-init: SBX_GATE_RELEASE when the posture was verified from outside. End of file means the
// starter is gone: the sandbox ends.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SBX_LAUNCH_MAGIC 0x31786273u
#define SBX_LAUNCH_MAX_PACKET 65536
#define SBX_LAUNCH_MAX_FDS 128
#define SBX_GATE_FILTER 'F'
#define SBX_GATE_ERROR 'E'
#define SBX_GATE_LOCKED 'L'
#define SBX_GATE_RELEASE 'G'

// The gate as sandbox-init finds it (sd_listen_fds(3) numbering, which nspawn passes on).
#define SBX_FD_GATE 3

struct sbx_launch_header {
    uint32_t magic;
    uint32_t mounts;
    uint32_t secrets;
    uint32_t secrets_uid;  // host uid and gid that own the files in run/secrets
};

// Says on the journal and on the gate why the start ends here.
static inline void sbx_launch_complain(int gate, const char *program, const char *what, const char *operand, int error) {
    char text[512];
    int n = snprintf(
        text, sizeof text, "%c%s: %s%s%s%s%s", SBX_GATE_ERROR, program, what, operand ? " " : "",
        operand ? operand : "", error ? ": " : "", error ? strerror(error) : "");
    if (n < 0) return;
    size_t length = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    dprintf(2, "%s\n", text + 1);
    (void)!send(gate, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}
