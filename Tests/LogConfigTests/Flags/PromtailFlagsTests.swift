import Bytes
import LogModel
import LogPipeline
import LogServer
import LogShipping
import LogSources
import Testing

@testable import LogConfig

@Suite struct PromtailFlagsTests {
    private func configuration(_ arguments: String...) throws -> (PromtailFlags, Configuration) {
        let flags = try PromtailFlags(arguments)
        var configuration = Configuration(file: "x.yaml")
        flags.apply(to: &configuration)
        return (flags, configuration)
    }

    @Test func allWaysOfWritingAFlagAreOne() throws {
        for way in [["-config.file=a.yaml"], ["--config.file=a.yaml"], ["-config.file", "a.yaml"], ["--config.file", "a.yaml"]] {
            #expect(try PromtailFlags(way).files == ["a.yaml"])
        }
        #expect(try PromtailFlags(["-config.file=a.yaml, b.yaml"]).files == ["a.yaml", "b.yaml"])
        let flags = try PromtailFlags(["-dry-run", "-inspect=true", "-stdin=0", "-config.expand-env=T", "-check-syntax"])
        #expect(flags.isDryRun && flags.inspects && !flags.readsStdin && flags.expandsEnvironment && flags.checksSyntax)
    }

    @Test(arguments: [
        (["-config.fil=x"], "flag provided but not defined: -config.fil: did you mean -config.file?"),
        (["-config.file"], "flag needs an argument: -config.file"),
        (["-dry-run=maybe"], "invalid value \"maybe\" for flag -dry-run: true or false"),
        (["-client.batch-wait=1d"], "invalid value \"1d\" for flag -client.batch-wait: a duration, as in 1m30s"),
        (["-server.http-listen-port=70000"], "invalid value \"70000\" for flag -server.http-listen-port: a port"),
        (["---x"], "bad flag syntax: ---x"), (["-=x"], "bad flag syntax: -=x"),
        // Go's parser ends at the first word: `-dry-run true` is no `-dry-run=true`.
        (["-dry-run", "true"], "unexpected argument: true"),
        (["-client.external-labels=a"], "invalid value \"a\" for flag -client.external-labels: name=value, separated by commas"),
    ])
    func mistakesAreSaid(_ arguments: [String], _ words: String) {
        #expect(throws: GoFlags.UsageError(description: words)) { try PromtailFlags(arguments) }
    }

    @Test func aClientOfTheCommandLineComesBesideThoseOfTheFile() throws {
        let flags = try PromtailFlags([
            "-client.url=http://h:3100/loki/api/v1/push", "-client.batch-wait=2s", "-client.batch-size-bytes=64kb",
            "-client.external-labels=region=eu,host=a", "-client.tenant-id=t1",
        ])
        var configuration = Configuration(file: "x.yaml")
        var own = ClientSettings(url: "http://other/loki/api/v1/push")
        own.externalLabels = Labels(["host": "file"])
        configuration.clients = [own]
        flags.apply(to: &configuration)
        #expect(configuration.clients.count == 2)
        #expect(configuration.clients[0].externalLabels == Labels(["host": "file", "region": "eu"]))
        #expect(configuration.clients[1].batchWait == 2_000_000_000 && configuration.clients[1].batchSize == 65_536)
        #expect(configuration.clients[1].tenantID == "t1")
        // Without a URL there is none.
        let (_, none) = try self.configuration("-client.timeout=5s")
        #expect(none.clients.isEmpty)
    }

    @Test func settingsOfTheFileAreOverruled() throws {
        let (flags, configuration) = try self.configuration(
            "-positions.file=/p.yaml", "-positions.sync-period=1s", "-target.sync-period", "3s", "-server.http-listen-port=9080",
            "-limit.readline-rate=5", "-limit.readline-rate-enabled", "-max-line-size=1kb", "-max-line-size-truncate",
            "-log.level=debug", "-server.grpc-listen-port=0")
        #expect(configuration.positions.filename == "/p.yaml" && configuration.positions.syncPeriod == 1_000_000_000)
        #expect(configuration.files.resyncInterval == .seconds(3) && configuration.server.port == 9080)
        #expect(configuration.collectorLimits.readlineRate == 5 && configuration.collectorLimits.readlineRateEnabled)
        #expect(configuration.collectorLimits.maxLineSize == 1024 && configuration.collectorLimits.maxLineSizeTruncate)
        #expect(configuration.serverOptions.promtailMetrics)
        #expect(flags.ignored == ["-log.level", "-server.grpc-listen-port"])
    }
}
