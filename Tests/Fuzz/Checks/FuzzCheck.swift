/// Everything that reads what a payload, or somebody on the network, wrote; each with what must be true whatever the bytes.
///
/// The same checks run under the fuzzer, which looks for new bytes, and in the unit tests, over the bytes it kept.
public enum FuzzCheck: String, CaseIterable, Sendable {
    /// Questions of the payload to the resolver.
    case dnsQuery = "dns-query"
    /// Answers of the host's resolvers.
    case dnsReply = "dns-reply"
    /// The first message of a TLS client.
    case clientHello = "client-hello"
    /// Requests of an HTTP client, one after the other.
    case httpRequest = "http-request"
    /// Hosts, ranges of addresses, ports and rates as people write them.
    case policyText = "policy-text"
    /// Templates, which may lie in a workspace.
    case template

    /// What is wrong with how these bytes were read; nil when nothing is.
    public func finding(in bytes: [UInt8]) -> String? {
        switch self {
        case .dnsQuery: WireChecks.query(bytes)
        case .dnsReply: WireChecks.reply(bytes)
        case .clientHello: WireChecks.clientHello(bytes)
        case .httpRequest: WireChecks.httpRequest(bytes)
        case .policyText: TextChecks.policy(bytes)
        case .template: TextChecks.template(bytes)
        }
    }
}
