// swift-tools-version: 6.1
import PackageDescription

// The readers of outside bytes, built for libFuzzer with AddressSanitizer: a package of its own because every module
// needs flags that no other build has. The modules are links to those of the main package, whose `Package.swift` says
// what each is; nothing from outside is fetched. `make fuzz` builds and runs it.

let instrumented: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .unsafeFlags(["-sanitize=fuzzer,address"]),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: instrumented)
}

let ground: [Target.Dependency] = ["Bytes", "LogModel"]

let package = Package(
    name: "tailrace-fuzz",
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd"),
        .systemLibrary(name: "CSnappy"),
        .target(
            name: "CKernels",
            cxxSettings: [.define("_GNU_SOURCE"), .unsafeFlags(["-fsanitize=fuzzer-no-link,address"])],
            linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("hs"), .linkedLibrary("stdc++")]
        ),
        module("Bytes", ["CKernels", "CZlib", "CZstd", "CSnappy"]),
        module("LogModel", ["Bytes"]),
        module("Metrics", ground),
        module("LogQL", ground),
        module("LokiWire", ground),
        module("LogStages", ground),
        module("LogQuery", ground + ["LogQL", "LogStages", "Metrics"]),
        module("FuzzTargets", ground + ["LogQL", "LokiWire", "LogStages", "LogQuery"], path: "Targets"),
        .executableTarget(
            name: "fuzz",
            dependencies: ground + ["FuzzTargets"],
            path: "Driver",
            swiftSettings: instrumented + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]
        ),
    ],
    cxxLanguageStandard: .cxx17
)
