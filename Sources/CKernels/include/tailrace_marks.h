// Places in a text where personal data may stand, found by byte classes: what a literal search cannot trigger on.
#ifndef TAILRACE_MARKS_H
#define TAILRACE_MARKS_H

#include "tailrace_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

enum {
    TR_MARK_AT = 1,      ///< `@`
    TR_MARK_CARD = 2,    ///< 13 digits in a row, or 4 digits, a gap (blank, dash, dot, plus), 4 digits, and a gap 0 or 2 digits on
    TR_MARK_SSN = 3,     ///< ddd-dd-dddd, with such gaps
    /// Two letters of a country, two digits, and as many letters and digits as its account numbers have, or a gap.
    TR_MARK_IBAN = 4,
    /// An escape that stands for a printable ASCII byte (`\u0040`, `\x40`, `%40`), or for a wide gap behind a digit.
    TR_MARK_HIDDEN = 5,
    /// A no-break, thin or narrow blank or an en dash between two digits. Offset of the gap.
    TR_MARK_WIDE_GAP = 6,
};

/// Finds all marks, by offset of their first byte (`end` of the hit), ascending. Digit marks are reported only where
/// no digit stands before. Returns how many were stored, at most `capacity`, or `capacity + 1` when there were more.
ptrdiff_t tr_marks_scan(const void *text, size_t length, tr_hit *marks, size_t capacity);
/// The variant without vector instructions, for the test that compares both.
ptrdiff_t tr_marks_scan_portable(const void *text, size_t length, tr_hit *marks, size_t capacity);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
