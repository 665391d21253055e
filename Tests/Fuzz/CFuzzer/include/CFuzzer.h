#pragma once
#include <stddef.h>
#include <stdint.h>

// The driver of libFuzzer (llvm/docs/LibFuzzer.rst, "Using libFuzzer as a library"), and the function it is given.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*user)(const uint8_t *data, size_t size));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
