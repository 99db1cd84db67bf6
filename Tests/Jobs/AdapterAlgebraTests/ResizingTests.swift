import AdapterAlgebra
import Adapters
import Elements
import Tensors
import TestSupport
import Testing

@Suite("Resizing an adapter")
struct ResizingTests {
  static let modules = [
    ("a", "x"), ("a", "y"), ("a", "z"), ("a", "v"), ("b", "x"), ("b", "y"), ("b", "z"), ("b", "w"),
  ]

  @Test("finds numpy's singular values", arguments: modules)
  func singularValues(adapter: String, path: String) throws {
    let found = try Recorded.module(adapter, path).singularValues()
    let expected = try Recorded.doubles("\(adapter)/\(path)/values")
    // Both are right to a few 2^-53 of the factors' norms.
    #expect(relativeError(found, expected) < 1e-14)
  }

  @Test("keeps numpy's truncated product and factors, signs included", arguments: modules)
  func truncated(adapter: String, path: String) throws {
    let (found, report) = try Adapter(Recorded.module(adapter, path)).resized(to: .rank(2))
    let key = "\(adapter)/\(path)"
    // Factors are rounded to float32: 2^-24 an entry, less in the mean.
    let module = found.modules[0]
    #expect(relativeError(change(module), try Recorded.doubles("\(key)/truncated2")) < 6e-8)
    #expect(
      relativeError(module.up.floats().map(Double.init), try Recorded.doubles("\(key)/up2")) < 6e-8)
    #expect(
      relativeError(module.down.floats().map(Double.init), try Recorded.doubles("\(key)/down2"))
        < 6e-8)
    let values = try Recorded.doubles("\(key)/values")
    #expect(module.scale == 1)
    #expect(module.rank == min(2, values.count))
    let squares = values.map { $0 * $0 }
    let (kept, total) = (squares.prefix(2).reduce(0, +), squares.reduce(0, +))
    #expect(abs(report.modules[0].energyKept - kept / total) < 1e-14)
    #expect(abs(report.modules[0].norm - total.squareRoot()) < 1e-13 * total.squareRoot())
    #expect(abs(report.energyKept - report.modules[0].energyKept) < 1e-15)
  }

  @Test("chooses ranks by energy", arguments: modules, [0.5, 0.9, 0.99])
  func energy(module: (String, String), share: Double) throws {
    let (adapter, path) = module
    let found = try Adapter(Recorded.module(adapter, path)).resized(to: .energy(share)).report
    let expected = try Recorded.doubles("\(adapter)/\(path)/energy\(share)")
    #expect(Double(found.modules[0].newRank) == expected[0])
    #expect(abs(found.modules[0].energyKept - expected[1]) < 1e-14)
    let most = try Adapter(Recorded.module(adapter, path))
      .resized(to: .energy(share, maximumRank: 1)).report
    #expect(most.modules[0].newRank == 1)
  }

  @Test("reports every module and the whole, and keeps metadata")
  func report() throws {
    var adapter = try Recorded.adapter("a")
    adapter.metadata = [("ss_network_dim", "6")]
    let (found, report) = try adapter.resized(to: .rank(3))
    #expect(report.modules.map(\.path) == ["v", "x", "y", "z"])
    #expect(report.modules.map(\.oldRank) == [1, 6, 5, 12])
    #expect(report.modules.map(\.newRank) == [1, 3, 3, 3])
    #expect(found.metadata.map(\.key) == ["ss_network_dim"])
    let kept = AdapterComparison(found, found).total.normA
    let total = AdapterComparison(adapter, adapter).total.normA
    #expect(abs(report.energyKept - kept * kept / total / total) < 1e-7)
  }

  @Test("never keeps more than there is, nor rounding")
  func fewValues() throws {
    // z is 8 x 10 with rank 12.
    #expect(try Adapter(Recorded.module("a", "z")).resized(to: .rank(99)).adapter.ranks == [8])
    let repeated = module("x", down: [[1, 2, 3], [1, 2, 3]], up: [[0.1, 0.3], [0.7, 0.2]])
    #expect(try Adapter(repeated).resized(to: .rank(2)).adapter.ranks == [1])
    #expect(try Adapter(repeated).resized(to: .energy(1)).adapter.ranks == [1])
  }

  @Test("turns a change of zero into one of rank 1")
  func zero() throws {
    let zero = module("x", down: [[1, 2], [3, 4]], up: [[0, 0], [0, 0], [0, 0]])
    let (found, report) = try Adapter(zero).resized(to: .energy(0.9))
    #expect(found.modules[0].rank == 1)
    #expect(change(found.modules[0]) == [0, 0, 0, 0, 0, 0])
    #expect(report.modules[0].energyKept == 1 && report.modules[0].norm == 0)
    #expect(report.energyKept == 1)
  }

  @Test("refuses NaN, infinity, odd dtypes and senseless rules")
  func refused() throws {
    for bad in [Float.nan, .infinity] {
      #expect {
        try Adapter(module("x", down: [[1, bad]], up: [[1]])).resized(to: .rank(1))
      } throws: {
        if case AlgebraError.notFinite(let tensor) = $0 { tensor == "x (down)" } else { false }
      }
    }
    let integers = [Int32](repeating: 1, count: 2)
    let tensor = unsafe TensorView(
      name: "", dtype: .i32, shape: [1, 2], copying: integers.span.bytes)
    let odd = AdapterModule(path: "x", down: tensor, up: TensorView(name: "", shape: [1, 1], [1]))
    #expect {
      try Adapter(odd).resized(to: .rank(1))
    } throws: {
      if case AlgebraError.unsupportedDType(_, let found) = $0 { found == "I32" } else { false }
    }
    let sound = Adapter(module("x", down: [[1, 2]], up: [[1]]))
    for rule in [
      RankRule.rank(0), .energy(0), .energy(1.5), .energy(.nan), .energy(0.5, maximumRank: 0),
    ] {
      #expect {
        try sound.resized(to: rule)
      } throws: {
        if case AlgebraError.usage = $0 { true } else { false }
      }
    }
    let huge = Adapter(module("x", down: [[1]], up: [[3e38]], scale: 2))
    #expect {
      try huge.resized(to: .rank(1))
    } throws: {
      if case AlgebraError.overflow = $0 { true } else { false }
    }
  }

  @Test("changes the strength and no factor")
  func strength() throws {
    let adapter = try Recorded.adapter("a")
    let found = try adapter.strengthened(by: -0.3)
    #expect(found.modules.map(\.scale) == adapter.modules.map { $0.scale * -0.3 })
    #expect(found.modules.map { $0.up.floats() } == adapter.modules.map { $0.up.floats() })
    expectRefusal(AlgebraError.self, saying: "strength nan; expected a finite number") {
      try adapter.strengthened(by: .nan)
    }
  }

  @Test("gives the same bits with any number of threads")
  func threads() throws {
    let modules = (0..<6).map { index in
      let random = RandomStream(seed: UInt64(index), purpose: .test)
      return AdapterModule(
        path: "m\(index)",
        down: TensorView(name: "", shape: [24, 150], random.normals(count: 24 * 150)),
        up: TensorView(name: "", shape: [170, 24], random.normals(count: 24 * 170)))
    }
    let adapter = Adapter(family: nil, modules: modules)
    let results = try atWidths([1, 2, 5]) {
      let found = try adapter.resized(to: .rank(7)).adapter
      return found.modules.flatMap { [$0.up.floats(), $0.down.floats()] }
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }
}
