// Prose: the words of a page, each with the space in front of it, become one or two bytes that the page does not use
// otherwise. A codec then finds an entropy coder's food instead of text: zstd -3 makes of it what -19 does not make of
// the words themselves. (Star encoding and the word replacing transforms: Kruse, Mukherjee 1997; Skibinski et al. 2005.)
#include <algorithm>
#include <cstring>
#include <new>
#include <vector>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "tailrace_shred.h"

namespace {

constexpr size_t word_max = 16, words_max = 32768, slots_max = 131072;
constexpr uint32_t none = ~uint32_t{0};

// A word by its bytes: with its length they tell it from any other, so that no word is compared with the text.
struct Word {
    uint64_t low, high;
    uint32_t at, count;
    uint32_t code;
    uint32_t length;
};

// Where a word stands. What lies between words is copied as it is.
struct Token {
    uint32_t at, word;
};

template <class T> inline T load(const uint8_t *p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

inline void spell(const uint8_t *p, size_t n, uint64_t &low, uint64_t &high) {
    if (n >= 8) {
        low = load<uint64_t>(p);
        high = load<uint64_t>(p + n - 8);
    } else if (n >= 4) {
        low = load<uint32_t>(p);
        high = load<uint32_t>(p + n - 4);
    } else {
        low = load<uint16_t>(p);
        high = p[n - 1];
    }
}

inline uint32_t hash_of(uint64_t low, uint64_t high, size_t n) {
    uint64_t h = (low ^ high * 0x9E3779B97F4A7C15ull ^ n) * 0xD6E8FEB86659FD93ull;
    return static_cast<uint32_t>(h >> 40);
}

// Bit i: byte i is a letter.
inline uint64_t letters(const uint8_t *p) {
    uint64_t mask = 0;
#if defined(__SSE2__)
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + 16 * i));
        v = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i is = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(25)), v);
        mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(is))) << (16 * i);
    }
#else
    for (int i = 0; i < 64; i++) mask |= static_cast<uint64_t>(static_cast<uint8_t>((p[i] | 0x20) - 'a') < 26) << i;
#endif
    return mask;
}

// Calls `body` with the beginning and the length of each word: letters, at least two, with the space before them where
// there is one, 16 bytes at most.
template <class Body> inline void each_word(const uint8_t *text, size_t length, Body body) {
    bool inside = false;
    size_t begun = 0;
    for (size_t from = 0; from < length; from += 64) {
        uint64_t mask;
        if (length - from >= 64) {
            mask = letters(text + from);
        } else {
            uint8_t rest[64] = {0};
            std::memcpy(rest, text + from, length - from);
            mask = letters(rest);
        }
        // Where it changes between letters and others.
        uint64_t edges = mask ^ (mask << 1 | (inside ? 1 : 0));
        for (; edges; edges &= edges - 1) {
            size_t at = from + static_cast<size_t>(__builtin_ctzll(edges));
            if (!inside) {
                begun = at;
            } else if (at - begun >= 2) {
                size_t start = begun - (begun && text[begun - 1] == ' ');
                if (at - start <= word_max) body(start, at - start);
            }
            inside = !inside;
        }
    }
    if (!inside || length - begun < 2) return;
    size_t start = begun - (begun && text[begun - 1] == ' ');
    if (length - start <= word_max) body(start, length - start);
}

inline size_t put_varint(uint64_t v, uint8_t *out) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = static_cast<uint8_t>(v | 0x80);
    out[n++] = static_cast<uint8_t>(v);
    return n;
}

inline bool get_varint(const uint8_t *&p, const uint8_t *end, uint64_t *value) {
    uint64_t v = 0;
    for (uint32_t shift = 0; shift < 63; shift += 7) {
        if (p == end) return false;
        uint8_t b = *p++;
        v |= static_cast<uint64_t>(b & 0x7F) << shift;
        if (b < 0x80) {
            *value = v;
            return true;
        }
    }
    return false;
}

}  // namespace

extern "C" {

// A chosen word stands three times in the text, so that it, its length and what is left are at most half as long again.
size_t tr_words_bound(size_t length) { return length + length / 2 + 512; }

size_t tr_words_pack(const uint8_t *text, size_t length, uint8_t *out) {
    if (length < 256 || length > UINT32_MAX) return 0;
    bool used[256] = {false};
    for (size_t i = 0; i < length; i++) used[text[i]] = true;
    uint8_t unused[256];
    size_t room = 0;
    for (size_t b = 0; b < 256; b++)
        if (!used[b]) unused[room++] = static_cast<uint8_t>(b);
    if (room < 8) return 0;
    try {
        // A small page does not pay for a large table.
        size_t slots = 256;
        while (slots < slots_max && slots < length / 2) slots *= 2;
        const size_t known_max = std::min(words_max, slots / 2);
        std::vector<uint32_t> table(slots, none);
        std::vector<Word> words;
        std::vector<Token> tokens;
        tokens.reserve(length / 6);
        each_word(text, length, [&](size_t at, size_t n) {
            uint64_t low, high;
            spell(text + at, n, low, high);
            size_t slot = hash_of(low, high, n) & (slots - 1);
            uint32_t word;
            while ((word = table[slot]) != none &&
                   (words[word].low != low || words[word].high != high || words[word].length != n))
                slot = (slot + 1) & (slots - 1);
            if (word == none) {
                if (words.size() == known_max) return;
                table[slot] = word = static_cast<uint32_t>(words.size());
                words.push_back({low, high, static_cast<uint32_t>(at), 0, none, static_cast<uint32_t>(n)});
            }
            words[word].count++;
            tokens.push_back({static_cast<uint32_t>(at), word});
        });
        std::vector<uint32_t> chosen;
        size_t covered = 0;
        for (uint32_t i = 0; i < words.size(); i++)
            if (words[i].count >= 3 && (words[i].length - 2) * words[i].count > words[i].length + 2) {
                chosen.push_back(i);
                covered += words[i].length * static_cast<size_t>(words[i].count);
            }
        if (covered * 8 < length) return 0;
        std::sort(chosen.begin(), chosen.end(), [&](uint32_t a, uint32_t b) {
            return words[a].count != words[b].count ? words[a].count > words[b].count : a < b;
        });
        size_t prefixes = 0;
        while (prefixes < room / 2 && room - prefixes + prefixes * 256 < chosen.size()) prefixes++;
        size_t singles = std::min(chosen.size(), room - prefixes);
        if (chosen.size() > singles + prefixes * 256) chosen.resize(singles + prefixes * 256);

        uint8_t *q = out;
        q += put_varint(length, q);
        q += put_varint(chosen.size(), q);
        *q++ = static_cast<uint8_t>(singles);
        *q++ = static_cast<uint8_t>(prefixes);
        std::memcpy(q, unused, singles + prefixes);
        q += singles + prefixes;
        for (uint32_t i = 0; i < chosen.size(); i++) {
            words[chosen[i]].code = i;
            *q++ = static_cast<uint8_t>(words[chosen[i]].length);
        }
        for (uint32_t i : chosen) {
            std::memcpy(q, text + words[i].at, words[i].length);
            q += words[i].length;
        }
        size_t from = 0;
        auto copy_to = [&](size_t to) {
            size_t n = to - from;
            // Mostly a few bytes; both sides have room for 16.
            if (n <= 16 && length - from >= 16) std::memcpy(q, text + from, 16);
            else std::memcpy(q, text + from, n);
            q += n;
        };
        for (Token token : tokens) {
            const Word &word = words[token.word];
            if (word.code == none) continue;
            copy_to(token.at);
            from = token.at + word.length;
            if (word.code < singles) {
                *q++ = unused[word.code];
            } else {
                *q++ = unused[singles + (word.code - singles) / 256];
                *q++ = static_cast<uint8_t>((word.code - singles) % 256);
            }
        }
        copy_to(length);
        return static_cast<size_t>(q - out);
    } catch (const std::bad_alloc &) {
        return 0;
    }
}

int64_t tr_words_length(const uint8_t *packed, size_t length) {
    const uint8_t *p = packed;
    uint64_t size;
    return get_varint(p, packed + length, &size) && size <= INT32_MAX ? static_cast<int64_t>(size) : -1;
}

int tr_words_unpack(const uint8_t *packed, size_t length, uint8_t *out, size_t size) {
    const uint8_t *p = packed, *end = packed + length;
    uint64_t stated, count;
    if (!get_varint(p, end, &stated) || stated != size || !get_varint(p, end, &count) || count > words_max) return -1;
    if (end - p < 2) return -1;
    size_t singles = p[0], prefixes = p[1];
    p += 2;
    if (static_cast<size_t>(end - p) < singles + prefixes + count || count > singles + prefixes * 256 || singles > count)
        return -1;
    const uint8_t *codes = p, *lengths = p + singles + prefixes;
    p = lengths + count;
    // 16 bytes a word, so that each is copied in one go.
    struct Entry {
        uint8_t bytes[word_max];
    };
    try {
        std::vector<Entry> words(count ? count : 1);
        for (size_t i = 0; i < count; i++) {
            if (lengths[i] > word_max || static_cast<size_t>(end - p) < lengths[i]) return -1;
            std::memcpy(words[i].bytes, p, lengths[i]);
            p += lengths[i];
        }
        // 0: the byte itself; k: word k - 1; -k: words from k - 1 on, by the next byte.
        int32_t meaning[256] = {0};
        for (size_t i = 0; i < singles; i++) meaning[codes[i]] = static_cast<int32_t>(i + 1);
        for (size_t i = 0; i < prefixes; i++) meaning[codes[singles + i]] = -static_cast<int32_t>(singles + i * 256 + 1);
        uint8_t *q = out, *stop = out + size;
        while (p < end) {
            int32_t what = meaning[*p];
            if (what == 0) {
                if (q == stop) return -1;
                *q++ = *p++;
                continue;
            }
            size_t word;
            if (what > 0) {
                word = static_cast<size_t>(what - 1);
                p++;
            } else {
                if (end - p < 2) return -1;
                word = static_cast<size_t>(-what - 1) + p[1];
                p += 2;
            }
            if (word >= count) return -1;
            size_t n = lengths[word];
            if (stop - q >= static_cast<ptrdiff_t>(word_max)) std::memcpy(q, words[word].bytes, word_max);
            else if (static_cast<size_t>(stop - q) >= n) std::memcpy(q, words[word].bytes, n);
            else return -1;
            q += n;
        }
        return q == stop ? 0 : -1;
    } catch (const std::bad_alloc &) {
        return -1;
    }
}

}  // extern "C"
