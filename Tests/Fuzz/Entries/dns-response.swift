/// libFuzzer's entry point: answers of the host's resolver.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { run(checkDNSResponse, start, count) }
