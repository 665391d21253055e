extension EgressRule.Destination: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(EgressRuleProblem) {
            self = try EgressRule.destination(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a destination that \(error.text)")
        }
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension PortRange: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let range = PortRange(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not ports")
        }
        self = range
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Rate: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let rate = Rate(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a rate")
        }
        self = rate
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension NetworkPolicy: Codable {
    private enum Key: String, CodingKey {
        case mode, rules, denied, allowsPrivate, egressBudget, connectionRate
    }

    /// Decodes a policy, or the mode alone, which is all that records of earlier versions hold.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.singleValueContainer(), let mode = try? container.decode(NetworkMode.self) {
            self.init(mode: mode)
            return
        }
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            mode: try container.decode(NetworkMode.self, forKey: .mode),
            rules: try container.decode([EgressRule].self, forKey: .rules),
            denied: try container.decode([HostPattern].self, forKey: .denied),
            allowsPrivate: try container.decode(Bool.self, forKey: .allowsPrivate),
            egressBudget: try container.decodeIfPresent(ByteSize.self, forKey: .egressBudget),
            connectionRate: try container.decodeIfPresent(Rate.self, forKey: .connectionRate))
    }

    /// Encodes all parts.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(mode, forKey: .mode)
        try container.encode(rules, forKey: .rules)
        try container.encode(denied, forKey: .denied)
        try container.encode(allowsPrivate, forKey: .allowsPrivate)
        try container.encodeIfPresent(egressBudget, forKey: .egressBudget)
        try container.encodeIfPresent(connectionRate, forKey: .connectionRate)
    }
}
