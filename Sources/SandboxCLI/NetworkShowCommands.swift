internal import ArgumentParser
internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

extension NetworkCommand {
    /// `network show`: the policy, and what came of it so far.
    struct Show: Verb {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what a sandbox reaches, and what it reached so far.")

        @Flag(help: "Print JSON.")
        var json = false

        @Argument(help: "Name of the sandbox.", completion: .sandboxes)
        var name: String

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            let view = NetworkView(try context.makeServices().networkStatus(try SandboxName(name)), now: context.now())
            if json {
                context.console.print(try JSON.text(view))
            } else {
                for line in NetworkText.lines(view) { context.console.print(line) }
            }
            return 0
        }
    }

    /// `network verify`: whether the kernel's rules are the policy's.
    struct Verify: Verb {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Compare the kernel's rules with the policy.",
            discussion: "Exit status 1 and a line for each difference where there are some.")

        @OptionGroup
        var batch: BatchOptions

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            var isDifferent = false
            let status = try batch.run(context, onlyRunning: true) { (services, name) throws(SandboxError) in
                let differences = try services.verifyNetwork(name)
                for line in differences { context.console.print("\(name): \(line.escapingControls)") }
                if differences.isEmpty { context.console.print("\(name): ok") } else { isDifferent = true }
            }
            return status == 0 && isDifferent ? 1 : status
        }
    }

    /// `network denied`: what was refused.
    struct Denied: Verb {
        static let configuration = CommandConfiguration(
            commandName: "denied", abstract: "Show what a sandbox was refused, and what would allow it.")

        @Flag(help: "Print JSON.")
        var json = false

        @Flag(name: .shortAndLong, help: "Go on with what is refused from now on, a line each, until interrupted.")
        var follow = false

        @Argument(help: "Name of the sandbox.", completion: .sandboxes)
        var name: String

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            let services = try context.makeServices()
            var view = try look(services, context)
            if follow { try go(on: &view, services, context) }
            if json {
                context.console.print(try JSON.text(view))
            } else {
                for line in NetworkText.lines(view) { context.console.print(line) }
            }
            return 0
        }

        private func look(_ services: any Services, _ context: Context) throws(SandboxError) -> DeniedView {
            let status = try services.networkStatus(try SandboxName(name))
            guard status.report != nil else {
                throw SandboxError(
                    .unavailable, "sandbox '\(name)' is not running", hint: "start it with 'sandboxctl start \(name)'")
            }
            return DeniedView(status, now: context.now())
        }

        /// Neither the kernel's set nor the gateway's table tells when it changes: both are looked at again.
        private func go(
            on view: inout DeniedView, _ services: any Services, _ context: Context
        ) throws(SandboxError) -> Never {
            while true {
                context.pause(0.5)
                let next = try look(services, context)
                for denial in next.denials where !view.holds(denial) {
                    context.console.print(json ? try JSON.line(denial) : NetworkText.line(denial))
                }
                try context.console.flush()
                view = next
            }
        }
    }
}
