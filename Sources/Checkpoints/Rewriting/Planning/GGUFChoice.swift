internal import Checkpoints
internal import Elements
internal import GGUF
internal import JSON
internal import SystemPackage
internal import Tensors

/// Which type of GGUF every tensor of an output gets, and what its header says besides.
struct GGUFChoice: Sendable {
  private let recipe: GGUFRecipe
  private let file: FilePath
  /// The input's files, when it is GGUF itself and its types are kept.
  private let own: [GGUFFile]
  /// The types that it has, by the bytes of the tensors' names.
  private let ownTypes: [[UInt8]: GGUFType]

  /// A preset for what an input is.
  init(preset name: String, input: OpenedCheckpoint) throws {
    let family = try input.description.requireArchitecture(file: input.path, for: .rewriting).family
    guard let architecture = GGUFArchitecture.of(family: family.name) else {
      throw RewritingError.unsupported(
        file: input.path, detail: "GGUF has no architecture for \(family.title)")
    }
    let preset: GGUFPreset
    do { preset = try GGUFPreset.named(name) } catch {
      throw RewritingError.usage("--gguf: \(error)")
    }
    recipe = GGUFRecipe(architecture: architecture, preset: preset)
    file = input.path
    own = preset.type == nil ? try Self.files(of: input) : []
    ownTypes = Dictionary(
      own.flatMap(\.tensors).map { (Array($0.name.utf8), $0.type) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The layout that the names have.
  var layoutName: String { recipe.architecture.layout }

  /// The type of a tensor.
  func type(of tensor: Arrangement.Entry) throws -> GGUFType {
    if tensor.weight.pieces.count == 1,
      let own = ownTypes[Array(tensor.weight.pieces[0].tensor.name.utf8)],
      (tensor.weight.shape.last ?? 1) % own.blockElements == 0
    {
      return own
    }
    guard
      let type = recipe.type(
        name: tensor.name, source: tensor.weight.widestDType, shape: tensor.weight.shape)
    else {
      throw RewritingError.unsupported(
        file: file,
        detail:
          "tensor '\(tensor.name)': GGUF has no type for \(tensor.weight.widestDType.rawValue)")
    }
    return type
  }

  /// Whether a matrix of a block gets a plain type though the preset asks for blocks.
  func isFallback(_ type: GGUFType, for tensor: Arrangement.Entry) -> Bool {
    guard let wanted = recipe.preset.type, wanted.blockElements > 1, tensor.isBlockWeight,
      type.blockElements == 1, let row = tensor.weight.shape.last
    else { return false }
    return row % wanted.blockElements != 0
  }

  /// The header's values.
  func values(
    sources: [DType], metadata: Metadata
  ) -> [(key: String, value: GGUFValue)] {
    var values = recipe.metadata(sources: sources)
    let key = "general.file_type"
    if let fileType = own.first?.value(of: key),
      let place = values.firstIndex(where: { $0.key == key })
    {
      values[place].value = fileType
    }
    if !metadata.isEmpty {
      values.append((TensorSource.keptTextsKey, .string(JSONValue.object(metadata.json).text())))
    }
    return values
  }

  /// The input's files, when they are GGUF; none else.
  private static func files(of input: OpenedCheckpoint) throws -> [GGUFFile] {
    guard input.source.container == .gguf else { return [] }
    var files: [GGUFFile] = []
    for path in input.source.files {
      files.append(try GGUFFile(opening: path))
    }
    return files
  }
}
