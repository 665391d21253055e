internal import SandboxModel
@testable import SandboxTemplates

/// Reads the bytes as each of the files that are TOML: a template, a preset, the host's configuration. A template that
/// can be read is written again.
func checkTemplate(_ bytes: [UInt8]) throws(Violation) {
    // What is no TOML at all is told the same by all three.
    if let document = try? TOMLDocument(bytes, file: "t") {
        let lost = unplaced(.table(document.root), [], document.positions)
        try hold(lost == nil, "every value has a place: \(lost ?? [])")
        try checkPreset(bytes)
        try checkConfiguration(bytes)
    }
    let template: Template
    do throws(TemplateErrors) {
        template = try TemplateParser.parse(bytes, file: "t", presets: presets)
    } catch {
        return try check(error, about: bytes)
    }
    try check(template)
    try checkWriting(template)
    // A comment behind a file says nothing.
    let same = try? TemplateParser.parse(bytes + Array("\n# end\n".utf8), file: "t", presets: presets)
    try hold(same == template, "a comment at the end changes nothing")
}

/// A library with one preset.
private let presets = PresetLibrary { (name) throws(PresetProblem) in
    guard name == "registry", let pattern = HostPattern(parsing: "*.registry.example") else {
        throw PresetProblem("there is no preset '\(name)'")
    }
    return [EgressRule(.host(pattern)), EgressRule(.host(pattern), ports: [PortRange(tcp: 8443)])]
}

private func checkPreset(_ bytes: [UInt8]) throws(Violation) {
    let rules: [EgressRule]
    do throws(TemplateErrors) {
        rules = try PresetLibrary.parse(bytes, file: "t").rules
    } catch {
        return try check(error, about: bytes)
    }
    for rule in rules {
        try check(rule)
        try hold(!isPrivate(rule), "a preset names no private address: \(rule)")
    }
}

private func checkConfiguration(_ bytes: [UInt8]) throws(Violation) {
    do throws(TemplateErrors) {
        _ = try HostConfigurationParser.parse(bytes, file: "t")
    } catch {
        try check(error, about: bytes)
    }
}

private func isPrivate(_ rule: EgressRule) -> Bool {
    guard case .network(let block) = rule.destination else { return false }
    return SpecialAddresses.privateNetworks.contains { $0.overlaps(block) }
}

// MARK: What is wrong

private func check(_ errors: TemplateErrors, about bytes: [UInt8]) throws(Violation) {
    try hold(!errors.diagnostics.isEmpty, "what cannot be read has a reason")
    let positions = errors.diagnostics.map(\.position)
    try hold(positions == positions.sorted(), "reasons come in reading order: \(positions)")
    let lines = String(decoding: bytes, as: UTF8.self).unicodeScalars
        .split(separator: "\n", omittingEmptySubsequences: false)
    for diagnostic in errors.diagnostics {
        let place = diagnostic.position
        try hold(
            (1...lines.count).contains(place.line) && (1...lines[place.line - 1].count + 1).contains(place.column),
            "a reason lies in the text: \(diagnostic)")
        for text in [diagnostic.message, diagnostic.hint ?? ""] {
            try hold(text == text.escapingControls, "no message steers a terminal: \(diagnostic)")
        }
        // Messages quote no more than the beginning of a text.
        try hold(diagnostic.message.count < 4096, "a message is short: \(diagnostic)")
    }
}

/// A node that the parser has and the index of places has not: the two read the text differently then.
private func unplaced(_ node: TOMLNode, _ path: [String], _ positions: PositionIndex) -> [String]? {
    switch node {
    case .table(let entries):
        for (key, entry) in entries {
            if positions.keys[path + [key]] == nil { return path + [key] }
            if let lost = unplaced(entry, path + [key], positions) { return lost }
        }
    case .array(let elements):
        for (offset, element) in elements.enumerated() {
            let place = path + ["#\(offset)"]
            if positions.values[place] ?? positions.keys[place] == nil { return place }
            if let lost = unplaced(element, place, positions) { return lost }
        }
    case .string, .integer, .boolean, .other: if positions.values[path] == nil { return path }
    }
    return nil
}

// MARK: What is right

private func check(_ template: Template) throws(Violation) {
    try hold(
        template.description.utf8.count <= 256 && template.description == template.description.escapingControls,
        "a description is one short line")
    try hold(template.root.size.bytes >= 1 << 20 && template.root.inodes >= 64, "a root holds something")
    try hold((template.limits.memory?.bytes ?? .max) >= 1 << 20, "a program has memory to run in")
    try hold((2...4_194_304).contains(template.limits.tasks ?? 2), "tasks are as many as the kernel takes")
    if let quota = template.limits.cpu { try check(quota) }
    try check(template.agent)
    try checkPaths(template)
    try checkSecrets(template)
    try check(template.network)
}

private func check(_ agent: AgentSettings) throws(Violation) {
    let user = Array(agent.user.utf8)
    try hold(
        (1...31).contains(user.count) && agent.user != "root" && agent.user != "nobody"
            && user.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_-".utf8.contains($0) }
            && !"0123456789-".utf8.contains(user[0]),
        "a user's name stands in /etc/passwd as it is: \(agent.user)")
    try hold(agent.command.first?.isEmpty == false, "a command names a program")
    for (name, value) in agent.environment {
        try hold(EnvironmentVariable.isValidName(name), "a variable has a name that shells take: \(name)")
        try hold(name.utf8.count + value.utf8.count + 2 <= 131_072, "a variable fits into an environment: \(name)")
    }
    let texts = agent.command + agent.setup + agent.persist + Array(agent.environment.values)
    try hold(texts.allSatisfy { !$0.utf8.contains(0) }, "no text ends before its end")
}

private func isPlain(_ path: String) -> Bool {
    let parts = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return path.utf8.first == UInt8(ascii: "/") && path.utf8.count <= 4095
        && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        && parts.allSatisfy { (1...255).contains($0.count) && Array($0) != [0x2e] && Array($0) != [0x2e, 0x2e] }
}

private func isWithin(_ path: String, _ tree: String) -> Bool {
    path.utf8.elementsEqual(tree.utf8) || Array(path.utf8).starts(with: Array("\(tree)/".utf8))
}

private func checkPaths(_ template: Template) throws(Violation) {
    let inside = template.storePaths + template.mounts.map(\.target)
    let sources = template.storePaths + template.mounts.map(\.source)
    for path in inside + sources { try hold(isPlain(path), "a path is absolute and plain: \(path)") }
    for path in template.agent.persist { try hold(isPlain("/\(path)"), "what persists is below the home: \(path)") }
    if case .directory(let path) = template.store { try hold(isPlain(path), "a store is a plain path: \(path)") }
    for path in inside {
        for tree in ["/usr", "/etc", "/proc", "/dev", "/run", "/workspace", "/home/\(template.agent.user)"] {
            try hold(!isWithin(path, tree) && !isWithin(tree, path), "nothing covers \(tree): \(path)")
        }
    }
    for path in sources {
        for tree in ["/proc", "/sys", "/dev", "/run", "/var/lib/sandboxctl"] {
            try hold(!isWithin(path, tree) && !isWithin(tree, path), "nothing shows \(tree): \(path)")
        }
    }
    for (index, path) in inside.enumerated() {
        for other in inside[(index + 1)...] {
            try hold(!isWithin(path, other) && !isWithin(other, path), "no path covers another: \(path), \(other)")
        }
    }
    if template.workspaceMode == .readOnly {
        try hold(template.mounts.allSatisfy(\.readOnly), "beside a read-only workspace nothing is writable")
    }
}

private func checkSecrets(_ template: Template) throws(Violation) {
    let names = template.secrets.map(\.name)
    try hold(names == names.sorted() && Set(names).count == names.count, "secrets are in order, none twice")
    var variables: Set<String> = []
    for secret in template.secrets {
        try hold(Secret.isValidName(secret.name), "a secret's name is a file name: \(secret.name)")
        switch secret.source {
        case .file(let path): try hold(isPlain(path), "a secret's file is a plain path: \(path)")
        case .credential(let id): try hold(Secret.isValidName(id), "a credential's name is one: \(id)")
        }
        if case .environment(let variable) = secret.exposure {
            try hold(EnvironmentVariable.isValidName(variable), "a secret's variable can be set: \(variable)")
            try hold(variables.insert(variable).inserted, "no secret covers another: \(variable)")
            try hold(template.agent.environment[variable] == nil, "no secret covers a variable: \(variable)")
        }
    }
}

private func check(_ policy: NetworkPolicy) throws(Violation) {
    try hold(policy.rules.count <= NetworkPolicy.ruleLimit, "a policy has a bounded number of rules")
    for rule in policy.rules {
        try check(rule)
        try hold(policy.allowsPrivate || !isPrivate(rule), "private addresses are named only where they may: \(rule)")
    }
    for pattern in policy.denied { try check(pattern) }
    if let budget = policy.egressBudget { try check(budget) }
    if let rate = policy.connectionRate { try check(rate) }
}

// MARK: Writing

private func checkWriting(_ template: Template) throws(Violation) {
    let text = written(template)
    // Escapes take room; a text that grows past what is read says nothing.
    guard text.utf8.count <= TOMLDocument.sizeLimit else { return }
    var expected = template
    for index in expected.network.rules.indices { expected.network.rules[index].preset = nil }
    do throws(TemplateErrors) {
        let again = try TemplateParser.parse(text, file: "t")
        guard again == expected else { throw TemplateErrors(file: "\(again) is not \(expected)", []) }
    } catch {
        throw Violation(description: "a template is the same when it is written again: \(error) in \(text)")
    }
}

/// The template as a file with everything in it.
private func written(_ template: Template) -> String {
    let agent = template.agent
    let network = template.network
    var lines = [
        "version = 1", "description = \(quoted(template.description))", "store = \(quoted(template.store.description))",
        "store_paths = \(quoted(template.storePaths))",
        "[root]", "size = \"\(template.root.size)\"", "inodes = \(template.root.inodes)",
        "[workspace]", "mode = \"\(template.workspaceMode.rawValue)\"",
        "[limits]",
    ]
    if let memory = template.limits.memory { lines.append("memory = \"\(memory)\"") }
    if let tasks = template.limits.tasks { lines.append("tasks = \(tasks)") }
    if let quota = template.limits.cpu { lines.append("cpu = \"\(quota)\"") }
    lines += [
        "[agent]", "user = \(quoted(agent.user))", "command = \(quoted(agent.command))",
        "setup = \(quoted(agent.setup))", "persist = \(quoted(agent.persist))", "allow_root = \(agent.allowRoot)",
        "[agent.env]",
    ]
    lines += agent.environment.map { "\(quoted($0)) = \(quoted($1))" }
    lines += [
        "[network]", "mode = \"\(network.mode.rawValue)\"", "private = \(network.allowsPrivate)",
        "allow = [\(network.rules.map(written).joined(separator: ", "))]",
        "deny = \(quoted(network.denied.map(\.description)))",
    ]
    if let budget = network.egressBudget { lines += ["[network.budget]", "egress = \"\(budget)\""] }
    if let rate = network.connectionRate { lines += ["[network.rate]", "connections = \"\(rate)\""] }
    for secret in template.secrets { lines += written(secret) }
    for mount in template.mounts {
        lines += [
            "[[mounts]]", "source = \(quoted(mount.source))", "target = \(quoted(mount.target))",
            "read_only = \(mount.readOnly)",
        ]
    }
    return lines.joined(separator: "\n")
}

private func written(_ rule: EgressRule) -> String {
    let ports = "ports = \(quoted(rule.ports.map(\.description)))"
    return switch rule.destination {
    case .host(let pattern): "{ host = \"\(pattern)\", \(ports), via = \"\(rule.via.rawValue)\" }"
    case .network(let block): "{ cidr = \"\(block)\", \(ports) }"
    }
}

private func written(_ secret: Secret) -> [String] {
    var lines = ["[secrets.\(quoted(secret.name))]"]
    switch secret.source {
    case .file(let path): lines.append("file = \(quoted(path))")
    case .credential(let id): lines.append("credential = \(quoted(id))")
    }
    if case .environment(let variable) = secret.exposure {
        lines += ["expose = \"env\"", "variable = \(quoted(variable))"]
    }
    return lines
}

private func quoted(_ texts: [String]) -> String { "[\(texts.map(quoted).joined(separator: ", "))]" }

/// A basic string (TOML 1.0.0).
private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case "\0"..."\u{1f}", "\u{7f}":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
