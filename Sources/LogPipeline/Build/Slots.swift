import Bytes

/// Names of the extracted map, numbered while a pipeline is built.
struct Slots {
    private(set) var numbers: [ByteString: Int] = [:]
    private(set) var names: [ByteString] = []

    mutating func number(_ name: String) -> Int {
        let name = ByteString(name)
        if let known = numbers[name] { return known }
        let number = names.count
        numbers[name] = number
        names.append(name)
        return number
    }

    mutating func number(_ name: String?) -> Int? { name.map { number($0) } }
}
