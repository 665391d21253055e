import CFuzzer
import Glibc

// libFuzzer has a main of its own, which a package's executable does not get to be.
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
exit(unsafe LLVMFuzzerRunDriver(&count, &arguments, LLVMFuzzerTestOneInput))
