internal import Compute
internal import Concurrency
internal import Elements
internal import Files
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// What a benchmark ran on.
public struct Machine: Sendable {
  /// The processor, as the system names it.
  public let processor: String
  /// How many there are, as far as this machine sees.
  public let processorCount: Int
  /// Bytes of memory.
  public let memory: Int
  /// Threads in use.
  public let threads: Int
  /// How many programs wanted to run in the minute before.
  public let load: Double
  /// Instructions that the program's own loops use.
  public let level: String
  /// Kernels of products that are timed.
  public let kernels: [String]
  /// OpenBLAS's version and kernels.
  public let openBLAS: String

  /// This machine, as it is now, and the settings in which products are timed.
  public init(products: [TimedProducts]) {
    let lines = (try? readWhole("/proc/cpuinfo", atMost: 1 << 24)).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n")
    }
    let line = lines?.first { $0.hasPrefix("model name") }
    processor =
      line?.split(separator: ":").last.map { String($0.drop(while: \.isWhitespace)) } ?? "unknown"
    processorCount = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    threads = Parallel.threadCount
    var loads = [0.0]
    load = unsafe getloadavg(&loads, 1) == 1 ? loads[0] : .nan
    level = cpuLevel
    kernels = products.map(\.settings.kernels)
    openBLAS = "OpenBLAS \(Arithmetic.version) \(Arithmetic.core)"
  }
}
