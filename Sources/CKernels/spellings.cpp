#include "tailrace_kernels.h"
#include "tailrace_shred.h"
#include <cstring>

// Times and fixed shapes: text that says less than its length.

namespace {

inline bool is_digit(uint8_t b) { return static_cast<uint8_t>(b - '0') < 10; }
inline int two(const uint8_t *p) { return (p[0] - '0') * 10 + (p[1] - '0'); }

// Days since 1970 of a civil date and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
int64_t days_from_civil(int64_t y, unsigned m, unsigned d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = static_cast<unsigned>(y - era * 400);
    unsigned doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + static_cast<int64_t>(doe) - 719468;
}

void civil_from_days(int64_t z, int64_t *year, unsigned *month, unsigned *day) {
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = static_cast<unsigned>(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp + (mp < 10 ? 3 : -9);
    *year = static_cast<int64_t>(yoe) + era * 400 + (*month <= 2);
}

constexpr int64_t nanoseconds[10] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

inline bool is_pattern(const tr_time_pattern *p) { return p->digits <= 9 && p->suffix_length <= 8; }

inline uint8_t class_of(uint8_t b) {
    if (is_digit(b)) return 1 | 2 | 4;
    if (b >= 'a' && b <= 'f') return 1 | 4;
    if (b >= 'A' && b <= 'F') return 2 | 4;
    if ((static_cast<uint8_t>((b | 32) - 'a') < 26) || b == '-' || b == '_') return 4;
    return 0;
}

constexpr char alphabet[65] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
constexpr char alphabet_upper[17] = "0123456789ABCDEF";

struct Digits {
    uint8_t low[256] = {}, upper[256] = {};
    constexpr Digits() {
        for (int i = 0; i < 64; i++) low[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
        for (int i = 0; i < 16; i++) upper[static_cast<uint8_t>(alphabet_upper[i])] = static_cast<uint8_t>(i);
    }
};
constexpr Digits digits;

struct Pairs {
    uint8_t text[256][2] = {};
    constexpr Pairs() {
        for (int i = 0; i < 256; i++) {
            text[i][0] = static_cast<uint8_t>(alphabet[i >> 4]);
            text[i][1] = static_cast<uint8_t>(alphabet[i & 15]);
        }
    }
};
constexpr Pairs pairs;

inline uint32_t bits_of(uint8_t kind) {
    return kind == TR_CLASS_WORD ? 6 : kind == TR_CLASS_CONSTANT ? 0 : 4;
}

// A needle at one place of a packed value: the bits that it fixes.
struct Place {
    bool fits = false;
    // Number of the first digit, where the needle lies in digits of four bits that follow each other; else -1.
    int digits_from = -1;
    uint8_t mask[TR_SHAPE_MAX * 6 / 8 + 8], wanted[TR_SHAPE_MAX * 6 / 8 + 8];

    bool fit(const tr_shape &shape, const uint8_t *needle, size_t length, uint32_t at) {
        std::memset(mask, 0, sizeof mask);
        std::memset(wanted, 0, sizeof wanted);
        uint32_t bit = 0;
        bool plain = true;
        for (uint32_t k = 0; k < shape.length; k++) {
            uint8_t kind = shape.kind[k];
            bool inside = k >= at && k < at + length;
            uint8_t b = inside ? needle[k - at] : 0;
            if (kind == TR_CLASS_CONSTANT) {
                if (inside && b != shape.constant[k]) return false;
                if (inside) plain = false;
                continue;
            }
            uint32_t width = bits_of(kind);
            if (k < at + length && width != 4) plain = false;
            if (!inside) {
                bit += width;
                continue;
            }
            if (k == at) digits_from = static_cast<int>(bit / 4);
            bool is_upper = kind == TR_CLASS_HEX_UPPER;
            uint32_t digit = is_upper ? digits.upper[b] : digits.low[b];
            uint8_t back = static_cast<uint8_t>(is_upper ? alphabet_upper[digit & 15] : alphabet[digit & 63]);
            if (digit >= 1u << width || back != b) return false;
            for (uint32_t i = 0; i < width; i++, bit++) {
                mask[bit / 8] |= static_cast<uint8_t>(0x80u >> (bit & 7));
                if (digit >> (width - 1 - i) & 1) wanted[bit / 8] |= static_cast<uint8_t>(0x80u >> (bit & 7));
            }
        }
        if (!plain) digits_from = -1;
        fits = true;
        return true;
    }

    bool holds(const uint8_t *value, size_t stride) const {
        for (size_t i = 0; i < stride; i++)
            if ((value[i] & mask[i]) != wanted[i]) return false;
        return true;
    }
};

}  // namespace

extern "C" {

int tr_parse_times(const uint8_t *base, const tr_span *values, size_t count, tr_time_pattern *pattern, int64_t *out) {
    if (count == 0 || values[0].length < 19 || values[0].length > 37) return 0;
    const uint8_t *first = base + values[0].start;
    uint32_t length = values[0].length, at = 19;
    std::memset(pattern, 0, sizeof *pattern);
    pattern->separator = first[10];
    if (pattern->separator != 'T' && pattern->separator != ' ' && pattern->separator != 't') return 0;
    if (at + 1 < length && (first[at] == '.' || first[at] == ',') && is_digit(first[at + 1])) {
        pattern->mark = first[at++];
        while (at < length && is_digit(first[at])) at++;
        if (at - 20 > 9) return 0;
        pattern->digits = static_cast<uint8_t>(at - 20);
    }
    if (length - at > 8) return 0;
    pattern->suffix_length = static_cast<uint8_t>(length - at);
    std::memcpy(pattern->suffix, first + at, pattern->suffix_length);
    const uint8_t *known = nullptr;  // the value whose date and minute `minutes` is
    int64_t minutes = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start;
        if (values[i].length != length) return 0;
        if (!known || std::memcmp(p, known, 16) != 0) {
            static const uint8_t places[12] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15};
            for (uint8_t place : places)
                if (!is_digit(p[place])) return 0;
            if (p[4] != '-' || p[7] != '-' || p[10] != pattern->separator || p[13] != ':') return 0;
            int year = two(p) * 100 + two(p + 2), month = two(p + 5), day = two(p + 8), hour = two(p + 11),
                minute = two(p + 14);
            static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            // Nanoseconds in 64 bits: 1678 to 2261.
            if (year < 1700 || year > 2250 || month < 1 || month > 12 || hour > 23 || minute > 59) return 0;
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            if (day < 1 || day > lengths[month - 1] + (leap && month == 2)) return 0;
            minutes = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * 1440 +
                      hour * 60 + minute;
            known = p;
        }
        if (p[16] != ':' || !is_digit(p[17]) || !is_digit(p[18]) || two(p + 17) > 59) return 0;
        int64_t fraction = 0;
        if (pattern->digits) {
            if (p[19] != pattern->mark) return 0;
            for (uint32_t k = 0; k < pattern->digits; k++) {
                if (!is_digit(p[20 + k])) return 0;
                fraction = fraction * 10 + (p[20 + k] - '0');
            }
        }
        if (std::memcmp(p + length - pattern->suffix_length, pattern->suffix, pattern->suffix_length) != 0) return 0;
        out[i] = (minutes * 60 + two(p + 17)) * 1000000000 + fraction * nanoseconds[pattern->digits];
    }
    return 1;
}

size_t tr_time_length(const tr_time_pattern *p) { return 19 + (p->digits ? p->digits + 1u : 0) + p->suffix_length; }

size_t tr_format_times(const int64_t *values, size_t count, const tr_time_pattern *pattern, uint8_t *out,
                       tr_span *spans) {
    if (!is_pattern(pattern)) return 0;
    size_t length = tr_time_length(pattern);
    int64_t known = INT64_MIN;
    uint8_t head[17];
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = out + i * length;
        int64_t seconds = values[i] / 1000000000, rest = values[i] % 1000000000;
        if (rest < 0) {
            rest += 1000000000;
            seconds--;
        }
        int64_t minutes = seconds / 60, second = seconds % 60;
        if (second < 0) {
            second += 60;
            minutes--;
        }
        auto put = [](uint8_t *at, unsigned v) {
            at[0] = static_cast<uint8_t>('0' + v / 10 % 10);
            at[1] = static_cast<uint8_t>('0' + v % 10);
        };
        if (minutes != known) {
            known = minutes;
            int64_t days = minutes / 1440, left = minutes % 1440, year;
            if (left < 0) {
                left += 1440;
                days--;
            }
            unsigned month, day;
            civil_from_days(days, &year, &month, &day);
            put(head, static_cast<unsigned>(year / 100));
            put(head + 2, static_cast<unsigned>(year % 100));
            head[4] = head[7] = '-';
            put(head + 5, month);
            put(head + 8, day);
            head[10] = pattern->separator;
            put(head + 11, static_cast<unsigned>(left / 60));
            head[13] = ':';
            put(head + 14, static_cast<unsigned>(left % 60));
            head[16] = ':';
        }
        std::memcpy(p, head, 17);
        put(p + 17, static_cast<unsigned>(second));
        uint8_t *q = p + 19;
        if (pattern->digits) {
            *q = pattern->mark;
            int64_t fraction = rest / nanoseconds[pattern->digits];
            for (uint32_t k = pattern->digits; k > 0; k--) {
                q[k] = static_cast<uint8_t>('0' + fraction % 10);
                fraction /= 10;
            }
            q += pattern->digits + 1;
        }
        std::memcpy(q, pattern->suffix, pattern->suffix_length);
        spans[i] = {static_cast<uint32_t>(i * length), static_cast<uint32_t>(length)};
    }
    return count * length;
}

int tr_find_shape(const uint8_t *base, const tr_span *values, size_t count, tr_shape *shape) {
    if (count == 0 || values[0].length == 0 || values[0].length > TR_SHAPE_MAX) return 0;
    std::memset(shape, 0, sizeof *shape);
    shape->length = values[0].length;
    std::memcpy(shape->constant, base + values[0].start, shape->length);
    uint8_t common[TR_SHAPE_MAX], differs[TR_SHAPE_MAX];
    for (uint32_t k = 0; k < shape->length; k++) {
        common[k] = class_of(shape->constant[k]);
        differs[k] = 0;
    }
    for (size_t i = 1; i < count; i++) {
        if (values[i].length != shape->length) return 0;
        const uint8_t *p = base + values[i].start;
        uint8_t lost = 0;
        for (uint32_t k = 0; k < shape->length; k++) {
            differs[k] |= p[k] ^ shape->constant[k];
            common[k] &= class_of(p[k]);
            lost |= differs[k] && !common[k];
        }
        if (lost) return 0;
    }
    for (uint32_t k = 0; k < shape->length; k++)
        shape->kind[k] = !differs[k]       ? TR_CLASS_CONSTANT
                         : common[k] & 1 ? TR_CLASS_HEX
                         : common[k] & 2 ? TR_CLASS_HEX_UPPER
                                         : TR_CLASS_WORD;
    return tr_check_shape(shape);
}

int tr_check_shape(tr_shape *shape) {
    if (shape->length == 0 || shape->length > TR_SHAPE_MAX) return 0;
    shape->bits = 0;
    for (uint32_t k = 0; k < shape->length; k++) {
        if (shape->kind[k] > TR_CLASS_WORD) return 0;
        shape->bits += bits_of(shape->kind[k]);
    }
    shape->stride = (shape->bits + 7) / 8;
    return 1;
}

void tr_pack_shape(const uint8_t *base, const tr_span *values, size_t count, const tr_shape *shape, uint8_t *out) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start;
        uint32_t held = 0, bits = 0;
        for (uint32_t k = 0; k < shape->length; k++) {
            uint8_t kind = shape->kind[k];
            if (kind == TR_CLASS_CONSTANT) continue;
            uint32_t digit = kind == TR_CLASS_HEX_UPPER ? digits.upper[p[k]] : digits.low[p[k]];
            uint32_t width = bits_of(kind);
            held = held << width | digit;
            bits += width;
            if (bits >= 8) {
                bits -= 8;
                *out++ = static_cast<uint8_t>(held >> bits);
            }
        }
        if (bits) *out++ = static_cast<uint8_t>(held << (8 - bits));
    }
}

void tr_format_shape(const uint8_t *packed, size_t count, const tr_shape *shape, uint8_t *out, tr_span *spans) {
    // Most shapes are constants around one run of whole bytes of hexadecimal digits.
    uint32_t first = 0, last = shape->length;
    while (first < last && shape->kind[first] == TR_CLASS_CONSTANT) first++;
    while (last > first && shape->kind[last - 1] == TR_CLASS_CONSTANT) last--;
    bool plain = (last - first) % 2 == 0;
    for (uint32_t k = first; k < last && plain; k++) plain = shape->kind[k] == TR_CLASS_HEX;
    if (plain) {
        for (size_t i = 0; i < count; i++) {
            uint8_t *p = out + i * shape->length;
            std::memcpy(p, shape->constant, shape->length);
            for (uint32_t k = first; k < last; k += 2) std::memcpy(p + k, pairs.text[*packed++], 2);
            spans[i] = {static_cast<uint32_t>(i * shape->length), shape->length};
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t held = 0, bits = 0;
        uint8_t *p = out + i * shape->length;
        for (uint32_t k = 0; k < shape->length; k++) {
            uint8_t kind = shape->kind[k];
            if (kind == TR_CLASS_CONSTANT) {
                p[k] = shape->constant[k];
                continue;
            }
            uint32_t width = bits_of(kind);
            if (bits < width) {
                held = held << 8 | *packed++;
                bits += 8;
            }
            bits -= width;
            uint32_t digit = held >> bits & ((1u << width) - 1);
            p[k] = static_cast<uint8_t>(kind == TR_CLASS_HEX_UPPER ? alphabet_upper[digit] : alphabet[digit]);
        }
        spans[i] = {static_cast<uint32_t>(i * shape->length), shape->length};
    }
}

void tr_match_shape(const uint8_t *packed, size_t count, const tr_shape *shape, const uint8_t *needle, size_t length,
                    int how, uint64_t *bits) {
    if (length == 0) {
        for (size_t i = 0; i < count; i++) bits[i >> 6] |= 1ull << (i & 63);
        return;
    }
    if (length > shape->length || (how == 3 && length != shape->length)) return;
    uint32_t first = how == 2 ? shape->length - static_cast<uint32_t>(length) : 0;
    uint32_t last = how == 1 || how == 3 ? 0 : shape->length - static_cast<uint32_t>(length);
    // What a value must be under a mask, for each place where the needle may stand.
    Place places[TR_SHAPE_MAX];
    // The place of each digit of packed hexadecimal, where the needle may begin with it and holds nothing else.
    int8_t place_of[TR_SHAPE_MAX * 2];
    std::memset(place_of, -1, sizeof place_of);
    size_t hexadecimal = 0;
    for (uint32_t at = first; at <= last; at++) {
        Place &place = places[at];
        if (!place.fit(*shape, needle, length, at)) continue;
        if (place.digits_from >= 0) {
            place_of[place.digits_from] = static_cast<int8_t>(at);
            hexadecimal++;
        }
    }
    size_t stride = shape->stride;
    // Many places are found at once: whole bytes of the needle, at both halves of a byte, searched for in all values.
    bool lower = false, upper = false;
    for (size_t k = 0; k < length; k++) {
        lower |= needle[k] >= 'a' && needle[k] <= 'f';
        upper |= needle[k] >= 'A' && needle[k] <= 'F';
    }
    bool searches = hexadecimal > 3 && length >= 6 && !(lower && upper);
    if (searches) {
        for (size_t half = 0; half < 2; half++) {
            uint8_t core[TR_SHAPE_MAX];
            size_t bytes = (length - half) / 2;
            for (size_t i = 0; i < bytes; i++) {
                const uint8_t *d = needle + half + 2 * i;
                core[i] = upper ? static_cast<uint8_t>(digits.upper[d[0]] << 4 | digits.upper[d[1]])
                                : static_cast<uint8_t>(digits.low[d[0]] << 4 | digits.low[d[1]]);
            }
            const uint8_t *p = packed, *end = packed + count * stride;
            for (;;) {
                ptrdiff_t found = tr_find(p, static_cast<size_t>(end - p), core, bytes);
                if (found < 0) break;
                size_t offset = static_cast<size_t>(p - packed) + static_cast<size_t>(found);
                size_t value = offset / stride, digit = offset % stride * 2;
                if (digit >= half && place_of[digit - half] >= 0) {
                    const Place &place = places[place_of[digit - half]];
                    if (place.holds(packed + value * stride, stride)) bits[value >> 6] |= 1ull << (value & 63);
                }
                p = packed + offset + 1;
            }
        }
    }
    for (uint32_t at = first; at <= last; at++) {
        const Place &place = places[at];
        if (!place.fits || (searches && place.digits_from >= 0)) continue;
        // The eight bytes from the first that matters decide most.
        size_t from = 0;
        while (from < stride && !place.mask[from]) from++;
        uint64_t mask_word = 0, wanted_word = 0;
        for (size_t i = 0; i < 8 && from + i < stride; i++) {
            mask_word |= static_cast<uint64_t>(place.mask[from + i]) << (8 * i);
            wanted_word |= static_cast<uint64_t>(place.wanted[from + i]) << (8 * i);
        }
        const uint8_t *p = packed + from;
        for (size_t begin = 0; begin < count; begin += 64) {
            size_t n = count - begin < 64 ? count - begin : 64;
            uint64_t word = 0;
            for (size_t i = 0; i < n; i++, p += stride) {
                uint64_t v;
                std::memcpy(&v, p, 8);
                word |= static_cast<uint64_t>((v & mask_word) == wanted_word) << i;
            }
            for (uint64_t rest = stride > from + 8 ? word : 0; rest; rest &= rest - 1) {
                size_t i = static_cast<size_t>(__builtin_ctzll(rest));
                if (!place.holds(packed + (begin + i) * stride, stride)) word &= ~(uint64_t{1} << i);
            }
            bits[begin >> 6] |= word;
        }
    }
}

void tr_charset(const uint8_t *bytes, size_t length, uint64_t *mask) {
    for (size_t i = 0; i < length; i++) mask[bytes[i] >> 6] |= 1ull << (bytes[i] & 63);
}

void tr_charset_values(const uint8_t *base, const tr_span *values, size_t count, uint64_t *mask) {
    // A store a byte, none waiting for another.
    bool seen[256] = {false};
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start, *end = p + values[i].length;
        for (; end - p >= 4; p += 4) seen[p[0]] = seen[p[1]] = seen[p[2]] = seen[p[3]] = true;
        for (; p < end; p++) seen[*p] = true;
    }
    for (size_t b = 0; b < 256; b++)
        if (seen[b]) mask[b >> 6] |= 1ull << (b & 63);
}

}  // extern "C"
