import AdapterAlgebra
import Adapters
import Testing

@Suite("Two adapters together")
struct CompatibilityTests {
  @Test("have numpy's principal angles and cosine", arguments: ["x", "y", "z"])
  func angles(path: String) throws {
    let (a, b) = (try Recorded.adapter("a"), try Recorded.adapter("b"))
    let overlap = try SubspaceOverlap(a, b)
    let module = try #require(overlap.modules.first { $0.path == path })
    let columns = try Recorded.doubles("angles/\(path)/columns")
    let rows = try Recorded.doubles("angles/\(path)/rows")
    // The bases are those of singular values down to a few percent of the largest.
    #expect(relativeError(module.columnCosines, columns) < 1e-12)
    #expect(relativeError(module.rowCosines, rows) < 1e-12)
    let share = try #require(overlap.blocks.first { $0.name == path }).share.columns
    #expect(abs(share - columns.reduce(0) { $0 + $1 * $1 } / Double(columns.count)) < 1e-12)
    let cosine = try Recorded.doubles("angles/\(path)/cosine")[0]
    let compared = AdapterComparison(a, b).modules.first { $0.path == path }
    #expect(abs((compared?.cosine ?? 2) - cosine) < 1e-13)
  }

  @Test("share the spaces that both factors span")
  func shared() throws {
    let overlap = try SubspaceOverlap(try Recorded.adapter("a"), try Recorded.adapter("b"))
    #expect(overlap.modules.map(\.path) == ["x", "y", "z"])
    // Of y two directions were given to both; z's a fills all of its 8 rows.
    #expect(overlap.modules[1].columnCosines.prefix(2).allSatisfy { $0 > 1 - 1e-10 })
    #expect(overlap.blocks.map(\.name) == ["x", "y", "z"])
    #expect(abs(overlap.blocks[2].share.columns - 1) < 1e-12)
  }

  /// Rank 1 in 8 x 8 with given directions.
  private static func line(_ up: [Float], _ down: [Float], scale: Double = 1) -> Adapter {
    let pad = { (values: [Float]) in values + Array(repeating: 0, count: 8 - values.count) }
    return Adapter(
      module(
        "transformer_blocks.0.attn.to_q", down: [pad(down)], up: pad(up).map { [$0] }, scale: scale)
    )
  }

  @Test(
    "are judged by cosine and shared space",
    arguments: [
      ([1], [1], 3, .reinforcing), ([1], [1], 1, .same), ([1], [1], -1, .opposed),
      ([0, 1], [0, 1], 1, .nearlyOrthogonal),
      ([1], [0, 1], 1, .sharedDirections), ([0, 1], [1], 1, .sharedDirections),
      ([1, 9.9], [1, 1], 1, .nearlyOrthogonal.self),
    ] as [([Float], [Float], Double, AdapterCompatibility.Verdict)])
  func verdicts(
    up: [Float], down: [Float], scale: Double, expected: AdapterCompatibility.Verdict
  ) throws {
    let found = try AdapterCompatibility(
      Self.line([1], [1]), Self.line(up, down, scale: scale))
    guard up != [1, 9.9] else {
      // Column cosine 0.1, row cosine 0.7: cosine 0.07, half of the row space.
      #expect(found.verdict == .sharedDirections)
      return
    }
    #expect(found.verdict == expected)
    #expect(found.sharedModules.count == 1)
    #expect(abs(try #require(found.relativeNorm) - abs(scale)) < 1e-14)
  }

  @Test("of other modules or shapes have nothing to compare")
  func incomparable() throws {
    let a = Adapter(module("x", down: [[1, 2]], up: [[3]]))
    let b = Adapter(module("y", down: [[1, 2]], up: [[3]]))
    let wide = Adapter(module("x", down: [[1, 2, 3]], up: [[3]]))
    #expect(try AdapterCompatibility(a, b).verdict == .disjoint)
    #expect(try AdapterCompatibility(a, b).relativeNorm == nil)
    #expect(try AdapterCompatibility(a, wide).verdict == .incompatible)
  }

  @Test("a change of zero has no angles")
  func zero() throws {
    let a = Adapter(module("x", down: [[1, 2]], up: [[0]]))
    let b = Adapter(module("x", down: [[1, 2]], up: [[3]]))
    let found = try AdapterCompatibility(a, b)
    #expect(found.overlap.modules[0].columnCosines.isEmpty)
    #expect(found.cosine == nil && found.verdict == .noEffect)
    #expect(try AdapterCompatibility(a, a).verdict == .noEffect)
  }

  @Test("that serve different phases never run together")
  func phases() throws {
    let a = Self.line([1], [1])
    #expect(try AdapterCompatibility(a, a, phases: ("slow", "fast")).verdict == .differentPhases)
    #expect(try AdapterCompatibility(a, a, phases: ("slow", "slow")).verdict == .same)
    #expect(try AdapterCompatibility(a, a, phases: ("slow", nil)).verdict == .same)
  }
}
