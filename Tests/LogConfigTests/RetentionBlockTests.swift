import LogConfig
import LogModel
import LogStore
import Testing

@Suite struct RetentionBlockTests {
    private func load(_ text: String) throws -> Configuration {
        try ConfigurationLoader.parse(text: text, file: "x.yaml")
    }

    private static let hour: Int64 = 3_600_000_000_000

    @Test func lokisKeysAndOurs() throws {
        let configuration = try load(
            """
            store:
              codec: zlib
              delete_within: 6h
              delete_cancel_period: 0s
              scrub: 0s
              retention:
                age: 30d
                streams:
                - {selector: '{app="debug"}', priority: 3, period: 12h}
            limits:
              retention_period: 10d
              retention_stream:
              - selector: '{namespace=~"dev|test", app!="x"}'
                priority: 1
                period: 24h
              - {selector: '{app="audit"}', period: 0s}
              deletion_mode: filter-only
            tenants:
              acme: {limits: {retention_period: 1h, retention_stream: []}}
            """)
        let store = try #require(configuration.store)
        #expect(store.deleteWithin == 6 * Self.hour && store.deleteCancelPeriod == 0 && store.scrubPeriod == nil)
        #expect(store.retentionAge == 30 * 24 * Self.hour)
        #expect(store.retentionRules.map(\.period) == [12 * Self.hour])
        let limits = configuration.limits
        #expect(limits.retentionPeriod == 240 * Self.hour && limits.deletionMode == .filterOnly)
        #expect(limits.retentionStreams.map(\.priority) == [1, 0])
        #expect(limits.retentionStreams.map(\.period) == [24 * Self.hour, 0])
        #expect(limits.retentionStreams.first?.matchers.matches(Labels(["namespace": "dev", "app": "y"])) == true)
        #expect(limits.retentionStreams.first?.matchers.matches(Labels(["namespace": "dev", "app": "x"])) == false)
        let acme = configuration.tenantLimits[try #require(Tenant("acme"))]
        #expect(acme?.retentionPeriod == Self.hour && acme?.retentionStreams == [])
    }

    @Test func lokisBlockTakesThemToo() throws {
        let configuration = try load(
            "limits_config: {retention_period: 2h, retention_stream: [{selector: '{a=\"b\"}', priority: 1, period: 1h}]}\nstore: {}\n")
        #expect(configuration.limits.retentionPeriod == 2 * Self.hour)
        #expect(configuration.limits.retentionStreams.count == 1)
    }

    @Test(arguments: [
        "{selector: 'app', period: 1h}", "{period: 1h}", "{selector: '{a=\"b\"}'}", "{selector: '{a=\"b\"}', period: soon}",
        "{selector: '{a=\"b\"} |= \"x\"', period: 1h}", "{selector: '{a=\"b\"}', period: 1h, prio: 1}",
    ])
    func mistakesNameTheirPlace(rule: String) {
        #expect {
            try load("store: {}\nlimits:\n  retention_stream:\n  - \(rule)\n")
        } throws: { error in
            "\(error)".contains("x.yaml:4:")
        }
    }
}
