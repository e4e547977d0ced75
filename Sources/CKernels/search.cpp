#include "tailrace_kernels.h"
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Candidates are places where the first and the last byte of the needle stand at their distance, 32 or 16 at a time;
// what lies between is compared then (Mula, "SIMD-friendly algorithms for substring searching", 2016). Longer needles,
// for which comparing could become quadratic, go to the C library, whose search is linear.
namespace {

constexpr size_t needle_max = 64;

#if defined(__x86_64__)
template <typename Load>
inline const uint8_t *confirm(Load mask, const uint8_t *at, const uint8_t *needle, size_t length) {
    while (mask) {
        const uint8_t *hit = at + __builtin_ctz(mask);
        if (length <= 2 || std::memcmp(hit + 1, needle + 1, length - 2) == 0) return hit;
        mask &= mask - 1;
    }
    return nullptr;
}

__attribute__((target("avx2"))) const uint8_t *find_avx2(const uint8_t *p, const uint8_t *stop, const uint8_t *needle,
                                                         size_t length, const uint8_t **rest) {
    const __m256i first = _mm256_set1_epi8(static_cast<char>(needle[0]));
    const __m256i last = _mm256_set1_epi8(static_cast<char>(needle[length - 1]));
    for (; stop - p >= 32; p += 32) {
        __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
        __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p + length - 1));
        uint32_t mask = static_cast<uint32_t>(
            _mm256_movemask_epi8(_mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(b, last))));
        if (const uint8_t *hit = mask ? confirm(mask, p, needle, length) : nullptr) return hit;
    }
    *rest = p;
    return nullptr;
}

const uint8_t *find_sse2(const uint8_t *p, const uint8_t *stop, const uint8_t *needle, size_t length,
                         const uint8_t **rest) {
    const __m128i first = _mm_set1_epi8(static_cast<char>(needle[0]));
    const __m128i last = _mm_set1_epi8(static_cast<char>(needle[length - 1]));
    for (; stop - p >= 16; p += 16) {
        __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
        __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + length - 1));
        uint32_t mask =
            static_cast<uint32_t>(_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last))));
        if (const uint8_t *hit = mask ? confirm(mask, p, needle, length) : nullptr) return hit;
    }
    *rest = p;
    return nullptr;
}
#endif

}  // namespace

extern "C" ptrdiff_t tr_find(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length) {
    const uint8_t *begin = static_cast<const uint8_t *>(haystack);
    const uint8_t *p = begin, *end = begin + haystack_length;
#if defined(__x86_64__)
    if (needle_length >= 2 && needle_length <= needle_max && haystack_length >= needle_length + 16) {
        const uint8_t *n = static_cast<const uint8_t *>(needle);
        // One behind the last place where it may stand.
        const uint8_t *stop = end - needle_length + 1;
        static const bool wide = __builtin_cpu_supports("avx2");
        const uint8_t *hit = wide ? find_avx2(p, stop, n, needle_length, &p) : nullptr;
        if (!hit) hit = find_sse2(p, stop, n, needle_length, &p);
        if (hit) return hit - begin;
    }
#endif
    const void *hit = memmem(p, static_cast<size_t>(end - p), needle, needle_length);
    return hit ? static_cast<const uint8_t *>(hit) - begin : -1;
}

extern "C" ptrdiff_t tr_find_last_byte(const void *bytes, size_t length, uint8_t byte) {
    const void *hit = memrchr(bytes, byte, length);
    return hit ? static_cast<const char *>(hit) - static_cast<const char *>(bytes) : -1;
}

// Unicode 15, table 3-7: the ranges of well-formed byte sequences.
extern "C" int tr_is_utf8(const void *bytes, size_t length) {
    const uint8_t *p = static_cast<const uint8_t *>(bytes), *end = p + length;
    while (p < end) {
        while (end - p >= 8) {
            uint64_t word;
            std::memcpy(&word, p, 8);
            if (word & 0x8080808080808080ull) break;
            p += 8;
        }
        if (p == end) break;
        uint8_t a = *p;
        if (a < 0x80) {
            p++;
            continue;
        }
        size_t left = static_cast<size_t>(end - p);
        auto tail = [&](size_t i) { return (p[i] & 0xC0) == 0x80; };
        if (a >= 0xC2 && a <= 0xDF) {
            if (left < 2 || !tail(1)) return 0;
            p += 2;
        } else if (a >= 0xE0 && a <= 0xEF) {
            if (left < 3 || !tail(1) || !tail(2)) return 0;
            if (a == 0xE0 && p[1] < 0xA0) return 0;
            if (a == 0xED && p[1] > 0x9F) return 0;
            p += 3;
        } else if (a >= 0xF0 && a <= 0xF4) {
            if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
            if (a == 0xF0 && p[1] < 0x90) return 0;
            if (a == 0xF4 && p[1] > 0x8F) return 0;
            p += 4;
        } else {
            return 0;
        }
    }
    return 1;
}

// Names of levels: trace, debug, fatal, critical, error, err, warning, warn, info, in any case.
namespace {
inline bool is_level_initial(uint8_t b) {
    switch (b | 0x20) {
    case 't': case 'd': case 'f': case 'c': case 'e': case 'w': case 'i': return true;
    default: return false;
    }
}
inline bool is_level_second(uint8_t first, uint8_t second) {
    second |= 0x20;
    switch (first | 0x20) {
    case 't': case 'c': case 'e': return second == 'r';
    case 'd': return second == 'e';
    case 'f': case 'w': return second == 'a';
    case 'i': return second == 'n';
    default: return false;
    }
}
// Bytes that may stand before a word.
inline bool is_level_bound(uint8_t b) {
    switch (b) {
    case ' ': case '\t': case '\n': case '"': case '\'': case '=': case '(': case '[': case '{': case '|': return true;
    default: return false;
    }
}
}  // namespace

size_t tr_level_start(const uint8_t *text, size_t length, size_t from) {
    if (length < 3) return length;
    const size_t last = length - 3;  // no name is shorter
    auto fits = [&](size_t i) {
        return (i == 0 || is_level_bound(text[i - 1])) && is_level_second(text[i], text[i + 1]);
    };
    size_t i = from;
#if defined(__SSE2__)
    for (; i + 16 <= length; i += 16) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(text + i));
        v = _mm_or_si128(v, _mm_set1_epi8(0x20));
        auto is = [&](char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
        __m128i any = _mm_or_si128(_mm_or_si128(_mm_or_si128(is('t'), is('d')), _mm_or_si128(is('f'), is('c'))),
                                   _mm_or_si128(_mm_or_si128(is('e'), is('w')), is('i')));
        for (uint32_t mask = static_cast<uint32_t>(_mm_movemask_epi8(any)); mask; mask &= mask - 1) {
            size_t at = i + static_cast<size_t>(__builtin_ctz(mask));
            if (at > last) return length;
            if (fits(at)) return at;
        }
    }
#endif
    for (; i <= last; i++)
        if (is_level_initial(text[i]) && fits(i)) return i;
    return length;
}
