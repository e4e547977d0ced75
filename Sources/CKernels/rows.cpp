// Sets of rows as bits, 64 a word: from codes, from comparisons, and from the rows that have a column to all rows.
#include <cstring>

#include "tailrace_shred.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

template <typename F>
inline void each_word(size_t count, F &&test, uint64_t *bits) {
    size_t whole = count / 64;
    for (size_t w = 0; w < whole; w++) {
        uint64_t word = 0;
        for (size_t i = 0; i < 64; i++) word |= static_cast<uint64_t>(test(w * 64 + i)) << i;
        bits[w] = word;
    }
    if (count & 63) {
        uint64_t word = 0;
        for (size_t i = whole * 64; i < count; i++) word |= static_cast<uint64_t>(test(i)) << (i & 63);
        bits[whole] = word;
    }
}

inline uint64_t take(const uint64_t *bits, size_t words, size_t at) {
    size_t w = at >> 6, shift = at & 63;
    uint64_t low = w < words ? bits[w] >> shift : 0;
    return shift && w + 1 < words ? low | bits[w + 1] << (64 - shift) : low;
}

inline uint64_t deposit_portable(uint64_t source, uint64_t mask) {
    uint64_t out = 0;
    for (; mask; mask &= mask - 1, source >>= 1)
        if (source & 1) out |= mask & (~mask + 1);
    return out;
}

template <typename D>
inline void spread(const uint64_t *values, size_t value_words, const uint64_t *present, size_t words, uint64_t *out,
                   D &&deposit) {
    size_t at = 0;
    for (size_t w = 0; w < words; w++) {
        out[w] = deposit(take(values, value_words, at), present[w]);
        at += static_cast<size_t>(__builtin_popcountll(present[w]));
    }
}

#if defined(__x86_64__)
__attribute__((target("bmi2,popcnt"))) void spread_bmi2(const uint64_t *values, size_t value_words,
                                                        const uint64_t *present, size_t words, uint64_t *out) {
    size_t at = 0;
    for (size_t w = 0; w < words; w++) {
        out[w] = _pdep_u64(take(values, value_words, at), present[w]);
        at += static_cast<size_t>(__builtin_popcountll(present[w]));
    }
}
#endif

template <typename T>
inline int expand(const T *values, size_t count, const uint64_t *present, size_t rows, T *out) {
    size_t at = 0;
    for (size_t from = 0; from < rows; from += 64) {
        size_t n = rows - from < 64 ? rows - from : 64;
        uint64_t word = present[from / 64];
        if (n < 64) word &= (uint64_t{1} << n) - 1;
        size_t have = static_cast<size_t>(__builtin_popcountll(word));
        if (count - at < have) return -1;
        if (have == n) {
            std::memcpy(out + from, values + at, n * sizeof(T));
        } else {
            std::memset(out + from, 0, n * sizeof(T));
            const T *next = values + at;
            for (; word; word &= word - 1) out[from + static_cast<size_t>(__builtin_ctzll(word))] = *next++;
        }
        at += have;
    }
    return at == count ? 0 : -1;
}

}  // namespace

extern "C" {

int tr_bits_by_code(const uint32_t *codes, size_t count, size_t width, uint64_t *bits) {
    size_t words = (count + 63) / 64;
    std::memset(bits, 0, words * width * sizeof *bits);
    for (size_t i = 0; i < count;) {
        // Runs are common: templates of one kind of line follow each other.
        uint32_t code = codes[i];
        if (code >= width) return -1;
        size_t end = i + 1, border = count < (i | 63) + 1 ? count : (i | 63) + 1;
        while (end < border && codes[end] == code) end++;
        size_t n = end - i;
        bits[code * words + (i >> 6)] |= (n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1) << (i & 63);
        i = end;
    }
    return 0;
}

int tr_pick_codes(const uint32_t *codes, size_t count, const uint8_t *wanted, size_t width, uint64_t *bits) {
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) most = codes[i] > most ? codes[i] : most;
    if (count && most >= width) return -1;
    each_word(count, [&](size_t i) { return wanted[codes[i]]; }, bits);
    return 0;
}

void tr_compare_doubles(const double *values, size_t count, int op, double with, uint64_t *bits) {
    switch (op) {
    case TR_EQUAL: return each_word(count, [&](size_t i) { return values[i] == with; }, bits);
    case TR_NOT_EQUAL: return each_word(count, [&](size_t i) { return values[i] != with; }, bits);
    case TR_GREATER: return each_word(count, [&](size_t i) { return values[i] > with; }, bits);
    case TR_GREATER_OR_EQUAL: return each_word(count, [&](size_t i) { return values[i] >= with; }, bits);
    case TR_LESS: return each_word(count, [&](size_t i) { return values[i] < with; }, bits);
    default: return each_word(count, [&](size_t i) { return values[i] <= with; }, bits);
    }
}

void tr_spread_bits(const uint64_t *values, size_t value_words, const uint64_t *present, size_t words, uint64_t *out) {
#if defined(__x86_64__)
    static const bool fast = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    if (fast) return spread_bmi2(values, value_words, present, words, out);
#endif
    spread(values, value_words, present, words, out, deposit_portable);
}

int tr_expand_doubles(const double *values, size_t count, const uint64_t *present, size_t rows, double *out) {
    return expand(values, count, present, rows, out);
}

int tr_expand_codes(const uint32_t *values, size_t count, const uint64_t *present, size_t rows, uint32_t *out) {
    return expand(values, count, present, rows, out);
}

void tr_combine_codes(uint32_t *codes, const uint32_t *own, const uint64_t *present, size_t rows, uint32_t base) {
    for (size_t i = 0; i < rows; i++)
        codes[i] += (own[i] + 1) * base * static_cast<uint32_t>(present[i >> 6] >> (i & 63) & 1);
}

int tr_widen_codes(const uint8_t *bytes, size_t count, size_t limit, uint32_t *out) {
    uint8_t most = 0;
    for (size_t i = 0; i < count; i++) most = bytes[i] > most ? bytes[i] : most;
    if (count && most >= limit) return -1;
    for (size_t i = 0; i < count; i++) out[i] = bytes[i];
    return 0;
}

int tr_narrow_codes(const int64_t *values, size_t count, size_t limit, uint32_t *out) {
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t v = static_cast<uint64_t>(values[i]);
        most = v > most ? v : most;
        out[i] = static_cast<uint32_t>(v);
    }
    return count && most >= limit ? -1 : 0;
}

}  // extern "C"
