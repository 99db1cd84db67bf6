import Compute
import Synchronization
import Testing

@Suite("The kernels of products")
struct KernelChoiceTests {
  @Test(
    "are left alone where they fit, and newer ones are looked for where they are too old",
    arguments: [
      ("Prescott", "x86-64-v4", [:], .tooOld(better: ["SkylakeX", "Haswell"])),
      ("Prescott", "x86-64-v3", [:], .tooOld(better: ["Haswell"])),
      ("Sandybridge", "x86-64-v3", [:], .tooOld(better: ["Haswell"])),
      ("Core2", "x86-64-v3", [:], .tooOld(better: ["Haswell"])),
      ("Prescott", "baseline", [:], .fitting),
      ("Nehalem", "baseline", [:], .fitting),
      ("Haswell", "x86-64-v3", [:], .fitting),
      // The library may have reasons not to use the widest registers.
      ("Haswell", "x86-64-v4", [:], .fitting),
      ("Zen", "x86-64-v4", [:], .fitting),
      ("SkylakeX", "x86-64-v4", [:], .fitting),
      ("Cooperlake", "x86-64-v4", [:], .fitting),
      ("armv8", "baseline", [:], .fitting),
      // A value that is set is respected, an empty one is none.
      ("Prescott", "x86-64-v4", ["OPENBLAS_CORETYPE": "Prescott"], .asked(core: "Prescott")),
      ("Haswell", "x86-64-v4", ["OPENBLAS_CORETYPE": "haswell"], .asked(core: "haswell")),
      ("Prescott", "x86-64-v3", ["OPENBLAS_CORETYPE": ""], .tooOld(better: ["Haswell"])),
      // What the processes of one start tell each other; a second start is the last.
      (
        "Haswell", "x86-64-v4", ["OPENBLAS_CORETYPE": "Haswell", "GLANCE_KERNELS": "trial"],
        .trial(core: "Haswell")
      ),
      (
        "Prescott", "x86-64-v4",
        ["OPENBLAS_CORETYPE": "Haswell", "GLANCE_KERNELS": "not:Prescott"],
        .restarted(chosen: "Prescott")
      ),
      (
        "Prescott", "x86-64-v3", ["OPENBLAS_CORETYPE": "Prescott", "GLANCE_KERNELS": "choose"],
        .tooOld(better: ["Haswell"])
      ),
      (
        "Haswell", "x86-64-v3", ["GLANCE_KERNELS": "choose:Zen,Haswell"],
        .tooOld(better: ["Zen", "Haswell"])
      ),
    ] as [(String, String, [String: String], KernelChoice)])
  func decision(
    core: String, level: String, variables: [String: String], expected: KernelChoice
  ) {
    #expect(KernelChoice(core: core, level: level) { variables[$0] } == expected)
  }

  @Test func thatRunHereStandTheTrial() { #expect(KernelTrial.passes()) }

  private static func plain(
    _ size: (m: Int, n: Int, k: Int), _ a: [Float], _ transposeA: Bool, _ b: [Float],
    _ transposeB: Bool
  ) -> [Float] {
    var c: [Float] = []
    for row in 0..<size.m {
      for column in 0..<size.n {
        c.append(
          (0..<size.k).reduce(0) { sum, inner in
            sum + a[transposeA ? inner * size.m + row : row * size.k + inner]
              * b[transposeB ? column * size.k + inner : inner * size.n + column]
          })
      }
    }
    return c
  }

  @Test("that are wrong in one transposition, size or place don't stand it", arguments: 0..<8)
  func wrongProducts(which: Int) {
    #expect(KernelTrial.passes(Self.plain))
    let calls = Mutex(0)
    let passes = KernelTrial.passes { size, a, transposeA, b, transposeB in
      let call = calls.withLock { calls in
        calls += 1
        return calls - 1
      }
      var c = Self.plain(size, a, transposeA, b, transposeB)
      if call == which { c[c.count - 1 - which].negate(); c[3] += 1 }
      return c
    }
    #expect(!passes)
    // Every transposition at two sizes, up to the wrong one.
    #expect(calls.withLock { $0 } == which + 1)
  }
}
