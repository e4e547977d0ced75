import Bytes
import Disk
import Glibc
import Testing

@testable import LogSources

/// A pipe had its flag a moment after it was made: a helper started in between by another thread kept it open.
@Suite(.serialized) struct DescriptorsOfChildrenTests {
    @Test func pipesAreClosedInChildren() throws {
        let (readable, writable) = try System.pipe(flags: O_NONBLOCK)
        defer {
            System.close(readable)
            System.close(writable)
        }
        for end in [readable, writable] {
            #expect(fcntl(end, F_GETFD) & FD_CLOEXEC != 0)
            #expect(fcntl(end, F_GETFL) & O_NONBLOCK != 0)
        }
        let wakeUp = try WakeUp()
        #expect(fcntl(wakeUp.readable, F_GETFD) & FD_CLOEXEC != 0)
        wakeUp.signal()
        #expect(System.waitReadable([wakeUp.readable], milliseconds: 0) == [true])
        wakeUp.clear()
        #expect(System.waitReadable([wakeUp.readable], milliseconds: 0) == [false])
    }

    @Test func childrenHaveThreeDescriptorsAndNoOthers() throws {
        let pipes = Monitor(0)
        let done = Monitor(false)
        let worker = Worker("test-pipes") {
            while !done.withLock({ $0 }) {
                if let (readable, writable) = try? System.pipe() {
                    System.close(readable)
                    System.close(writable)
                }
                pipes.change { $0 += 1 }
            }
        }
        defer {
            done.change { $0 = true }
            worker?.join()
        }
        let (readable, writable) = try System.pipe()
        defer {
            System.close(readable)
            System.close(writable)
        }
        for _ in 0..<20 {
            let child = try ChildProcess("/bin/sh", ["-c", "readlink /proc/$$/fd/\(readable) /proc/$$/fd/\(writable); echo end"])
            var text: [UInt8] = []
            while true {
                _ = System.waitReadable([child.output], milliseconds: 10_000)
                var room = [UInt8](repeating: 0, count: 4096)
                let count = room.withUnsafeMutableBytes { System.readSome(child.output, $0) }
                if count <= 0 { break }
                text += room.prefix(count)
            }
            _ = child.wait()
            #expect(String(decoding: text, as: UTF8.self) == "end\n")
        }
        #expect(pipes.wait(timeout: 10_000_000_000) { $0 > 0 ? true : nil } == true)
    }

    /// Sources share no entry of the password file.
    @Test func hintsFromManyThreadsAgree() {
        let directory = TemporaryDirectory()
        directory.write("a.log", "")
        let error = SystemError("open", ByteString(directory("a.log")), code: EACCES)
        let expected = PermissionHint.text(for: error)
        let odd = Monitor(0)
        let workers = (0..<4).map { _ in
            Worker("test-hint") { for _ in 0..<200 where PermissionHint.text(for: error) != expected { odd.change { $0 += 1 } } }
        }
        for worker in workers { worker?.join() }
        #expect(odd.withLock { $0 } == 0)
    }
}
