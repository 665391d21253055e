internal import EgressGateway
internal import Glibc

@main
enum Entry {
    static func main() {
        do {
            try GatewayServer.run()
        } catch {
            let line = Array("sandbox-gateway: \(error)\n".utf8)
            _ = unsafe write(2, line, line.count)
            exit(1)
        }
    }
}
