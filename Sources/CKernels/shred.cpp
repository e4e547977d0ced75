#include "tailrace_shred.h"
#include "tailrace_kernels.h"
#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Templates are kept as a tree of literals. A node is a place behind a hole; its edges are the literals seen there, each
// with the kind of hole that follows. A line walks down from the root: compare a literal, skip a value, compare the next.
// Optional members cost one failed comparison, not a new start. A line that no edge takes is parsed in full and its
// literals become new edges, so that the next line of its shape walks through.
//
// A walk that reaches an end proves that the line is valid JSON of that shape: literals come from a valid line, values
// are checked against the grammar while they are skipped.

namespace {

constexpr uint32_t end_of_line = 0xFFFFFFFF;
constexpr uint32_t templates_max = 4096, columns_max = 1024, edges_max = 64, members_max = 64, holes_max = 1024;
constexpr uint32_t depth_max = 64;
// Longer lines are not cut: a run of them is rare, and their parts would be as long.
constexpr uint32_t line_max = 1u << 20;

// Whether n bytes are equal; both sides may be read 16 bytes past their end.
inline bool same(const uint8_t *a, const uint8_t *b, size_t n) {
#if defined(__SSE2__)
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i *>(a + i));
        __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i *>(b + i));
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) != 0xFFFF) return false;
    }
    if (i == n) return true;
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i *>(a + i));
    __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i *>(b + i));
    uint32_t equal = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)));
    return (~equal & ((1u << (n - i)) - 1)) == 0;
#else
    return std::memcmp(a, b, n) == 0;
#endif
}

inline bool is_digit(uint8_t b) { return static_cast<uint8_t>(b - '0') < 10; }
inline bool is_hex(uint8_t b) { return is_digit(b) || static_cast<uint8_t>((b | 32) - 'a') < 6; }

// The text is followed by readable bytes, but those may be anything: `end` is checked before what is read counts.

// Behind the inside of a string: the closing quote, or null when the string is not valid.
inline const uint8_t *skip_string(const uint8_t *p, const uint8_t *end) {
    for (;;) {
#if defined(__SSE2__)
        while (p < end) {
            __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
            __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
            __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
            __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
            int hit = _mm_movemask_epi8(_mm_or_si128(quote, _mm_or_si128(slash, control)));
            if (hit) {
                p += __builtin_ctz(static_cast<unsigned>(hit));
                break;
            }
            p += 16;
        }
#else
        while (p < end && *p != '"' && *p != '\\' && *p >= 0x20) p++;
#endif
        if (p >= end) return nullptr;
        if (*p == '"') return p;
        if (*p != '\\' || end - p < 2) return nullptr;
        switch (p[1]) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': p += 2; break;
        case 'u':
            if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) return nullptr;
            p += 6;
            break;
        default: return nullptr;
        }
    }
}

inline const uint8_t *skip_number(const uint8_t *p, const uint8_t *end) {
    if (p < end && *p == '-') p++;
    if (p >= end || !is_digit(*p)) return nullptr;
    if (*p == '0') p++;
    else
        while (p < end && is_digit(*p)) p++;
    if (p < end && *p == '.') {
        p++;
        if (p >= end || !is_digit(*p)) return nullptr;
        while (p < end && is_digit(*p)) p++;
    }
    if (p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (p >= end || !is_digit(*p)) return nullptr;
        while (p < end && is_digit(*p)) p++;
    }
    return p;
}

inline const uint8_t *skip_atom(const uint8_t *p, const uint8_t *end) {
    size_t left = static_cast<size_t>(end - p);
    if (left >= 4 && (std::memcmp(p, "true", 4) == 0 || std::memcmp(p, "null", 4) == 0)) return p + 4;
    if (left >= 5 && std::memcmp(p, "false", 5) == 0) return p + 5;
    return nullptr;
}

inline const uint8_t *skip_space(const uint8_t *p, const uint8_t *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return p;
}

// Behind an array or object. Bit d of `objects` says what is open at depth d.
const uint8_t *skip_container(const uint8_t *p, const uint8_t *end, uint8_t bracket) {
    uint64_t objects = 0;
    uint32_t depth = 0;
    bool fresh = true;  // just opened: may close at once
    auto is_object = [&] { return (objects >> (depth - 1)) & 1; };
    if (p >= end || *p != bracket) return nullptr;
    objects = *p == '{';
    depth = 1;
    p++;
    for (;;) {
        p = skip_space(p, end);
        if (p >= end) return nullptr;
        if (fresh && *p == (is_object() ? '}' : ']')) {
            p++;
            goto closed;
        }
        fresh = false;
        if (is_object()) {
            if (*p != '"' || !(p = skip_string(p + 1, end))) return nullptr;
            p = skip_space(p + 1, end);
            if (p >= end || *p != ':') return nullptr;
            p = skip_space(p + 1, end);
            if (p >= end) return nullptr;
        }
        switch (*p) {
        case '{': case '[': {
            if (depth == depth_max) return nullptr;
            uint64_t bit = 1ull << depth;
            objects = *p == '{' ? objects | bit : objects & ~bit;
            depth++;
            p++;
            fresh = true;
            continue;
        }
        case '"':
            if (!(p = skip_string(p + 1, end))) return nullptr;
            p++;
            break;
        case 't': case 'f': case 'n':
            if (!(p = skip_atom(p, end))) return nullptr;
            break;
        default:
            if (!(p = skip_number(p, end))) return nullptr;
        }
        for (;;) {
            p = skip_space(p, end);
            if (p >= end) return nullptr;
            if (*p == ',') {
                p++;
                break;
            }
            if (*p != (is_object() ? '}' : ']')) return nullptr;
            p++;
        closed:
            if (--depth == 0) return p;
        }
    }
}

struct Edge {
    uint32_t literal, length;
    uint32_t kind;    // of the hole behind it; end_of_line: none
    uint32_t column;  // or the template
    uint32_t node;
    uint32_t hits;
};
struct Node { std::vector<Edge> edges; };

// Values of a column lie together: the passes that code them then run through memory instead of jumping from line to
// line, which costs a cache miss a value.
struct Column {
    std::string path;
    int kind;
    std::vector<tr_span> values;
    std::unique_ptr<uint8_t[]> bytes;
    size_t used = 0, capacity = 0;
    // Whether a run has left values in it.
    bool is_used = false;

    void append(const uint8_t *from, uint32_t length) {
        if (used + length + slack > capacity) {
            capacity = std::max<size_t>(4096, (used + length + slack) / 2 * 3);
            std::unique_ptr<uint8_t[]> wider(new uint8_t[capacity]);
            if (used) std::memcpy(wider.get(), bytes.get(), used);
            bytes = std::move(wider);
        }
        uint8_t *to = bytes.get() + used;
        if (length <= 32) {
            // Both sides have the slack.
            std::memcpy(to, from, 16);
            std::memcpy(to + 16, from + 16, 16);
        } else {
            std::memcpy(to, from, length);
        }
        values.push_back({static_cast<uint32_t>(used), length});
        used += length;
    }

    static constexpr size_t slack = 64;
};

struct Piece {
    uint32_t start, length;  // literal, in the line
    uint32_t kind, column;
    tr_span value;
};

}  // namespace

struct tr_shredder {
    std::vector<uint8_t> literals;  // with slack behind
    std::vector<Node> nodes;
    std::vector<Column> columns;
    std::vector<std::string> templates;
    std::unordered_map<std::string, uint32_t> column_numbers;
    std::vector<tr_json_token> tokens;
    std::vector<Piece> pieces;
    std::vector<std::pair<uint32_t, tr_span>> held;
    // Lines, and those of them that had a template when they came.
    size_t rows = 0, known = 0;
    size_t literal_bytes = 0;
    // Rows that runs have left to each template.
    std::vector<uint64_t> rows_of;
    std::string unused;

    tr_shredder() : literals(64), nodes(1), tokens(256), held(holes_max) {
        columns.push_back({std::string(1, '\0'), TR_HOLE_LINE, {}, nullptr});
        std::string whole;
        put(whole, 0);
        put(whole, 0);
        put(whole, 0);
        put(whole, end_of_line);
        templates.push_back(whole);
        put(unused, 0);
        put(unused, end_of_line);
    }

    // Gives back what earlier runs have left.
    void clear() {
        for (Column &column : columns) {
            // A column that the last run did not have gives its memory back.
            if (column.values.empty() && column.capacity) {
                column.bytes.reset();
                column.capacity = 0;
                column.values.shrink_to_fit();
            }
            column.values.clear();
            column.used = 0;
        }
    }

    void cut(const uint8_t *text, const tr_span *lines, size_t count, bool cuts, uint32_t *template_of) {
        for (size_t i = 0; i < count; i++) {
            rows++;
            size_t holes = 0;
            uint32_t number = 0;
            tr_span line = lines[i];
            if (cuts && line.length > 1 && line.length <= line_max) {
                number = walk(text, line, holes);
                known += number != 0;
                if (number == 0 && may_learn() && parse(text, line)) {
                    number = learn(text, line);
                    holes = 0;
                    for (Piece &piece : pieces)
                        if (piece.kind != end_of_line) held[holes++] = {piece.column, piece.value};
                }
            }
            template_of[i] = number;
            keep(text, line, number, holes);
        }
    }

    // Puts the values of a line, which `walk` or `parse` found, into their columns.
    void keep(const uint8_t *text, tr_span line, uint32_t number, size_t holes) {
        if (number == 0) {
            columns[0].append(text + line.start, line.length);
            return;
        }
        for (size_t h = 0; h < holes; h++) {
            tr_span value = held[h].second;
            columns[held[h].first].append(text + value.start, value.length);
        }
    }

    // Lines of shapes that hardly repeat cost more in columns than whole: their literals alone are as long as they
    // are. Where they are much of what was cut they are cut again, and kept whole.
    void keep_rare_whole(const uint8_t *text, const tr_span *lines, size_t count, uint32_t *template_of) {
        constexpr size_t often = 8, worth = 64 << 10;
        std::vector<size_t> counts(templates.size());
        for (size_t i = 0; i < count; i++) counts[template_of[i]]++;
        size_t rare = 0, bytes = 0;
        for (size_t i = 0; i < count; i++) {
            uint32_t number = template_of[i];
            if (number == 0 || counts[number] >= often) continue;
            rare++;
            bytes += lines[i].length;
        }
        // Lines that are whole already say nothing about those that were cut. Little text does not matter, but where
        // nearly all is whole the columns of a few lines are many for little.
        size_t cut = count - counts[0];
        if (rare == 0 || rare * 8 < cut || (bytes < worth && cut * 8 >= count)) return;
        clear();
        for (size_t i = 0; i < count; i++) {
            size_t holes = 0;
            uint32_t number = template_of[i];
            if (number != 0) number = counts[number] < often ? 0 : walk(text, lines[i], holes);
            template_of[i] = number;
            keep(text, lines[i], number, holes);
        }
    }

    static void put(std::string &out, uint32_t value) {
        for (int i = 0; i < 4; i++) out.push_back(static_cast<char>(value >> (8 * i)));
    }

    // The template of a known shape, its values in `held`; 0 when there is none.
    uint32_t walk(const uint8_t *text, tr_span line, size_t &count) {
        const uint8_t *p = text + line.start, *end = p + line.length;
        uint32_t node = 0;
        count = 0;
        for (;;) {
            auto &edges = nodes[node].edges;
            size_t left = static_cast<size_t>(end - p);
            size_t at = 0;
            for (;; at++) {
                if (at == edges.size()) return 0;
                const Edge &edge = edges[at];
                if (edge.length > left || !same(literals.data() + edge.literal, p, edge.length)) continue;
                const uint8_t *value = p + edge.length, *stop;
                switch (edge.kind) {
                case TR_HOLE_STRING: stop = skip_string(value, end); break;
                case TR_HOLE_NUMBER: stop = skip_number(value, end); break;
                case TR_HOLE_ATOM: stop = skip_atom(value, end); break;
                case TR_HOLE_ARRAY: stop = skip_container(value, end, '['); break;
                case TR_HOLE_OBJECT: stop = skip_container(value, end, '{'); break;
                default:
                    if (edge.length != left) continue;
                    return edge.column;
                }
                if (!stop) continue;
                held[count++] = {edge.column,
                                 {static_cast<uint32_t>(value - text), static_cast<uint32_t>(stop - value)}};
                p = stop;
                node = edge.node;
                break;
            }
            // The more frequent edge is asked first.
            if (++edges[at].hits > 1u << 30)
                for (Edge &edge : edges) edge.hits >>= 1;
            if (at > 0 && edges[at].hits > edges[at - 1].hits) std::swap(edges[at], edges[at - 1]);
        }
    }

    uint32_t number(const std::string &path, int kind) {
        std::string key = path;
        key.push_back(static_cast<char>(kind));
        auto found = column_numbers.find(key);
        if (found != column_numbers.end()) return found->second;
        if (columns.size() >= columns_max) return end_of_line;
        uint32_t number = static_cast<uint32_t>(columns.size());
        columns.push_back({path, kind, {}, nullptr});
        column_numbers.emplace(std::move(key), number);
        return number;
    }

    // Cuts a line into pieces by a full parse; false when it is no JSON object or has too many parts.
    bool parse(const uint8_t *text, tr_span line) {
        const uint8_t *base = text + line.start;
        size_t error;
        ptrdiff_t n;
        for (;;) {
            n = tr_json_scan(base, line.length, tokens.data(), tokens.size(), depth_max, &error);
            if (n != TR_JSON_E_CAPACITY) break;
            if (tokens.size() >= 1u << 16) return false;
            tokens.resize(tokens.size() * 4);
        }
        if (n <= 0 || tokens[0].kind != TR_JSON_OBJECT) return false;
        // A key and a value for each hole: more of them are too many, whatever they are.
        if (n > static_cast<ptrdiff_t>(16 * holes_max)) return false;
        pieces.clear();
        struct Open { uint32_t next; size_t path; };
        std::vector<Open> open;
        std::unordered_map<std::string, uint8_t> seen;
        std::string path;
        uint32_t from = 0;
        open.push_back({tokens[0].next, 0});
        uint32_t at = 1;
        while (at < static_cast<uint32_t>(n)) {
            while (!open.empty() && at >= open.back().next) open.pop_back();
            if (open.empty()) return false;
            const tr_json_token &key = tokens[at];
            if (!(key.flags & TR_JSON_KEY)) return false;
            path.resize(open.back().path);
            const char *name = reinterpret_cast<const char *>(base + key.start);
            size_t name_length = key.end - key.start;
            if (std::memchr(name, 0, name_length)) return false;
            path.append(name, name_length);
            path.push_back('\0');
            const tr_json_token &value = tokens[at + 1];
            uint32_t start = value.start, stop = value.end;
            int kind;
            switch (value.kind) {
            case TR_JSON_STRING: kind = TR_HOLE_STRING; break;
            case TR_JSON_NUMBER: kind = TR_HOLE_NUMBER; break;
            case TR_JSON_TRUE: case TR_JSON_FALSE: case TR_JSON_NULL: kind = TR_HOLE_ATOM; break;
            case TR_JSON_OBJECT: {
                uint32_t members = 0;
                for (uint32_t i = at + 2; i < value.next; i = tokens[i + 1].next) members++;
                if (members <= members_max && open.size() < depth_max) {
                    open.push_back({value.next, path.size()});
                    at += 2;
                    continue;
                }
                kind = TR_HOLE_OBJECT;
                break;
            }
            default: kind = TR_HOLE_ARRAY;
            }
            // Earlier members of the same path: the first one counts for LogQL, the others need a column of their own.
            auto [place, is_first] = seen.try_emplace(path, 0);
            if (!is_first && place->second == 255) return false;
            uint8_t earlier = is_first ? 0 : ++place->second;
            if (pieces.size() == holes_max - 1) return false;
            std::string whole = path;
            whole.push_back(static_cast<char>(earlier));
            uint32_t column = number(whole, kind);
            if (column == end_of_line) return false;
            pieces.push_back({from, start - from, static_cast<uint32_t>(kind), column,
                              {line.start + start, stop - start}});
            from = stop;
            at = value.next;
        }
        pieces.push_back({from, line.length - from, end_of_line, 0, {0, 0}});
        return true;
    }

    // New shapes must be few among the lines, and lines must have come in those learnt, or they are no shapes: where
    // keys are drawn at random each line costs a parse, and no line is ever taken by what was learnt. Now and then one
    // is learnt all the same: what comes now may be other than what came first.
    bool may_learn() const {
        return templates.size() < templates_max && templates.size() <= 64 + std::min(rows / 16, known / 2 + rows / 64);
    }

    // Adds the pieces of a parsed line to the tree; 0 when a limit stands in the way.
    uint32_t learn(const uint8_t *text, tr_span line) {
        uint32_t node = 0;
        for (Piece &piece : pieces) {
            const uint8_t *literal = text + line.start + piece.start;
            const Edge *found = nullptr;
            for (const Edge &edge : nodes[node].edges)
                if (edge.kind == piece.kind && edge.length == piece.length &&
                    std::memcmp(literals.data() + edge.literal, literal, piece.length) == 0)
                    found = &edge;
            if (found && piece.kind == end_of_line) return found->column;
            if (found) {
                node = found->node;
                continue;
            }
            if (nodes[node].edges.size() >= edges_max || literal_bytes > (8u << 20)) return 0;
            Edge edge{static_cast<uint32_t>(literals.size() - 64), piece.length, piece.kind, piece.column, 0, 0};
            literals.resize(literals.size() - 64);
            literals.insert(literals.end(), literal, literal + piece.length);
            literals.resize(literals.size() + 64);
            literal_bytes += piece.length;
            if (piece.kind == end_of_line) {
                std::string spelled;
                for (Piece &each : pieces) {
                    put(spelled, each.length);
                    spelled.append(reinterpret_cast<const char *>(text + line.start + each.start), each.length);
                    put(spelled, each.kind == end_of_line ? end_of_line : each.column);
                }
                edge.column = static_cast<uint32_t>(templates.size());
                templates.push_back(std::move(spelled));
                nodes[node].edges.push_back(edge);
                return edge.column;
            }
            edge.node = static_cast<uint32_t>(nodes.size());
            nodes.emplace_back();
            nodes[node].edges.push_back(edge);
            node = edge.node;
        }
        return 0;
    }
};

extern "C" {

tr_shredder *tr_shredder_new(void) {
    try {
        return new tr_shredder();
    } catch (...) {
        return nullptr;
    }
}

void tr_shredder_free(tr_shredder *s) { delete s; }

int tr_shredder_run(tr_shredder *s, const uint8_t *text, const tr_span *lines, size_t count, int cuts,
                    uint32_t *template_of) {
    try {
        s->clear();
        s->cut(text, lines, count, cuts != 0, template_of);
        s->keep_rare_whole(text, lines, count, template_of);
        s->rows_of.resize(s->templates.size());
        for (size_t i = 0; i < count; i++) s->rows_of[template_of[i]]++;
        for (Column &column : s->columns) column.is_used |= !column.values.empty();
        return 0;
    } catch (...) {
        return -1;
    }
}

uint32_t tr_shredder_columns(const tr_shredder *s) { return static_cast<uint32_t>(s->columns.size()); }

size_t tr_shredder_values(const tr_shredder *s, uint32_t column, const uint8_t **base, const tr_span **spans) {
    if (column >= s->columns.size()) return 0;
    const Column &c = s->columns[column];
    *base = c.bytes.get();
    *spans = c.values.data();
    return c.values.size();
}

int tr_shredder_column(const tr_shredder *s, uint32_t column, const uint8_t **path, size_t *length) {
    if (column >= s->columns.size()) return -1;
    const std::string &spelled = s->columns[s->columns[column].is_used ? column : 0].path;
    *path = reinterpret_cast<const uint8_t *>(spelled.data());
    *length = spelled.size();
    return s->columns[column].kind;
}

uint32_t tr_shredder_templates(const tr_shredder *s) { return static_cast<uint32_t>(s->templates.size()); }

const uint8_t *tr_shredder_template(const tr_shredder *s, uint32_t number, size_t *length) {
    bool is_used = number == 0 || (number < s->rows_of.size() && s->rows_of[number] > 0);
    const std::string &text = is_used ? s->templates[number] : s->unused;
    *length = text.size();
    return reinterpret_cast<const uint8_t *>(text.data());
}

}  // extern "C"
