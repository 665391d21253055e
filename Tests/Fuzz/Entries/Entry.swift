/// Gives the bytes that the fuzzer made to a check. A promise that they break ends the program, which counts as a find.
func run(
    _ check: ([UInt8]) throws(Violation) -> Void, _ start: UnsafePointer<UInt8>?, _ count: Int
) -> CInt {
    do throws(Violation) {
        try check(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError(error.description)
    }
    return 0
}
