import LogModel
import LogShipping

/// What happens to lines that a destination does not take at once: `queue`, `required`, `dead_letter`, and `wal:`.
enum DeliveryBlock {
    private static let queueKeys = ["dir", "max_bytes", "when_full", "fsync", "required"]
    /// Less holds hardly a batch.
    private static let queueMin = 4 << 20
    private static let lettersMin = 4 << 10

    static func decode(_ map: MapReader, into client: inout ClientSettings) {
        if let isRequired = map.bool("required") { client.isRequired = isRequired }
        if let node = map.node("queue"), let queue = MapReader(node, "\(map.name).queue", keys: queueKeys, map.problems) {
            if let isRequired = queue.bool("required") { client.isRequired = isRequired }
            if let directory = queue.string("dir"), !directory.isEmpty {
                var spool = SpoolSettings(directory: directory)
                if let size = size(queue, "max_bytes", least: queueMin) { spool.sizeMax = size }
                if let word = queue.choice("when_full", SpoolSettings.WhenFull.self) { spool.whenFull = word }
                spool.syncs = queue.bool("fsync") ?? true
                client.spool = spool
            } else {
                for key in ["max_bytes", "when_full", "fsync"] where queue.node(key) != nil {
                    queue.problems.error(
                        "`\(key)` in \(queue.name) needs `dir`", at: queue.keyMark(of: key),
                        hint: "give the directory of the spool")
                    break
                }
            }
        }
        letters(map, &client)
    }

    private static func size(_ map: MapReader, _ key: String, least: Int) -> Int? {
        guard let size = map.size(key) else { return nil }
        if size < least { map.wrong(key, "is \(size) bytes", hint: "it must be \(least) or more") }
        return size
    }

    /// A path, a mapping, or `false`. Without a word the file lies beside the positions, which is known later.
    private static func letters(_ map: MapReader, _ client: inout ClientSettings) {
        client.deadLetters = DeadLetterSettings(path: "")
        guard let node = map.node("dead_letter") else { return }
        switch node.content {
        case .scalar(let text, let isPlain):
            if isPlain, YAMLScalar.bool(text) == false {
                client.deadLetters = nil
            } else if !(isPlain && YAMLScalar.bool(text) == true) {
                client.deadLetters?.path = text
            }
        default:
            guard
                let letters = MapReader(node, "\(map.name).dead_letter", keys: ["file", "max_bytes"], map.problems)
            else { return }
            client.deadLetters?.path = letters.string("file") ?? ""
            if let size = size(letters, "max_bytes", least: lettersMin) { client.deadLetters?.sizeMax = size }
        }
    }

    /// What needs the whole file: `wal:`, places of files that nobody named, and directories that two clients share.
    static func finish(_ root: MapReader, _ configuration: inout Configuration) {
        let problems = root.problems
        if let node = root.node("wal"),
            let wal = MapReader(
                node, "wal", keys: ["enabled", "dir", "cleanSegmentsOlderThan", "watchConfig"], problems, foldsCase: false)
        {
            let isOn = wal.bool("enabled") ?? false
            let directory = wal.string("dir") ?? ""
            if isOn, directory.isEmpty { wal.missing("dir", hint: "the directory that holds lines on their way") }
            for key in ["cleanSegmentsOlderThan", "watchConfig"] where wal.node(key) != nil {
                problems.warning(
                    "`\(key)` in wal has no effect", at: wal.keyMark(of: key),
                    hint: "lines stay until they are acknowledged; `queue: {max_bytes: …}` of a client bounds them")
            }
            if isOn, !directory.isEmpty {
                for index in configuration.clients.indices where configuration.clients[index].spool == nil {
                    let own = "\(directory)/\(folder(configuration.clients, index))"
                    configuration.clients[index].spool = SpoolSettings(directory: own)
                }
            }
        }
        var seen: Set<String> = []
        for index in configuration.clients.indices {
            if let directory = configuration.clients[index].spool?.directory, !seen.insert(directory).inserted {
                problems.error(
                    "two clients have their queue in `\(directory)`", at: root.keyMark(of: "clients"),
                    hint: "give each its own `dir`")
            }
            guard configuration.clients[index].deadLetters?.path == "" else { continue }
            let positions = configuration.positions.filename
            let parent = positions.lastIndex(of: "/").map { String(positions[...$0]) } ?? ""
            let path = "\(parent)dead-letters-\(folder(configuration.clients, index)).jsonl"
            configuration.clients[index].deadLetters?.path = path
        }
        if !configuration.clients.isEmpty, configuration.clients.allSatisfy({ !$0.isRequired }) {
            problems.warning(
                "no client is required: positions move whatever becomes of the lines", at: root.keyMark(of: "clients"),
                hint: "leave `required: false` away for one of them")
        }
    }

    /// A name for a file or folder, different for each client.
    private static func folder(_ clients: [ClientSettings], _ index: Int) -> String {
        func name(_ client: ClientSettings) -> String {
            String(String.UnicodeScalarView(client.title.unicodeScalars.map { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-" || scalar == ".")
                    ? scalar : "_"
            }))
        }
        let own = name(clients[index])
        let earlier = clients[..<index].count { name($0) == own }
        return earlier == 0 ? own : "\(own)-\(earlier + 1)"
    }
}
