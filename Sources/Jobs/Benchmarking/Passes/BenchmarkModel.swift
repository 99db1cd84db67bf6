internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import JSON
internal import ModelLoading
internal import Pipelines
internal import Schedules
public import SystemPackage

/// A transformer to time: a person's, or one of a family's width with made-up weights.
public struct BenchmarkModel {
  /// What it is, for people.
  let name: String
  let transformer: any DiffusionTransformer
  /// The layers that a run adapts unless it is told otherwise.
  let targets: [LinearLayer]
  let scheduler: SchedulerConfiguration
  /// As in a folder of diffusers.
  let configuration: JSONObject

  /// The transformer of a model's folder.
  public init(opening folder: FilePath) throws {
    let pipeline = try DiffusionPipeline(opening: folder)
    let opened = try pipeline.openTransformer()
    try self.init(
      name: folder.lastComponent?.string ?? folder.string, opened.transformer, opened.architecture,
      pipeline.scheduler)
  }

  /// A family's model with so many blocks of each kind, its weights made up and in memory.
  ///
  /// - Parameters:
  ///   - madeUp: which family.
  ///   - blocks: as many numbers as ``MadeUpFamily/blocks`` has.
  /// - Throws: when there is no such model.
  public init(_ madeUp: MadeUpFamily, blocks: [Int]) throws {
    guard let family = ModelFamily.named(madeUp.rawValue),
      let variant = family.variants.first(where: { $0.name == madeUp.variant }),
      let layout = family.layouts.first(where: { $0.name == "diffusers" })
    else { preconditionFailure("\(madeUp) is among the families") }
    let architecture = Architecture(
      published: variant, of: family,
      blockCounts: Dictionary(uniqueKeysWithValues: zip(family.blocks.map(\.name), blocks)))
    let numbers = MadeUpNumbers()
    let tensors = architecture.entries(in: layout).map { entry in
      let shape = entry.shape.map { $0 ?? 0 }
      // Activations keep their size: sums get deviation 1, and norms leave what they get.
      let isMatrix = shape.count > 1
      let isBias = entry.names[0].hasSuffix("bias")
      return numbers.stored(
        shape, named: entry.names[0], deviation: isMatrix ? 1 / Float(shape[1]).squareRoot() : 0.02,
        mean: isMatrix || isBias ? 0 : 1)
    }
    let file: FilePath = "made-up weights"
    let transformer = try madeUp.transformer(
      ModelConfiguration(.object(architecture.configuration()), file: file),
      WeightLoader(file: file, tensors: tensors))
    let counts = blocks.map(String.init).joined(separator: "+")
    // Which timesteps are visited makes no difference to the time.
    try self.init(
      name: "\(family.title) of \(counts) blocks", transformer, architecture,
      SchedulerConfiguration(
        shift: .dynamic(
          .exponential,
          .init(baseTokens: 256, baseShift: 0.5, maxTokens: 4096, maxShift: 1.15))))
  }

  private init(
    name: String, _ transformer: any DiffusionTransformer, _ architecture: Architecture,
    _ scheduler: SchedulerConfiguration
  ) throws {
    self.name = name
    self.transformer = transformer
    self.scheduler = scheduler
    configuration = architecture.configuration()
    let paths = Set(try architecture.modules(ofTargetPreset: "reference")?.map(\.path) ?? [])
    targets = transformer.linearLayers.filter { paths.contains($0.name) }
  }

  /// Made-up states of a caption.
  func conditioning(textTokens: Int, _ numbers: MadeUpNumbers) -> Conditioning {
    Conditioning(
      text: numbers.tensor([textTokens, transformer.textChannels]),
      pooled: transformer.pooledChannels.map { numbers.tensor([1, $0]) })
  }
}

extension TokenGrid {
  /// So many tokens, in a grid as square as they allow.
  init(count: Int) {
    let rows = (1...max(1, Int(Double(count).squareRoot()))).last { count.isMultiple(of: $0) } ?? 1
    self.init(rows: rows, columns: count / rows)
  }
}
