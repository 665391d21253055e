// The stream between the two halves of `sandboxctl cp`.
//
// A sequence of frames: header, `path_length` bytes of path, and for files `size` bytes of content. The path is relative
// to what is copied; that itself has the empty path and comes first. SBX_COPY_END is the last frame, and without it the
// stream was cut. Numbers are in the host's order: both ends run on one machine.
#pragma once
#include <stdint.h>

#define SBX_COPY_DIRECTORY 'D'
#define SBX_COPY_FILE 'F'
#define SBX_COPY_LINK 'L'     // the content is the link's text
#define SBX_COPY_SKIPPED 'S'  // not copied; the content says why
#define SBX_COPY_ERROR 'E'    // the content says why; the last frame
#define SBX_COPY_END 'X'

#define SBX_COPY_MAX_PATH 4095
#define SBX_COPY_MAX_DEPTH 128

struct sbx_copy_header {
    uint8_t type;
    uint8_t reserved[3];
    uint32_t mode;  // permission bits, without set-id bits
    uint32_t path_length;
    uint32_t reserved2;
    uint64_t size;
};
