import AdapterAlgebra
import Adapters
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Combining adapters")
struct CombiningTests {
  /// 0.7 a - 1.3 b, as recorded.
  static func parts() throws -> [WeightedAdapter] {
    [
      WeightedAdapter(try Recorded.adapter("a"), weight: 0.7),
      WeightedAdapter(try Recorded.adapter("b"), weight: -1.3),
    ]
  }

  @Test("adds up products to one rounding of B", arguments: ["v", "w", "x", "y", "z"])
  func exact(path: String) throws {
    let parts = try Self.parts()
    let found = try Adapter.combining(parts)
    #expect(found.modules.map(\.path) == ["v", "x", "y", "z", "w"])
    let module = try #require(found.module(at: path))
    // An entry of B is off by 2^-24 of itself at most.
    #expect(relativeError(change(module), try Recorded.doubles("sum/\(path)/product")) < 6e-8)
    let ranks = parts.compactMap { $0.adapter.module(at: path)?.rank }
    #expect(module.rank == ranks.reduce(0, +))
  }

  @Test("keeps factors bit for bit when all parts have one scale")
  func commonScale() throws {
    let a = module("x", down: [[0.1, 0.2]], up: [[0.3], [0.7]], scale: 0.5)
    let b = module("x", down: [[0.5, 0.9]], up: [[0.11], [0.13]], scale: 0.25)
    let found = try Adapter.combining([
      WeightedAdapter(Adapter(a), weight: 0.3), WeightedAdapter(Adapter(b), weight: 0.6),
    ])
    #expect(found.modules[0].scale == 0.15)
    #expect(found.modules[0].down.floats() == [0.1, 0.2, 0.5, 0.9])
    #expect(found.modules[0].up.floats() == [0.3, 0.11, 0.7, 0.13])
  }

  @Test("keeps one A when parts share it")
  func sharedDown() throws {
    let a = module("x", down: [[0.1, 0.2]], up: [[0.5], [0.75]])
    let b = module("x", down: [[0.1, 0.2]], up: [[1], [-2]], scale: 0.5)
    let found = try Adapter.combining([WeightedAdapter(Adapter(a)), WeightedAdapter(Adapter(b))])
    #expect(found.modules[0].rank == 1)
    #expect(found.modules[0].scale == 1)
    #expect(found.modules[0].up.floats() == [1, -0.25])
  }

  @Test("reduces the sum to numpy's closest one", arguments: ["v", "w", "x", "y", "z"])
  func reduced(path: String) throws {
    let (found, report) = try Adapter.combining(Self.parts(), reducedTo: .rank(3))
    let module = try #require(found.module(at: path))
    let row = try #require(report.modules.first { $0.path == path })
    #expect(relativeError(change(module), try Recorded.doubles("sum/\(path)/truncated3")) < 6e-8)
    #expect(abs(row.energyKept - (try Recorded.doubles("sum/\(path)/kept3")[0])) < 1e-13)
    #expect(row.newRank == module.rank && row.newRank <= 3)
  }

  @Test("an adapter less itself is nothing")
  func cancelled() throws {
    let adapter = try Recorded.adapter("a")
    let (found, report) = try Adapter.combining(
      [WeightedAdapter(adapter), WeightedAdapter(adapter, weight: -1)], reducedTo: .energy(0.99))
    #expect(found.ranks == [1])
    #expect(report.modules.allSatisfy { $0.norm == 0 && $0.energyKept == 1 })
    #expect(found.modules.allSatisfy { change($0).allSatisfy { $0 == 0 } })
  }

  @Test("leaves out parts of weight 0")
  func weightZero() throws {
    let a = Adapter(module("x", down: [[1]], up: [[3]]))
    let b = Adapter(module("x", down: [[5]], up: [[7]]), module("y", down: [[1]], up: [[1]]))
    let found = try Adapter.combining([WeightedAdapter(a), WeightedAdapter(b, weight: 0)])
    #expect(found.modules.map(\.path) == ["x"])
    #expect(found.ranks == [1])
    expectRefusal(AlgebraError.self, saying: "no adapter to combine has a weight other than 0") {
      try Adapter.combining([WeightedAdapter(a, weight: 0)])
    }
  }

  @Test("refuses other shapes, families, weights and numbers")
  func refused() throws {
    let a = Adapter(module("x", down: [[1, 2]], up: [[3]]))
    let wide = Adapter(module("x", down: [[1, 2, 3]], up: [[3]]))
    #expect {
      try Adapter.combining([WeightedAdapter(a), WeightedAdapter(wide)])
    } throws: {
      if case AlgebraError.shapesDiffer("x", [1, 2], [1, 3]) = $0 { true } else { false }
    }
    var (flux, qwen) = (a, a)
    flux.family = ModelFamily.all.first { $0.name == "flux1" }
    qwen.family = ModelFamily.all.first { $0.name != "flux1" }
    #expect {
      try Adapter.combining([WeightedAdapter(flux), WeightedAdapter(qwen)])
    } throws: {
      if case AlgebraError.otherFamily = $0 { true } else { false }
    }
    #expect {
      try Adapter.combining([WeightedAdapter(a, weight: .infinity)])
    } throws: {
      if case AlgebraError.usage = $0 { true } else { false }
    }
    let bad = Adapter(module("x", down: [[1, 2]], up: [[.nan]]))
    for reduces in [false, true] {
      #expect {
        let parts = [WeightedAdapter(a), WeightedAdapter(bad)]
        if reduces {
          _ = try Adapter.combining(parts, reducedTo: .rank(1))
        } else {
          _ = try Adapter.combining(parts)
        }
      } throws: {
        if case AlgebraError.notFinite("x (up)") = $0 { true } else { false }
      }
    }
  }
}
