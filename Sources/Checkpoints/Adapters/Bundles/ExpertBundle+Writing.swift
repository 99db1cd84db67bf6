public import Elements
internal import Files
internal import JSON
public import SystemPackage
internal import Tensors
internal import Text

extension ExpertBundle {
  /// Writes the bundle as one safetensors file and reads it back.
  ///
  /// - Parameters:
  ///   - path: the destination.
  ///   - dtype: element type of all factors; nil keeps each factor's own, so that splitting gives
  ///     the experts' files back byte for byte. A factor whose scale has to be baked is written as
  ///     float32 then.
  ///   - overwrite: whether an existing file may be replaced.
  /// - Throws: ``AdapterError`` when writing fails or what was written reads back differently.
  public func write(
    to path: FilePath, dtype: DType? = nil, overwrite: Bool = false
  ) throws {
    let output = output(dtype: dtype)
    try output.write(to: path, metadata: metadata, overwrite: overwrite)
    try verify(path, output: output)
  }

  /// Writes every expert as a plain adapter file again: `<stem>-<phase>.safetensors` in a folder.
  ///
  /// - Parameters:
  ///   - folder: where to write; made when it isn't there.
  ///   - stem: what the names of the files begin with.
  ///   - overwrite: whether existing files may be replaced.
  /// - Returns: the files, in the order of the phases.
  /// - Throws: ``AdapterError`` when writing fails or what was written reads back differently.
  public func split(
    into folder: FilePath, stem: String, overwrite: Bool = false
  ) throws -> [FilePath] {
    let files = files(in: folder, stem: stem)
    try makeFolder(folder)
    for (expert, file) in zip(experts, files) {
      var options = AdapterWritingOptions()
      options.overwrite = overwrite
      options.dtype = expert.adapter.commonDType
      try expert.adapter.write(to: file, options)
    }
    return files
  }

  /// The files that ``split(into:stem:overwrite:)`` writes.
  public func files(in folder: FilePath, stem: String) -> [FilePath] {
    experts.map { folder.appending("\(stem)-\($0.phase ?? "single").safetensors") }
  }

  /// What the bundle says of itself: that it is one, what all experts agree on, and each expert's
  /// own metadata.
  private var metadata: Metadata {
    let phases = experts.compactMap(\.phase)
    var pairs: Metadata = [
      ("format", Self.format), (Self.versionKey, Self.version),
      (Self.phasesKey, phases.joined(separator: ",")),
    ]
    let headers = experts.map { $0.adapter.cleanMetadata() }
    pairs += headers[0].agreeing(with: headers).filter { $0.key.utf8HasPrefix("glance.") }
    for (phase, header) in zip(phases, headers) {
      pairs.append(("glance.\(phase).metadata", JSONValue.object(header.json).text(.compact)))
    }
    return pairs
  }

  /// Every tensor of the file: phases in order, and the keys of each by their bytes.
  private func output(dtype: DType?) -> [AdapterOutput.Entry] {
    experts.flatMap { expert in
      var tensors: [AdapterOutput.Entry] = []
      for module in expert.adapter.modules {
        let name = "glance.\(expert.phase ?? "").\(module.path)"
        for (factor, ending, isUp) in [(module.down, ".down", false), (module.up, ".up", true)] {
          let scale = isUp ? Float(module.scale) : 1
          let type = dtype ?? (scale == 1 ? factor.dtype : .f32)
          tensors.append(
            AdapterOutput.Entry(
              description: TensorDescription(
                name: name + ending, dtype: type, shape: factor.shape)
            ) { factor.narrowed(to: type, times: scale) })
        }
      }
      return tensors.sortedByName
    }
  }

  private func verify(_ path: FilePath, output: [AdapterOutput.Entry]) throws {
    let file = try TensorSource(adapter: path)
    for (item, tensor) in zip(output, file.tensors)
    where tensor.description != item.description || tensor.copiedBytes != item.bytes() {
      throw AdapterError.readBackDiffers(file: path, detail: "tensor '\(tensor.name)'")
    }
    let found = try ExpertBundle(file)
    for (left, right) in zip(experts, found.experts)
    where Set(left.adapter.modules.map(\.path)) != Set(right.adapter.modules.map(\.path)) {
      throw AdapterError.readBackDiffers(file: path, detail: "modules of '\(left.phase ?? "")'")
    }
  }
}

extension Adapter {
  /// The dtype of all factors when they have one, else float32.
  public var commonDType: DType {
    let types = Set(modules.flatMap { [$0.down.dtype, $0.up.dtype] })
    return types.count == 1 ? types.first ?? .f32 : .f32
  }
}
