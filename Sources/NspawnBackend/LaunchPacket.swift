/// The packet that hands a prepared sandbox to sandbox-launch (sbx_launch_protocol.h): a header of four 32-bit words
/// in host order, then zero-terminated strings.
enum LaunchPacket {
    static let magic: UInt32 = 0x3178_6273
    static let filter = UInt8(ascii: "F")
    static let locked = UInt8(ascii: "L")
    static let failed = UInt8(ascii: "E")
    static let release = UInt8(ascii: "G")

    static func encode(mounts: [String], secrets: [String], secretsOwner: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [magic, UInt32(mounts.count), UInt32(secrets.count), secretsOwner] {
            withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
        }
        for text in mounts + secrets { bytes += Array(text.utf8) + [0] }
        return bytes
    }
}
