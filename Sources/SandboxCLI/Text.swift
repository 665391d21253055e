internal import SandboxEngine
internal import SandboxModel

/// Text for people. What comes out of here holds no control character but the colours it adds itself.
enum Text {
    /// Columns as wide as their widest cell; the last one is not padded.
    static func table(_ rows: [[Cell]]) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.text.count)
            }
        }
        return rows.map { row in
            row.enumerated().map { index, cell in
                let padding = index == row.count - 1 ? 0 : widths[index] - cell.text.count
                return cell.coloured + String(repeating: " ", count: padding)
            }
            .joined(separator: "  ")
        }
    }

    /// A cell, escaped; with a colour of ECMA-48, SGR, when it has one.
    struct Cell: ExpressibleByStringInterpolation {
        let text: String
        private let colour: Int?

        init(_ text: String, colour: Int? = nil) {
            self.text = text.escapingControls
            self.colour = colour
        }

        init(stringLiteral text: String) { self.init(text) }

        var coloured: String { colour.map { "\u{1b}[\($0)m\(text)\u{1b}[0m" } ?? text }
    }

    /// A state in its colour.
    static func state(_ state: SandboxState, colours: Bool) -> Cell {
        let colour: Int? =
            switch state {
            case .running: 32
            case .failed, .corrupt: 31
            case .incomplete, .busy: 33
            case .stopped: nil
            }
        return Cell(state.rawValue, colour: colours ? colour : nil)
    }

    /// A time span, rounded down to its largest unit: `5s`, `3m`, `2h`, `4d`.
    static func span(microseconds: Int64) -> String {
        let seconds = max(0, microseconds) / 1_000_000
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86400: return "\(seconds / 3600)h"
        default: return "\(seconds / 86400)d"
        }
    }

    /// Processor time: `0.4s`, `12.0s`, `3m12s`.
    static func processorTime(_ microseconds: UInt64) -> String {
        let tenths = microseconds / 100_000
        guard tenths >= 600 else { return "\(tenths / 10).\(tenths % 10)s" }
        let seconds = tenths / 10
        return "\(seconds / 60)m\(seconds % 60)s"
    }

    static func bytes(_ number: UInt64) -> String { ByteSize(bytes: number).rounded }

    /// `used/limit`, as far as either is known.
    static func share(_ used: String?, of limit: String?) -> String {
        guard let used else { return "-" }
        return limit.map { "\(used)/\($0)" } ?? used
    }
}

/// The table of `list`.
enum SandboxTable {
    static func lines(_ sandboxes: [SandboxSummary], now: Int64, colours: Bool) -> [String] {
        let head: [Text.Cell] = [
            "NAME", "STATE", "TEMPLATE", "NETWORK", "MEMORY", "TASKS", "CPU", "ROOT", "AGE", "UPTIME", "WORKSPACE",
        ]
        return Text.table([head] + sandboxes.map { row($0, now, colours) })
    }

    private static func row(_ sandbox: SandboxSummary, _ now: Int64, _ colours: Bool) -> [Text.Cell] {
        let record = sandbox.record
        let limits = record?.template.limits
        let usage = sandbox.usage
        return [
            Text.Cell("\(sandbox.name)"),
            Text.state(sandbox.state, colours: colours),
            Text.Cell(record?.templateName ?? "-"),
            Text.Cell(record?.template.network.mode.rawValue ?? "-"),
            Text.Cell(Text.share(usage?.memory.map(Text.bytes), of: limits?.memory?.description)),
            Text.Cell(Text.share(usage?.tasks.map(String.init), of: limits?.tasks.map(String.init))),
            Text.Cell(usage?.cpu.map(Text.processorTime) ?? "-"),
            Text.Cell(Text.share(usage?.root.map(Text.bytes), of: record?.template.root.size.description)),
            Text.Cell(record.map { Text.span(microseconds: now - $0.createdAt) } ?? "-"),
            Text.Cell(sandbox.run.map { Text.span(microseconds: now - $0.startedAt) } ?? "-"),
            Text.Cell(record?.workspace?.path ?? "-"),
        ]
    }
}

/// The block of `status`.
enum StatusText {
    static func lines(
        _ sandbox: SandboxSummary, _ budget: BudgetView? = nil, now: Int64, colours: Bool
    ) -> [String] {
        let state = Text.state(sandbox.state, colours: colours)
        var rows: [(String, String)] = []
        if let problem = sandbox.problem { rows.append(("problem", problem)) }
        if let record = sandbox.record { rows += definition(record, now) }
        if let run = sandbox.run {
            rows.append(("leader", "\(run.leader)"))
            rows.append(("cgroup", run.cgroup))
            rows.append(("uptime", Text.span(microseconds: now - run.startedAt)))
        }
        if let record = sandbox.record, let usage = sandbox.usage { rows += use(usage, record.template) }
        if let budget { rows.append(("egress", budget.text)) }
        for weakening in sandbox.run?.weakenings ?? [] {
            rows.append(("weaker", "\(weakening.layer): \(weakening.reason)"))
        }
        let block = Text.table(rows.map { [Text.Cell("  \($0.0)"), Text.Cell($0.1)] })
        return ["\(sandbox.name): \(state.coloured)"] + block
    }

    private static func definition(_ record: SandboxRecord, _ now: Int64) -> [(String, String)] {
        var rows = [("id", record.id), ("template", record.templateName)]
        if let workspace = record.workspace {
            let mode = record.template.workspaceMode.rawValue
            rows.append(("workspace", "\(workspace.path) (\(mode), owner \(workspace.uid):\(workspace.gid))"))
        }
        rows.append(("network", record.template.network.mode.rawValue))
        rows.append(("store", "\(record.template.store)"))
        let last = UInt64(record.uidBase) + UInt64(SandboxUsers.rangeSize) - 1
        rows.append(("host ids", "\(record.uidBase) to \(last)"))
        rows.append(("age", Text.span(microseconds: now - record.createdAt)))
        return rows
    }

    private static func use(_ usage: Usage, _ template: Template) -> [(String, String)] {
        var rows: [(String, String)] = []
        if let memory = usage.memory {
            var text = Text.bytes(memory)
            if let limit = template.limits.memory { text += " of \(limit)" }
            if let peak = usage.memoryPeak { text += ", peak \(Text.bytes(peak))" }
            if let kills = usage.outOfMemoryKills, kills > 0 {
                text += "; limit reached, \(kills) \(kills == 1 ? "process" : "processes") killed"
            }
            rows.append(("memory", text))
        }
        if let tasks = usage.tasks {
            var text = "\(tasks)"
            if let limit = template.limits.tasks { text += " of \(limit)" }
            if let peak = usage.tasksPeak { text += ", peak \(peak)" }
            if let refused = usage.tasksRefused, refused > 0 { text += "; limit reached, \(refused) refused" }
            rows.append(("tasks", text))
        }
        if let cpu = usage.cpu {
            let quota = template.limits.cpu.map { ", quota \($0)" } ?? ""
            rows.append(("cpu", "\(Text.processorTime(cpu))\(quota)"))
        }
        if let root = usage.root {
            let inodes = usage.rootInodes.map { ", \($0) of \(template.root.inodes) inodes" } ?? ""
            rows.append(("root", "\(Text.bytes(root)) of \(template.root.size)\(inodes)"))
        }
        return rows
    }
}

/// What a template asks for and grants, for `template show`, `template trust` and `create --dry-run`.
enum TemplateText {
    static func lines(_ template: Template) -> [String] {
        var rows: [(String, String)] = []
        if !template.description.isEmpty { rows.append(("description", template.description)) }
        rows.append(("store", "\(template.store)"))
        for path in template.storePaths { rows.append(("store path", path)) }
        rows.append(("root", "\(template.root.size), \(template.root.inodes) inodes"))
        rows.append(("workspace", template.workspaceMode.rawValue))
        rows += network(template.network)
        let limits = template.limits
        if let memory = limits.memory { rows.append(("memory", "\(memory)")) }
        if let tasks = limits.tasks { rows.append(("tasks", "\(tasks)")) }
        if let cpu = limits.cpu { rows.append(("cpu", "\(cpu)")) }
        rows.append(("user", template.agent.user + (template.agent.allowRoot ? ", root allowed" : "")))
        rows.append(("command", template.agent.command.joined(separator: " ")))
        for (name, value) in template.agent.environment.sorted(by: { $0.key < $1.key }) {
            rows.append(("env", "\(name)=\(value)"))
        }
        for line in template.agent.setup { rows.append(("setup", line)) }
        for path in template.agent.persist { rows.append(("persist", path)) }
        for secret in template.secrets { rows.append(("secret", describe(secret))) }
        for mount in template.mounts {
            let access = mount.readOnly ? "read-only" : "writable"
            rows.append(("mount", "\(mount.source) at \(mount.target), \(access)"))
        }
        return Text.table(rows.map { [Text.Cell("  \($0.0)"), Text.Cell($0.1)] })
    }

    /// Rules that are alike in all but the host share a line.
    private static func network(_ policy: NetworkPolicy) -> [(String, String)] {
        var rows = [("network", policy.mode.rawValue + (policy.allowsPrivate ? ", private addresses too" : ""))]
        var groups: [(rule: EgressRule, hosts: [String])] = []
        for rule in policy.rules {
            let index = groups.firstIndex {
                $0.rule.ports == rule.ports && $0.rule.via == rule.via && $0.rule.preset == rule.preset
                    && $0.rule.expires == rule.expires
            }
            if let index {
                groups[index].hosts.append("\(rule.destination)")
            } else {
                groups.append((rule, ["\(rule.destination)"]))
            }
        }
        for group in groups {
            let ports = group.rule.ports.map(\.description).joined(separator: ",")
            let via = group.rule.via == .direct ? ", direct" : ""
            let preset = group.rule.preset.map { " (\($0))" } ?? ""
            rows.append(("allow", "\(group.hosts.joined(separator: " ")), ports \(ports)\(via)\(preset)"))
        }
        for pattern in policy.denied { rows.append(("deny", "\(pattern)")) }
        if let budget = policy.egressBudget { rows.append(("egress", "\(budget)")) }
        if let rate = policy.connectionRate { rows.append(("connections", "\(rate)")) }
        return rows
    }

    private static func describe(_ secret: Secret) -> String {
        let source =
            switch secret.source {
            case .file(let path): "file \(path)"
            case .credential(let name): "credential \(name)"
            }
        switch secret.exposure {
        case .file: return "\(secret.name) from \(source), as /run/secrets/\(secret.name)"
        case .environment(let variable): return "\(secret.name) from \(source), as variable \(variable)"
        }
    }
}

/// The text of `create --dry-run`.
enum PlanText {
    static func lines(_ request: CreateRequest, _ plan: DryRunPlan) -> [String] {
        var lines = ["sandbox \(request.name), template \(request.templateName.escapingControls)"]
        if let workspace = request.workspace {
            lines.append("  workspace    \(workspace.path.escapingControls), owner \(workspace.uid):\(workspace.gid)")
        }
        lines += TemplateText.lines(request.template)
        lines += ["", "unit \(plan.unit.escapingControls)"]
        lines += plan.properties.map { "  \($0.name)=\($0.value)".escapingControls }
        lines += ["", "command"] + plan.command.map { "  \($0)".escapingControls }
        lines += ["", "mounts"]
        lines += plan.mounts.map { mount in
            "  \(mount.target) from \(mount.source), \(mount.readOnly ? "read-only" : "writable"), ids: \(mount.ownership)"
                .escapingControls
        }
        lines += ["", plan.rules.isEmpty ? "no network rules: there is no network" : "network rules"]
        return lines + plan.rules.map { "  \($0)".escapingControls }
    }
}

/// The text of `doctor`.
enum DoctorText {
    static func lines(_ findings: [DoctorFinding], colours: Bool) -> [String] {
        var lines: [String] = []
        for finding in findings {
            let colour =
                switch finding.level {
                case .ok: 32
                case .warning: 33
                case .problem: 31
                }
            let level = Text.Cell(finding.level.rawValue, colour: colours ? colour : nil).coloured
            lines.append("\(level): \(finding.check.escapingControls): \(finding.found.escapingControls)")
            guard finding.level != .ok else { continue }
            lines.append("  why: \(finding.why.escapingControls)")
            if let mend = finding.mend { lines.append("  mend: \(mend.escapingControls)") }
        }
        return lines
    }
}
