import LogConfig

/// Prices as a YAML file, see `samples/prices.yaml`:
///
/// ```yaml
/// currency: USD
/// per_tokens: 1000
/// models:
///   llama-2-7b: 0.0001
///   mixtral: {input: 0.0002, output: 0.0006}
/// instances: {g5.xlarge: 1.006}
/// hosts: {gpu-01: g5.xlarge}
/// ```
enum PriceFile {
    static func decode(_ node: YAMLNode?, _ text: inout SettingsText) -> PriceList {
        var list = PriceList()
        for pair in text.pairs(node, "the price file", keys: ["currency", "per_tokens", "models", "instances", "hosts"]) {
            switch pair.key {
            case "currency": list.currency = text.text(pair) ?? list.currency
            case "per_tokens": list.per = text.number(pair, 1...Double.greatestFiniteMagnitude) ?? list.per
            case "models":
                for model in text.pairs(pair.value, "models", keys: nil) { list.models[model.key] = price(model, &text) }
            case "instances":
                for type in text.pairs(pair.value, "instances", keys: nil) {
                    list.instances[type.key] = text.number(type, 0...Double.greatestFiniteMagnitude)
                }
            case "hosts":
                for host in text.pairs(pair.value, "hosts", keys: nil) { list.hosts[host.key] = text.text(host) }
            default: break
            }
        }
        return list
    }

    /// One number for both directions, or a mapping with both.
    private static func price(_ pair: YAMLPair, _ text: inout SettingsText) -> PriceList.Tokens? {
        let any = 0...Double.greatestFiniteMagnitude
        guard case .mapping = pair.value.content else { return text.number(pair, any).map { .init(input: $0, output: $0) } }
        var made: [String: Double] = [:]
        for side in text.pairs(pair.value, pair.key, keys: ["input", "output"]) { made[side.key] = text.number(side, any) }
        guard let input = made["input"], let output = made["output"] else {
            text.mistake("`\(pair.key)` needs `input` and `output`", at: pair.keyMark)
            return nil
        }
        return .init(input: input, output: output)
    }
}
