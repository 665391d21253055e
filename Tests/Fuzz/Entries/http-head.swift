/// libFuzzer's entry point: what an HTTP client and server say.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { run(checkHTTPHead, start, count) }
