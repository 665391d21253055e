internal import ArgumentParser

extension CompletionKind {
    /// The sandboxes that exist at the moment of asking.
    static let sandboxes = CompletionKind.shellCommand("sandboxctl list -q 2>/dev/null")
    /// The templates that exist at the moment of asking.
    static let templates = CompletionKind.shellCommand("sandboxctl template list -q 2>/dev/null")
}
