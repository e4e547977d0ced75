#include "tailrace_kernels.h"
#include <cstring>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace {

inline bool is_special(uint8_t c) { return c == '"' || c == '\\' || c < 0x20; }

// First byte that ends a run of plain string bytes. `non_ascii` gathers whether a byte above 0x7F was passed.
inline size_t plain_run(const uint8_t *text, size_t length, size_t i, uint8_t *non_ascii) {
#if defined(__x86_64__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), limit = _mm_set1_epi8(0x1f);
    while (i + 16 <= length) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(text + i));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                                   _mm_cmpeq_epi8(_mm_min_epu8(v, limit), v));
        unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
        unsigned high = static_cast<unsigned>(_mm_movemask_epi8(v));
        if (mask) {
            unsigned n = static_cast<unsigned>(__builtin_ctz(mask));
            if (high & ((1u << n) - 1u)) *non_ascii = 1;
            return i + n;
        }
        if (high) *non_ascii = 1;
        i += 16;
    }
#endif
    while (i < length && !is_special(text[i])) {
        if (text[i] & 0x80) *non_ascii = 1;
        i++;
    }
    return i;
}

inline int hex4(const uint8_t *p) {
    int value = 0;
    for (int k = 0; k < 4; k++) {
        uint8_t c = p[k];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0) return -1;
        value = value * 16 + d;
    }
    return value;
}

inline size_t skip_space(const uint8_t *t, size_t n, size_t i) {
    while (i < n && (t[i] == ' ' || t[i] == '\n' || t[i] == '\t' || t[i] == '\r')) i++;
    return i;
}

// Offset behind the closing quote, or 0 with *at set to the fault. `i` is behind the opening quote.
inline size_t scan_string(const uint8_t *t, size_t n, size_t i, uint8_t *flags, size_t *at) {
    uint8_t non_ascii = 0;
    for (;;) {
        i = plain_run(t, n, i, &non_ascii);
        if (i >= n) { *at = n; return 0; }
        if (t[i] == '"') {
            if (non_ascii) *flags |= TR_JSON_NON_ASCII;
            return i + 1;
        }
        if (t[i] != '\\') { *at = i; return 0; }
        *flags |= TR_JSON_ESCAPED;
        if (i + 1 >= n) { *at = n; return 0; }
        switch (t[i + 1]) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': i += 2; break;
        case 'u':
            if (i + 6 > n || hex4(t + i + 2) < 0) { *at = i; return 0; }
            i += 6;
            break;
        default: *at = i; return 0;
        }
    }
}

inline bool digit(const uint8_t *t, size_t n, size_t i) { return i < n && t[i] >= '0' && t[i] <= '9'; }

inline size_t scan_number(const uint8_t *t, size_t n, size_t i) {
    size_t start = i;
    if (t[i] == '-') i++;
    if (!digit(t, n, i)) return start;
    if (t[i] == '0') i++;
    else while (digit(t, n, i)) i++;
    if (i < n && t[i] == '.') {
        i++;
        if (!digit(t, n, i)) return start;
        while (digit(t, n, i)) i++;
    }
    if (i < n && (t[i] == 'e' || t[i] == 'E')) {
        i++;
        if (i < n && (t[i] == '+' || t[i] == '-')) i++;
        if (!digit(t, n, i)) return start;
        while (digit(t, n, i)) i++;
    }
    return i;
}

constexpr uint32_t hard_depth = 1024;

}  // namespace

extern "C" ptrdiff_t tr_json_scan(const uint8_t *t, size_t n, tr_json_token *tokens, size_t capacity,
                                  uint32_t depth_max, size_t *error_at) {
    if (depth_max > hard_depth) depth_max = hard_depth;
    uint32_t open[hard_depth];  // token index of each open container
    uint32_t depth = 0;
    size_t count = 0, i = 0, at = 0;
    if (n >= UINT32_MAX) { *error_at = 0; return TR_JSON_E_CAPACITY; }
#define TR_FAIL(code, where) do { *error_at = (where); return (code); } while (0)
#define TR_PUSH(k, f, s) do { \
        if (count >= capacity) TR_FAIL(TR_JSON_E_CAPACITY, (s)); \
        tokens[count] = tr_json_token{static_cast<uint32_t>(s), 0, static_cast<uint32_t>(count + 1), (k), (f), static_cast<uint16_t>(depth)}; \
        count++; \
    } while (0)

value:
    i = skip_space(t, n, i);
    if (i >= n) TR_FAIL(TR_JSON_E_SYNTAX, n);
    switch (t[i]) {
    case '{':
        TR_PUSH(TR_JSON_OBJECT, 0, i);
        if (depth >= depth_max) TR_FAIL(TR_JSON_E_DEPTH, i);
        open[depth++] = static_cast<uint32_t>(count - 1);
        i = skip_space(t, n, i + 1);
        if (i < n && t[i] == '}') { i++; goto closed; }
        goto key;
    case '[':
        TR_PUSH(TR_JSON_ARRAY, 0, i);
        if (depth >= depth_max) TR_FAIL(TR_JSON_E_DEPTH, i);
        open[depth++] = static_cast<uint32_t>(count - 1);
        i = skip_space(t, n, i + 1);
        if (i < n && t[i] == ']') { i++; goto closed; }
        goto value;
    case '"': {
        uint8_t flags = 0;
        size_t end = scan_string(t, n, i + 1, &flags, &at);
        if (!end) TR_FAIL(TR_JSON_E_SYNTAX, at);
        TR_PUSH(TR_JSON_STRING, flags, i + 1);
        tokens[count - 1].end = static_cast<uint32_t>(end - 1);
        i = end;
        goto behind;
    }
    case 't':
        if (n - i < 4 || std::memcmp(t + i, "true", 4)) TR_FAIL(TR_JSON_E_SYNTAX, i);
        TR_PUSH(TR_JSON_TRUE, 0, i);
        tokens[count - 1].end = static_cast<uint32_t>(i += 4);
        goto behind;
    case 'f':
        if (n - i < 5 || std::memcmp(t + i, "false", 5)) TR_FAIL(TR_JSON_E_SYNTAX, i);
        TR_PUSH(TR_JSON_FALSE, 0, i);
        tokens[count - 1].end = static_cast<uint32_t>(i += 5);
        goto behind;
    case 'n':
        if (n - i < 4 || std::memcmp(t + i, "null", 4)) TR_FAIL(TR_JSON_E_SYNTAX, i);
        TR_PUSH(TR_JSON_NULL, 0, i);
        tokens[count - 1].end = static_cast<uint32_t>(i += 4);
        goto behind;
    default: {
        size_t end = (t[i] == '-' || (t[i] >= '0' && t[i] <= '9')) ? scan_number(t, n, i) : i;
        if (end == i) TR_FAIL(TR_JSON_E_SYNTAX, i);
        TR_PUSH(TR_JSON_NUMBER, 0, i);
        tokens[count - 1].end = static_cast<uint32_t>(end);
        i = end;
        goto behind;
    }
    }

key:
    if (i >= n || t[i] != '"') TR_FAIL(TR_JSON_E_SYNTAX, i);
    {
        uint8_t flags = TR_JSON_KEY;
        size_t end = scan_string(t, n, i + 1, &flags, &at);
        if (!end) TR_FAIL(TR_JSON_E_SYNTAX, at);
        TR_PUSH(TR_JSON_STRING, flags, i + 1);
        tokens[count - 1].end = static_cast<uint32_t>(end - 1);
        i = skip_space(t, n, end);
    }
    if (i >= n || t[i] != ':') TR_FAIL(TR_JSON_E_SYNTAX, i);
    i++;
    goto value;

closed: {
        tr_json_token &token = tokens[open[--depth]];
        token.end = static_cast<uint32_t>(i);
        token.next = static_cast<uint32_t>(count);
    }

behind:
    i = skip_space(t, n, i);
    if (depth == 0) {
        if (i != n) TR_FAIL(TR_JSON_E_TRAILING, i);
        return static_cast<ptrdiff_t>(count);
    }
    if (i >= n) TR_FAIL(TR_JSON_E_SYNTAX, n);
    {
        bool object = tokens[open[depth - 1]].kind == TR_JSON_OBJECT;
        if (t[i] == ',') {
            i = skip_space(t, n, i + 1);
            if (object) goto key;
            goto value;
        }
        if (t[i] == (object ? '}' : ']')) { i++; goto closed; }
    }
    TR_FAIL(TR_JSON_E_SYNTAX, i);
#undef TR_FAIL
#undef TR_PUSH
}

extern "C" size_t tr_json_string_end(const uint8_t *text, size_t length, size_t from) {
    uint8_t ignored = 0;
    return plain_run(text, length, from, &ignored);
}

extern "C" ptrdiff_t tr_json_unescape(const uint8_t *t, size_t n, uint8_t *out) {
    size_t i = 0, o = 0;
    auto put = [&](uint32_t c) {
        if (c < 0x80) out[o++] = static_cast<uint8_t>(c);
        else if (c < 0x800) { out[o++] = static_cast<uint8_t>(0xC0 | c >> 6); out[o++] = static_cast<uint8_t>(0x80 | (c & 0x3F)); }
        else if (c < 0x10000) {
            out[o++] = static_cast<uint8_t>(0xE0 | c >> 12); out[o++] = static_cast<uint8_t>(0x80 | ((c >> 6) & 0x3F));
            out[o++] = static_cast<uint8_t>(0x80 | (c & 0x3F));
        } else {
            out[o++] = static_cast<uint8_t>(0xF0 | c >> 18); out[o++] = static_cast<uint8_t>(0x80 | ((c >> 12) & 0x3F));
            out[o++] = static_cast<uint8_t>(0x80 | ((c >> 6) & 0x3F)); out[o++] = static_cast<uint8_t>(0x80 | (c & 0x3F));
        }
    };
    while (i < n) {
        const void *slash = std::memchr(t + i, '\\', n - i);
        size_t run = slash ? static_cast<size_t>(static_cast<const uint8_t *>(slash) - (t + i)) : n - i;
        std::memmove(out + o, t + i, run);
        o += run;
        i += run;
        if (i >= n) break;
        if (i + 1 >= n) return -1;
        uint8_t c = t[i + 1];
        i += 2;
        switch (c) {
        case '"': case '\\': case '/': out[o++] = c; break;
        case 'b': out[o++] = '\b'; break;
        case 'f': out[o++] = '\f'; break;
        case 'n': out[o++] = '\n'; break;
        case 'r': out[o++] = '\r'; break;
        case 't': out[o++] = '\t'; break;
        case 'u': {
            if (i + 4 > n) return -1;
            int u = hex4(t + i);
            if (u < 0) return -1;
            i += 4;
            if (u >= 0xD800 && u <= 0xDBFF && i + 6 <= n && t[i] == '\\' && t[i + 1] == 'u') {
                int low = hex4(t + i + 2);
                if (low >= 0xDC00 && low <= 0xDFFF) {
                    put(0x10000u + ((static_cast<uint32_t>(u) - 0xD800u) << 10) + (static_cast<uint32_t>(low) - 0xDC00u));
                    i += 6;
                    break;
                }
            }
            put(u >= 0xD800 && u <= 0xDFFF ? 0xFFFDu : static_cast<uint32_t>(u));
            break;
        }
        default: return -1;
        }
    }
    return static_cast<ptrdiff_t>(o);
}
