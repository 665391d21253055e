import Glibc
import Testing

@testable import SandboxCLI

@Suite("Signals that ask a verb to stop")
struct InterruptionTests {
    @Test("One that is watched is noted instead of ending us; one that the caller ignores stays ignored")
    func watched() {
        // Threads of a pool block signals; a main thread does not.
        var numbers = sigset_t()
        var before = sigset_t()
        sigemptyset(&numbers)
        for number in [SIGHUP, SIGQUIT] { sigaddset(&numbers, number) }
        pthread_sigmask(SIG_UNBLOCK, &numbers, &before)
        signal(SIGHUP, SIG_DFL)
        signal(SIGQUIT, SIG_IGN)
        defer {
            for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { signal(number, SIG_DFL) }
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        Interruptions.watch()
        #expect(Interruptions.last() == nil)
        // raise(3) delivers to this thread before it returns.
        raise(SIGQUIT)
        #expect(Interruptions.last() == nil)
        raise(SIGHUP)
        #expect(Interruptions.last() == SIGHUP)
    }
}
