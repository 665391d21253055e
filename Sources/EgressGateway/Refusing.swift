internal import EgressPolicy
internal import EgressWire
internal import SandboxModel

/// What a client is told that is refused, where its protocol has a word for it.
enum Refusing {
    /// An HTTP answer whose body programs and agents can read.
    static func http(_ refusal: Decisions.Refusal, host: String?, port: UInt16, sandbox: SandboxName) -> [UInt8] {
        var parts = [
            "\"error\":\"refused by the sandbox's network policy\"", "\"reason\":\"\(refusal.rawValue)\"",
            "\"explanation\":\"\(refusal.sentence)\"",
        ]
        // A host name has no character that JSON would need escaped; what is none is left out.
        if let name = host.flatMap({ HostName(parsing: $0) }) {
            parts.append("\"host\":\"\(name)\"")
            parts.append("\"port\":\(port)")
            if refusal.isForWantOfRule {
                parts.append("\"allow\":\"sandboxctl network allow \(sandbox) \(command(name, port))\"")
            }
        }
        return RefusalResponse.encode(status: 403, body: Array("{\(parts.joined(separator: ","))}\n".utf8))
    }

    /// An HTTP answer for a host that cannot be reached.
    static func unreachable(host: HostName, port: UInt16, why: String) -> [UInt8] {
        let body = "{\"error\":\"\(why)\",\"host\":\"\(host)\",\"port\":\(port)}\n"
        return RefusalResponse.encode(status: 502, body: Array(body.utf8))
    }

    /// A TLS alert (RFC 8446, section 6): unrecognized_name where the name is the matter, else access_denied.
    static func tls(_ refusal: Decisions.Refusal) -> [UInt8] {
        TLSAlert.bytes(refusal == .otherHost ? 112 : 49)
    }

    /// The argument of `network allow` that would open it.
    static func command(_ host: HostName, _ port: UInt16) -> String {
        port == 80 || port == 443 ? host.text : "\(host):\(port)"
    }
}
