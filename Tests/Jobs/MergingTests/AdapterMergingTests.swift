import AdapterAlgebra
import Adapters
import Elements
import Merging
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Adapters made of adapters and checkpoints")
struct AdapterMergingTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  private func read(_ file: FilePath, _ strength: Double = 1) throws -> MergedAdapter {
    try #require(
      try MergedAdapter.adapters(in: file, phase: nil, strength: strength, isPartial: false)
        .adapters.first)
  }

  /// scale · B · A of every module, by the plain loop.
  private func products(_ adapter: Adapter) -> [String: [Double]] {
    var exact = ExactDeltas()
    for module in adapter.modules {
      exact.add(
        .init(
          module: module.path, down: module.down.floats(), up: module.up.floats(),
          rank: module.rank, scale: module.scale), strength: 1)
    }
    return exact.deltas
  }

  private func relativeError(_ found: [Double], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let error = zip(found, expected).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (error / expected.reduce(0.0) { $0 + $1 * $1 }).squareRoot()
  }

  @Test func sumIsExact() throws {
    let files = SmallAdapters(model: model)
    var exact = ExactDeltas()
    for part in try files.peft(to: path("a.st")) { exact.add(part, strength: 0.7) }
    for part in try files.kohya(to: path("b.st")) { exact.add(part, strength: -0.3) }
    let result = try DerivedAdapter(
      combining: [read(path("a.st"), 0.7), read(path("b.st"), -0.3)], reducedTo: nil)
    let output = path("ab.safetensors")
    try result.adapter.write(to: output)
    let found = products(try read(output).adapter)
    #expect(Set(found.keys) == Set(exact.deltas.keys))
    for (module, expected) in exact.deltas {
      // Strength and scale are rounded into B once.
      #expect(relativeError(found[module] ?? [], expected) < 2e-7, "\(module)")
    }
    let metadata = try SafetensorsFile(opening: output).metadata
    #expect(metadata.contains { $0.key == "modelspec.merged_from" && $0.value == "a.st, b.st" })
  }

  @Test func mergedAdapterBakesLikeItsParts() throws {
    let files = SmallAdapters(model: model)
    _ = try files.peft(to: path("a.st"))
    _ = try files.kohya(to: path("b.st"))
    let parts = [try read(path("a.st"), 0.7), try read(path("b.st"), -0.3)]
    let joined = path("ab.safetensors")
    try DerivedAdapter(combining: parts, reducedTo: nil).adapter.write(to: joined)
    let base = try model.write(to: path("base.safetensors"), .f32)
    let apart = try Bake(
      BakeRequest(base: base, output: path("apart.safetensors"), adapters: parts)
    ).write { _ in }
    let once = try Bake(
      BakeRequest(base: base, output: path("once.safetensors"), adapters: [read(joined)])
    ).write { _ in }
    let (left, right) = (
      try SafetensorsFile(opening: apart.output), try SafetensorsFile(opening: once.output)
    )
    for tensor in left.tensors {
      let other = try right.tensor(named: tensor.name)
      #expect(TestSupport.relativeError(other.floats(), tensor.floats()) < 2e-7)
    }
  }

  @Test func rankIsLoweredAsFarAsAsked() throws {
    _ = try SmallAdapters(model: model).peft(to: path("a.st"))
    let adapter = try read(path("a.st"))
    let small = try DerivedAdapter(combining: [adapter], reducedTo: .rank(4))
    #expect(small.adapter.ranks.last == 4)
    let kept = try #require(small.ranks).energyKept
    #expect(kept > 0.1 && kept < 1)
    let all = try DerivedAdapter(combining: [adapter], reducedTo: .energy(1, maximumRank: .max))
    for (module, expected) in products(adapter.adapter) {
      #expect(relativeError(products(all.adapter)[module] ?? [], expected) < 1e-6)
    }
  }

  @Test(
    "keeps the factors' bytes where only the strength changes",
    arguments: [
      AdapterWritingOptions.AlphaPolicy.tensor, .metadata,
    ])
  func strength(alpha: AdapterWritingOptions.AlphaPolicy) throws {
    _ = try SmallAdapters(model: model).peft(to: path("a.st"))
    let result = try DerivedAdapter(combining: [read(path("a.st"), 0.37)], reducedTo: nil)
    var options = AdapterWritingOptions()
    options.alpha = alpha
    options.dtype = nil
    try result.adapter.write(to: path("b.safetensors"), options)
    let (before, after) = (
      try read(path("a.st")).adapter, try read(path("b.safetensors")).adapter
    )
    for module in before.modules {
      let other = try #require(after.module(at: module.path))
      #expect(bytes(of: module.down) == bytes(of: other.down))
      #expect(bytes(of: module.up) == bytes(of: other.up))
      #expect(abs(other.scale - 0.37) < 1e-7)
    }
  }

  @Test func extractionGivesTheAdapterBack() throws {
    _ = try SmallAdapters(model: model).kohya(to: path("a.st"), rank: 4, alpha: 4)
    let base = try model.write(to: path("base.safetensors"), .f32)
    let adapter = try read(path("a.st"))
    let tuned = try Bake(
      BakeRequest(base: base, output: path("tuned.safetensors"), adapters: [adapter])
    ).write { _ in }.output
    let found = try #require(
      try DerivedAdapter(
        base: base, tuned: tuned, ExtractionOptions(rank: 4), progress: { _, _ in true }))
    let compared = AdapterComparison(adapter.adapter, found.adapter)
    #expect(compared.onlyInA.isEmpty && compared.onlyInB.isEmpty)
    // float32 weights of 0.02 and changes of as much: 2^-24 each, and the SVD's own rounding.
    #expect(compared.total.differenceNorm < 1e-5 * compared.total.normA)
    let small = try #require(
      try DerivedAdapter(
        base: base, tuned: tuned, ExtractionOptions(rank: 2), progress: { _, _ in true }))
    #expect(small.adapter.ranks == [2])
  }

  @Test func bundleBakesAndComparesLikeItsExperts() throws {
    let files = SmallAdapters(model: model)
    _ = try files.peft(to: path("slow.st"))
    _ = try files.peft(to: path("fast.st"), seed: 33)
    let experts = try (["slow", "fast"] as [String]).flatMap { phase in
      try MergedAdapter.adapters(
        in: path("\(phase).st"), phase: phase, strength: 1, isPartial: false
      ).adapters
    }
    let bundle = path("bundle.safetensors")
    try ExpertBundle(of: experts).write(to: bundle)
    let read = try MergedAdapter.adapters(
      in: bundle, phase: nil, strength: 1, isPartial: false
    ).adapters
    #expect(read.map(\.phase) == ["slow", "fast"])
    for (one, other) in zip(read, experts) {
      let compared = AdapterComparison(one.adapter, other.adapter)
      // Equal but for the order of the norm's own sums.
      #expect(compared.total.differenceNorm < 1e-14 * compared.total.normA)
      #expect(compared.onlyInA.isEmpty && compared.onlyInB.isEmpty)
    }
  }
}
