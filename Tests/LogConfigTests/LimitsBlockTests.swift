import LogConfig
import LogModel
import Testing

@Suite struct LimitsBlockTests {
    private func load(_ text: String) throws -> Configuration {
        try ConfigurationLoader.parse(text: text, file: "t.yaml")
    }

    @Test func everything() throws {
        let configuration = try load(
            """
            limits:
              max_line_size: 256KB
              max_line_size_truncate: true
              max_line_size_truncate_identifier: "…"
              max_values_per_label: 500
              allow_structured_metadata: false
              ingestion_rate_mb: 4
              ingestion_burst_size_mb: 6.5
              per_stream_rate_limit: 3MB
              per_stream_rate_limit_burst: 15MB
              max_global_streams_per_user: 5000
              max_query_range: 2h
              max_query_lookback: 30d
              volume_enabled: false
              volume_max_series: 10
              otlp_config:
                resource_attributes:
                  ignore_defaults: true
                  attributes_config:
                  - {action: index_label, attributes: [service.name, team]}
                  - {action: drop, regex: "secret.*"}
                scope_attributes: [{action: drop, attributes: [a]}]
                log_attributes: [{action: structured_metadata, attributes: [b]}]
                severity_text_as_label: true
            tenants:
              acme: {limits: {max_line_size: 1kb, ingestion_rate_mb: 1}}
              other: {}
            pattern_ingester: {enabled: false}
            """)
        let limits = configuration.limits
        #expect(limits.maxLineSize == 256 << 10)
        #expect(limits.maxLineSizeTruncate && limits.maxLineSizeTruncateIdentifier == "…")
        #expect(limits.maxValuesPerLabel == 500)
        #expect(!limits.allowStructuredMetadata)
        #expect(limits.ingestionRateMB == 4 && limits.ingestionBurstSizeMB == 6.5)
        #expect(limits.perStreamRateLimit == 3 << 20 && limits.perStreamRateLimitBurst == 15 << 20)
        #expect(limits.maxGlobalStreamsPerUser == 5_000)
        #expect(limits.maxQueryRange == 7_200_000_000_000)
        #expect(limits.maxQueryLookback == 30 * 86_400_000_000_000)
        #expect(!limits.volumeEnabled && limits.volumeMaxSeries == 10)
        var rules = OTLPRules()
        rules.ignoresDefaults = true
        rules.resource = [
            OTLPRules.Rule(.indexLabel, attributes: ["service.name", "team"]), OTLPRules.Rule(.drop, regex: "secret.*"),
        ]
        rules.scope = [OTLPRules.Rule(.drop, attributes: ["a"])]
        rules.record = [OTLPRules.Rule(.structuredMetadata, attributes: ["b"])]
        rules.severityTextAsLabel = true
        #expect(limits.otlp == rules)
        // A tenant's own limits stand over the common ones.
        let name = try #require(Tenant("acme"))
        let acme = try #require(configuration.tenantLimits[name])
        #expect(acme.maxLineSize == 1 << 10 && acme.ingestionRateMB == 1 && acme.ingestionBurstSizeMB == 6.5)
        #expect(configuration.tenantLimits.count == 1)
        #expect(!configuration.minesPatterns)
    }

    @Test(
        "Mistakes",
        arguments: [
            ("limits: {ingestion_rate_mb: -1}", "`ingestion_rate_mb` in limits is -1.0"),
            ("limits: {otlp_config: {log_attributes: [{action: index_label, attributes: [a]}]}}", "`action` in limits.otlp_config.log_attributes is `index_label`"),
            ("limits: {otlp_config: {scope_attributes: [{action: drop}]}}", "`attributes` is missing in limits.otlp_config.scope_attributes"),
            ("limits: {otlp_config: {scope_attributes: [{action: drop, regex: \"(\"}]}}", "`regex` in limits.otlp_config.scope_attributes does not compile"),
            ("tenants: {\"a|b\": {limits: {}}}", "`a|b` is no tenant"), ("tenants: [a]", "`tenants` must be a mapping"),
            ("tenants: {a: {limit: {}}}", "unknown key `limit` in tenants.a"),
            ("limits: {max_values_per_label: 1000000000}", "`max_values_per_label` in limits is 1000000000"),
        ])
    func mistakes(text: String, message: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try load(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
