import Bytes
import LogModel
import LokiWire

extension LogServer {
    func detectedFields(_ request: LokiRequest) throws -> Reply { .json { $0.append("{}\n") } }
    func detectedFieldValues(_ request: LokiRequest) throws -> Reply { .json { $0.append("{}\n") } }
}
