internal import Checkpoints
internal import Elements
internal import Files
public import Rewriting
public import SystemPackage

/// A whole pipeline brought into another form: every component converted, in one output that appears complete or
/// not at all.
public struct PipelineConversion: Sendable {
  /// What is written.
  public enum Target: Sendable, Equatable {
    /// ComfyUI's folders of models: `diffusion_models`, `text_encoders`, `vae`.
    case comfyui
    /// A pipeline's folder of diffusers.
    case diffusers
    /// One file with every component.
    case allInOne
  }

  /// What a conversion reads, and what it is to write.
  public struct Request: Sendable {
    /// A pipeline's folder, a folder with ComfyUI's folders, or an all-in-one file.
    public var input: FilePath
    /// A folder, or a file for ``Target/allInOne``.
    public var output: FilePath
    /// What is written.
    public var target: Target
    /// How it is stored.
    public var form = OutputForm()
    /// A pipeline's folder whose configurations, tokenizers and scheduler the output gets.
    public var configurations: FilePath?
    /// Width of an attention head of the transformer, where its tensors don't tell it.
    public var headDimension: Int?
    /// What becomes of tensors that a layout has no place for.
    public var unknown = RewritingRequest.UnknownTensors.drop
    /// Whether a switch of the variant that the output has no place for is left out.
    public var dropsSwitches = false

    /// A conversion that changes nothing but names.
    public init(input: FilePath, output: FilePath, target: Target) {
      self.input = input
      self.output = output
      self.target = target
    }
  }

  /// One component's.
  public struct Part: Sendable {
    /// Its name in a pipeline: `text_encoder_2`.
    public let name: String
    /// Where it goes inside the output; empty for a part of one file.
    let place: FilePath
    /// How it is made.
    public let plan: RewritingPlan
  }

  /// What was asked for.
  public let request: Request
  /// The components, the transformer first.
  public let parts: [Part]
  /// What a person should know, one sentence each.
  public let notes: [String]
  /// All parts as one file; nil for folders.
  private let joined: RewritingPlan?
  /// The folder whose other files a pipeline gets.
  private let configurations: PipelineFolder?

  /// Whether a conversion is one of a whole pipeline, by what is named.
  ///
  /// - Parameters:
  ///   - input: what is read.
  ///   - output: what is written.
  ///   - layout: the layout that is asked for.
  ///   - hasConfigurations: whether a folder is named whose configurations the output gets.
  /// - Returns: whether it is.
  public static func isMeant(
    by input: FilePath, output: FilePath, layout: String?, hasConfigurations: Bool
  ) -> Bool {
    if PipelineSource.isComfyFolder(input) { return true }
    guard !OutputName.isFile(output), output.extension != "gguf" else { return false }
    guard layout == "comfyui" || layout == "diffusers" && hasConfigurations else { return false }
    return PipelineFolder.isPipeline(PipelineFolder.folder(meantBy: input))
      || PipelineSource.isBundle(input)
  }

  /// Plans the conversion of every component; reads headers and configurations, and tensor data only where a limit
  /// of the error asks for measuring.
  ///
  /// - Parameters:
  ///   - request: what is read and written.
  ///   - measured: called with bytes that were coded for measuring; may throw to stop.
  /// - Throws: ``RewritingError`` for what can't be converted, and what opening a component throws.
  public init(
    _ request: Request, measured: @escaping @Sendable (Int) throws -> Void = { _ in }
  ) throws {
    let source = try PipelineSource(opening: request.input)
    let isFile = OutputName.isFile(request.output)
    guard isFile == (request.target == .allInOne) else {
      throw RewritingError.usage(
        isFile
          ? "\(request.output): a whole pipeline is a folder; --all-in-one writes one file"
          : "--all-in-one writes one file; give an output that ends in .safetensors")
    }
    configurations =
      request.target == .diffusers ? try Self.configurations(request, source) : nil
    for own in [source.pipeline?.path, configurations?.path].compactMap(\.self)
    where FolderCopy.isInside(request.output, of: own) {
      throw RewritingError.usage(
        "\(request.output): lies inside \(own), which is read; write to another place")
    }
    let folder = configurations?.path
    let variant = source.components.first?.description.variant?.name
    var notes: [String] = []
    parts = try zip(source.parts.parts, source.components).map { part, component in
      let place = Self.place(of: part, request.target, variant)
      var own = RewritingRequest(
        input: component.path,
        output: place.isEmpty ? request.output : request.output.pushing(place))
      own.form = request.form
      if !part.takesCodes, own.form.removeCodes() {
        notes.append("'\(part.name)' gets no codes: programs read none of it")
      }
      own.headDimension = part.name == "transformer" ? request.headDimension : nil
      own.unknown = request.unknown
      own.dropsSwitches = request.dropsSwitches
      own.configurations = folder == source.pipeline?.path ? nil : folder?.appending(part.name)
      own.component = part.name
      own.layout = request.target == .diffusers ? "diffusers" : part.layout
      own.prefix = request.target == .allInOne ? part.bundledPrefix : nil
      // Rules are for the transformer, whose names they have; what they don't name of the others stays theirs.
      own.toleratesIdleRules = part.name != "transformer"
      own = try own.withinErrorLimit(input: component, progress: measured)
      return Part(name: part.name, place: place, plan: try RewritingPlan(own, input: component))
    }
    self.notes = notes
    self.request = request
    if request.target == .allInOne {
      var whole = RewritingRequest(input: request.input, output: request.output)
      whole.form = request.form
      joined = RewritingPlan(joining: parts.map(\.plan), as: whole)
    } else {
      joined = nil
    }
  }

  private static func place(
    of part: PipelineParts.Part, _ target: Target, _ variant: String?
  ) -> FilePath {
    switch target {
    case .allInOne: ""
    case .diffusers: FilePath(part.name)
    case .comfyui:
      FilePath(part.folders[0]).appending(part.fileName(variant: variant))
    }
  }

  /// The folder that a pipeline's other files come from.
  private static func configurations(
    _ request: Request, _ source: PipelineSource
  ) throws -> PipelineFolder {
    if let folder = request.configurations {
      let found = try PipelineFolder(opening: folder)
      guard found.family?.name == source.parts.family else {
        throw RewritingError.unsupported(
          file: folder,
          detail: "a '\(found.className)', expected a pipeline of the family of \(source.path), "
            + "such as \(source.parts.className)")
      }
      return found
    }
    if let pipeline = source.pipeline { return pipeline }
    throw RewritingError.usage(
      "\(source.path): has no tokenizers, scheduler and configurations, which a pipeline's folder needs; "
        + "--configs FOLDER takes them from a diffusers folder of such a pipeline, whose weights need "
        + "not be there")
  }
}

extension PipelineConversion {
  /// Bytes of all tensors of the output.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.plan.byteCount } }

  /// Carries the plan out.
  ///
  /// - Parameter progress: called with bytes that were written, from any thread; may throw to stop.
  /// - Returns: what was written and lost, part by part.
  /// - Throws: what can't be read or written, or what `progress` throws; the output is then as it was.
  public func write(
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [RewritingResult] {
    if let joined {
      let whole = try joined.write(progress: progress)
      return parts.map { whole.part(of: $0.plan) }
    }
    guard let configurations else {
      // ComfyUI's folders are those of other models as well.
      let batch = try FileBatch(
        into: request.output, parts.map(\.place), overwrite: request.form.overwrite)
      let results = try write(into: batch.workingPath, progress)
      try batch.commit()
      return results
    }
    let folder = try AtomicFolder(
      creating: request.output,
      kind: .pipeline(components: configurations.components.map(\.name)),
      overwrite: request.form.overwrite)
    let results = try write(into: folder.workingPath, progress)
    try copy(configurations, to: folder.workingPath)
    try folder.commit()
    return results
  }

  private func write(
    into folder: FilePath, _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [RewritingResult] {
    try parts.map { part in
      let path = folder.pushing(part.place)
      try makeFolder(path.removingLastComponent())
      return try part.plan.write(at: path, progress: progress)
    }
  }

  /// Copies all of a pipeline's folder that no component's weights and config.json are.
  private func copy(_ pipeline: PipelineFolder, to folder: FilePath) throws {
    try FolderCopy.copyFile(
      pipeline.path.appending(pipeline.indexName), to: folder.appending(pipeline.indexName))
    for component in pipeline.components {
      let source = pipeline.path.appending(component.name)
      let destination = folder.appending(component.name)
      guard source.isFolder else { continue }
      guard parts.contains(where: { $0.name == component.name }) else {
        try makeFolder(destination)
        try FolderCopy.copy(source, to: destination, links: false)
        continue
      }
      try FolderCopy.copyTexts(source, to: destination)
    }
  }
}

extension OutputForm {
  /// Keeps elements as they are where codes are wanted; whether they were.
  fileprivate mutating func removeCodes() -> Bool {
    guard scaled != nil || encoding != nil || dtype?.bitCount == 8 else { return false }
    (scaled, encoding, dtype) = (nil, nil, nil)
    return true
  }
}
