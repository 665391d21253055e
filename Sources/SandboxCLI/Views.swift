internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

// What `--json` prints, apart from the model: the model's own coding is the format of the records. Sizes are bytes,
// times microseconds, keys those of a template.

/// A sandbox.
struct SandboxView: Encodable {
    struct WorkspaceView: Encodable {
        var path: String
        var mode: WorkspaceMode
        var uid: UInt32
        var gid: UInt32
    }

    struct RunView: Encodable {
        var leader: Int32
        var cgroup: String
        var startedAt: Int64
        var uptime: Int64
    }

    struct UseView: Encodable {
        var memory: UInt64?
        var memoryPeak: UInt64?
        var outOfMemoryKills: UInt64?
        var tasks: UInt64?
        var tasksPeak: UInt64?
        var tasksRefused: UInt64?
        var cpuUsec: UInt64?
        var root: UInt64?
        var rootInodes: UInt64?
    }

    var name: SandboxName
    var state: SandboxState
    var budget: BudgetView?
    var id: String?
    var templateName: String?
    var template: TemplateView?
    var workspace: WorkspaceView?
    var uidBase: UInt32?
    var createdAt: Int64?
    var age: Int64?
    var run: RunView?
    var use: UseView?
    var weakenings: [Weakening]?
    var problem: String?

    init(_ sandbox: SandboxSummary, now: Int64) {
        name = sandbox.name
        state = sandbox.state
        problem = sandbox.problem
        if let record = sandbox.record {
            id = record.id
            templateName = record.templateName
            template = TemplateView(record.template)
            workspace = record.workspace.map {
                WorkspaceView(path: $0.path, mode: record.template.workspaceMode, uid: $0.uid, gid: $0.gid)
            }
            uidBase = record.uidBase
            createdAt = record.createdAt
            age = max(0, now - record.createdAt)
        }
        if let run = sandbox.run {
            self.run = RunView(
                leader: run.leader, cgroup: run.cgroup, startedAt: run.startedAt, uptime: max(0, now - run.startedAt))
            weakenings = run.weakenings
        }
        if let usage = sandbox.usage {
            use = UseView(
                memory: usage.memory, memoryPeak: usage.memoryPeak, outOfMemoryKills: usage.outOfMemoryKills,
                tasks: usage.tasks, tasksPeak: usage.tasksPeak, tasksRefused: usage.tasksRefused, cpuUsec: usage.cpu,
                root: usage.root, rootInodes: usage.rootInodes)
        }
    }
}

/// A template, nested as in its file.
struct TemplateView: Encodable {
    struct ModeView<Mode: Encodable>: Encodable {
        var mode: Mode
    }

    struct AgentView: Encodable {
        var user: String
        var command: [String]
        var env: [String: String]
        var setup: [String]
        var persist: [String]
        var allowRoot: Bool
    }

    struct SecretView: Encodable {
        var file: String?
        var credential: String?
        var expose: String
        var variable: String?

        init(_ secret: Secret) {
            switch secret.source {
            case .file(let path): file = path
            case .credential(let name): credential = name
            }
            switch secret.exposure {
            case .file: expose = "file"
            case .environment(let name):
                expose = "env"
                variable = name
            }
        }
    }

    var description: String
    var store: Store
    var storePaths: [String]
    var root: RootLimits
    var workspace: ModeView<WorkspaceMode>
    var network: PolicyView
    var limits: ResourceLimits
    var agent: AgentView
    var secrets: [String: SecretView]
    var mounts: [Mount]

    init(_ template: Template) {
        description = template.description
        store = template.store
        storePaths = template.storePaths
        root = template.root
        workspace = ModeView(mode: template.workspaceMode)
        network = PolicyView(template.network)
        limits = template.limits
        agent = AgentView(
            user: template.agent.user, command: template.agent.command, env: template.agent.environment,
            setup: template.agent.setup, persist: template.agent.persist, allowRoot: template.agent.allowRoot)
        secrets = Dictionary(template.secrets.map { ($0.name, SecretView($0)) }) { first, _ in first }
        mounts = template.mounts
    }
}

/// What `create --dry-run` would do.
struct PlanView: Encodable {
    var name: SandboxName
    var templateName: String
    var template: TemplateView
    var workspace: SandboxView.WorkspaceView?
    var unit: String
    var properties: [DryRunPlan.Property]
    var command: [String]
    var mounts: [DryRunPlan.Mount]
    var rules: [String]

    init(_ request: CreateRequest, _ plan: DryRunPlan) {
        name = request.name
        templateName = request.templateName
        template = TemplateView(request.template)
        workspace = request.workspace.map {
            SandboxView.WorkspaceView(path: $0.path, mode: request.template.workspaceMode, uid: $0.uid, gid: $0.gid)
        }
        unit = plan.unit
        properties = plan.properties
        command = plan.command
        mounts = plan.mounts
        rules = plan.rules
    }
}

/// Something `gc` found.
struct FindingView: Encodable {
    var sandbox: SandboxName
    var problem: String
    var action: String
    var done: Bool

    init(_ finding: Finding, done: Bool) {
        sandbox = finding.sandbox
        problem = finding.problem
        action = finding.action
        self.done = done
    }
}

/// A template of the catalog.
struct TemplateEntryView: Encodable {
    var name: String
    var description: String?
    var source: String
    var problem: String?
}
