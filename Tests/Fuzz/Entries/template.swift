/// libFuzzer's entry point: templates, presets, the host's configuration.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt { run(checkTemplate, start, count) }
