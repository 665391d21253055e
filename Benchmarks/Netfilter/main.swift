import EgressPolicy
import Foundation
import Netfilter
import SandboxModel

// Times changes of the kernel's rules in process, in the network namespace it is started in: for Benchmarks/network.py.
//
//   netfilter-bench apply COUNT FILE     applies a table with a set of so many elements, again and again; writes the same
//                                        table into FILE for `nft -f`
//   netfilter-bench replace COUNT FILE   replaces ten of so many elements

func element(_ number: UInt32) -> SetElement {
    SetElement([.ipv4(IPv4Address(value: 0x0a00_0000 + number)), .service(443)])
}

func table(_ count: UInt32) -> Ruleset {
    Ruleset(
        table: "bench",
        sets: [
            RuleSetDefinition(name: "hosts", key: [.ipv4, .service], size: count + 64, elements: (0..<count).map(element))
        ],
        chains: [
            RuleChain(
                name: "output", base: RuleChain.Base(kind: .filter, hook: .output, priority: 0),
                rules: [Rule("hosts", [.transport(.tcp), .inSet("hosts", key: [.destinationIPv4, .destinationPort]), .accept])])
        ])
}

/// Milliseconds, the median of rounds.
func median(of rounds: Int, _ action: (Int) throws -> Void) rethrows -> Double {
    var times: [Double] = []
    for round in 0..<rounds {
        let begin = ContinuousClock.now
        try action(round)
        times.append((ContinuousClock.now - begin) / .milliseconds(1))
    }
    return times.sorted()[rounds / 2]
}

guard CommandLine.arguments.count == 4, let count = UInt32(CommandLine.arguments[2]) else {
    print("usage: netfilter-bench apply|replace COUNT FILE")
    exit(64)
}
let file = URL(filePath: CommandLine.arguments[3])
let filter = try NetfilterSocket.open()
switch CommandLine.arguments[1] {
case "apply":
    let rules = table(count)
    let list = (0..<count).map { "\(IPv4Address(value: 0x0a00_0000 + $0)) . 443" }.joined(separator: ", ")
    let text = """
        table inet bench
        delete table inet bench
        table inet bench {
            set hosts { type ipv4_addr . inet_service; size \(count + 64); elements = { \(list) }; }
            chain output { type filter hook output priority 0; meta l4proto tcp ip daddr . th dport @hosts accept; }
        }

        """
    try Data(text.utf8).write(to: file)
    print(try median(of: 21) { _ in try filter.apply(rules) })
case "replace":
    let rules = table(count)
    try filter.apply(rules)
    func changes(_ round: Int) -> [ElementChange] {
        let old = (0..<10).map { element(count + 20 * UInt32(round % 2) + $0) }
        let new = (0..<10).map { element(count + 20 * UInt32((round + 1) % 2) + $0) }
        return [.add(set: "hosts", elements: new), .remove(set: "hosts", elements: old)]
    }
    try filter.change([.add(set: "hosts", elements: (0..<10).map { element(count + $0) })], in: rules)
    print(try median(of: 101) { round in try filter.change(changes(round), in: rules) })
    let text = "delete element inet bench hosts { \((0..<10).map { "10.1.0.\($0) . 443" }.joined(separator: ", ")) }\n"
        + "add element inet bench hosts { \((10..<20).map { "10.1.0.\($0) . 443" }.joined(separator: ", ")) }\n"
    try Data(text.utf8).write(to: file)
default: exit(64)
}
