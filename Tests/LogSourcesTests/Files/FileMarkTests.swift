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
        mark.markerEnd = 4096
        #expect(FileMark(mark.detail) == mark)
        #expect(mark.detail.hasPrefix("1 fp=1024:deadbeef mk=256:ffffffffffffffff@4096 path=/var"))
        let key = FileSourceKey(id: FileID(device: 66, inode: 12), fingerprint: 0xab, born: 0xcd, slot: 0)
        #expect(key.text == "file:66:12:ab.cd")
        #expect(FileSourceKey(key.text) == key)
        var second = key
        second.slot = 3
        #expect(FileSourceKey(second.text) == second)
    }

    @Test(arguments: ["", "1 ", "2 fp=1:1 mk=1:1 path=", "1 fp=x:1 mk=1:1 path=", "1 fp=-1:1 mk=1:1 path=/", "1 fp=5000:1 mk=1:1 path=/", "1 fp=1:1",
        // More than a reader has room for: that trapped at every start.
        "1 fp=1:1 mk=257:1 path=/", "1 fp=1:1 mk=1000:1@2000 path=/", "1 fp=1:1 mk=9:1@8 path=/", "1 fp=1:1 mk=9:1@ path=/", "1 fp=1:1 mk=9:1@x path=/",
    ])
    func foreignDetailsAreRefused(_ detail: String) { #expect(FileMark(ByteString(detail)) == nil) }

    @Test(arguments: ["", "file:", "file:1:2", "file:1:2:3", "file:1:2:x.y", "file:1:2:3.4+", "file:1:2:3.4+0", "journal:x"])
    func foreignKeysAreRefused(_ key: String) { #expect(FileSourceKey(ByteString(key)) == nil) }
}
