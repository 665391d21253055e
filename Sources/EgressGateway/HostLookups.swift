internal import EgressPolicy
internal import EgressWire
internal import NIOCore
internal import SandboxModel

extension GatewayState {
    /// Questions on their way at a time.
    private static let lookupWidth = 64

    /// Looks hosts up whose addresses go into the kernel's sets, some at a time. Nothing that was found before counts.
    func lookUp(_ names: [HostName]) -> EventLoopFuture<[FoundHost]> {
        lookUp(names[...], found: [])
    }

    private func lookUp(_ names: ArraySlice<HostName>, found: [FoundHost]) -> EventLoopFuture<[FoundHost]> {
        guard !names.isEmpty else { return eventLoop.makeSucceededFuture(found) }
        let state = NIOLoopBound(self, eventLoop: eventLoop)
        let rest = names.dropFirst(Self.lookupWidth)
        let now = names.prefix(Self.lookupWidth).map { lookUp($0) }
        return EventLoopFuture.whenAllSucceed(now, on: eventLoop).flatMap { more in
            state.value.lookUp(rest, found: found + more)
        }
    }

    /// One kind of address that is there is enough; none at all is a failure.
    private func lookUp(_ name: HostName) -> EventLoopFuture<FoundHost> {
        let state = NIOLoopBound(self, eventLoop: eventLoop)
        let questions = [DNSType.a, .aaaa].map { resolver.find(name, $0, anew: true) }
        return EventLoopFuture.whenAllComplete(questions, on: eventLoop).map { results in
            var all: [IPAddress] = []
            var lifetime = UInt32.max
            var failure: String?
            for result in results {
                switch result {
                case .success(let found) where !found.addresses.isEmpty:
                    all += found.addresses
                    lifetime = min(lifetime, found.lifetime)
                case .success: break
                case .failure: failure = "no resolver answered"
                }
            }
            let open = all.filter { state.value.isReachable($0) }
            if !all.isEmpty, open.isEmpty { failure = "it leads to addresses that are never reached" }
            // Half an answer is none: the other half would be taken for gone.
            guard !open.isEmpty, failure == nil else {
                return FoundHost(name: name, addresses: [], lifetime: 0, failure: failure ?? "it has no address")
            }
            return FoundHost(name: name, addresses: open, lifetime: lifetime)
        }
    }
}
