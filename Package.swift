// swift-tools-version: 6.2
import PackageDescription

/// Settings every Swift target shares: imports say what they are for, existentials are written out,
/// and a warning stops the build.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// The adapters are the only targets that see a pointer; there each unsafe use is marked where it stands.
let adapter: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Test builds carry failpoints (`SANDBOXCTL_FAIL=step:kill`); release builds do not know the word.
let engine: [SwiftSetting] = strict + [.define("FAILPOINTS", .when(configuration: .debug))]

let c: [CSetting] = [.unsafeFlags(["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fstack-protector-strong"])]

let package = Package(
    name: "sandboxctl",
    products: [
        .executable(name: "sandboxctl", targets: ["sandboxctl"]),
        .executable(name: "sandbox-init", targets: ["sandbox-init"]),
        .executable(name: "sandbox-launch", targets: ["sandbox-launch"]),
        .executable(name: "sandbox-copy", targets: ["sandbox-copy"]),
        .executable(name: "sandbox-gateway", targets: ["sandbox-gateway"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),

        .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
        .systemLibrary(name: "CNftnl", pkgConfig: "libnftnl", providers: [.apt(["libnftnl-dev"])]),

        // C: what Swift cannot say, and what runs between fork and exec.
        .target(name: "CSandboxShims", cSettings: c),
        .executableTarget(
            name: "sandbox-init", dependencies: ["CSandboxShims"], cSettings: c,
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xclang-linker", "-static"])]),
        .executableTarget(
            name: "sandbox-launch", dependencies: ["CSandboxShims"], cSettings: c,
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xclang-linker", "-static"])]),
        .executableTarget(
            name: "sandbox-copy", dependencies: ["CSandboxShims"], cSettings: c,
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xclang-linker", "-static"])]),

        // Pure values and functions.
        .target(name: "SandboxModel", swiftSettings: strict),
        .target(
            name: "SandboxTemplates",
            dependencies: ["SandboxModel", .product(name: "TOMLKit", package: "TOMLKit")],
            swiftSettings: strict),

        .target(name: "EgressWire", swiftSettings: strict),
        .target(name: "EgressPolicy", dependencies: ["SandboxModel"], swiftSettings: strict),

        // Use cases over protocols.
        .target(name: "SandboxEngine", dependencies: ["SandboxModel", "EgressPolicy"], swiftSettings: engine),

        // Adapters.
        .target(name: "LinuxKit", dependencies: ["CSandboxShims"], swiftSettings: adapter),
        .target(name: "SystemdBus", dependencies: ["CSystemd", "CSandboxShims"], swiftSettings: adapter),
        .target(name: "CNetlinkShims", cSettings: c),
        .target(
            name: "Netfilter", dependencies: ["SandboxModel", "EgressPolicy", "CMnl", "CNftnl", "CNetlinkShims"],
            swiftSettings: adapter),
        .target(name: "Seccomp", dependencies: ["CSeccomp"], swiftSettings: adapter),
        .target(
            name: "NspawnBackend",
            dependencies: [
                "SandboxModel", "SandboxEngine", "EgressPolicy", "LinuxKit", "SystemdBus", "Seccomp", "Netfilter",
            ],
            swiftSettings: engine),

        // The gateway: the only importer of NIO.
        .target(
            name: "EgressGateway",
            dependencies: [
                "SandboxModel", "EgressPolicy", "EgressWire", "LinuxKit",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: adapter),
        .executableTarget(name: "sandbox-gateway", dependencies: ["EgressGateway"], swiftSettings: adapter),

        // The command.
        .target(
            name: "SandboxCLI",
            dependencies: [
                "SandboxModel", "SandboxTemplates", "SandboxEngine", "EgressPolicy", "NspawnBackend", "LinuxKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "sandboxctl", dependencies: ["SandboxCLI"], swiftSettings: strict),

        // Tests.
        .testTarget(name: "SandboxModelTests", dependencies: ["SandboxModel"], swiftSettings: strict),
        .testTarget(
            name: "SandboxTemplatesTests", dependencies: ["SandboxTemplates", "SandboxModel"], exclude: ["Corpus"],
            swiftSettings: strict),
        .testTarget(
            name: "SandboxEngineTests", dependencies: ["SandboxEngine", "SandboxModel", "EgressPolicy"],
            swiftSettings: engine),
        .testTarget(name: "EgressWireTests", dependencies: ["EgressWire"], swiftSettings: strict),
        .testTarget(name: "EgressPolicyTests", dependencies: ["EgressPolicy", "SandboxModel"], swiftSettings: strict),
        .testTarget(
            name: "NetfilterTests", dependencies: ["Netfilter", "EgressPolicy", "SandboxModel", "LinuxKit"],
            swiftSettings: strict),
        .testTarget(
            name: "EgressGatewayTests",
            dependencies: [
                "EgressGateway", "EgressPolicy", "EgressWire", "SandboxModel",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
            ], swiftSettings: strict),
        // The inputs of the fuzzers through their checks; the fuzzers themselves are built by Tests/Fuzz/run.
        .testTarget(
            name: "FuzzCorpusTests", dependencies: ["EgressWire", "SandboxModel", "SandboxTemplates"],
            path: "Tests/Fuzz", exclude: ["Entries", "corpus", "dictionaries", "run", "seeds.py"],
            swiftSettings: strict),
        .testTarget(name: "LinuxKitTests", dependencies: ["LinuxKit", "CSandboxShims"], swiftSettings: strict),
        .testTarget(name: "SystemdBusTests", dependencies: ["SystemdBus"], swiftSettings: strict),
        .testTarget(name: "SeccompTests", dependencies: ["Seccomp"], swiftSettings: strict),
        .testTarget(
            name: "NspawnBackendTests",
            dependencies: ["NspawnBackend", "SandboxModel", "SandboxEngine", "LinuxKit", "SystemdBus"],
            swiftSettings: strict),
        .testTarget(
            name: "SandboxCLITests",
            dependencies: [
                "SandboxCLI", "SandboxModel", "SandboxEngine", "EgressPolicy",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// Only for Benchmarks/run: what is timed in process.
if Context.environment["SANDBOX_BENCHMARKS"] != nil {
    package.targets.append(
        .executableTarget(
            name: "netfilter-bench", dependencies: ["Netfilter", "EgressPolicy", "SandboxModel"],
            path: "Benchmarks/Netfilter", swiftSettings: strict))
}
