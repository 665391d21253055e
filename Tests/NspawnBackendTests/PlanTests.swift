import LinuxKit
import SandboxModel
import SystemdBus
import Testing

@testable import NspawnBackend

func record(_ template: Template = Template(), workspace: Workspace? = nil) throws -> SandboxRecord {
    SandboxRecord(
        id: "0123456789abcdef", name: try SandboxName("demo"), phase: .created, templateName: "default",
        template: template, workspace: workspace, uidBase: 0x4001_0000, createdAt: 1)
}

@Suite("plan of the root") struct RootPlanTests {
    private let full = Template(
        storePaths: ["/opt/tools"],
        agent: AgentSettings(persist: [".cache", ".local/share/x"]),
        mounts: [
            Mount(source: "/srv/a", target: "/data/a"), Mount(source: "/srv/b", target: "/data/b", readOnly: false),
        ])
    private let workspace = Workspace(path: "/home/me/p", uid: 1000, gid: 1000, device: 1, inode: 2)

    @Test("makes parents before children and nothing twice", arguments: [Store.host, .directory("/tree"), .nix])
    func order(store: Store) throws {
        var template = full
        template.store = store
        let plan = RootPlan.make(
            for: try record(template, workspace: workspace), paths: HostPaths(), etcNames: ["python3.11"])
        for items in [plan.items, plan.runItems, plan.ownItems] {
            var seen: Set<String> = []
            for item in items {
                #expect(seen.insert(item.path).inserted, "\(item.path) twice")
                let parent = item.path.split(separator: "/").dropLast().joined(separator: "/")
                #expect(parent.isEmpty || seen.contains(parent), "\(item.path) before its parent")
            }
        }
        #expect(Set(plan.attachments.map(\.target)).count == plan.attachments.count)
    }

    @Test("shows of the host's /etc only what programs need, and no keys") func etc() throws {
        let plan = RootPlan.make(
            for: try record(), paths: HostPaths(),
            etcNames: ["shadow", "ssh", "python3.11", "java-17-openjdk", "sandboxctl"])
        let bound = Set(plan.attachments.map(\.source).filter { $0.hasPrefix("/etc") })
        #expect(
            bound == [
                "/etc/alternatives", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/perl", "/etc/fonts",
                "/etc/python3.11",
                "/etc/java-17-openjdk",
            ])
        let copied = plan.items.compactMap { item in if case .copy(_, let from) = item { from } else { nil } }
        #expect(!copied.contains { $0.contains("shadow") || $0.contains("private") || $0.contains("ssh") })
        #expect(plan.attachments.allSatisfy { $0.readOnly })
    }

    @Test("maps the workspace's owner to the agent, and notices another directory in its place") func workspaceMount()
        throws
    {
        let mount = try #require(
            RootPlan.make(for: try record(workspace: workspace), paths: HostPaths(), etcNames: []).attachments
                .first { $0.target == "workspace" })
        #expect(mount.ownership == .owner && !mount.readOnly && mount.identity == workspace)
        var template = Template()
        template.workspaceMode = .readOnly
        let locked = RootPlan.make(for: try record(template, workspace: workspace), paths: HostPaths(), etcNames: [])
        #expect(locked.attachments.first { $0.target == "workspace" }?.readOnly == true)
    }
}

@Suite("plan of the unit") struct UnitPlanTests {
    private func properties(_ plan: UnitPlan) -> [String: String] {
        Dictionary(plan.properties.map { ($0.name, $0.value.json) }) { first, _ in first }
    }

    @Test("names the unit, the machine and the namespace after the sandbox, and takes every guard") func guards() throws
    {
        let plan = UnitPlan.make(for: try record(), paths: HostPaths(), credentials: [])
        #expect(plan.unit == "sandbox-demo.service")
        for option in [
            "--settings=no", "--machine=demo", "--keep-unit", "--private-users=1073807360:65536",
            "--private-users-ownership=off", "--notify-ready=yes", "--no-new-privileges=yes", "--drop-capability=all",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe",
        ] {
            #expect(plan.command.contains(option), "\(option)")
        }
        let got = properties(plan)
        #expect(got["NetworkNamespacePath"] == "\"/run/netns/sandbox-demo\"")
        #expect(got["Delegate"] == "true" && got["MemorySwapMax"] == "0" && got["OOMScoreAdjust"] == "-1000")
        #expect(got["DevicePolicy"] == "\"closed\"" && got["LimitCORE"] == "0")
        #expect(got["MemoryMax"] == nil && got["TasksMax"] == nil && got["CPUQuotaPerSecUSec"] == nil)
    }

    @Test("sets the limits of the template") func limits() throws {
        let limits = ResourceLimits(
            memory: ByteSize(bytes: 1 << 26), tasks: 32, cpu: CPUQuota(parsing: "150%"))
        let got = properties(
            UnitPlan.make(for: try record(Template(limits: limits)), paths: HostPaths(), credentials: []))
        #expect(got["MemoryMax"] == "67108864" && got["TasksMax"] == "32" && got["CPUQuotaPerSecUSec"] == "1500000")
    }

    @Test("hands secrets over by path, never by value") func secrets() throws {
        let plan = UnitPlan.make(
            for: try record(), paths: HostPaths(),
            credentials: [
                CredentialSource(name: "a", path: "/etc/a", isEncrypted: false),
                CredentialSource(name: "b", path: "/etc/credstore.encrypted/b", isEncrypted: true),
            ])
        let got = properties(plan)
        #expect(got["LoadCredential"] == #"[["a","/etc/a"]]"#)
        #expect(got["LoadCredentialEncrypted"] == #"[["b","/etc/credstore.encrypted/b"]]"#)
        #expect(got["SetCredential"] == nil)
    }
}

@Suite("posture") struct PostureTests {
    private static let zero = "0000000000000000"
    private let promise = Posture.Promise(
        uidBase: 0x4001_0000, networkNamespace: "net:[7]", cgroup: "/machine.slice/sandbox-demo.service/payload",
        mounts: ["/": ["nosuid", "nodev"], "/usr": ["ro", "nosuid", "nodev"]])

    private var good: Posture.Reading {
        let ids = Array(repeating: "1073807360", count: 4).joined(separator: "\t")
        let mounts = MountEntry.parse(
            """
            1 0 0:1 / / rw,nosuid,nodev - tmpfs sandbox rw
            2 1 8:1 /usr /usr ro,nosuid,nodev - ext4 /dev/vda rw
            3 1 0:3 / /proc rw,nosuid - proc proc rw
            4 1 8:1 /dev/null /dev/null rw - devtmpfs dev rw
            """)
        return Posture.Reading(
            status: [
                "CapInh": Self.zero, "CapPrm": Self.zero, "CapEff": Self.zero, "CapBnd": Self.zero, "CapAmb": Self.zero,
                "NoNewPrivs": "1", "Seccomp": "2", "Seccomp_filters": "1", "Uid": ids, "Gid": ids,
            ],
            uidMap: "         0 1073807360      65536\n", gidMap: "0 1073807360 65536\n",
            namespaces: [
                "net": "net:[7]", "user": "user:[2]", "pid": "pid:[2]", "mnt": "mnt:[2]", "ipc": "ipc:[2]",
                "uts": "uts:[2]",
                "cgroup": "cgroup:[2]",
            ],
            hostNamespaces: [
                "net": "net:[1]", "user": "user:[1]", "pid": "pid:[1]", "mnt": "mnt:[1]", "ipc": "ipc:[1]",
                "uts": "uts:[1]",
                "cgroup": "cgroup:[1]",
            ],
            hostFilters: 0, cgroup: promise.cgroup, mounts: mounts, descriptors: ["0", "1", "2", "3"])
    }

    @Test("is as promised when nothing differs") func matches() {
        #expect(Posture.differences(good, promise) == [])
    }

    @Test(
        "tells each difference of a process",
        arguments: [
            "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Uid", "Gid",
        ])
    func status(field: String) {
        for value in ["00000000a80425fb", nil] {
            var reading = good
            reading.status[Substring(field)] = value
            let lines = Posture.differences(reading, promise)
            #expect(lines.count == 1 && lines[0].hasPrefix("\(field) is"), "\(lines)")
        }
    }

    @Test("tells each namespace that is the host's", arguments: Posture.namespaceKinds)
    func namespaces(kind: String) {
        var reading = good
        reading.namespaces[kind] = reading.hostNamespaces[kind]
        #expect(Posture.differences(reading, promise).contains("the \(kind) namespace is the host's"))
    }

    @Test("tells other maps, another network, another cgroup and an open descriptor") func others() {
        let changes: [(inout Posture.Reading) -> Void] = [
            { $0.uidMap = "0 0 4294967295\n" }, { $0.gidMap = "" }, { $0.namespaces["net"] = "net:[8]" },
            { $0.cgroup = "/" }, { $0.descriptors.append("9") },
        ]
        for change in changes {
            var reading = good
            change(&reading)
            #expect(Posture.differences(reading, promise).count == 1)
        }
    }

    @Test(
        "tells a mount that is missing, weaker or not planned",
        arguments: [
            ("2 1 8:1 /usr /usr rw,nosuid,nodev - ext4 /dev/vda rw", "'/usr' is mounted without 'ro'"),
            ("2 1 8:1 /usr /usr ro,nodev - ext4 /dev/vda rw", "'/usr' is mounted without 'nosuid'"),
            ("2 1 8:1 /x /elsewhere ro,nosuid,nodev - tmpfs x rw", "'/usr' is not mounted"),
        ])
    func mounts(line: String, expected: String) throws {
        var reading = good
        reading.mounts[1] = try #require(MountEntry(line))
        #expect(Posture.differences(reading, promise).contains(expected))
        reading = good
        reading.mounts.append(try #require(MountEntry("9 1 8:1 / /host rw - ext4 /dev/vda rw")))
        #expect(Posture.differences(reading, promise) == ["'/host' (ext4) is mounted and should not be"])
    }
}
