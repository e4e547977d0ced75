import Bytes
import LogModel
import Testing

@testable import LogSources

@Suite struct FileMarkTests {
    @Test func detailsAndKeysComeBack() {
        var mark = FileMark()
        mark.fingerprint = FileMark.Hash(length: 1024, value: 0xdead_beef)
        mark.marker = FileMark.Hash(length: 256, value: .max)
        mark.path = "/var/log/with space=and mk=1.log"
        #expect(FileMark(mark.detail) == mark)
        let key = FileSourceKey(id: FileID(device: 66, inode: 12), fingerprint: 0xab, born: 0xcd, slot: 0)
        #expect(key.text == "file:66:12:ab.cd")
        #expect(FileSourceKey(key.text) == key)
        var second = key
        second.slot = 3
        #expect(FileSourceKey(second.text) == second)
    }

    @Test(arguments: ["", "1 ", "2 fp=1:1 mk=1:1 path=", "1 fp=x:1 mk=1:1 path=", "1 fp=-1:1 mk=1:1 path=/", "1 fp=5000:1 mk=1:1 path=/", "1 fp=1:1"])
    func foreignDetailsAreRefused(_ detail: String) { #expect(FileMark(ByteString(detail)) == nil) }

    @Test(arguments: ["", "file:", "file:1:2", "file:1:2:3", "file:1:2:x.y", "file:1:2:3.4+", "file:1:2:3.4+0", "journal:x"])
    func foreignKeysAreRefused(_ key: String) { #expect(FileSourceKey(ByteString(key)) == nil) }
}
