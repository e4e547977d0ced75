#include "tailrace_marks.h"
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// The text is cut into blocks of 64 bytes; each block becomes one bit mask per byte class, and a shape such as
// `ddd-dd-dddd` becomes a conjunction of shifted masks. Shapes are at most 16 bytes long, so that two blocks side by
// side in 128 bits hold every shape that begins in the first one.

namespace {

typedef unsigned __int128 Wide;

struct Classes { uint64_t digit, upper, gap, special; };

Classes classify_portable(const uint8_t *p) {
    Classes c{0, 0, 0, 0};
    for (int i = 0; i < 64; i++) {
        uint64_t bit = 1ull << i;
        uint8_t b = p[i];
        if (b >= '0' && b <= '9') c.digit |= bit;
        if (b >= 'A' && b <= 'Z') c.upper |= bit;
        if (b == ' ' || b == '-') c.gap |= bit;
        if (b == '@' || b == '\\' || b == '%') c.special |= bit;
    }
    return c;
}

#if defined(__SSE2__)
inline Classes classify_vector(const uint8_t *p) {
    Classes c{0, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + 16 * i));
        auto within = [&](char low, char span) {
            __m128i shifted = _mm_sub_epi8(v, _mm_set1_epi8(low));
            return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(span)), shifted);
        };
        auto equal = [&](char byte) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(byte)); };
        auto bits = [&](__m128i m) { return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(m))) << (16 * i); };
        c.digit |= bits(within('0', 9));
        c.upper |= bits(within('A', 25));
        c.gap |= bits(_mm_or_si128(equal(' '), equal('-')));
        c.special |= bits(_mm_or_si128(equal('@'), _mm_or_si128(equal('\\'), equal('%'))));
    }
    return c;
}
#else
inline Classes classify_vector(const uint8_t *p) { return classify_portable(p); }
#endif

inline bool is_hex(uint8_t b) { return (b >= '0' && b <= '9') || ((b | 32) >= 'a' && (b | 32) <= 'f'); }
// The first hexadecimal digit of a printable ASCII byte.
inline bool is_printable_high(uint8_t b) { return b >= '2' && b <= '7'; }

inline bool hides(const uint8_t *p, size_t left) {
    if (p[0] == '%') return left >= 3 && is_printable_high(p[1]) && is_hex(p[2]);
    if (left >= 4 && p[1] == 'x') return is_printable_high(p[2]) && is_hex(p[3]);
    return left >= 6 && p[1] == 'u' && p[2] == '0' && p[3] == '0' && is_printable_high(p[4]) && is_hex(p[5]);
}

template <Classes (*classify)(const uint8_t *)>
ptrdiff_t scan(const uint8_t *text, size_t length, tr_hit *marks, size_t capacity) {
    size_t count = 0;
    uint64_t digit_before = 0;  // bit 0: the byte before this block is a digit
    auto load = [&](size_t at) {
        if (at + 64 <= length) return classify(text + at);
        if (at >= length) return Classes{0, 0, 0, 0};
        uint8_t tail[64] = {0};
        std::memcpy(tail, text + at, length - at);
        return classify(tail);
    };
    Classes here = load(0);
    for (size_t at = 0; at < length; at += 64) {
        Classes next = load(at + 64);
        Wide d = here.digit | static_cast<Wide>(next.digit) << 64;
        Wide d2 = d & d >> 1, d4 = d2 & d2 >> 2;
        uint64_t first = ~(here.digit << 1 | digit_before);
        uint64_t card = 0, ssn = 0;
        if (static_cast<uint64_t>(d4) | static_cast<uint64_t>(d4 >> 64)) {
            Wide g = here.gap | static_cast<Wide>(next.gap) << 64;
            Wide plain = d4 & d4 >> 4 & d4 >> 8 & d >> 12;
            Wide grouped = d4 & g >> 4 & d4 >> 5 & (g >> 9 | (d2 >> 9 & g >> 11));
            card = static_cast<uint64_t>(plain | grouped) & first;
            ssn = static_cast<uint64_t>(d2 & d >> 2 & g >> 3 & d2 >> 4 & g >> 6 & d4 >> 7) & first;
        }
        Wide u = here.upper | static_cast<Wide>(next.upper) << 64;
        uint64_t iban = static_cast<uint64_t>(u & u >> 1 & d2 >> 2);
        uint64_t any = card | ssn | iban | here.special;
        while (any) {
            int i = __builtin_ctzll(any);
            uint64_t bit = 1ull << i;
            any &= any - 1;
            const uint8_t *p = text + at + static_cast<size_t>(i);
            auto put = [&](uint32_t kind) {
                if (count < capacity) marks[count] = tr_hit{kind, at + static_cast<size_t>(i)};
                count++;
            };
            if (card & bit) put(TR_MARK_CARD);
            if (ssn & bit) put(TR_MARK_SSN);
            if (iban & bit) put(TR_MARK_IBAN);
            if (here.special & bit) {
                if (*p == '@') put(TR_MARK_AT);
                else if (hides(p, length - at - static_cast<size_t>(i))) put(TR_MARK_HIDDEN);
            }
            if (count > capacity) return static_cast<ptrdiff_t>(capacity + 1);
        }
        digit_before = here.digit >> 63;
        here = next;
    }
    return static_cast<ptrdiff_t>(count);
}

}  // namespace

extern "C" ptrdiff_t tr_marks_scan(const void *text, size_t length, tr_hit *marks, size_t capacity) {
    return scan<classify_vector>(static_cast<const uint8_t *>(text), length, marks, capacity);
}

extern "C" ptrdiff_t tr_marks_scan_portable(const void *text, size_t length, tr_hit *marks, size_t capacity) {
    return scan<classify_portable>(static_cast<const uint8_t *>(text), length, marks, capacity);
}
