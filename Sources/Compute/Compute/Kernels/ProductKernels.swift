internal import Elements
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// The kernels that OpenBLAS runs in this process.
public enum ProductKernels {
  private static let reason = Mutex("")

  /// Which kernels run, and why, in words.
  public static var account: String {
    let own = ProductSettings.shared
    guard OpenBLAS.isThere else {
      return "matrix products run on glance's kernels, \(own.kernels); OpenBLAS isn't there"
    }
    return "matrix products run on OpenBLAS \(Arithmetic.version)'s \(Arithmetic.core) kernels"
      + reason.withLock { $0 }
      + (own.runsOnBLAS ? "" : "; those with weights and in attention on glance's, \(own.kernels)")
  }

  /// Starts the program again with newer kernels where OpenBLAS chose kernels that are too old for
  /// the processor, and newer ones stand a trial in a process of their own.
  ///
  /// The library chooses when it is opened, and reads a variable then: so a program calls this first. Where
  /// the kernels fit, or there is no OpenBLAS, it returns.
  public static func settle() {
    guard OpenBLAS.isThere else { return }
    let choice = KernelChoice(core: Arithmetic.core, level: cpuLevel) { name in
      unsafe getenv(name).map { unsafe String(cString: $0) }
    }
    switch choice {
    case .fitting: break
    case .asked(let core):
      because(
        Arithmetic.core.lowercased() == core.lowercased()
          ? ", as \(KernelChoice.libraryVariable) asks"
          : "; \(KernelChoice.libraryVariable) asks for '\(core)', which OpenBLAS did not take")
    case .trial(let core):
      _ = signal(SIGALRM, SIG_DFL)
      alarm(10)
      var none = rlimit(rlim_cur: 0, rlim_max: 0)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
      _exit(Arithmetic.core.lowercased() == core.lowercased() && KernelTrial.passes() ? 0 : 1)
    case .restarted(let chosen):
      unsafe unsetenv(KernelChoice.ownVariable)
      because("; of itself OpenBLAS chose \(chosen), which is too old for this processor")
    case .tooOld(let better):
      for core in better where ProgramStart.succeeds(variables(core, "trial")) {
        ProgramStart.replace(variables(core, "not:\(Arithmetic.core)"))
      }
      because(
        ", its own choice; this processor should run \(better.joined(separator: " or ")), "
          + "but that did not stand a trial")
    }
  }

  private static func because(_ text: String) { reason.withLock { $0 = text } }

  private static func variables(_ core: String, _ purpose: String) -> [String: String] {
    [KernelChoice.libraryVariable: core, KernelChoice.ownVariable: purpose]
  }
}
