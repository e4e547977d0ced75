import Bytes

/// The values of a JSON object with their paths, as the shredder names columns: for lines that have no template.
struct JSONLeaves {
    private var cursor = JSONCursor()
    private var found: [(path: ByteString, kind: HoleKind, value: Range<Int>)] = []

    /// As the shredder: objects of more members are one value.
    private static let membersMax = 64
    private static let depthMax = 64
    private static let leavesMax = 4_096

    static func mayBeObject(_ line: ByteView) -> Bool {
        var at = 0
        while at < line.count, line[at].isJSONSpace { at += 1 }
        return at < line.count && line[at] == 0x7B
    }

    var count: Int { found.count }
    func path(_ i: Int) -> ByteString { found[i].path }
    func kind(_ i: Int) -> HoleKind { found[i].kind }
    func value(_ i: Int, in line: ByteView) -> ByteView { line[found[i].value] }

    /// False when the line is no JSON object. Values beyond `leavesMax` are left out.
    mutating func read(_ line: ByteView) -> Bool {
        found.removeAll(keepingCapacity: true)
        do throws(JSONCursor.Failure) { try cursor.scan(line) } catch { return false }
        guard cursor.count > 0, cursor[0].type == .object else { return false }
        var open: [(next: Int, path: Int)] = [(cursor[0].next, 0)]
        var path: [UInt8] = []
        var seen: [[UInt8]: UInt8] = [:]
        var at = 1
        while at < cursor.count, found.count < Self.leavesMax {
            while let last = open.last, at >= last.next { open.removeLast() }
            guard let last = open.last else { return true }
            let key = JSONCursor.raw(cursor[at], in: line)
            path.removeLast(path.count - last.path)
            path += key.copy()
            path.append(0)
            let value = cursor[at + 1]
            let kind: HoleKind
            switch value.type {
            case .string: kind = .string
            case .number: kind = .number
            case .true, .false, .null: kind = .atom
            case .array: kind = .array
            case .object:
                var members = 0
                var member = at + 2
                while member < value.next, members <= Self.membersMax {
                    members += 1
                    member = cursor[member + 1].next
                }
                if members <= Self.membersMax, open.count < Self.depthMax {
                    open.append((value.next, path.count))
                    at += 2
                    continue
                }
                kind = .object
            }
            let earlier = seen[path].map { $0 &+ 1 } ?? 0
            seen[path] = earlier
            found.append((ByteString(path + [earlier]), kind, value.start..<value.end))
            at = value.next
        }
        return true
    }
}
