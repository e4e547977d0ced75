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

struct Classes { uint64_t digit, letter, gap, special, wide; };

inline bool is_digit(uint8_t b) { return b >= '0' && b <= '9'; }
inline bool is_alphanumeric(uint8_t b) { return is_digit(b) || ((b | 32) >= 'a' && (b | 32) <= 'z'); }

Classes classify_portable(const uint8_t *p) {
    Classes c{0, 0, 0, 0, 0};
    for (int i = 0; i < 64; i++) {
        uint64_t bit = 1ull << i;
        uint8_t b = p[i];
        if (is_digit(b)) c.digit |= bit;
        if (is_alphanumeric(b) && !is_digit(b)) c.letter |= bit;
        if (b == ' ' || b == '-' || b == '.' || b == '+') c.gap |= bit;
        if (b == '@' || b == '\\' || b == '%') c.special |= bit;
        if (b >= 0x80) c.wide |= bit;
    }
    return c;
}

#if defined(__SSE2__)
inline Classes classify_vector(const uint8_t *p) {
    Classes c{0, 0, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + 16 * i));
        auto within = [](__m128i bytes, char low, char span) {
            __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
            return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(span)), shifted);
        };
        auto equal = [&](char byte) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(byte)); };
        auto bits = [&](__m128i m) { return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(m))) << (16 * i); };
        c.digit |= bits(within(v, '0', 9));
        c.letter |= bits(within(_mm_or_si128(v, _mm_set1_epi8(32)), 'a', 25));
        c.gap |= bits(_mm_or_si128(within(v, '-', 1), _mm_or_si128(equal(' '), equal('+'))));
        c.wide |= bits(v);
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

// No-break blank, thin blank, en dash, narrow no-break blank: what typography puts between the groups of a number.
inline size_t wide_gap(const uint8_t *p, size_t left) {
    if (left >= 2 && p[0] == 0xC2) return p[1] == 0xA0 ? 2 : 0;
    if (left < 3 || p[0] != 0xE2 || p[1] != 0x80) return 0;
    return p[2] == 0x89 || p[2] == 0x93 || p[2] == 0xAF ? 3 : 0;
}

// The four digits of such a gap in an escape, behind `\u`.
inline bool is_wide_gap_code(const uint8_t *p) {
    auto is = [&](char a, char b, char c, char d) {
        return p[0] == a && p[1] == b && (p[2] | 32) == (c | 32) && (p[3] | 32) == (d | 32);
    };
    return is('0', '0', 'a', '0') || is('2', '0', '0', '9') || is('2', '0', '1', '3') || is('2', '0', '2', 'f');
}

// `at`: offset of the escape, so that what stands in front can be looked at.
inline bool hides(const uint8_t *text, size_t at, size_t length) {
    const uint8_t *p = text + at;
    size_t left = length - at;
    if (p[0] == '%') return left >= 3 && is_printable_high(p[1]) && is_hex(p[2]);
    if (left >= 4 && p[1] == 'x') return is_printable_high(p[2]) && is_hex(p[3]);
    if (left < 6 || p[1] != 'u') return false;
    if (p[2] == '0' && p[3] == '0' && is_printable_high(p[4]) && is_hex(p[5])) return true;
    if (left < 7 || !is_wide_gap_code(p + 2) || !is_alphanumeric(p[6])) return false;
    // Behind a digit only, however deep the escape is: prose is full of dashes.
    size_t before = at;
    while (before > 0 && at - before < 16 && text[before - 1] == '\\') before--;
    return before > 0 && is_digit(text[before - 1]);
}

// Lengths of bank account numbers by country (ISO 13616), 0 where there are none.
struct Countries {
    uint8_t length[26 * 26] = {};
    constexpr Countries() {
        // The length in two digits, then the countries that have it.
        const char *groups =
            "15NO 16BE 18DKFIFOGLNLSDFK 19MKSI 20ATBAEEKZLTLUXKMN 21CHHRLILV 22BGBHCRDEGBGEIEMERSVA 23AEGIILIQTLOMSO "
            "24ADCZESMDPKROSASESKTNVG 25PTSTLY 26ISTR 27BIDJFRGRITMCMRSM 28ALAZBYCYDOGTHULBPLSVNI 29BREGPSQAUA "
            "30JOKWMUYE 31MTSC 32LC 33RU ";
        uint8_t current = 0;
        for (const char *g = groups; *g; g++) {
            if (*g == ' ') continue;
            if (*g <= '9') current = static_cast<uint8_t>((g[0] - '0') * 10 + g[1] - '0');
            else length[(g[0] - 'A') * 26 + g[1] - 'A'] = current;
            g++;
        }
    }
};
constexpr Countries countries;

// Whether the letters and digits of an account number stand there in full, or its groups begin. Of hexadecimal text, in
// which two letters and two digits stand everywhere, next to nothing is left by this.
inline bool is_account(const uint8_t *p, size_t left) {
    size_t length = countries.length[((p[0] | 32) - 'a') * 26 + (p[1] | 32) - 'a'];
    if (length == 0 || left < length) return false;
    if (!is_alphanumeric(p[4])) return p[4] == ' ' || p[4] == '-' || wide_gap(p + 4, left - 4) > 0;
    for (size_t i = 5; i < length; i++)
        if (!is_alphanumeric(p[i])) return false;
    return left == length || !(is_alphanumeric(p[length]) || p[length] == '_');
}

template <Classes (*classify)(const uint8_t *)>
ptrdiff_t scan(const uint8_t *text, size_t length, tr_hit *marks, size_t capacity) {
    size_t count = 0;
    uint64_t digit_before = 0;  // bit 0: the byte before this block is a digit
    uint64_t word_before = 0;  // likewise: a letter or digit
    uint64_t escapes_before = 0;  // the special bytes of the block before
    auto load = [&](size_t at) {
        if (at + 64 <= length) return classify(text + at);
        if (at >= length) return Classes{0, 0, 0, 0, 0};
        uint8_t tail[64] = {0};
        std::memcpy(tail, text + at, length - at);
        return classify(tail);
    };
    Classes here = load(0);
    for (size_t at = 0; at < length; at += 64) {
        Classes next = load(at + 64);
        Wide d = here.digit | static_cast<Wide>(next.digit) << 64;
        Wide d2 = d & d >> 1, d4 = d2 & d2 >> 2;
        uint64_t behind_digit = here.digit << 1 | digit_before;
        uint64_t first = ~behind_digit;
        uint64_t card = 0, ssn = 0;
        if (static_cast<uint64_t>(d4) | static_cast<uint64_t>(d4 >> 64)) {
            Wide g = here.gap | static_cast<Wide>(next.gap) << 64;
            Wide plain = d4 & d4 >> 4 & d4 >> 8 & d >> 12;
            Wide grouped = d4 & g >> 4 & d4 >> 5 & (g >> 9 | (d2 >> 9 & g >> 11));
            card = static_cast<uint64_t>(plain | grouped) & first;
            ssn = static_cast<uint64_t>(d2 & d >> 2 & g >> 3 & d2 >> 4 & g >> 6 & d4 >> 7) & first;
        }
        Wide l = here.letter | static_cast<Wide>(next.letter) << 64;
        uint64_t iban = static_cast<uint64_t>(l & l >> 1 & d2 >> 2);
        if (iban) {
            // Not inside a word, unless what stands in front may be an escape: `\n`, `%3D`, `\x3d`, `\u003d`, a colour's `m`.
            auto behind = [&](int n) { return here.special << n | escapes_before >> (64 - n); };
            uint64_t word = here.letter | here.digit;
            uint64_t inside = iban & (word << 1 | word_before) & ~(behind(2) | behind(3) | behind(4) | behind(6));
            iban &= ~inside;
            while (inside) {
                int i = __builtin_ctzll(inside);
                if (text[at + static_cast<size_t>(i) - 1] == 'm') iban |= 1ull << i;
                inside &= inside - 1;
            }
        }
        uint64_t wide = here.wide & behind_digit;
        uint64_t any = card | ssn | iban | wide | here.special;
        while (any) {
            int i = __builtin_ctzll(any);
            uint64_t bit = 1ull << i;
            any &= any - 1;
            const uint8_t *p = text + at + static_cast<size_t>(i);
            size_t left = length - at - static_cast<size_t>(i);
            auto put = [&](uint32_t kind) {
                if (count < capacity) marks[count] = tr_hit{kind, at + static_cast<size_t>(i)};
                count++;
            };
            if (card & bit) put(TR_MARK_CARD);
            if (ssn & bit) put(TR_MARK_SSN);
            if ((iban & bit) && is_account(p, left)) put(TR_MARK_IBAN);
            if (wide & bit) {
                size_t gap = wide_gap(p, left);
                if (gap > 0 && left > gap && is_digit(p[gap])) put(TR_MARK_WIDE_GAP);
            }
            if (here.special & bit) {
                if (*p == '@') put(TR_MARK_AT);
                else if (hides(text, at + static_cast<size_t>(i), length)) put(TR_MARK_HIDDEN);
            }
            if (count > capacity) return static_cast<ptrdiff_t>(capacity + 1);
        }
        digit_before = here.digit >> 63;
        word_before = (here.letter | here.digit) >> 63;
        escapes_before = here.special;
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
