import Glibc

enum Environment {
    /// nil where it is not set.
    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
