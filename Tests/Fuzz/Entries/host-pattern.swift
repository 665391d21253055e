/// libFuzzer's entry point: the small texts of a policy.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { run(checkHostPattern, start, count) }
