/// libFuzzer's entry point: questions that a payload asks its resolver.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { run(checkDNSQuery, start, count) }
