// What Swift cannot say: system calls without a glibc wrapper, variadic calls, flags hidden in macros,
// and everything that runs between fork and exec.
//
// Every function that can fail returns a negative errno, so that nothing depends on the thread's errno
// surviving the way back into Swift.
#pragma once
#include "sbx_copy_protocol.h"
#include "sbx_enter.h"
#include "sbx_files.h"
#include "sbx_mounts.h"
#include "sbx_namespaces.h"
#include "sbx_process.h"
#include "sbx_terminal.h"
#include "sbx_launch_protocol.h"
