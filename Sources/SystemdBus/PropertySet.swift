/// Properties of an object, read strictly: one that is missing or of another type than documented is an error.
struct PropertySet {
    let operation: String
    var values: [String: UnitValue] = [:]

    func string(_ name: String) throws(BusError) -> String {
        guard case .string(let value)? = values[name] else { throw wrong(name, "s") }
        return value
    }

    func bytes(_ name: String) throws(BusError) -> [UInt8] {
        guard case .bytes(let value)? = values[name] else { throw wrong(name, "ay") }
        return value
    }

    func int32(_ name: String) throws(BusError) -> Int32 {
        guard case .int32(let value)? = values[name] else { throw wrong(name, "i") }
        return value
    }

    func uint32(_ name: String) throws(BusError) -> UInt32 {
        guard case .uint32(let value)? = values[name] else { throw wrong(name, "u") }
        return value
    }

    func uint64(_ name: String) throws(BusError) -> UInt64 {
        guard case .uint64(let value)? = values[name] else { throw wrong(name, "t") }
        return value
    }

    private func wrong(_ name: String, _ signature: String) -> BusError {
        .malformed(operation, "the property '\(name)' is missing or not of type '\(signature)'")
    }
}
