// swift-tools-version: 6.1
import PackageDescription

// Modules stand in the order in which a line passes them; each may import only what its row lists, plus Bytes and
// LogModel. `Tests/ArchitectureTests` reads every import against this table.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

// swift-metrics, which Hummingbird brings, has a module of the same name as ours.
let theirs = ["Metrics": "SwiftMetrics"]

let ground: [Target.Dependency] = ["Bytes", "LogModel"]

let package = Package(
    name: "tailrace",
    products: [
        .executable(name: "tailrace", targets: ["tailrace"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        // Without its traits: they link all of Foundation, 30 MB of Unicode tables in every process of a fleet.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries (Debian packages) and kernels.
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
        .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(
            name: "CKernels",
            cSettings: [.define("_GNU_SOURCE")],
            cxxSettings: [.define("_GNU_SOURCE")],
            linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("hs"), .linkedLibrary("stdc++")]
        ),

        // The ground floor.
        module("Bytes", ["CKernels", "CZlib", "CZstd", "CBzip2", "CSnappy"]),
        module("LogModel", ["Bytes"]),
        module("Metrics", ground),
        module("Disk", ground),
        module("LogQL", ground),
        module("LokiWire", ground),

        // The way of a line.
        module("LogSources", ground + ["Disk", "CSystemd"]),
        module("LogStages", ground),
        module("Redaction", ground),
        module("LogPipeline", ground + ["LogStages", "Redaction", "LogQL", "Metrics"]),
        module(
            "LogShipping",
            ground + [
                "LokiWire", "Disk", "Metrics",
                .product(name: "AsyncHTTPClient", package: "async-http-client", moduleAliases: theirs),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        module("LogStore", ground + ["Disk", "Metrics"]),
        module("LogQuery", ground + ["LogQL", "LogStages", "Metrics"]),
        module(
            "LogServer",
            ground + [
                "LokiWire", "LogQuery", "LogPipeline", "LogQL", "Metrics",
                .product(name: "Hummingbird", package: "hummingbird", moduleAliases: theirs),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ]
        ),

        // The house around it.
        module(
            "LogConfig",
            ground + [
                "CYaml", "LogQL", "LogSources", "LogStages", "Redaction", "LogPipeline", "LogShipping", "LogStore",
                "LogQuery", "LogServer",
            ]
        ),
        module(
            "LogService",
            ground + [
                "Metrics", "Disk", "LogQL", "LokiWire", "LogSources", "LogStages", "Redaction", "LogPipeline",
                "LogShipping", "LogStore", "LogQuery", "LogServer", "LogConfig",
                .product(name: "AsyncHTTPClient", package: "async-http-client", moduleAliases: theirs),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", moduleAliases: theirs),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "tailrace",
            dependencies: ground + [
                "LogService",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // Tests: one target a module, with its file names and `Tests`; the kit; servers that are played; the whole from outside. `FuzzTargets` is
        // shared with the package in Tests/Fuzz, which `make fuzz` builds.
        .target(
            name: "FuzzTargets", dependencies: ground + ["LogQL", "LokiWire", "LogStages", "LogQuery"],
            path: "Tests/Fuzz/Targets", swiftSettings: strict),
        .target(name: "FakeServers", dependencies: ground + ["Disk", "LogSources"], path: "Tests/FakeServers", swiftSettings: strict),
        .target(name: "LogTestKit", dependencies: ground + ["Disk"], path: "Tests/LogTestKit", swiftSettings: strict),
        tests("BytesTests", ground + ["LogTestKit"]),
        tests("LogModelTests", ground),
        tests("MetricsTests", ground + ["Metrics"]),
        tests("DiskTests", ground + ["Disk", "LogTestKit"]),
        tests("LogQLTests", ground + ["LogQL"]),
        tests("LokiWireTests", ground + ["LokiWire"]),
        tests("LogSourcesTests", ground + ["Disk", "LogSources", "FakeServers"]),
        tests("LogStagesTests", ground + ["LogStages"]),
        tests("RedactionTests", ground + ["Redaction"]),
        tests(
            "LogPipelineTests", ground + ["LogStages", "Redaction", "LogQL", "Metrics", "LogPipeline", "LogConfig"]),
        tests("LogShippingTests", ground + ["Disk", "Metrics", "LokiWire", "LogShipping", "LogTestKit", .product(name: "NIOCore", package: "swift-nio")]),
        tests("LogStoreTests", ground + ["Disk", "Metrics", "LogStore", "LogTestKit"]),
        tests("LogQueryTests", ground + ["Disk", "LogQL", "LogStages", "Metrics", "LogStore", "LogQuery", "LogTestKit"]),
        tests(
            "LogServerTests",
            ground + ["LokiWire", "LogQuery", "LogPipeline", "LogQL", "Metrics", "Redaction", "LogServer"]
        ),
        tests(
            "LogConfigTests",
            ground + [
                "LogQL", "LogSources", "LogStages", "Redaction", "LogPipeline", "LogShipping", "LogStore", "LogQuery",
                "LogServer", "LogConfig",
            ]
        ),
        tests(
            "LogServiceTests",
            ground + [
                "Disk", "Metrics", "LokiWire", "LogStages", "LogSources", "Redaction", "LogPipeline", "LogShipping", "LogServer", "LogConfig",
                "LogService",
            ]
        ),
        tests("FuzzReplayTests", ground + ["FuzzTargets"]),
        tests("ArchitectureTests", []),
        tests("EndToEndTests", ground + ["Disk", "LogConfig", "LogService", "tailrace", "FakeServers"]),
    ],
    cxxLanguageStandard: .cxx17
)
