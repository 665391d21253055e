import FuzzChecks
import Glibc

/// The check that the environment names. Global: a C function captures nothing.
let chosen: FuzzCheck? = unsafe getenv("SANDBOX_FUZZ").flatMap { unsafe FuzzCheck(rawValue: String(cString: $0)) }
