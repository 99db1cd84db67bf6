import Adapters
import Tensors
import TestSupport
import Testing

@Suite("Comparing two adapters")
struct AdapterComparisonTests {
  /// Entries for which every sum is exact: small integers.
  private static func module(
    _ path: String, down: [[Float]], up: [[Float]], scale: Double = 1
  ) -> AdapterModule {
    AdapterModule(
      path: path,
      down: TensorView(name: "", shape: [down.count, down[0].count], down.flatMap(\.self)),
      up: TensorView(name: "", shape: [up.count, up[0].count], up.flatMap(\.self)), scale: scale)
  }

  private static func adapter(_ modules: AdapterModule...) -> Adapter {
    Adapter(family: nil, modules: modules)
  }

  @Test("takes norms of effective changes")
  func norms() {
    // 0.5 · [3; 4] · [1 2 2]: norm 0.5 · 5 · 3.
    let a = Self.adapter(Self.module("x", down: [[1, 2, 2]], up: [[3], [4]], scale: 0.5))
    // [4; -3] · [1 2 2] is orthogonal to it.
    let b = Self.adapter(Self.module("x", down: [[1, 2, 2]], up: [[4], [-3]]))
    let found = AdapterComparison(a, b)
    #expect(found.modules[0].normA == 7.5)
    #expect(found.modules[0].normB == 15)
    #expect(found.modules[0].cosine == 0)
    #expect(found.modules[0].differenceNorm == (7.5 * 7.5 + 225.0).squareRoot())
    #expect(found.total.differenceNorm == found.modules[0].differenceNorm)
    #expect(found.differentShapes.isEmpty && found.onlyInA.isEmpty && found.onlyInB.isEmpty)
  }

  @Test("finds opposed and parallel changes")
  func directions() {
    let a = Self.adapter(Self.module("x", down: [[1, 2]], up: [[3], [4]], scale: 2))
    let b = Self.adapter(Self.module("x", down: [[-1, -2]], up: [[3], [4]], scale: 1))
    #expect(abs(AdapterComparison(a, b).modules[0].cosine! + 1) < 1e-15)
    #expect(abs(AdapterComparison(a, a).modules[0].cosine! - 1) < 1e-15)
  }

  @Test("sees that other factors make the same change")
  func refactored() {
    let (down, up) = (InMemory.tensor("a", [3, 40]), InMemory.tensor("b", [50, 3]))
    let module = AdapterModule(path: "x", down: down, up: up, scale: 0.25)
    // Powers of two move between the factors, the rows change places and one is split in halves,
    // so that the change is the same without any rounding.
    let (a, b) = (down.floats(), up.floats())
    let order = [2, 0, 1, 1]
    let share: [Float] = [1, 1, 0.5, 0.5]
    let newDown = order.flatMap { k in a[k * 40..<(k + 1) * 40].map { $0 * 4 } }
    let newUp = (0..<50).flatMap { row in zip(order, share).map { b[row * 3 + $0] * $1 } }
    let other = AdapterModule(
      path: "x", down: TensorView(name: "", shape: [4, 40], newDown),
      up: TensorView(name: "", shape: [50, 4], newUp), scale: 0.0625)
    let found = AdapterComparison(
      Adapter(family: nil, modules: [module]), Adapter(family: nil, modules: [other]))
    // Rounding of a product of orthogonal factors: a few units of 2^-53.
    #expect(found.modules[0].differenceNorm < 4e-15 * found.modules[0].normA)
    #expect(abs(found.modules[0].cosine! - 1) < 1e-13)
  }

  @Test("measures a small difference to 1e-7 of itself", arguments: [1e-2, 1e-4, 1e-6])
  func smallDifference(share: Double) {
    let (down, up) = (InMemory.tensor("a", [3, 40]), InMemory.tensor("b", [50, 3]))
    let a = AdapterModule(path: "x", down: down, up: up, scale: 1)
    var b = a
    b.scale = 1 + share
    let found = AdapterComparison(
      Adapter(family: nil, modules: [a]), Adapter(family: nil, modules: [b]))
    let expected = (b.scale - 1) * found.modules[0].normA
    #expect(abs(found.modules[0].differenceNorm - expected) < 1e-7 * expected)
  }

  @Test("counts modules that one adapter lacks or has in another shape")
  func otherModules() {
    let a = Self.adapter(
      Self.module("x", down: [[1]], up: [[3], [4]]), Self.module("y", down: [[1, 0]], up: [[2]]))
    let b = Self.adapter(
      Self.module("z", down: [[1]], up: [[5]]), Self.module("y", down: [[1, 0, 0]], up: [[7]]))
    let found = AdapterComparison(a, b)
    #expect(found.modules.map(\.path) == ["x", "y", "z"])
    #expect(found.modules.map(\.normA) == [5, 2, 0])
    #expect(found.modules.map(\.normB) == [0, 7, 5])
    #expect(found.modules.allSatisfy { $0.cosine == nil })
    #expect(found.onlyInA == ["x"] && found.onlyInB == ["z"] && found.differentShapes == ["y"])
    #expect(found.total.normA == 29.0.squareRoot())
    #expect(abs(found.total.differenceNorm - (25.0 + 53 + 25).squareRoot()) < 1e-14)
    #expect(found.total { $0 == "z" }.normB == 5)
    #expect(found.total { $0 == "z" }.cosine == nil)
  }

  @Test("adds up sums over many rows as plain loops do")
  func manyRows() {
    let a = AdapterModule(
      path: "x", down: InMemory.tensor("a", [9, 300]), up: InMemory.tensor("b", [520, 9]),
      scale: 0.5)
    let b = AdapterModule(
      path: "x", down: InMemory.tensor("c", [12, 300]), up: InMemory.tensor("d", [520, 12]))
    let (adapterA, adapterB) = (
      Adapter(family: nil, modules: [a]), Adapter(family: nil, modules: [b])
    )
    let (x, y) = (deltas(of: adapterA)["x"]!, deltas(of: adapterB)["x"]!)
    let product = zip(x, y).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let (squareX, squareY) = (
      x.reduce(0.0) { $0 + Double($1) * Double($1) }, y.reduce(0.0) { $0 + Double($1) * Double($1) }
    )
    let found = AdapterComparison(adapterA, adapterB).modules[0]
    // `deltas` rounds every entry to float32: 6e-8, which averages out.
    #expect(abs(found.normA - squareX.squareRoot()) < 1e-8 * found.normA)
    #expect(abs(found.normB - squareY.squareRoot()) < 1e-8 * found.normB)
    #expect(abs(found.cosine! - product / (squareX * squareY).squareRoot()) < 1e-8)
  }
}
