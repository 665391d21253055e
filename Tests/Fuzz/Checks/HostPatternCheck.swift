internal import EgressWire
internal import Glibc
@testable import SandboxModel

/// Reads the bytes as each of the small texts that a policy is made of: names, patterns, addresses, ports, rules, sizes.
func checkHostPattern(_ bytes: [UInt8]) throws(Violation) {
    let text = String(decoding: bytes, as: UTF8.self)
    try checkName(text)
    try checkPattern(text)
    try checkAddress(text)
    try checkBlock(text)
    try checkQuantities(text)
    try checkRule(text)
}

// MARK: Names

private func checkName(_ text: String) throws(Violation) {
    let name = HostName(parsing: text)
    try hold((name == nil) == (HostName.problem(text) != nil), "what is no host name has a problem, and no other text")
    guard let name else { return }
    try check(name)
    try hold(name.text == text.lowercased() || name.text + "." == text.lowercased(), "a name is what was written")
    // The gateway compares names out of messages with those of the policy.
    let wire = try present(DNSName(host: name.text), "a host name fits into a message: \(name)")
    try hold(wire.hostText == name.text, "a host name is the same in a message: \(name)")
}

func check(_ name: HostName) throws(Violation) {
    try hold(isPlainHostText(name.text), "a host name is plain: \(name)")
    try hold(HostName(parsing: name.text) == name, "a host name is read back: \(name)")
    try hold(HostName(parsing: "\(name.text.uppercased()).") == name, "case and final dot make no other name: \(name)")
    // What any program takes for an address is no name: it would be connected to without anybody being asked.
    var address = in_addr()
    try hold(inet_aton(name.text, &address) == 0, "a host name is no address in any form: \(name)")
    try hold(IPAddress(name.text) == nil, "a host name is no address: \(name)")
}

private func checkPattern(_ text: String) throws(Violation) {
    let pattern = HostPattern(parsing: text)
    try hold((pattern == nil) == (HostPattern.problem(text) != nil), "what is no pattern has a problem")
    if let pattern { try check(pattern) }
}

func check(_ pattern: HostPattern) throws(Violation) {
    try hold(HostPattern(parsing: pattern.description) == pattern, "a pattern is read back: \(pattern)")
    switch pattern {
    case .exact(let name):
        try check(name)
        try hold(pattern.matches(name), "a name matches itself: \(pattern)")
        if let below = HostName(parsing: "a.\(name)") {
            try hold(!pattern.matches(below), "a name matches nothing below it: \(pattern)")
        }
    case .below(let name):
        try check(name)
        try hold(name.text.utf8.contains(UInt8(ascii: ".")), "a wildcard is below two parts: \(pattern)")
        try hold(!pattern.matches(name), "a wildcard does not match the name itself: \(pattern)")
        for front in ["a.", "b-1.a."] {
            if let below = HostName(parsing: front + name.text) {
                try hold(pattern.matches(below), "a wildcard matches at any depth: \(pattern)")
            }
        }
        if let beside = HostName(parsing: "a\(name)") {
            try hold(!pattern.matches(beside), "a wildcard matches whole parts only: \(pattern)")
        }
    }
}

// MARK: Addresses

private func checkAddress(_ text: String) throws(Violation) {
    // A zero byte would end the text for inet_pton(3).
    guard !text.utf8.contains(0) else {
        return try hold(IPAddress(text) == nil, "an address holds no zero byte")
    }
    try hold(IPv4Address(text)?.bytes == system(AF_INET, text, 4), "inet_pton(3) reads the same: '\(text)'")
    try hold(IPv6Address(text)?.bytes == system(AF_INET6, text, 16), "inet_pton(3) reads the same: '\(text)'")
    guard let address = IPAddress(text) else { return }
    try hold(IPAddress(address.description) == address, "an address is read back: \(address)")
    try hold(IPAddress(bytes: address.bytes) == address, "an address has its bytes: \(address)")
    if let inner = SpecialAddresses.embedded(in: address), SpecialAddresses.kind(of: inner) == .never {
        try hold(SpecialAddresses.kind(of: address) == .never, "what leads to a special address is one: \(address)")
    }
}

private func system(_ family: Int32, _ text: String, _ size: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: size)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
}

private func checkBlock(_ text: String) throws(Violation) {
    if let block = AddressBlock(text) { try check(block) }
}

func check(_ block: AddressBlock) throws(Violation) {
    try hold(AddressBlock(block.description) == block, "a block is read back: \(block)")
    try hold(block.contains(block.address) && block.contains(block.last), "a block has its ends: \(block)")
    try hold(block.address <= block.last, "a block does not run backwards: \(block)")
    try hold((block.address == block.last) == block.isSingle, "a block of one address is single: \(block)")
    try hold(AddressBlock(block.address, prefixLength: block.prefixLength) == block, "a block is its parts: \(block)")
}

// MARK: Ports, rates, sizes

private func checkQuantities(_ text: String) throws(Violation) {
    if let ports = PortRange(parsing: text) { try check(ports) }
    if let rate = Rate(parsing: text) { try check(rate) }
    if let size = ByteSize(parsing: text) { try check(size) }
    if let quota = CPUQuota(parsing: text) { try check(quota) }
    if let size = ByteSize(parsing: text) {
        let number = try present(UInt64(text.prefix { $0.isNumber }), "a size begins with a number: '\(text)'")
        try hold(number <= size.bytes && size.bytes <= UInt64(Int64.max), "a size is not less than its number: \(size)")
        try hold(!size.rounded.isEmpty, "a size has a form for people")
    }
}

func check(_ ports: PortRange) throws(Violation) {
    try hold(ports.ports.lowerBound > 0, "port 0 is none")
    try hold(PortRange(parsing: ports.description) == ports, "ports are read back: \(ports)")
}

func check(_ rate: Rate) throws(Violation) {
    try hold((1...1_000_000).contains(rate.count), "a rate is 1 to 1,000,000: \(rate)")
    try hold(Rate(parsing: rate.description) == rate, "a rate is read back: \(rate)")
}

func check(_ size: ByteSize) throws(Violation) {
    try hold(ByteSize(parsing: size.description) == size, "a size is read back: \(size)")
}

func check(_ quota: CPUQuota) throws(Violation) {
    try hold((1...100_000).contains(quota.percent), "a share is 1% to 100,000%: \(quota)")
    try hold(CPUQuota(parsing: quota.description) == quota, "a share is read back: \(quota)")
}

// MARK: Rules

private func checkRule(_ text: String) throws(Violation) {
    let rule: EgressRule
    do throws(EgressRuleProblem) {
        rule = try EgressRule(parsing: text)
    } catch {
        return try hold(!error.text.isEmpty, "what is no rule has a problem")
    }
    try check(rule)
    do throws(EgressRuleProblem) {
        let again = try EgressRule(parsing: rule.description)
        try sameRule(again, rule)
    } catch {
        throw Violation(description: "a rule is read back: \(rule) \(error.text)")
    }
}

private func sameRule(_ again: EgressRule, _ rule: EgressRule) throws(EgressRuleProblem) {
    guard again == rule else { throw EgressRuleProblem("is \(again)") }
}

func check(_ rule: EgressRule) throws(Violation) {
    try hold(rule.problem == nil, "a rule that is read has no problem: \(rule)")
    try hold(!rule.ports.isEmpty && rule.ports == rule.ports.sorted(), "ports are there, in order: \(rule)")
    for ports in rule.ports { try check(ports) }
    switch rule.destination {
    case .host(let pattern):
        try check(pattern)
        if rule.via == .gateway {
            try hold(rule.ports.allSatisfy { $0.transport == .tcp }, "the gateway relays TCP: \(rule)")
        }
    case .network(let block):
        try check(block)
        try hold(rule.via == .direct, "an address has no name that could be checked: \(rule)")
        // Neither end of what is named may be an address that is never reached.
        for never in SpecialAddresses.never {
            try hold(!never.overlaps(block), "what is never reached is in no rule: \(rule)")
        }
    }
    try hold(rule.description.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a rule is of printable ASCII: \(rule)")
}
