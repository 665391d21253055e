internal import Glibc
internal import SandboxCLI

@main
enum Entry {
    static func main() { exit(CommandLineTool.main()) }
}
