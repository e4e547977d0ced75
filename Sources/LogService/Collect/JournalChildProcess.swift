import LogSources

/// The hidden command that a journal source starts this binary with.
package enum JournalChildProcess {
    package static func run(_ arguments: [String]) -> Int32 {
        // It does not know whether its parent redacts.
        ServiceProcess.keepsSecrets()
        return JournalHelper.run(arguments: arguments)
    }
}
