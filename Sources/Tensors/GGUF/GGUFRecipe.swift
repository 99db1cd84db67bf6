public import Elements
internal import Text

/// Which type each tensor of a GGUF file gets.
///
/// Source: city96/ComfyUI-GGUF, `tools/convert.py`, `handle_tensors`, and `tools/lcpp.patch`,
/// `img_tensor_get_type`; the names are in `formats/gguf.json`.
public struct GGUFRecipe: Sendable {
  /// What is written.
  public let architecture: GGUFArchitecture
  /// How much precision is kept.
  public let preset: GGUFPreset

  /// A recipe for an architecture and a preset.
  public init(architecture: GGUFArchitecture, preset: GGUFPreset) {
    self.architecture = architecture
    self.preset = preset
  }

  /// The type of a tensor.
  ///
  /// - Parameters:
  ///   - name: as it will be in the file.
  ///   - source: the dtype that its elements have.
  ///   - shape: outermost first.
  /// - Returns: nil for a source that GGUF has no type for, such as U8.
  public func type(name: String, source: DType, shape: [Int]) -> GGUFType? {
    guard source.isWidenable else { return GGUFType.allCases.first { $0.dtype == source } }
    guard let wanted = preset.type else { return plainType(source: source, shape: shape) }
    if wanted.blockElements == 1 { return plainType(wanted, source: source, shape: shape) }
    guard isQuantized(name: name, shape: shape) else {
      return plainType(source: source, shape: shape)
    }
    let type = raisedType(name: name) ?? wanted
    return (try? type.byteCount(shape: shape)) != nil ? type : GGUFRules.fallback
  }

  /// The metadata that every file begins with: architecture, version of the block types, and the type
  /// of most tensors.
  ///
  /// - Parameter sources: the dtype of every tensor before it is converted.
  /// - Returns: keys and values, in the order of the file.
  public func metadata(sources: [DType]) -> [(key: String, value: GGUFValue)] {
    let fileType = preset.fileType ?? sourceFileType(sources)
    return [
      ("general.architecture", .string(architecture.name)),
      ("general.quantization_version", .uint32(2)),
      ("general.file_type", .uint32(UInt32(fileType))),
    ]
  }
}

extension GGUFRecipe {
  private static func isSmall(_ shape: [Int]) -> Bool {
    shape.count <= 1 || shape.elementCount <= GGUFRules.smallElementCount
  }

  /// The type of a tensor that is not quantised: small ones are F32, unless F16 holds them exactly.
  private func plainType(
    _ wanted: GGUFType? = nil, source: DType, shape: [Int]
  ) -> GGUFType {
    let type = wanted ?? (source == .bf16 ? .bf16 : .f16)
    let isExact = type == .f16 && source.bitCount <= 16 && source != .bf16
    return GGUFRecipe.isSmall(shape) && !isExact ? .f32 : type
  }

  private func isQuantized(name: String, shape: [Int]) -> Bool {
    name.utf8.hasEnding("weight") && !GGUFRecipe.isSmall(shape)
      && !architecture.kept.contains { name.utf8HasPrefix($0) }
  }

  private func raisedType(name: String) -> GGUFType? {
    for rule in architecture.raised where name.utf8.hasEnding(rule.ending) {
      guard let type = rule.types[preset.name] else { continue }
      guard let limit = rule.blockLimit else { return type }
      if let block = GGUFRecipe.blockNumber(name), block < limit { return type }
    }
    return nil
  }

  /// The first number between dots of a name.
  private static func blockNumber(_ name: String) -> Int? {
    name.split(separator: ".").lazy.compactMap { Int($0) }.first
  }

  /// The file type of the most frequent dtype; of several the first.
  private func sourceFileType(_ sources: [DType]) -> Int {
    var counts: [DType: Int] = [:]
    for source in sources { counts[source, default: 0] += 1 }
    let most = counts.values.max() ?? 0
    let main = sources.first { counts[$0] == most }
    let name = main == .bf16 ? "bf16" : "f16"
    return GGUFPreset.all.first { $0.name == name }?.fileType ?? 0
  }
}

extension String.UTF8View {
  fileprivate func hasEnding(_ ending: String) -> Bool {
    reversed().starts(with: ending.utf8.reversed())
  }
}
