import AdapterAlgebra
import Adapters
import Checkpoints
import Elements
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Extracting an adapter")
struct ExtractionTests {
  /// A matrix with exactly these singular values: one in every row and column, at shuffled places.
  private static func matrix(_ rows: Int, _ columns: Int, _ values: [Double]) -> [Float] {
    var matrix = [Float](repeating: 0, count: rows * columns)
    for (index, value) in values.enumerated() {
      matrix[(index * 211 % rows) * columns + index * 173 % columns] = Float(value)
    }
    return matrix
  }

  private static func difference(
    _ rows: Int, _ columns: Int, _ values: [Float], rank: Int, seed: UInt64 = 0
  ) throws -> (module: AdapterModule, report: RankReport.Module) {
    let base = RandomStream(seed: 3, purpose: .test).normals(count: rows * columns)
      // Multiples of 2^-12 below 8, so that sums with the values below are exact.
      .map { ($0 * 4096).rounded() / 4096 }
    let exact = values.map { ($0 * 4096).rounded() / 4096 }
    var options = ExtractionOptions(rank: rank)
    options.seed = seed
    return try AdapterModule.extracted(
      path: "x", base: TensorView(name: "base", shape: [rows, columns], base),
      tuned: TensorView(name: "tuned", shape: [rows, columns], zip(base, exact).map(+)), options)
  }

  /// Singular values, largest first.
  enum Spectrum: String, CaseIterable {
    case lowRank, lowRankOverNoise, fastDecay, slowDecay, almostFlat, flat

    func value(_ index: Int) -> Double {
      switch self {
      case .lowRank: index < 5 ? 4 - 0.5 * Double(index) : 0
      case .lowRankOverNoise: index < 5 ? 4 - 0.5 * Double(index) : 0.01
      case .fastDecay: (0..<index).reduce(4) { value, _ in 0.8 * value }
      case .slowDecay: 4 / Double(index + 1).squareRoot()
      case .almostFlat: 4 - 0.005 * Double(index)
      case .flat: 2
      }
    }
  }

  @Test(
    "captures the optimal energy of any spectrum to 1e-3", arguments: Spectrum.allCases,
    [(420, 391), (391, 420)])
  func spectra(spectrum: Spectrum, shape: (Int, Int)) throws {
    let values = (0..<391).map { (spectrum.value($0) * 4096).rounded() / 4096 }
    let (module, report) = try Self.difference(
      shape.0, shape.1, Self.matrix(shape.0, shape.1, values), rank: 8)
    let squares = values.map { $0 * $0 }.sorted(by: >)
    let optimal = squares.prefix(8).reduce(0, +)
    let total = squares.reduce(0, +)
    let found = report.energyKept * total
    #expect(found <= optimal * (1 + 1e-6))
    #expect(found >= optimal * (1 - 1e-3))
    #expect(abs(report.norm - total.squareRoot()) < 1e-6 * total.squareRoot())
    #expect(module.rank == min(8, values.count { $0 > 0 }))
    // The factors hold what the report says.
    let norm = AdapterComparison(Adapter(module), Adapter(module)).total.normA
    #expect(abs(norm * norm - found) < 1e-6 * total)
  }

  @Test("captures the optimal energy of noise to 1e-3", arguments: [0, 1, 2] as [UInt64])
  func noise(seed: UInt64) throws {
    let (rows, columns) = (420, 400)
    let noise = RandomStream(seed: 100 + seed, purpose: .test).normals(count: rows * columns)
      .map { ($0 * 4096).rounded() / 4096 }
    let report = try Self.difference(rows, columns, noise, rank: 8, seed: seed).report
    // The exact values, from LAPACK alone: the same matrix as up times an identity.
    let identity = Self.identity(columns)
    let values = try AdapterModule(
      path: "", down: identity, up: TensorView(name: "", shape: [rows, columns], noise)
    ).singularValues()
    let squares = values.map { $0 * $0 }
    let optimal = squares.prefix(8).reduce(0, +) / squares.reduce(0, +)
    #expect(report.energyKept <= optimal * (1 + 1e-6))
    #expect(report.energyKept >= optimal * (1 - 1e-3))
  }

  private static func identity(_ size: Int) -> TensorView {
    var elements = [Float](repeating: 0, count: size * size)
    for index in 0..<size { elements[index * size + index] = 1 }
    return TensorView(name: "", shape: [size, size], elements)
  }

  @Test("gives the same bits with any number of threads, and by seed")
  func threads() throws {
    let noise = RandomStream(seed: 9, purpose: .test).normals(count: 600 * 400)
    let results = try atWidths([1, 2]) {
      let module = try Self.difference(600, 400, noise, rank: 8).module
      return module.up.floats() + module.down.floats()
    }
    #expect(results[0] == results[1])
  }

  private static func open(_ name: String) throws -> OpenedCheckpoint {
    let source = try Recorded.file(name)
    return OpenedCheckpoint(path: source.path, source: source)
  }

  @Test("compares checkpoints of different layouts as numpy does", arguments: [false, true])
  func layouts(isReversed: Bool) throws {
    var (base, tuned) = (try Self.open("base.safetensors"), try Self.open("tuned.safetensors"))
    if isReversed { swap(&base, &tuned) }
    let (adapter, report) = try #require(
      try Adapter.extracted(base: base, tuned: tuned, ExtractionOptions(rank: 2)))
    let expected = try JSONValue(
      parsing: Fixtures.text(Recorded.folder.appending("extraction.json")))
    let modules = try #require(expected["modules"]?.object)
    #expect(Set(adapter.modules.map(\.path)) == Set(modules.members.map(\.key)))
    #expect(adapter.family?.name == "flux1")
    for (row, baseNorm) in zip(report.ranks.modules, report.baseNorms) {
      let known = try #require(modules[row.path])
      #expect(abs(row.energyKept - (known["kept2"]?.double ?? 0)) < 1e-12, "\(row.path)")
      #expect(abs(row.norm - (known["norm"]?.double ?? 0)) < 1e-12 * row.norm)
      #expect(row.newRank == 2)
      let values = try #require(adapter.module(at: row.path)).singularValues()
      #expect(abs(values[0] - (known["values"]?.array?[0].double ?? 0)) < 1e-6 * values[0])
      if !isReversed {
        #expect(abs(baseNorm - (known["base"]?.double ?? 0)) < 1e-12 * baseNorm)
      }
    }
    let leftOut = try #require(expected["leftOut"]?.object)
    #expect(Set(report.leftOut.map(\.name)) == Set(leftOut.members.map(\.key)))
    for difference in report.leftOut {
      #expect(abs(difference.norm - (leftOut[difference.name]?.double ?? 0)) < 1e-12)
      #expect(difference.reason == .notLowRank)
    }
    let linearCount = try #require(base.description.architecture).linearModules.count
    #expect(report.unchanged.count + adapter.modules.count == linearCount)
  }

  @Test("rebuilds the tuned weights at full rank")
  func fullRank() throws {
    let (base, tuned) = (try Self.open("base.safetensors"), try Self.open("tuned.safetensors"))
    let (adapter, report) = try #require(
      try Adapter.extracted(base: base, tuned: tuned, ExtractionOptions(rank: 8, energy: 1 - 1e-10))
    )
    // Three columns were added; what is beyond is their rounding.
    #expect(report.ranks.modules.allSatisfy { $0.newRank == 3 })
    // The published layout holds the halves of this one in the other order.
    let before = base.source.find("norm_out.linear.weight")!.floats()
    let after = tuned.source.find("final_layer.adaLN_modulation.1.weight")!.floats()
    let half = after.count / 2
    let expected = zip(after[half...] + after[..<half], before).map { Double($0) - Double($1) }
    let found = change(try #require(adapter.module(at: "norm_out.linear")))
    #expect(relativeError(found, expected) < 1e-6)
  }

  @Test("keeps to the targets and reports what else differs")
  func targets() throws {
    let (base, tuned) = (try Self.open("base.safetensors"), try Self.open("tuned.safetensors"))
    let (adapter, report) = try #require(
      try Adapter.extracted(
        base: base, tuned: tuned, ExtractionOptions(rank: 2, targets: ["to_k", "to_v"])))
    #expect(
      adapter.modules.map(\.path) == [
        "transformer_blocks.0.attn.to_k", "single_transformer_blocks.0.attn.to_v",
      ])
    #expect(report.leftOut.filter { $0.reason == .notTargeted }.count == 5)
    #expect(report.leftOut.filter { $0.reason == .notLowRank }.count == 3)
    #expect {
      try Adapter.extracted(
        base: base, tuned: tuned, ExtractionOptions(rank: 2, targets: ["nothing"]))
    } throws: {
      if case CheckpointError.unknownTarget = $0 { true } else { false }
    }
  }

  @Test("ends when it is told to")
  func stopped() throws {
    let (base, tuned) = (try Self.open("base.safetensors"), try Self.open("tuned.safetensors"))
    var seen: [Int] = []
    let found = try Adapter.extracted(base: base, tuned: tuned, ExtractionOptions(rank: 2)) {
      index, count, _ in
      seen.append(index)
      return index < 3 && count == base.source.tensors.count
    }
    #expect(found == nil)
    #expect(seen == [0, 1, 2, 3])
  }

  @Test("refuses equal, different and unfit checkpoints")
  func refused() throws {
    let base = try Self.open("base.safetensors")
    #expect {
      try Adapter.extracted(base: base, tuned: base, ExtractionOptions(rank: 2))
    } throws: {
      if case AlgebraError.empty = $0 { true } else { false }
    }
    let other = try OpenedCheckpoint(
      opening: Fixtures.model("tiny-flux").appending("transformer")
        .appending("diffusion_pytorch_model.safetensors"))
    #expect {
      try Adapter.extracted(base: base, tuned: other, ExtractionOptions(rank: 2))
    } throws: {
      if case AlgebraError.differentModels = $0 { true } else { false }
    }
    let adapter = try Self.open("goldens.safetensors")
    #expect {
      try Adapter.extracted(base: base, tuned: adapter, ExtractionOptions(rank: 2))
    } throws: {
      if case CheckpointError.notRecognised = $0 { true } else { false }
    }
    #expect {
      try Adapter.extracted(base: base, tuned: base, ExtractionOptions(rank: 0))
    } throws: {
      if case AlgebraError.usage = $0 { true } else { false }
    }
  }

  @Test("refuses numbers that aren't finite by the tensor's name", arguments: [false, true])
  func notFinite(isInBase: Bool) throws {
    let sound = TensorView(name: "sound", shape: [2, 2], [1, 2, 3, 4])
    let bad = TensorView(name: "bad", shape: [2, 2], [1, .nan, 3, 4])
    #expect {
      try AdapterModule.extracted(
        path: "x", base: isInBase ? bad : sound, tuned: isInBase ? sound : bad,
        ExtractionOptions(rank: 1))
    } throws: {
      if case AlgebraError.notFinite("bad") = $0 { true } else { false }
    }
    #expect {
      try AdapterModule.extracted(
        path: "x", base: sound, tuned: TensorView(name: "", shape: [1, 2], [1, 2]),
        ExtractionOptions(rank: 1))
    } throws: {
      if case AlgebraError.shapesDiffer = $0 { true } else { false }
    }
  }
}
