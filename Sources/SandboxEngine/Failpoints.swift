internal import SandboxModel

#if FAILPOINTS
    internal import Glibc
#endif

/// Places where a test build can be made to fail: `SANDBOXCTL_FAIL=create.network:kill`, `…:err`.
///
/// Release builds contain nothing of it.
enum Failpoint {
    /// After the step called `name`.
    static func reached(_ name: String) throws(SandboxError) {
        #if FAILPOINTS
            guard let raw = getenv("SANDBOXCTL_FAIL") else { return }
            let wish = String(cString: raw).split(separator: ":", maxSplits: 1).map(String.init)
            guard wish.count == 2, wish[0] == name else { return }
            switch wish[1] {
            case "kill": kill(getpid(), SIGKILL)
            case "stop": kill(getpid(), SIGSTOP)
            default: throw SandboxError(.internal, "failpoint '\(name)' was reached")
            }
        #endif
    }
}
