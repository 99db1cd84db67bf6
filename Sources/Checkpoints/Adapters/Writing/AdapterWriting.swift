public import Checkpoints
public import Elements
public import SystemPackage
public import Tensors
internal import Text

/// How an adapter is written.
public struct AdapterWritingOptions: Sendable {
  /// Element type of the factors: F32, BF16 or F16; nil keeps each module's own, but for a B that
  /// would lose by the baking of its scale, which is F32 then.
  public var dtype: DType? = .f32
  /// Which keys the file has.
  public var form = Form.diffusers
  /// How the file carries the scale.
  public var alpha = AlphaPolicy.bake
  /// The model that it was made for; lets targets be written as suffixes, and tells sizes of
  /// modules that a dialect fuses and the adapter lacks.
  public var base: Architecture?
  /// Whether an existing file may be replaced.
  public var overwrite = false

  /// Which keys a file has.
  public enum Form: Sendable, Equatable {
    /// A dialect of formats/adapter-dialects.json that can be written: `diffusers`, `comfyui`,
    /// `kohya`, `lightning`, `onetrainer`.
    case dialect(String)
    /// The form of the published training scripts, with its defects: no alpha although the scale is
    /// not baked, and old names for some targets. For comparing with those scripts only.
    case published

    /// PEFT's names under `transformer.`, with complete metadata: the one form that every loader
    /// reads as it is meant.
    public static let diffusers = Form.dialect("diffusers")
  }

  /// How a file carries the scale.
  public enum AlphaPolicy: String, Sendable, CaseIterable {
    /// B is multiplied by it; alpha = rank.
    case bake
    /// An alpha tensor with every module; B as it is.
    case tensor
    /// `lora_adapter_metadata` alone; B as it is. Only for diffusers' names, and only programs that
    /// read that header apply it.
    case metadata
  }

  /// The clean form, float32, no overwriting.
  public init() {}
}

extension Adapter {
  /// The dialects that ``write(to:_:)`` knows.
  public static var writableDialects: [String] { DialectRecipe.writable }

  /// Those of them that hold adapters of any modules; the others' loaders look for every layer of a model.
  public static var dialectsOfAnyAdapter: [String] { DialectRecipe.writableForAny }

  /// Writes this adapter as one safetensors file and reads it back.
  ///
  /// Where the scale is baked, B is multiplied by it in float32 and rounded once, to nearest even.
  /// Metadata is ``metadata``, with what describes the factors made true for what is written. Keys
  /// are in the order of their bytes, so the same adapter gives the same file.
  public func write(
    to path: FilePath, _ options: AdapterWritingOptions = AdapterWritingOptions()
  ) throws {
    let output = try output(options, to: path)
    precondition(!output.tensors.isEmpty, "an adapter has at least one module")
    try output.tensors.write(
      to: path, metadata: output.metadata, overwrite: options.overwrite)
    try output.verify(path, against: self, options)
  }

  /// Refuses what ``write(to:_:)`` would refuse for the dialect's sake; writes nothing.
  ///
  /// - Parameters:
  ///   - options: as for writing.
  ///   - path: the destination, for messages.
  /// - Returns: what the scale is baked into.
  /// - Throws: ``AdapterError/cannotWrite(file:detail:)``.
  @discardableResult
  public func check(
    _ options: AdapterWritingOptions, to path: FilePath
  ) throws -> [BakedFactors] {
    try output(options, to: path).baked
  }

  private func output(
    _ options: AdapterWritingOptions, to path: FilePath
  ) throws -> AdapterOutput {
    let adapter = includingPairsOfLengths
    switch AdapterConfiguration(beside: path) {
    case .none, .ofAnotherName: break
    case .described, .unreadable:
      throw AdapterError.cannotWrite(
        file: path,
        detail: "\(StatedScales.shared.configurationName) beside it would be taken for its "
          + "description; choose another name or folder")
    }
    do { return try AdapterOutput(adapter, options) } catch {
      throw AdapterError.cannotWrite(file: path, detail: error.detail)
    }
  }

  /// The metadata that ``write(to:_:)`` gives a file of the clean form.
  public func cleanMetadata(base: Architecture? = nil) -> Metadata {
    describedMetadata(parts, base: base) { Double($0.rank) }
  }

  /// ``metadata`` with `format` and a true `lora_adapter_metadata`, which is kept when it is true
  /// already.
  func describedMetadata(
    _ parts: [(name: String, part: AdapterPart)], base: Architecture?,
    alpha: (AdapterModule) -> Double
  ) -> Metadata {
    let isTrue = metadata[AdapterHeader.metadataKey].map { text in
      !parts.contains { $0.part.hasBiases }
        && [AdapterFile.transformer, "text_encoder", "text_encoder_2"].allSatisfy { name in
          let header = try? AdapterHeader(AdapterHeader.Document(text), prefix: name + ".")
          let part = parts.first { $0.name == name }?.part ?? AdapterPart(modules: [])
          guard let header else { return part.modules.isEmpty }
          return !part.modules.isEmpty && header.usesDoRA == part.hasLengths
            && part.modules.allSatisfy {
              header.rank(of: $0.path) == $0.rank
                && header.scale(of: $0.path, rank: $0.rank) == alpha($0) / Double($0.rank)
            }
        }
    }
    var list = metadata.withoutSingleScales
    if list["format"] != "pt" {
      list = list.filter { !$0.key.sameBytes(as: "format") }
      list.insert(("format", "pt"), at: 0)
    }
    if isTrue == true { return list }
    let text = PEFTMetadata(parts, base: base, alpha: alpha).text
    return list.withoutDigests.setting([(AdapterHeader.metadataKey, text)])
  }
}

/// Modules whose B is multiplied by a scale when they are written.
public struct BakedFactors: Sendable, Equatable {
  /// The type of their B before.
  public let stored: DType
  /// The type that it is written as.
  public let written: DType
  /// How many there are.
  public internal(set) var moduleCount = 0
  /// How many of them have a scale that no type below F32 can hold exactly.
  public internal(set) var roundedCount = 0
}
