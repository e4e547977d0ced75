/// The top level: which blocks there are.
enum RootBlock {
    private static let keys = [
        "server", "client", "clients", "positions", "scrape_configs", "target_config", "limits_config", "global",
        "options",
        "tracing", "wal", "store", "query", "limits", "auth", "redaction", "tests", "tenants", "rules", "pattern_ingester",
    ]

    static func decode(_ tree: YAMLNode, into configuration: inout Configuration, _ problems: Problems) {
        guard let map = MapReader(tree, "the file", keys: keys, problems) else { return }
        ServerBlock.decode(map, into: &configuration)
        ClientsBlock.decode(map, into: &configuration)
        CollectorBlocks.decode(map, into: &configuration)
        StoreBlocks.decode(map, into: &configuration)
        LimitsBlock.decode(map, into: &configuration)
        RedactionBlock.decode(map, into: &configuration)
        ScrapeBlock.decode(map, into: &configuration)
        TestsBlock.decode(map, into: &configuration)
        for key in ["rules"] where map.node(key) != nil {
            problems.error(
                "`\(key):` is not available in this version",
                at: map.keyMark(of: key),
                hint: "remove the block"
            )
        }
        DeliveryBlock.finish(map, &configuration)
        if map.node("tracing") != nil { problems.warning("`tracing:` has no effect", at: map.keyMark(of: "tracing")) }
        if map.node("options") != nil { problems.warning("`options:` has no effect", at: map.keyMark(of: "options")) }
    }
}
