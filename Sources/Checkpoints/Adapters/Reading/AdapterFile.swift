public import Checkpoints
public import SystemPackage
public import Tensors
internal import Text

/// An adapter file as it is: every key classified, every problem named, nothing dropped silently.
///
/// Opening reads headers, alphas and differences that may be zero, never the factors. ``adapter(_:)`` makes the one meaning of it.
public struct AdapterFile: Sendable {
  /// Where the file is.
  public let path: FilePath
  /// The transformer's modules as the file names them, in its order; one that holds several fused
  /// modules counts once.
  public let entries: [Entry]
  /// The text encoders' modules as the file names them, in its order.
  public let textEncoderEntries: [Entry]
  /// What is changed in other ways than by plain LoRA, in the order of the file.
  public let methods: [Method]
  /// What is changed in other ways that are read, by component.
  let changes: [String: [ParameterChange]]
  /// The families that have every module; several when only names they share occur.
  public let families: [ModelFamily]
  /// The model that it is for, when that is one that isn't read: `FLUX.2`.
  public let otherModel: String?
  /// Keys of the metadata that say it is for another model than it is read for.
  let untrueKeys: [String]
  /// Dialects that occur, the most frequent first, with the number of ``entries`` of each.
  public let dialects: [(name: String, title: String, entryCount: Int)]
  /// The file's metadata, in its order.
  public let metadata: Metadata
  /// Tensors of text encoders; only what brings them into another file reads them.
  public let textEncoderTensors: [TensorView]
  /// Everything that is wrong or worth knowing.
  public let problems: [AdapterProblem]
  /// What is wrong or worth knowing about ``textEncoderEntries``. It matters only to who reads them.
  public let textEncoderProblems: [AdapterProblem]

  /// What `lora_adapter_metadata` says of the transformer's part.
  let header: AdapterHeader?

  /// The component that adapters are for first of all.
  static let transformer = "transformer"

  /// The family, when it is clear.
  public var family: ModelFamily? {
    let isContradicted = problems.contains {
      if case .otherFamilyStated = $0 { $0.isError } else { false }
    }
    return families.count == 1 && !isContradicted ? families[0] : nil
  }

  /// Distinct ranks of all modules, ascending.
  public var ranks: [Int] { modules.ranks }

  /// Distinct scales of the entries, ascending.
  public var scales: [Double] { modules.scales }

  /// Elements of all factors, and of what other methods have instead.
  public var parameterCount: Int {
    (entries + textEncoderEntries).reduce(0) {
      $0 + ($1.down?.elementCount ?? 0) + ($1.up?.elementCount ?? 0)
    }
      + methods.reduce(0) { $0 + $1.elementCount }
  }

  /// The value of a metadata key, or nil.
  public func metadata(_ key: String) -> String? {
    metadata[key]
  }

  /// Opens a file, or the folder that PEFT saved, and classifies its keys. What is wrong with the
  /// adapter is in ``problems``; only a file that can't be read at all is an error.
  ///
  /// - Parameters:
  ///   - path: the file or folder.
  ///   - assumedAlpha: the alpha to take where nothing says; nil means alpha = rank.
  ///   - family: what it is for, whatever the file says; nil for what its names, shapes and metadata
  ///     tell.
  /// - Throws: ``AdapterError`` when it can't be read at all.
  public init(
    opening path: FilePath, assumedAlpha: Double? = nil, family: ModelFamily? = nil
  ) throws {
    self.init(try TensorSource(adapter: path), assumedAlpha: assumedAlpha, family: family)
  }

  /// Classifies the tensors of an open file, with what lies beside it.
  public init(
    _ source: TensorSource, assumedAlpha: Double? = nil, family: ModelFamily? = nil
  ) {
    let file = source.files.first ?? source.path
    self.init(
      path: file, tensors: source.tensors, metadata: source.metadata,
      configuration: AdapterConfiguration(beside: file), assumedAlpha: assumedAlpha,
      family: family)
  }

  /// Classifies tensors that are in memory already.
  ///
  /// - Parameters:
  ///   - path: the file they are from, for messages.
  ///   - tensors: all of its tensors.
  ///   - metadata: its metadata, in its order.
  ///   - configuration: what lies beside the file.
  ///   - assumedAlpha: the alpha to take where nothing says; nil means alpha = rank.
  ///   - family: what it is for, whatever the file says.
  package init(
    path: FilePath, tensors: [TensorView], metadata: Metadata,
    configuration: AdapterConfiguration, assumedAlpha: Double? = nil, family: ModelFamily? = nil
  ) {
    var reading = AdapterReading(path: path, metadata: metadata)
    reading.collect(tensors)
    reading.resolveNames(asked: family, configuration: configuration)
    // Alphas lie between the factors: a few bytes each, all over the file.
    let alpha = reading.entries.lazy.compactMap(\.alpha).first
    alpha?.expect(scatteredReads: true)
    reading.readScales(configuration, assumedAlpha: assumedAlpha)
    alpha?.expect(scatteredReads: false)
    reading.checkFactors()
    reading.readChanges()
    reading.noteMixedDialects()
    reading.noteWrappers()
    self.path = path
    entries = reading.entries.filter { $0.component == Self.transformer }
    textEncoderEntries = reading.entries.filter { $0.component != Self.transformer }
    methods = reading.methods
    changes = reading.changes
    families = reading.families
    otherModel = reading.otherModel
    untrueKeys = reading.untrue.map(\.key)
    self.metadata = metadata
    textEncoderTensors = reading.textEncoderTensors
    problems = reading.problems
    textEncoderProblems = reading.textEncoderProblems
    header = reading.description
    dialects = AdapterReading.dialectCounts(of: Self.modules(entries, methods))
  }

  /// Whether all of these tensors are called as factors of LoRAs and alphas are, and no tensor of a
  /// checkpoint is.
  public static func isPlainLoRA(_ tensors: [TensorView]) -> Bool {
    // What adapters are called is only looked up where a name looks like one.
    guard tensors.first?.name.utf8Offset(of: "lora") != nil else { return false }
    var factorCount = 0
    for tensor in tensors {
      if AdapterKey.isFactor(tensor.name) {
        factorCount += 1
      } else if !AdapterKey.isAlpha(tensor.name) {
        return false
      }
    }
    return factorCount > 0
  }

  /// Whether names look like an adapter's rather than a checkpoint's.
  public static func seemsAdapter(names: some Sequence<String>) -> Bool {
    names.contains(where: AdapterKey.isAdapters)
  }
}

extension [AdapterFile.Entry] {
  /// Distinct ranks, ascending.
  public var ranks: [Int] { Set(compactMap(\.rank)).sorted() }

  /// Distinct scales, ascending.
  public var scales: [Double] { Set(compactMap(\.scale)).sorted() }
}

extension TensorSource {
  /// Opens the file of an adapter or a bundle, plain or compressed; its factors are small enough to
  /// be made at once.
  init(adapter path: FilePath) throws {
    self = try TensorSource(openingAny: path)
    try makeWhole()
  }
}
