internal import Elements
internal import SystemPackage
public import Tensors

/// The tensors of a checkpoint as weights: which of them are only factors or notes that belong to
/// another, and what each weight's codes are multiplied by.
///
/// Source: Comfy-Org/ComfyUI, `comfy/ops.py`, `comfy/model_detection.py` (`scale_weight` and the
/// marker `scaled_fp8`), `comfy/quant_ops.py` (`weight_scale`, `comfy_quant`); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py`; and those of ``StoredScale``.
public struct StoredTensors: Sendable {
  /// The weights and everything else that stands for itself, in the checkpoint's order.
  public let tensors: [Entry]

  /// A tensor with what belongs to its codes.
  public struct Entry: Sendable {
    /// The tensor, under the weight's name.
    public let view: TensorView
    /// What its codes are multiplied by; nil for plain numbers.
    public let scale: StoredScale?
    /// The layer that its codes and what goes with them make; nil for a plain tensor.
    public let layer: StoredLayer?

    /// What the file calls the tensor: not ``view``'s name for codes that aren't called as their weight.
    package var storedName: String { layer?.weight ?? view.name }
    /// The numbers that it stands for.
    public var weight: StoredWeight { StoredWeight(view, scale: scale) }
    /// Whether it only tells programs how to compute.
    package var isPreference: Bool { WeightStorage.isPreference(view.description) }
  }

  /// Sorts the tensors of a checkpoint. Layers whose numbers are not read stay as they are.
  ///
  /// - Parameters:
  ///   - source: the checkpoint.
  ///   - weights: how its weights are stored.
  ///   - views: which of its tensors; nil for all.
  /// - Throws: ``CheckpointError/storedOtherwise(file:detail:)`` for a scale that doesn't go with its
  ///   weight, and codes that are no whole groups.
  public init(
    _ source: TensorSource, _ weights: WeightStorage, of views: [TensorView]? = nil
  ) throws {
    let layers = weights.layers.filter(\.form.isRead)
    let layerOfWeight = TensorIndex(layers.lazy.map(\.weight))
    let helpers = TensorIndex(layers.flatMap(\.helpers) + weights.markers)
    var tensors: [Entry] = []
    for view in views ?? source.tensors where helpers[view.name] == nil {
      guard let position = layerOfWeight[view.name] else {
        tensors.append(Entry(view: view, scale: nil, layer: nil))
        continue
      }
      let layer = layers[position]
      let codes = try Self.codes(view, layer, source)
      let scale = try Self.scale(of: codes, layer, source)
      tensors.append(Entry(view: codes.named(layer.parameter), scale: scale, layer: layer))
    }
    self.tensors = tensors
  }

  /// The elements of a layer's codes.
  private static func codes(
    _ view: TensorView, _ layer: StoredLayer, _ source: TensorSource
  ) throws -> TensorView {
    func fault(_ expected: String) -> CheckpointError {
      .storedOtherwise(
        file: source.path,
        detail: "tensor '\(view.name)' \(view.shape) \(view.dtype.rawValue), expected \(expected)")
    }
    guard let type = layer.codes else {
      guard let shape = layer.shape else { return view }
      guard view.dtype.byteCount(shape: shape) == view.byteCount else {
        throw fault("the elements of \(shape)")
      }
      if layer.order == .transposed { return view.transposed }
      return view.part(name: view.name, dtype: view.dtype, shape: shape, range: 0..<view.byteCount)
    }
    if let shape = layer.shape, case .planes(let runs) = layer.order {
      guard let bits = StoredPlanes.bits(ofCodes: view.shape, runs: runs),
        shape.elementCount * bits <= view.byteCount * 8
      else { throw fault("codes of the elements of \(shape)") }
      return view.planes(ofBits: bits, count: shape.elementCount).unpacked(as: type, shape: shape)
    }
    if let shape = layer.shape {
      guard view.byteCount % type.byteCount == 0,
        view.byteCount / type.byteCount * type.elementCount == shape.elementCount
      else { throw fault("codes of the elements of \(shape)") }
      let codes = layer.order == .transposed ? view.transposed : view
      return codes.unpacked(as: type, shape: shape)
    }
    // An empty tensor may have sizes that no row has.
    let row = view.elementCount == 0 ? 0 : view.dtype.byteCount(elements: view.shape.last ?? 1)
    guard row % type.byteCount == 0 else {
      throw fault(
        "rows of whole groups of \(type.byteCount), as \(layer.form.title) stores them")
    }
    return view.unpacked(as: type)
  }

  private static func scale(
    of view: TensorView, _ layer: StoredLayer, _ source: TensorSource
  ) throws -> StoredScale? {
    try checkSides(of: layer, source)
    var parts: [StoredScale.Part] = []
    for scale in layer.scales {
      var tensor = try side(scale.rule.name, of: layer, source)
      if layer.order == .transposed, let rows = layer.shape?.first, tensor.shape == [1, rows] {
        tensor = tensor.part(
          name: tensor.name, dtype: tensor.dtype, shape: [rows, 1], range: 0..<tensor.byteCount)
      }
      parts.append(.init(tensor, scale.rule, nested: try nested(scale, of: layer, source)))
    }
    if parts.isEmpty { return nil }
    let product = try layer.finish?.product.map { names in
      (
        up: try side(names.up, of: layer, source), down: try side(names.down, of: layer, source),
        isTransposed: names.isTransposed
      )
    }
    do {
      let finish = try layer.finish.map { finish throws(ScaleFault) in
        try WeightFinish(product: product, rotation: finish.rotation, weight: view)
      }
      return try StoredScale(
        parts, constant: layer.form.constant, isRoundedAlways: layer.form.isRoundedAlways,
        finish: finish, weight: view.shape, of: view.name)
    } catch {
      throw fault(error.tensor, source, expected: error.expected, found: error.factor)
    }
  }

  /// A tensor beside a layer's codes, whole.
  private static func side(
    _ name: String, of layer: StoredLayer, _ source: TensorSource
  ) throws -> TensorView {
    guard let tensor = layer.helper(name).flatMap(source.find) else {
      throw CheckpointError.missingTensor(file: source.path, tensor: "\(layer.path).\(name)")
    }
    try tensor.makeWhole()
    return tensor
  }

  /// What factors are codes of; nil for numbers.
  private static func nested(
    _ scale: LayerScale, of layer: StoredLayer, _ source: TensorSource
  ) throws -> NestedFactors? {
    guard let names = scale.nested else { return nil }
    let table = try side(names.table, of: layer, source)
    let factors = try side(names.factors, of: layer, source)
    let numbers = table.floats()
    guard numbers.count == 256, numbers.allSatisfy(\.isFinite) else {
      throw fault(table.description, source, expected: "256 finite numbers")
    }
    return NestedFactors(
      table: numbers, factors: factors.floats(), run: names.run, offset: names.offset)
  }

  /// Tensors that repeat what is known, or say that it isn't so.
  private static func checkSides(of layer: StoredLayer, _ source: TensorSource) throws {
    for (name, value) in layer.form.values {
      guard layer.helper(name) != nil else { continue }
      let tensor = try side(name, of: layer, source)
      let isValue = tensor.elementCount == 1 && Self.number(in: tensor) == value
      if !isValue { throw fault(tensor.description, source, expected: "\(Int(value))") }
    }
    guard let name = layer.form.table, let type = layer.codes else { return }
    let tensor = try side(name, of: layer, source)
    var numbers = [Float](repeating: 0, count: 16)
    var span = numbers.mutableSpan
    let codes = (0..<8).map { UInt8($0 * 0x22 + 0x01) }
    unsafe decode(codes.span.bytes, from: type, into: &span)
    if tensor.floats() != numbers {
      throw fault(tensor.description, source, expected: "the numbers of \(type.name)")
    }
  }

  /// The only number of a tensor of bytes or floating-point numbers; nil for other types.
  private static func number(in tensor: TensorView) -> Float? {
    if tensor.dtype == .u8 {
      return Float(unsafe tensor.bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
    }
    return tensor.dtype.isWidenable ? tensor.floats()[0] : nil
  }

  private static func fault(
    _ tensor: TensorDescription, _ source: TensorSource, expected: String, found: Float? = nil
  ) -> CheckpointError {
    .storedOtherwise(
      file: source.path,
      detail: "tensor '\(tensor.name)' \(tensor.shape) \(tensor.dtype.rawValue), expected "
        + expected + (found.map { ", found \($0)" } ?? ""))
  }
}

extension TensorView {
  /// The elements that packed codes hold: as many times the columns as a block has bytes.
  fileprivate func unpacked(as type: BlockType) -> TensorView {
    let elements = byteCount / type.byteCount * type.elementCount
    let rows = shape.dropLast()
    let width = rows.elementCount == 0 ? 0 : elements / rows.elementCount
    return unpacked(as: type, shape: rows + [width])
  }

  /// The elements that packed codes hold, in a shape of as many.
  fileprivate func unpacked(as type: BlockType, shape: [Int]) -> TensorView {
    let bytes = part(name: name, dtype: .u8, shape: [byteCount], range: 0..<byteCount)
    return TensorView(name: name, shape: shape, codes: bytes, type: type)
  }
}
