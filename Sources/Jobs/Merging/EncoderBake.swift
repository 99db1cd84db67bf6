internal import Adapters
internal import Checkpoints
internal import Elements
internal import Files
internal import Rewriting
internal import SystemPackage
internal import Tensors

/// A text encoder of a pipeline with what adapters do to it merged in, in its own types.
struct EncoderBake: Sendable {
  /// The component: `text_encoder`, `text_encoder_2`.
  let component: String
  private let conversion: RewritingPlan
  private let deltas: [[ParameterDelta]]

  /// Modules of the adapters that have no place in it; names begin with the component's, as do those of
  /// ``modules``.
  let leftOut: [String]

  /// Modules that are merged, in the order of the tensors.
  var modules: [String] { deltas.joined().map { "\(component).\($0.module)" } }

  /// What becomes of its layers that are stored as codes.
  var codedLayers: CodedLayers { conversion.codedLayers }

  /// Bytes of all its tensors.
  var byteCount: Int { conversion.byteCount }

  /// The text encoders that adapters of a request change.
  ///
  /// - Throws: what is wrong with a text encoder, or that an adapter's modules are not its own.
  static func all(
    _ request: BakeRequest, of pipeline: PipelineFolder
  ) throws -> [EncoderBake] {
    try request.adapters.changedEncoders.sorted().map {
      try EncoderBake($0, of: pipeline, request)
    }
  }

  private init(_ component: String, of pipeline: PipelineFolder, _ request: BakeRequest) throws {
    self.component = component
    let input = try pipeline.open(component)
    let (model, layout) = try input.textEncoder()
    var changes = WantedChanges()
    leftOut = try request.adapters.flatMap { merged in
      try changes.collect(merged, ofEncoder: component, model.entries(in: layout), request)
        .map { "\(component).\($0)" }
    }
    var own = RewritingRequest(input: input.path, output: request.output.appending(component))
    own.form.rounding = request.form.rounding
    own.unknown = .keep
    // A GGUF file's names are no pipeline's.
    if layout.name == "gguf" { own.layout = input.description.layouts[0].name }
    var conversion = try RewritingPlan(own, input: input, changed: changes.parameters)
    deltas = try changes.deltas(conversion, model)
    // Only of what changes it: phases that change it alike have the same.
    var changing = request
    changing.adapters = request.adapters.filter { $0.adapter.textEncoders[component] != nil }
    conversion.metadata = try Provenance(changing, input).metadata(from: conversion.metadata)
    self.conversion = conversion
  }

  /// What the writing of text encoders lost and kept; names begin with the component's.
  struct Result {
    var losses: [(tensor: String, loss: CastLoss)] = []
    var survivals: [ModuleSurvival] = []

    mutating func add(_ other: Result) {
      losses += other.losses
      survivals += other.survivals
    }
  }

  /// Writes the component's files into a folder that exists, with the texts beside its weights.
  func write(
    into folder: FilePath, progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> Result {
    let maker = BakeMaker(conversion.tensors, deltas: deltas)
    let losses = try conversion.write(
      maker, into: folder, completion: .nothing, progress: progress)
    try FolderCopy.copyTexts(conversion.request.input, to: folder)
    // That of a folder whose weights are a GGUF file is of no conversion's making.
    let (own, written) = (
      conversion.request.input.appending("config.json"), folder.appending("config.json")
    )
    if own.isRegularFile, !written.isRegularFile { try FolderCopy.copyFile(own, to: written) }
    return Result(
      losses: conversion.result(losses).losses.map { ("\(component).\($0.tensor)", $0.loss) },
      survivals: maker.survivals.map {
        ModuleSurvival(module: "\(component).\($0.module)", survival: $0.survival)
      })
  }
}

extension [MergedAdapter] {
  /// The components, text encoders, that these change.
  var changedEncoders: Set<String> {
    Set(filter { $0.strength != 0 }.flatMap { $0.adapter.textEncoders.keys })
  }
}
