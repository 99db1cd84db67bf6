internal import Checkpoints
internal import Elements
internal import SystemPackage
internal import Tensors
internal import Text

/// The tensors of an input rearranged to the names of an output.
struct Arrangement {
  /// A tensor of the output before it is decided how its elements are stored.
  struct Entry {
    /// Its name in the output.
    let name: String
    /// The layer's in the output: the name without what the parameter is.
    var layerName: String { name.droppingSuffix(".weight") ?? name }
    /// Its elements, wherever the input has them.
    let weight: StoredWeight
    /// What goes with the codes of its parts.
    let sides: [StoredSide]
    /// The layers that its parts are stored in where that is other than as plain numbers.
    let layers: [StoredLayer]
    /// Canonical paths of the modules whose rows it holds, where they are known.
    let modules: [String]
    /// Whether it is a matrix that multiplies, and whether that is in a block.
    let role: Role
  }

  /// What a tensor is for.
  enum Role: Equatable {
    case linearWeight(isInBlock: Bool)
    case other
  }

  /// The output's tensors, in the order of its layout.
  let tensors: [Entry]
  /// Inputs that have no place.
  let leftOut: [StoredTensors.Entry]

  /// Every tensor where it is, under its own name.
  ///
  /// - Parameters:
  ///   - stored: the input's tensors.
  ///   - source: where they are.
  ///   - role: what the tensor of a name is for, and the modules whose rows it holds.
  ///   - rename: the name in the output.
  init(
    keeping stored: StoredTensors, in source: TensorSource,
    role: (String) -> (Role, modules: [String]),
    rename: (String) -> String
  ) {
    tensors = stored.tensors.map { tensor in
      let (role, modules) = role(tensor.view.name)
      return Entry(
        name: rename(tensor.view.name), weight: tensor.weight,
        sides: tensor.side(in: source).map { [$0] } ?? [],
        layers: tensor.layer.map { [$0] } ?? [], modules: modules, role: role)
    }
    leftOut = []
  }

  /// The rows of every canonical module, put together as another layout has them.
  ///
  /// - Parameters:
  ///   - stored: the input's tensors.
  ///   - source: where they are.
  ///   - model: what they are.
  ///   - input: their layout, and what stands before their names.
  ///   - output: the layout to write, and what to put before its names.
  /// - Throws: when a module's rows aren't there.
  init(
    _ stored: StoredTensors, in source: TensorSource, of model: any NamedModel,
    from input: (layout: Layout, prefix: String), to output: (layout: Layout, prefix: String)
  ) throws {
    let index = TensorIndex(stored.tensors.lazy.map(\.view.name))
    let places = model.placements(in: input.layout)
    var isUsed = Array(repeating: false, count: stored.tensors.count)
    var tensors: [Entry] = []
    for target in model.entries(in: output.layout) {
      var pieces: [TensorPiece] = []
      var sides: [StoredSide] = []
      var layers: [StoredLayer] = []
      for parameter in target.parameters {
        guard let place = places[parameter],
          let position = place.names.lazy.compactMap({ index[input.prefix + $0] }).first,
          let rows = stored.tensors[position].rows(at: place)
        else {
          throw TensorError.missingTensor(file: source.path, tensor: parameter)
        }
        isUsed[position] = true
        let tensor = stored.tensors[position]
        pieces += rows.pieces(swapsHalves: target.swapsHalves)
        if let side = tensor.side(in: source) { sides.append(side) }
        if let layer = tensor.layer { layers.append(layer) }
      }
      let rows = target.parts.reduce(0) { $0 + ($1.rowCount ?? 0) }
      let weight = StoredWeight(
        shape: [rows] + target.shape.dropFirst().compactMap(\.self), pieces: pieces)
      tensors.append(
        Entry(
          name: output.prefix + target.names[0], weight: weight, sides: sides, layers: layers,
          modules: target.parts.map(\.module), role: target.role))
    }
    self.tensors = tensors
    leftOut = zip(stored.tensors, isUsed).filter { !$1 }.map(\.0)
  }
}

extension StoredTensors.Entry {
  /// What goes with its codes where outputs have such, too; nil for codes of other kinds, which become
  /// the numbers that they stand for.
  fileprivate func side(in source: TensorSource) -> StoredSide? {
    guard let layer, weight.hasScaledFloats else { return nil }
    return StoredSide(layer, in: source)
  }
}

extension StoredWeight {
  /// The pieces of all rows, or of the second half of them and then the first.
  fileprivate func pieces(swapsHalves: Bool) -> [TensorPiece] {
    guard swapsHalves else { return pieces }
    let half = shape[0] / 2
    return rows(half..<shape[0]).pieces + rows(0..<half).pieces
  }
}

extension Arrangement.Entry {
  /// Whether it is a matrix of a block, which is what gets quantised.
  var isBlockWeight: Bool { role == .linearWeight(isInBlock: true) }

  /// Whether it is a matrix that gets codes and a scale. Programs that need the first form take every
  /// layer's weight for codes.
  ///
  /// Source: Comfy-Org/ComfyUI at a125cd8, `comfy/ops.py`, `scaled_fp8_ops`.
  func isScaled(in form: ScaledForm) -> Bool {
    isLinearMatrix && (isBlockWeight || form == .generation1)
  }

  /// Whether it is a matrix that multiplies, wherever.
  var isLinearMatrix: Bool { role != .other && weight.shape.count == 2 }
}

extension StoredWeight {
  /// Whether its elements are floating-point numbers that can be rounded.
  var isFloating: Bool { pieces.allSatisfy { $0.tensor.dtype.isWidenable } }

  /// The dtype that all pieces have; nil when they differ. Numbers that outputs can't have as codes and
  /// scales are F32.
  var dtype: DType? {
    let types = Set(pieces.map(\.numberType))
    return types.count == 1 ? types.first : nil
  }

  /// The dtype that holds every piece's elements without rounding: one that the pieces have, or the
  /// narrowest that holds those of two which don't hold each other's.
  var widestDType: DType {
    if let dtype { return dtype }
    // Neither 16-bit type holds the other's numbers.
    let types = Set(pieces.map(\.numberType))
    if types.isSuperset(of: [.bf16, .f16]), !types.contains(.f64) { return .f32 }
    // Nor does either 8-bit type.
    if types == [.f8E4M3, .f8E5M2] { return .bf16 }
    return types.max { $0.bitCount < $1.bitCount } ?? .f32
  }

  /// Whether what is scaled are eight-bit floats, the only codes that outputs have scales beside. Any
  /// others become the numbers that they stand for.
  var hasScaledFloats: Bool {
    isScaled && pieces.allSatisfy { $0.scale == nil || $0.numberType.isEightBitFloat }
  }

  /// The one factor that all pieces share; nil when there is none or they differ.
  var commonScale: Float? {
    guard let first = pieces.first?.scale?.single,
      pieces.allSatisfy({ $0.scale?.single == first })
    else { return nil }
    return first
  }
}

extension TensorPiece {
  /// The type of its elements: F32 where codes have scales that outputs don't, one for every tile or
  /// several that are multiplied.
  fileprivate var numberType: DType { scale?.isPlain ?? true ? tensor.dtype : .f32 }
}

extension LayoutEntry {
  /// What it is for.
  var role: Arrangement.Role {
    isLinearWeight ? .linearWeight(isInBlock: isInBlock) : .other
  }
}
