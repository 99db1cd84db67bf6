public import Elements
internal import JSON
internal import Safetensors
public import SystemPackage
public import Tensors
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
    for item in output where !item.description.isFinite(item.bytes()) {
      throw AdapterError.cannotWrite(
        file: path,
        detail: "tensor '\(item.description.name)' has numbers beyond what "
          + "\(item.description.dtype.rawValue) holds; take f32 or a smaller strength")
    }
    let writer = try SafetensorsWriter(
      creating: path, tensors: output.map(\.description), metadata: metadata,
      overwrite: overwrite)
    for (index, item) in output.enumerated() {
      let bytes = item.bytes()
      try unsafe writer.write(bytes.span.bytes, tensor: index)
    }
    try writer.commit()
    try verify(path, output: output)
  }

  /// Writes every expert as a plain adapter file again: `<stem>-<phase>.safetensors` in a folder.
  ///
  /// - Parameters:
  ///   - folder: where to write.
  ///   - stem: what the names of the files begin with.
  ///   - overwrite: whether existing files may be replaced.
  /// - Returns: the files, in the order of the phases.
  /// - Throws: ``AdapterError`` when writing fails or what was written reads back differently.
  public func split(
    into folder: FilePath, stem: String, overwrite: Bool = false
  ) throws -> [FilePath] {
    var files: [FilePath] = []
    for expert in experts {
      let file = folder.appending("\(stem)-\(expert.phase ?? "single").safetensors")
      var options = AdapterWritingOptions()
      options.overwrite = overwrite
      options.dtype = expert.adapter.commonDType
      try expert.adapter.write(to: file, options)
      files.append(file)
    }
    return files
  }

  /// What the bundle says of itself: that it is one, what all experts agree on, and each expert's
  /// own metadata.
  private var metadata: [(key: String, value: String)] {
    let phases = experts.compactMap(\.phase)
    var pairs: [(key: String, value: String)] = [
      ("format", Self.format), (Self.versionKey, Self.version),
      (Self.phasesKey, phases.joined(separator: ",")),
    ]
    let own = experts.map { $0.adapter.cleanMetadata() }
    for (key, value) in own[0] where key.utf8HasPrefix("glance.") {
      if own.allSatisfy({ $0.value(of: key) == value }) { pairs.append((key, value)) }
    }
    for (phase, metadata) in zip(phases, own) {
      let object = JSONObject(
        metadata.map { JSONObject.Member(key: $0.key, value: .string($0.value)) })
      pairs.append(("glance.\(phase).metadata", JSONValue.object(object).text(.compact)))
    }
    return pairs
  }

  private struct OutputTensor {
    let description: TensorDescription
    let factor: TensorView
    let scale: Float

    func bytes() -> [UInt8] { factor.narrowed(to: description.dtype, times: scale) }
  }

  /// Every tensor of the file: phases in order, and the keys of each by their bytes.
  private func output(dtype: DType?) -> [OutputTensor] {
    experts.flatMap { expert in
      var tensors: [OutputTensor] = []
      for module in expert.adapter.modules {
        let name = "glance.\(expert.phase ?? "").\(module.path)"
        for (factor, ending, isUp) in [(module.down, ".down", false), (module.up, ".up", true)] {
          let scale = isUp ? Float(module.scale) : 1
          let type = dtype ?? (scale == 1 ? factor.dtype : .f32)
          tensors.append(
            OutputTensor(
              description: TensorDescription(
                name: name + ending, dtype: type, shape: factor.shape), factor: factor,
              scale: scale))
        }
      }
      return tensors.sorted {
        $0.description.name.utf8.lexicographicallyPrecedes($1.description.name.utf8)
      }
    }
  }

  private func verify(_ path: FilePath, output: [OutputTensor]) throws {
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
