internal import Adapters
internal import Checkpoints
internal import Pictures
public import SystemPackage
internal import Tensors

extension Inspected {
  /// Finds out what a path is: a safetensors file, an index, a folder of shards, a component folder,
  /// a pipeline folder, or a picture, which is decoded to its end.
  ///
  /// What is wrong with the content is in ``findings``; only what can't be read at all is an error.
  ///
  /// - Parameters:
  ///   - path: what to look at.
  ///   - assumedAlpha: the alpha to take where an adapter says none; nil means alpha = rank.
  ///   - base: where the base of a difference is, instead of where the file says.
  /// - Throws: ``InspectionError`` when it can't be read at all.
  public init(of path: FilePath, assumedAlpha: Double? = nil, base: FilePath? = nil) throws {
    if PipelineFolder.isPipeline(PipelineFolder.folder(meantBy: path)) {
      try self.init(pipeline: PipelineFolder.folder(meantBy: path))
    } else if let folder = BakedFolder(opening: path) {
      try self.init(experts: folder)
    } else if PictureFormat(ofFile: path) != nil {
      try self.init(picture: path)
    } else if path.isCalledPicture {
      // A checkpoint under a picture's name is told of; anything else is a picture that can't be read.
      do { try self.init(tensorsOf: path, assumedAlpha) } catch { try self.init(picture: path) }
    } else {
      try self.init(tensorsOf: path, assumedAlpha, base: base)
    }
  }

  private init(experts folder: BakedFolder) throws {
    let experts = try folder.experts.map { try Inspected(of: $0.path) }
    path = folder.path
    subject = .experts(folder, experts)
    source = nil
    configuration = nil
    declared = GlanceMetadata()
    metadataFault = nil
  }

  private init(picture path: FilePath) throws {
    subject = .picture(try PictureFile.describe(path))
    self.path = path
    source = nil
    configuration = nil
    declared = GlanceMetadata()
    metadataFault = nil
  }

  private init(pipeline path: FilePath) throws {
    let pipeline = try PipelineFolder(opening: path)
    let components = pipeline.components.map { component in
      let folder = path.appending(component.name)
      guard !Self.weightless.contains(where: component.className.hasSuffix) else {
        return PipelineComponent(
          name: component.name, className: component.className, inspection: nil, fault: nil)
      }
      do {
        return PipelineComponent(
          name: component.name, className: component.className,
          inspection: try Inspected(tensorsOf: folder, nil), fault: nil)
      } catch {
        return PipelineComponent(
          name: component.name, className: component.className, inspection: nil,
          fault: "\(error)")
      }
    }
    self.path = path
    subject = .pipeline(pipeline, components: components)
    source = nil
    configuration = nil
    declared =
      components.first { $0.name == "transformer" }?.inspection?.declared ?? GlanceMetadata()
    metadataFault = nil
  }

  /// Endings of the classes of components that have no weights.
  private static let weightless = [
    "Tokenizer", "TokenizerFast", "Scheduler", "Processor", "ImageProcessor", "Extractor",
  ]

  private init(
    tensorsOf path: FilePath, _ assumedAlpha: Double?, base: FilePath? = nil
  ) throws {
    let source = try TensorSource(outlining: path, base: base)
    let configuration = try Configuration(beside: source, openedAt: path)
    self.path = path
    self.source = source
    self.configuration = configuration
    (subject, declared, metadataFault) = Self.subject(
      of: source, path: path, configuration: configuration, assumedAlpha)
  }

  /// Tells bundles by their metadata, checkpoints by their names, and adapters by what is left.
  private static func subject(
    of source: TensorSource, path: FilePath, configuration: Configuration?, _ assumedAlpha: Double?
  ) -> (Subject, declared: GlanceMetadata, fault: String?) {
    var glance = GlanceMetadata()
    var fault: String?
    do {
      glance = try GlanceMetadata(source.texts, file: path)
      if ExpertBundle.isBundle(source.metadata), let file = source.files.first {
        return (.bundle(try ExpertBundle(opening: file), glance), glance, nil)
      }
    } catch { fault = "\(error)" }
    if source.container != .gguf, AdapterFile.isPlainLoRA(source.tensors) {
      return (.adapter(AdapterFile(source, assumedAlpha: assumedAlpha), glance), glance, fault)
    }
    let description = CheckpointDescription(of: source, configuration: configuration)
    guard case .unknown = description.subject,
      AdapterFile.seemsAdapter(names: source.tensors.lazy.map(\.name))
    else { return (.checkpoint(description), glance, fault) }
    return (.adapter(AdapterFile(source, assumedAlpha: assumedAlpha), glance), glance, fault)
  }
}

extension FilePath {
  /// Whether the name ends as a picture's does.
  fileprivate var isCalledPicture: Bool { Self.pictureEndings.contains(ending) }

  private static let pictureEndings = ["png", "jpg", "jpeg", "webp"]

  private var ending: String { self.extension?.lowercased() ?? "" }

  /// What a reader of the name would be wrong about; nil when the name fits.
  func nameFault(container: String) -> String? {
    let endings: [(container: String, endings: [String])] = [
      ("safetensors", ["safetensors"]), ("gguf", ["gguf"]), ("png", ["png"]),
      ("jpeg", ["jpg", "jpeg"]), ("webp", ["webp"]), ("PyTorch", ["ckpt", "pt", "pth", "bin"]),
    ]
    guard let named = endings.first(where: { $0.endings.contains(ending) }),
      named.container != container, endings.contains(where: { $0.container == container })
    else { return nil }
    return "the name says \(named.container), the content is \(container); other programs may go "
      + "by the name, so rename the file"
  }
}
