/// What a program does about the kernels that OpenBLAS chose for the processor.
///
/// OpenBLAS 0.3.21 takes its oldest kernels on Intel processors of family 6 that are newer than it,
/// from model 176 on, and on others that it does not know.
///
/// Source: OpenMathLib/OpenBLAS, `driver/others/dynamic.c`, `get_coretype`: models that are not
/// listed come to the cases of family 15; from 0.3.25 on features decide.
package enum KernelChoice: Equatable {
  /// The kernels stay: they fit the processor.
  case fitting
  /// The kernels stay: the user asked for some, by this name.
  case asked(core: String)
  /// The processor can run newer ones; the best first.
  case tooOld(better: [String])
  /// This process was started to try the kernels of this name.
  case trial(core: String)
  /// This process was started again, with other kernels than the library's own choice.
  case restarted(chosen: String)

  /// The variable by which OpenBLAS is told which kernels to take.
  static let libraryVariable = "OPENBLAS_CORETYPE"
  /// The variable by which a process that starts another tells it why: `trial`, or `not:` and the
  /// name of the library's choice. `choose` makes the choice anew although the library's variable is
  /// set, among the names behind `choose:` where there are some: so it can be shown anywhere.
  static let ownVariable = "GLANCE_KERNELS"

  /// Cores without the instructions of x86-64-v3, which has AVX2 and FMA.
  private static let oldCores: Set = [
    "katmai", "coppermine", "northwood", "prescott", "banias", "atom", "core2", "penryn",
    "dunnington", "nehalem", "sandybridge", "athlon", "opteron", "opteron_sse3", "barcelona",
    "bobcat", "bulldozer", "piledriver", "steamroller", "nano",
  ]

  /// Decides.
  ///
  /// - Parameters:
  ///   - core: whose kernels run now.
  ///   - level: the processor's, as `cpuLevel` names it.
  ///   - environment: the value of a variable.
  package init(core: String, level: String, environment: (String) -> String?) {
    let library = environment(Self.libraryVariable) ?? ""
    let own = environment(Self.ownVariable) ?? ""
    if own == "trial" {
      self = .trial(core: library)
    } else if own.hasPrefix("not:") {
      self = .restarted(chosen: String(own.dropFirst(4)))
    } else if own.hasPrefix("choose:") {
      self = .tooOld(better: own.dropFirst(7).split(separator: ",").map(String.init))
    } else if !library.isEmpty, own != "choose" {
      self = .asked(core: library)
    } else if Self.oldCores.contains(core.lowercased()) {
      let better =
        switch level {
        case "x86-64-v4": ["SkylakeX", "Haswell"]
        case "x86-64-v3": ["Haswell"]
        default: [] as [String]
        }
      self = better.isEmpty ? .fitting : .tooOld(better: better)
    } else {
      self = .fitting
    }
  }
}
