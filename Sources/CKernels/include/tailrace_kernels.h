// Kernels behind a plain C ABI. Nothing here allocates across the boundary but the opaque handles of RE2 and
// Vectorscan; every call takes pointer and length, none keeps a pointer after it returns, none throws.
#ifndef TAILRACE_KERNELS_H
#define TAILRACE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// ---- Checksums and hashes -------------------------------------------------------------------------------------

/// CRC32C (Castagnoli) of `length` bytes, continuing from `seed`. SSE4.2 where the processor has it, else tables.
uint32_t tr_crc32c(uint32_t seed, const void *bytes, size_t length);
/// The table variant of `tr_crc32c`, for the test that compares both.
uint32_t tr_crc32c_portable(uint32_t seed, const void *bytes, size_t length);
/// XXH3, 64 bits.
uint64_t tr_xxh3(const void *bytes, size_t length, uint64_t seed);

// ---- Search ---------------------------------------------------------------------------------------------------

/// First occurrence of `needle` in `haystack` or -1. glibc's two-way `memmem`.
ptrdiff_t tr_find(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
/// Last occurrence of `byte` or -1.
ptrdiff_t tr_find_last_byte(const void *bytes, size_t length, uint8_t byte);
/// The first place at or after `from` where the name of a level may begin – its first two letters behind the beginning or
/// one of ` \t\n"'=([{|` – or `length`.
size_t tr_level_start(const uint8_t *text, size_t length, size_t from);
/// Whether the bytes are well-formed UTF-8.
int tr_is_utf8(const void *bytes, size_t length);

// ---- JSON -----------------------------------------------------------------------------------------------------

enum {
    TR_JSON_OBJECT = 1, TR_JSON_ARRAY = 2, TR_JSON_STRING = 3, TR_JSON_NUMBER = 4,
    TR_JSON_TRUE = 5, TR_JSON_FALSE = 6, TR_JSON_NULL = 7,
};
enum { TR_JSON_ESCAPED = 1, TR_JSON_NON_ASCII = 2, TR_JSON_KEY = 4 };
enum {
    TR_JSON_E_SYNTAX = -1, TR_JSON_E_DEPTH = -2, TR_JSON_E_CAPACITY = -3, TR_JSON_E_TRAILING = -4,
};

/// One token of a document in document order. `start` and `end` exclude the quotes of a string and include the
/// brackets of a container. `next` is the index of the first token behind this one's subtree.
typedef struct {
    uint32_t start, end, next;
    uint8_t kind, flags;
    uint16_t depth;
} tr_json_token;

/// Strict RFC 8259 scan (control bytes in strings refused, UTF-8 not checked) into a flat tape; a member is a key
/// token (`TR_JSON_KEY`) followed by its value. Iterative: no recursion on foreign nesting.
/// Returns the number of tokens or one of `TR_JSON_E_*`; `*error_at` is then the offset of the fault.
ptrdiff_t tr_json_scan(const uint8_t *text, size_t length, tr_json_token *tokens, size_t capacity,
                       uint32_t depth_max, size_t *error_at);
/// Decodes the inside of a JSON string into `out` (at most `length` bytes are written: every escape shrinks).
/// A lone surrogate becomes U+FFFD. Returns the number of bytes or -1 for an invalid escape.
ptrdiff_t tr_json_unescape(const uint8_t *text, size_t length, uint8_t *out);
/// Index of the first `"` or `\\` or control byte (< 0x20) at or after `from`, or `length`.
size_t tr_json_string_end(const uint8_t *text, size_t length, size_t from);

// ---- Regular expressions (RE2) --------------------------------------------------------------------------------

typedef struct tr_regex tr_regex;
enum { TR_REGEX_DOT_NL = 1, TR_REGEX_CASELESS = 2, TR_REGEX_LATIN1 = 4, TR_REGEX_LITERAL = 8, TR_REGEX_NEVER_CAPTURE = 16 };

/// Compiles `pattern`; on failure returns NULL and fills `error` (NUL-terminated, Go's wording of the kind) and
/// `error_argument`. `memory_max` bounds program and DFA cache, in bytes.
tr_regex *_Nullable tr_regex_new(const char *pattern, size_t length, uint32_t flags, int64_t memory_max,
                                 char *error, size_t error_capacity, char *error_argument,
                                 size_t error_argument_capacity);
void tr_regex_free(tr_regex *regex);
/// anchor: 0 none, 1 at `from`, 2 both ends. 1 when it matches.
int tr_regex_match(const tr_regex *regex, const void *text, size_t length, size_t from, int anchor);
/// As `tr_regex_match`, and fills `spans` with start and end of group 0…groups-1 (-1, -1 for one that took no part).
int tr_regex_captures(const tr_regex *regex, const void *text, size_t length, size_t from, int anchor,
                      int64_t *spans, size_t groups);
int tr_regex_group_count(const tr_regex *regex);
/// Name of a group (1-based), or NULL for one without. Valid as long as the handle.
const char *_Nullable tr_regex_group_name(const tr_regex *regex, int group);
int64_t tr_regex_program_size(const tr_regex *regex);

// ---- Many patterns at once (Vectorscan) -----------------------------------------------------------------------

typedef struct tr_scanner tr_scanner;
typedef struct tr_scratch tr_scratch;
typedef struct { uint32_t id; uint64_t end; } tr_hit;
enum { TR_SCAN_CASELESS = 1, TR_SCAN_LITERAL = 2, TR_SCAN_DOTALL = 4 };

/// Compiles `count` patterns into one database. NULL with `error` filled when one does not compile.
tr_scanner *_Nullable tr_scanner_new(const char *_Nonnull const *_Nonnull patterns, const size_t *lengths,
                                     const uint32_t *flags, const uint32_t *ids, size_t count, char *error,
                                     size_t error_capacity);
void tr_scanner_free(tr_scanner *scanner);
/// Working memory of one thread for one scanner.
tr_scratch *_Nullable tr_scratch_new(const tr_scanner *scanner);
void tr_scratch_free(tr_scratch *scratch);
/// Reports the ends of matches in order of their end, without their starts. Returns how many were stored, at most
/// `capacity`; -1 on failure; `capacity + 1` when there were more (the first `capacity` are stored).
ptrdiff_t tr_scanner_scan(const tr_scanner *scanner, tr_scratch *scratch, const void *text, size_t length,
                          tr_hit *hits, size_t capacity);

/// From now on freed buffers of at least so many bytes go back to the system at once.
void tr_return_buffers(size_t bytes);

/// Freed memory of smaller buffers that each arena keeps at its end.
void tr_keep_freed(size_t bytes);

/// From now on the system writes no image of this process's memory when it crashes, and lets only root look into it.
void tr_forbid_core_dumps(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#include "tailrace_marks.h"
#include "tailrace_shred.h"

#endif
