/// What `--version` and the build information say.
package enum ServiceVersion {
    package static let number = "0.1.0"
    package static let text = "tailrace \(number)"
}
