// Lines into columns and back: the shredder, and the kernels that columns are coded with. The rules of
// tailrace_kernels.h hold here too. Buffers that are read must end in 64 readable bytes (`ByteArena` sees to that).
#ifndef TAILRACE_SHRED_H
#define TAILRACE_SHRED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// One value: where it lies in a buffer that goes with it.
typedef struct { uint32_t start, length; } tr_span;

// ---- Shredder -------------------------------------------------------------------------------------------------

/// What stands in a hole of a template. Arrays are not looked into, nor are objects of very many members.
enum {
    TR_HOLE_LINE = 0, TR_HOLE_STRING = 1, TR_HOLE_NUMBER = 2, TR_HOLE_ATOM = 3, TR_HOLE_ARRAY = 4, TR_HOLE_OBJECT = 5,
};

/// Learns templates (literal, hole, literal …, literal) of JSON lines and cuts lines into the values of their holes.
/// Template 0 is one hole of kind `TR_HOLE_LINE`, column 0: lines that no template takes.
typedef struct tr_shredder tr_shredder;
tr_shredder *_Nullable tr_shredder_new(void);
void tr_shredder_free(tr_shredder *shredder);
/// Cuts `count` lines of `text`; `template_of` gets the template of each. The values of earlier calls are dropped,
/// templates and columns stay. Without `cuts` every line gets template 0; so do lines of shapes that hardly repeat,
/// where they are many. Returns 0, or -1 when memory ran out.
/// Linear in the bytes; a line of an unknown shape costs a full parse and is learned.
int tr_shredder_run(tr_shredder *shredder, const uint8_t *text, const tr_span *lines, size_t count,
                    int cuts, uint32_t *template_of);
uint32_t tr_shredder_columns(const tr_shredder *shredder);
/// The values of a column of the last run, in the order of its rows. Returns how many; with none the pointers stay.
size_t tr_shredder_values(const tr_shredder *shredder, uint32_t column, const uint8_t *_Nullable *_Nonnull base,
                          const tr_span *_Nullable *_Nonnull spans);
/// The kind of a column and its path: keys as written in the document, each with a zero byte behind it, then the
/// number of earlier members of the same path in the same object as one byte.
int tr_shredder_column(const tr_shredder *shredder, uint32_t column, const uint8_t *_Nullable *_Nonnull path,
                       size_t *length);
uint32_t tr_shredder_templates(const tr_shredder *shredder);
/// The pieces of a template: little-endian length of a literal (4 bytes), the literal, the column of the hole behind
/// it (4 bytes; all ones at the end). One that no run has left a row to is an empty literal, as its columns' path is.
const uint8_t *tr_shredder_template(const tr_shredder *shredder, uint32_t number, size_t *length);

// ---- Rebuilding -----------------------------------------------------------------------------------------------

/// Decoded values of a column: `spans` point into `base`; `next` is the value that the next row with it takes. Without
/// `spans` the column is not at hand: its values count as empty.
typedef struct {
    const uint8_t *_Nullable base;
    const tr_span *_Nullable spans;
    size_t count, next;
} tr_values;

/// Pieces of templates, decoded for rebuilding: template t owns pieces first[t] ..< first[t + 1].
typedef struct { uint32_t literal, length, column; } tr_piece;

/// The length of each line. `values[c].next` moves on. -1 when a template, column or value is out of bounds.
int64_t tr_line_lengths(const uint32_t *template_of, size_t rows, const tr_piece *pieces, const uint32_t *first,
                        size_t templates, tr_values *values, size_t columns, uint32_t *lengths);
/// Writes the lines of the rows whose bit is set in `wanted`, back to back, into `out`, which has room for them;
/// `starts` and `lengths` get where each lies (rows not wanted: 0, 0). Returns the bytes written or -1.
int64_t tr_line_rebuild(const uint32_t *template_of, size_t rows, const uint64_t *wanted, const uint8_t *literals,
                        const tr_piece *pieces, const uint32_t *first, size_t templates, tr_values *values,
                        size_t columns, uint8_t *out, size_t room, int64_t *starts, uint32_t *lengths);

// ---- Integers -------------------------------------------------------------------------------------------------

/// All values as integers; 0 unless each is canonical (no leading zero, no `-0`, at most 18 digits).
int tr_parse_integers(const uint8_t *base, const tr_span *values, size_t count, int64_t *out);
/// Appends the text of integers: bytes at `out` (20 for each must fit) and their spans. Returns the bytes.
size_t tr_format_integers(const int64_t *values, size_t count, uint8_t *out, tr_span *spans);

enum { TR_DECIMAL_FIXED = 0, TR_DECIMAL_POINT = 1, TR_DECIMAL_SHORT = 2 };
/// All values as mantissas of one scale; 0 unless each is spelled by one style: always `scale` fraction digits; without
/// trailing zeros but with one digit behind the point; without trailing zeros and then without a point.
int tr_parse_decimals(const uint8_t *base, const tr_span *values, size_t count, int64_t *out, int *scale, int *style);
size_t tr_format_decimals(const int64_t *values, size_t count, int scale, int style, uint8_t *out, tr_span *spans);

/// Bytes that `tr_pack_integers` may need.
size_t tr_pack_bound(size_t count);
/// Blocks of 1,024 values: one byte with the width in bits, doubled, plus 1 where differences are packed; the base and,
/// for differences, the least of them (zigzag varints); the offsets from it, packed, low bits first. Returns the bytes.
size_t tr_pack_integers(const int64_t *values, size_t count, uint8_t *out);
/// Values `from` ..< `to` of `count`. 0, or -1 when the bytes do not hold them.
int tr_unpack_integers(const uint8_t *bytes, size_t length, size_t count, size_t from, size_t to, int64_t *out);

// ---- Codes ----------------------------------------------------------------------------------------------------

/// Distinct values, numbered in the order of first sight.
typedef struct tr_dictionary tr_dictionary;
tr_dictionary *_Nullable tr_dictionary_new(size_t entries_max, size_t bytes_max);
void tr_dictionary_free(tr_dictionary *dictionary);
/// The code of each value; new ones are added. 0: that would exceed the limits, or more than `fresh_max` values are
/// new; then nothing is added.
int tr_dictionary_encode(tr_dictionary *dictionary, const uint8_t *base, const tr_span *values, size_t count,
                         size_t fresh_max, uint32_t *codes);
size_t tr_dictionary_count(const tr_dictionary *dictionary);
const uint8_t *tr_dictionary_bytes(const tr_dictionary *dictionary, size_t *length);
const tr_span *tr_dictionary_spans(const tr_dictionary *dictionary);
/// Codes `from` ..< `to` of `count` that are stored as (code, repeats) in varints. -1 when the bytes do not hold them or
/// a code is not below `limit`.
int tr_unpack_runs(const uint8_t *bytes, size_t length, size_t count, size_t from, size_t to, size_t limit,
                   uint32_t *out);
/// Runs of equal codes.
size_t tr_count_runs(const uint32_t *codes, size_t count);

/// Times of one run: `first`, then steps as varints, in `unit` nanoseconds; `count` times in all. Returns the bytes read,
/// or -1 when they end early.
int64_t tr_unpack_steps(const uint8_t *bytes, size_t length, size_t count, int64_t first, int64_t unit, int64_t *out);

// ---- Times ----------------------------------------------------------------------------------------------------

/// `YYYY-MM-DD?hh:mm:ss[.fraction][suffix]`.
typedef struct {
    uint8_t separator, mark, digits, suffix_length;
    uint8_t suffix[8];
} tr_time_pattern;
/// All values as nanoseconds since 1970 of the clock they show (the suffix is not applied); 0 unless all follow one
/// pattern and print back the same.
int tr_parse_times(const uint8_t *base, const tr_span *values, size_t count, tr_time_pattern *pattern, int64_t *out);
size_t tr_time_length(const tr_time_pattern *pattern);
size_t tr_format_times(const int64_t *values, size_t count, const tr_time_pattern *pattern, uint8_t *out,
                       tr_span *spans);

// ---- Shapes ---------------------------------------------------------------------------------------------------

/// Values of one length of which each position is constant or drawn from a small alphabet.
enum { TR_SHAPE_MAX = 128 };
enum { TR_CLASS_CONSTANT = 0, TR_CLASS_HEX = 1, TR_CLASS_HEX_UPPER = 2, TR_CLASS_WORD = 3 };
typedef struct {
    uint32_t length, bits, stride;
    uint8_t constant[TR_SHAPE_MAX];
    uint8_t kind[TR_SHAPE_MAX];
} tr_shape;
/// 0 unless all values have one shape.
int tr_find_shape(const uint8_t *base, const tr_span *values, size_t count, tr_shape *shape);
/// Fills in `bits` and `stride` of a shape that was read from outside; 0 when it is not one.
int tr_check_shape(tr_shape *shape);
/// `stride` bytes a value.
void tr_pack_shape(const uint8_t *base, const tr_span *values, size_t count, const tr_shape *shape, uint8_t *out);
/// Sets the bit of each packed value that holds the needle: inside (0), at its start (1), its end (2), or is it (3).
/// Behind the last value 8 bytes must be readable.
void tr_match_shape(const uint8_t *packed, size_t count, const tr_shape *shape, const uint8_t *needle, size_t length,
                    int how, uint64_t *bits);
void tr_format_shape(const uint8_t *packed, size_t count, const tr_shape *shape, uint8_t *out, tr_span *spans);

// ---- Text with numbers ----------------------------------------------------------------------------------------

/// Cuts values into what stays the same and the numbers in it. The type of a value is its text with 0x01 for a
/// canonical integer and 0x02, width + 0x20 for one with leading zeros; 0x01 … 0x03 of the value are written behind 0x03.
typedef struct tr_text tr_text;
tr_text *_Nullable tr_text_new(void);
void tr_text_free(tr_text *text);
/// 0 when there are more than `types_max` types. Otherwise `types` gets the type of each value.
int tr_text_split(tr_text *text, const uint8_t *base, const tr_span *values, size_t count, size_t types_max,
                  uint32_t *types);
size_t tr_text_types(const tr_text *text);
/// The spelling of a type; `slots` gets how many numbers it holds.
const uint8_t *tr_text_type(const tr_text *text, size_t type, size_t *length, size_t *slots);
/// The numbers in one slot of a type, in the order of its values.
const int64_t *_Nullable tr_text_numbers(const tr_text *text, size_t type, size_t slot, size_t *count);

/// The numbers of a type while its values are put together again.
typedef struct { const int64_t *_Nullable numbers; size_t count; } tr_slot;
/// Puts values together: `types[i]` is a type whose spelling lies at `spellings[type]` of `base` and whose slots begin
/// at `first_slot[type]`; `next[type]` is how many of its values came before and moves on. Returns the bytes written
/// to `out` (of `room`), -1 when something is out of bounds, -2 when the room does not do.
int64_t tr_text_join(const uint32_t *types, size_t count, const uint8_t *base, const tr_span *spellings,
                     size_t type_count, const tr_slot *slots, const uint32_t *first_slot, size_t slot_count,
                     uint32_t *next, uint8_t *out, size_t room, tr_span *spans);

// ---- Filters --------------------------------------------------------------------------------------------------

/// Bytes of a filter for so many keys.
size_t tr_filter_bytes(size_t keys);
void tr_filter_insert(uint8_t *filter, size_t length, const uint8_t *base, const tr_span *values, size_t count);
/// 0: the key was surely not inserted.
int tr_filter_contains(const uint8_t *filter, size_t length, const uint8_t *key, size_t key_length);

enum { TR_TRIGRAMS_MAX = 32768 };
/// Which runs of three bytes occur in the values: the bytes of a table, a power of two, written to `out` of
/// `TR_TRIGRAMS_MAX` bytes; 0 where so many occur that it would say little.
size_t tr_trigrams(const uint8_t *base, const tr_span *values, size_t count, uint8_t *out);
/// 0: the text surely stands in none of the values.
int tr_trigrams_contain(const uint8_t *filter, size_t length, const uint8_t *text, size_t text_length);

/// Sets the bit of each byte that occurs, 256 bits.
void tr_charset(const uint8_t *bytes, size_t length, uint64_t *mask);
void tr_charset_values(const uint8_t *base, const tr_span *values, size_t count, uint64_t *mask);
/// Sets the bit of each value that contains (0), begins (1), ends with (2) or equals (3) the needle.
void tr_match_values(const uint8_t *base, const tr_span *values, size_t count, const uint8_t *needle, size_t length,
                     int how, uint64_t *bits);

// ---- Words ----------------------------------------------------------------------------------------------------

/// Bytes that `tr_words_pack` may need.
size_t tr_words_bound(size_t length);
/// Text with its frequent words replaced by bytes that do not occur in it. Layout: length of the text and number of
/// words (varints); of them those with a code of one byte (1 byte), first bytes of two-byte codes (1 byte), the bytes of
/// both; the lengths of the words, a byte each; the words; the text. Returns the bytes, or 0 where it is not worth it.
size_t tr_words_pack(const uint8_t *text, size_t length, uint8_t *out);
/// The length of the text; -1 when the bytes are no such text.
int64_t tr_words_length(const uint8_t *packed, size_t length);
/// `size` is what `tr_words_length` said. 0, or -1 when the bytes do not make a text of that length.
int tr_words_unpack(const uint8_t *packed, size_t length, uint8_t *out, size_t size);

// ---- Rows -----------------------------------------------------------------------------------------------------
// Sets of rows: 64 a word, the first at the lowest bit; bits behind the last row are 0.

/// Which rows have each code: (count + 63) / 64 words a code. -1 when a code is not below `width`.
int tr_bits_by_code(const uint32_t *codes, size_t count, size_t width, uint64_t *bits);
/// Which rows have a code c with wanted[c] = 1 (others are 0). -1 when a code is not below `width`.
int tr_pick_codes(const uint32_t *codes, size_t count, const uint8_t *wanted, size_t width, uint64_t *bits);
enum { TR_EQUAL = 0, TR_NOT_EQUAL = 1, TR_GREATER = 2, TR_GREATER_OR_EQUAL = 3, TR_LESS = 4, TR_LESS_OR_EQUAL = 5 };
void tr_compare_doubles(const double *values, size_t count, int op, double with, uint64_t *bits);
/// From values to rows: bit k of `values` goes to the k-th row of `present`.
void tr_spread_bits(const uint64_t *values, size_t value_words, const uint64_t *present, size_t words, uint64_t *out);
/// As `tr_spread_bits`; rows without a value get 0. -1 when there are more or fewer values than rows that have one.
int tr_expand_doubles(const double *values, size_t count, const uint64_t *present, size_t rows, double *out);
int tr_expand_codes(const uint32_t *values, size_t count, const uint64_t *present, size_t rows, uint32_t *out);
/// codes[i] += (own[i] + 1) * base for the rows present.
void tr_combine_codes(uint32_t *codes, const uint32_t *own, const uint64_t *present, size_t rows, uint32_t base);
/// -1 when a code is not below `limit`.
int tr_widen_codes(const uint8_t *bytes, size_t count, size_t limit, uint32_t *out);
int tr_narrow_codes(const int64_t *values, size_t count, size_t limit, uint32_t *out);

// ---- Samples --------------------------------------------------------------------------------------------------

/// The rows from `from` to below `to` whose bit is set; returns how many.
size_t tr_rows_of(const uint64_t *bits, size_t from, size_t to, uint32_t *rows);
/// Counting sort of those rows by their code: rows of code c come before ends[c], behind those of c - 1, in order.
/// -1 when a code is not below `width`. Without `rows` they are only counted. `ends` has room for `width`.
int tr_rows_by_code(const uint32_t *codes, const uint64_t *bits, size_t from, size_t to, size_t width, uint32_t *ends,
                    uint32_t *_Nullable rows);
void tr_gather_doubles(const double *values, const uint32_t *rows, size_t count, double *out);
/// Eight sums side by side, added up in the end.
double tr_sum_doubles(const double *values, size_t count);
/// The k-th smallest, NaN being the least, and the one behind it (itself, when there is none). Values are reordered.
/// k < count. O(count) on average, O(count log count) at worst (introselect).
double tr_select_double(double *values, size_t count, size_t k, double *next);
/// value / divisor.
void tr_scale_integers(const int64_t *values, size_t count, double divisor, double *out);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
