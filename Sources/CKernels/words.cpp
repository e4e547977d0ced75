// Prose: the words of a page, each with the space in front of it, become one or two bytes that the page does not use
// otherwise. A codec then finds an entropy coder's food instead of text: zstd -3 makes of it what -19 does not make of
// the words themselves. (Star encoding and the word replacing transforms: Kruse, Mukherjee 1997; Skibinski et al. 2005.)
#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "tailrace_shred.h"

namespace {

constexpr size_t word_max = 16, words_max = 32768, slots = 131072;
constexpr uint32_t none = ~uint32_t{0};

inline bool is_letter(uint8_t b) { return static_cast<uint8_t>((b | 0x20) - 'a') < 26; }

struct Word {
    uint32_t at, count;
    uint32_t code;
    uint8_t length;
};

inline uint32_t hash_of(const uint8_t *p, size_t n) {
    uint64_t a = 0, b = 0;
    if (n >= 8) {
        std::memcpy(&a, p, 8);
        std::memcpy(&b, p + n - 8, 8);
    } else {
        std::memcpy(&a, p, n);
    }
    uint64_t h = (a ^ b * 0x9E3779B97F4A7C15ull ^ n) * 0xD6E8FEB86659FD93ull;
    return static_cast<uint32_t>(h >> 40);
}

/// The token that begins at `p`: a space, perhaps, and letters; its length, or 0 where there is none.
inline size_t token(const uint8_t *p, const uint8_t *end) {
    const uint8_t *q = p + (*p == ' ');
    const uint8_t *first = q;
    while (q < end && is_letter(*q)) q++;
    size_t n = static_cast<size_t>(q - p);
    return q - first >= 2 && n <= word_max ? n : 0;
}

/// Where the text goes on behind a place that begins no word.
inline const uint8_t *skip(const uint8_t *p, const uint8_t *end) {
    const uint8_t *q = p + 1;
    if (is_letter(*p) || *p == ' ')
        while (q < end && is_letter(*q)) q++;
    return q;
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

size_t tr_words_bound(size_t length) { return length + words_max * (word_max + 1) + 300; }

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
        std::vector<uint32_t> table(slots, none);
        std::vector<Word> words;
        std::vector<uint32_t> tokens;
        tokens.reserve(length / 6);
        const uint8_t *end = text + length;
        for (const uint8_t *p = text; p < end;) {
            size_t n = token(p, end);
            if (n == 0) {
                p = skip(p, end);
                continue;
            }
            uint32_t slot = hash_of(p, n) & (slots - 1);
            while (table[slot] != none &&
                   (words[table[slot]].length != n || std::memcmp(text + words[table[slot]].at, p, n) != 0))
                slot = (slot + 1) & (slots - 1);
            if (table[slot] == none && words.size() < words_max) {
                table[slot] = static_cast<uint32_t>(words.size());
                words.push_back({static_cast<uint32_t>(p - text), 0, none, static_cast<uint8_t>(n)});
            }
            tokens.push_back(table[slot]);
            if (table[slot] != none) words[table[slot]].count++;
            p += n;
        }
        std::vector<uint32_t> chosen;
        size_t covered = 0;
        for (uint32_t i = 0; i < words.size(); i++)
            if (words[i].count >= 3 && (words[i].length - 2u) * words[i].count > words[i].length + 2u) {
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
            *q++ = words[chosen[i]].length;
        }
        for (uint32_t i : chosen) {
            std::memcpy(q, text + words[i].at, words[i].length);
            q += words[i].length;
        }
        size_t next = 0;
        for (const uint8_t *p = text; p < end;) {
            size_t n = token(p, end);
            if (n == 0) {
                const uint8_t *to = skip(p, end);
                std::memcpy(q, p, static_cast<size_t>(to - p));
                q += to - p;
                p = to;
                continue;
            }
            uint32_t word = tokens[next++];
            uint32_t code = word == none ? none : words[word].code;
            if (code == none) {
                std::memcpy(q, p, n);
                q += n;
            } else if (code < singles) {
                *q++ = unused[code];
            } else {
                *q++ = unused[singles + (code - singles) / 256];
                *q++ = static_cast<uint8_t>((code - singles) % 256);
            }
            p += n;
        }
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
