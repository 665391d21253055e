/// libFuzzer's entry point: what a TLS client says first.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { run(checkClientHello, start, count) }
