#include <systemd/sd-journal.h>
#include <systemd/sd-id128.h>

/* Of the C library, but behind _GNU_SOURCE, which Swift's import of it does not define. */
static inline int tailrace_pipe2(int *_Nonnull ends, int flags) {
    extern int pipe2(int *, int);
    return pipe2(ends, flags);
}
