#include "tailrace_shred.h"
#include <cstring>

// Numbers keep their spelling: a value is taken only when printing it gives the same bytes back.

namespace {

inline bool is_digit(uint8_t b) { return static_cast<uint8_t>(b - '0') < 10; }

inline size_t print(uint64_t value, uint8_t *out) {
    uint8_t digits[20];
    size_t n = 0;
    do {
        digits[n++] = static_cast<uint8_t>('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < n; i++) out[i] = digits[n - 1 - i];
    return n;
}

// Writes the sign where there is one; returns the magnitude.
inline uint64_t sign(int64_t value, uint8_t *out, size_t &at) {
    if (value >= 0) return static_cast<uint64_t>(value);
    out[at++] = '-';
    return 0 - static_cast<uint64_t>(value);
}

constexpr uint64_t power_of_ten[19] = {1ull, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull,
    100000000ull, 1000000000ull, 10000000000ull, 100000000000ull, 1000000000000ull, 10000000000000ull,
    100000000000000ull, 1000000000000000ull, 10000000000000000ull, 100000000000000000ull, 1000000000000000000ull};

constexpr size_t block = 1024;

inline uint32_t width_of(uint64_t value) { return value ? 64 - static_cast<uint32_t>(__builtin_clzll(value)) : 0; }
inline uint64_t zigzag(int64_t v) { return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63); }

inline size_t put_varint(uint64_t v, uint8_t *out) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = static_cast<uint8_t>(v | 0x80);
    out[n++] = static_cast<uint8_t>(v);
    return n;
}

// False when the bytes end or hold more than 64 bits.
inline bool get_plain(const uint8_t *&p, const uint8_t *end, uint64_t *value) {
    uint64_t v = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        if (p == end) return false;
        uint8_t b = *p++;
        if (shift == 63 && b > 1) return false;
        v |= static_cast<uint64_t>(b & 0x7F) << shift;
        if (b < 0x80) {
            *value = v;
            return true;
        }
    }
    return false;
}

// Undoes zigzag too.
inline bool get_varint(const uint8_t *&p, const uint8_t *end, uint64_t *value) {
    if (!get_plain(p, end, value)) return false;
    *value = *value >> 1 ^ (0 - (*value & 1));
    return true;
}

inline size_t packed_bytes(size_t count, uint32_t width) { return (count * width + 7) / 8; }

size_t pack(const uint64_t *values, size_t count, uint32_t width, uint8_t *out) {
    unsigned __int128 held = 0;
    uint32_t bits = 0;
    uint8_t *p = out;
    for (size_t i = 0; i < count; i++) {
        held |= static_cast<unsigned __int128>(values[i]) << bits;
        bits += width;
        while (bits >= 8) {
            *p++ = static_cast<uint8_t>(held);
            held >>= 8;
            bits -= 8;
        }
    }
    if (bits) *p++ = static_cast<uint8_t>(held);
    return static_cast<size_t>(p - out);
}

// `bytes` is followed by 16 readable ones.
inline uint64_t bits_at(const uint8_t *bytes, size_t bit, uint32_t width) {
    const uint8_t *p = bytes + (bit >> 3);
    uint32_t shift = bit & 7;
    uint64_t low;
    std::memcpy(&low, p, 8);
    low >>= shift;
    if (width + shift > 64) low |= static_cast<uint64_t>(p[8]) << (64 - shift);
    return width == 64 ? low : low & ((1ull << width) - 1);
}

}  // namespace

extern "C" {

int tr_parse_integers(const uint8_t *base, const tr_span *values, size_t count, int64_t *out) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start;
        size_t n = values[i].length;
        bool negative = n > 0 && *p == '-';
        p += negative;
        n -= negative;
        if (n == 0 || n > 18 || (*p == '0' && (n > 1 || negative))) return 0;
        uint64_t v = 0;
        for (size_t k = 0; k < n; k++) {
            if (!is_digit(p[k])) return 0;
            v = v * 10 + static_cast<uint64_t>(p[k] - '0');
        }
        out[i] = negative ? -static_cast<int64_t>(v) : static_cast<int64_t>(v);
    }
    return 1;
}

size_t tr_format_integers(const int64_t *values, size_t count, uint8_t *out, tr_span *spans) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t start = at;
        uint64_t magnitude = sign(values[i], out, at);
        at += print(magnitude, out + at);
        spans[i] = {static_cast<uint32_t>(start), static_cast<uint32_t>(at - start)};
    }
    return at;
}

int tr_parse_decimals(const uint8_t *base, const tr_span *values, size_t count, int64_t *out, int *scale, int *style) {
    // First the scale and the styles that all spellings share.
    int most = 0, least = 19;
    bool point = true, brief = true;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start;
        size_t n = values[i].length;
        if (n > 20) return 0;
        const uint8_t *mark = static_cast<const uint8_t *>(std::memchr(p, '.', n));
        int digits = mark ? static_cast<int>(p + n - mark) - 1 : 0;
        if (mark && digits == 0) return 0;
        bool zero = digits > 0 && p[n - 1] == '0';
        if (digits == 0 || (zero && digits > 1)) point = false;
        if (zero) brief = false;
        if (digits > most) most = digits;
        if (digits < least) least = digits;
    }
    if (most == 0 || most > 17) return 0;
    if (most == least) *style = TR_DECIMAL_FIXED;
    else if (point) *style = TR_DECIMAL_POINT;
    else if (brief) *style = TR_DECIMAL_SHORT;
    else return 0;
    *scale = most;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start;
        size_t n = values[i].length;
        bool negative = n > 0 && *p == '-';
        p += negative;
        n -= negative;
        if (n == 0 || !is_digit(*p) || (*p == '0' && n > 1 && p[1] != '.')) return 0;
        uint64_t v = 0;
        int digits = 0, behind = 0;
        bool seen = false;
        for (size_t k = 0; k < n; k++) {
            if (p[k] == '.') {
                if (seen) return 0;
                seen = true;
                continue;
            }
            if (!is_digit(p[k])) return 0;
            v = v * 10 + static_cast<uint64_t>(p[k] - '0');
            behind += seen;
            if (v) digits++;
        }
        if (digits + most - behind > 18 || n > 19) return 0;
        v *= power_of_ten[most - behind];
        if (negative && v == 0) return 0;
        out[i] = negative ? -static_cast<int64_t>(v) : static_cast<int64_t>(v);
    }
    return 1;
}

size_t tr_format_decimals(const int64_t *values, size_t count, int scale, int style, uint8_t *out, tr_span *spans) {
    if (scale < 1 || scale > 17) return 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t start = at;
        uint64_t magnitude = sign(values[i], out, at);
        uint64_t unit = power_of_ten[scale];
        uint64_t fraction = magnitude % unit;
        at += print(magnitude / unit, out + at);
        int digits = scale;
        if (style != TR_DECIMAL_FIXED) {
            int least = style == TR_DECIMAL_POINT ? 1 : 0;
            while (digits > least && fraction % 10 == 0) {
                fraction /= 10;
                digits--;
            }
        }
        if (digits > 0) {
            out[at] = '.';
            for (int k = digits; k > 0; k--) {
                out[at + static_cast<size_t>(k)] = static_cast<uint8_t>('0' + fraction % 10);
                fraction /= 10;
            }
            at += static_cast<size_t>(digits) + 1;
        }
        spans[i] = {static_cast<uint32_t>(start), static_cast<uint32_t>(at - start)};
    }
    return at;
}

size_t tr_pack_bound(size_t count) { return (count / block + 1) * 21 + count * 8; }

size_t tr_pack_integers(const int64_t *values, size_t count, uint8_t *out) {
    uint8_t *p = out;
    uint64_t rest[block];
    for (size_t from = 0; from < count; from += block) {
        size_t n = count - from < block ? count - from : block;
        const int64_t *v = values + from;
        // Offsets from the least value, or from the least step; differences wrap, and unwrap when read.
        int64_t least = v[0], most = v[0];
        for (size_t i = 1; i < n; i++) {
            if (v[i] < least) least = v[i];
            if (v[i] > most) most = v[i];
        }
        uint32_t plain = width_of(static_cast<uint64_t>(most) - static_cast<uint64_t>(least));
        uint32_t stepped = 65;
        int64_t step_least = 0;
        if (n > 16 && plain > 4) {
            int64_t step_most = 0;
            bool fits = true;
            for (size_t i = 1; i < n && fits; i++) {
                int64_t step;
                fits = !__builtin_sub_overflow(v[i], v[i - 1], &step);
                if (i == 1) step_least = step_most = step;
                if (step < step_least) step_least = step;
                if (step > step_most) step_most = step;
            }
            if (fits) stepped = width_of(static_cast<uint64_t>(step_most) - static_cast<uint64_t>(step_least));
        }
        bool steps = stepped + 1 < plain;
        uint32_t width = steps ? stepped : plain;
        *p++ = static_cast<uint8_t>(width << 1 | (steps ? 1 : 0));
        p += put_varint(zigzag(steps ? v[0] : least), p);
        if (steps) {
            p += put_varint(zigzag(step_least), p);
            rest[0] = 0;
            for (size_t i = 1; i < n; i++)
                rest[i] = static_cast<uint64_t>(v[i]) - static_cast<uint64_t>(v[i - 1]) -
                          static_cast<uint64_t>(step_least);
        } else {
            for (size_t i = 0; i < n; i++) rest[i] = static_cast<uint64_t>(v[i]) - static_cast<uint64_t>(least);
        }
        p += pack(rest, n, width, p);
    }
    return static_cast<size_t>(p - out);
}

int tr_unpack_integers(const uint8_t *bytes, size_t length, size_t count, size_t from, size_t to, int64_t *out) {
    if (from > to || to > count) return -1;
    const uint8_t *p = bytes, *end = bytes + length;
    size_t done = 0;
    for (size_t begin = 0; begin < to; begin += block) {
        size_t n = count - begin < block ? count - begin : block;
        if (p == end) return -1;
        uint8_t mode = *p & 1;
        uint32_t width = *p++ >> 1;
        uint64_t base, step = 0;
        if (width > 64 || !get_varint(p, end, &base)) return -1;
        if (mode == 1 && !get_varint(p, end, &step)) return -1;
        size_t size = packed_bytes(n, width);
        if (static_cast<size_t>(end - p) < size) return -1;
        if (begin + n > from) {
            size_t low = from > begin ? from - begin : 0;
            size_t high = to - begin < n ? to - begin : n;
            if (mode == 0) {
                if (width == 0)
                    for (size_t i = low; i < high; i++) out[done++] = static_cast<int64_t>(base);
                else
                    for (size_t i = low; i < high; i++)
                        out[done++] = static_cast<int64_t>(base + bits_at(p, i * width, width));
            } else {
                uint64_t v = base;
                for (size_t i = 0; i < high; i++) {
                    if (i) v += step + (width ? bits_at(p, i * width, width) : 0);
                    if (i >= low) out[done++] = static_cast<int64_t>(v);
                }
            }
        }
        p += size;
    }
    return 0;
}

int tr_unpack_runs(const uint8_t *bytes, size_t length, size_t count, size_t from, size_t to, size_t limit,
                   uint32_t *out) {
    const uint8_t *p = bytes, *end = bytes + length;
    size_t at = 0;
    while (at < to) {
        uint64_t code, repeats;
        if (!get_plain(p, end, &code) || !get_plain(p, end, &repeats)) return -1;
        if (code >= limit || repeats == 0 || repeats > count - at) return -1;
        size_t low = at < from ? from : at, high = at + repeats < to ? at + repeats : to;
        for (size_t i = low; i < high; i++) out[i - from] = static_cast<uint32_t>(code);
        at += repeats;
    }
    return 0;
}

int64_t tr_unpack_steps(const uint8_t *bytes, size_t length, size_t count, int64_t first, int64_t unit, int64_t *out) {
    const uint8_t *p = bytes, *end = bytes + length;
    uint64_t time = static_cast<uint64_t>(first), scale = static_cast<uint64_t>(unit);
    if (count) out[0] = first;
    for (size_t i = 1; i < count; i++) {
        uint64_t step;
        uint64_t word, ends;
        // Up to four bytes without a branch that is a matter of luck.
        if (end - p >= 8 && (std::memcpy(&word, p, 8), ends = ~word & 0x80808080u)) {
            uint32_t bits = static_cast<uint32_t>(__builtin_ctzll(ends)) + 1;
            word &= ~uint64_t{0} >> (64 - bits);
            step = (word & 0x7F) | (word >> 1 & 0x3F80) | (word >> 2 & 0x1FC000) | (word >> 3 & 0xFE00000);
            p += bits / 8;
        } else if (!get_plain(p, end, &step)) {
            return -1;
        }
        time += step * scale;
        out[i] = static_cast<int64_t>(time);
    }
    return p - bytes;
}

}  // extern "C"
