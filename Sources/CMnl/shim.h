// The C library's addresses come before the kernel's headers, or the two define the same structures twice.
#include <netinet/in.h>
#include <net/if.h>
#include <libmnl/libmnl.h>
