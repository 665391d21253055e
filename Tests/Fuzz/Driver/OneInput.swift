import FuzzChecks

/// What libFuzzer calls for every input: dies where the check finds something.
@_cdecl("LLVMFuzzerTestOneInput")
public func oneInput(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let chosen else { fatalError("SANDBOX_FUZZ is one of \(FuzzCheck.allCases.map(\.rawValue))") }
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: size))
    if let finding = chosen.finding(in: bytes) { fatalError(finding) }
    return 0
}
