internal import Glibc

/// The wall clock: grants end at a time of day, whatever is suspended meanwhile.
enum Clock {
    /// Microseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
