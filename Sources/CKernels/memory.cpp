#include <malloc.h>

#include "tailrace_kernels.h"

extern "C" void tr_return_buffers(size_t bytes) { mallopt(M_MMAP_THRESHOLD, static_cast<int>(bytes)); }

extern "C" void tr_keep_freed(size_t bytes) { mallopt(M_TRIM_THRESHOLD, static_cast<int>(bytes)); }
